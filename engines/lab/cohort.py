"""A cohort: one row a study, with labels and who is trained on; never one patient in two splits.

A table of pandas, as CSV or Parquet. Columns that mean something here, all others being kept:

``PatientID``, ``StudyInstanceUID``, ``StudyDate`` (YYYYMMDD)
    Whose, which, when.
``path`` or ``seed``
    Folder or files (with semicolons) of the study's images, relative to the table; or the virtual
    patient whose images are made when they are needed. Neither: values of a patient without images.
``exam``
    Rows of another exam than a model's are passed over; rows without one are looked at.
``split``
    ``train``, ``tune`` (sets thresholds) or ``test``.
``age_years``, ``sex``, ``height_m``, ``weight_kg``
    At the time of the study; they fill what the headers lack.
``followed_years``, ``fractured``
    Time to the next vertebral fracture or to the end of observation, and whether it was one (1, 0);
    ``frax_percent``, supplied, is compared with in a report.
``t_spine``, ``t_neck``, ``t_hip``, ``osteoporosis`` and so on
    As in :data:`engines.phantoms.people.table.COLUMNS`.
"""

import hashlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.phantoms.cohort import BLOCK, seeds_of
from engines.phantoms.dicom.identity import patient_id
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.table import row

Table = Any  # pandas.DataFrame, which ships no types

TRAIN, TUNE, TEST = "train", "tune", "test"
SPLITS: Final = (TRAIN, TUNE, TEST)
_STREAM, _CHOICE = 82, 84
#: Never read as numbers: a PatientID may begin with zeros.
_TEXTS: Final = (
    "PatientID",
    "StudyInstanceUID",
    "StudyDate",
    "AccessionNumber",
    "path",
    "exam",
    "split",
    "dxa_date",
)


class CohortError(ValueError):
    """The cohort cannot be used; the message names columns and counts, and no patient."""


@dataclass(frozen=True)
class Cohort:
    """Who is trained on or measured.

    Attributes
    ----------
    rows : DataFrame
        One a study.
    home : Path
        What its paths are relative to.
    name : str
        For reports: the file and the first of its SHA-256, or the virtual patients' seed.
    """

    rows: Table
    home: Path
    name: str

    def of(self, *splits: str) -> "Cohort":
        """Return the rows of some splits."""
        return replace(self, rows=self.rows[self.rows["split"].isin(splits)])

    @property
    def simulated(self) -> bool:
        """Whether any patient is a virtual one."""
        drawn = self.rows["seed"].notna() if "seed" in self.rows else False
        return bool((drawn | self.rows["PatientID"].str.startswith("PHANTOM-")).any())


def read_cohort(file: Path) -> Cohort:
    """Read a cohort's table.

    Raises
    ------
    CohortError
        If there is no PatientID, it is empty somewhere, or a patient is in two splits.
    """
    library = pandas()
    if file.suffix == ".parquet":
        rows = library.read_parquet(file)
    else:
        rows = library.read_csv(file, dtype=dict.fromkeys(_TEXTS, str), encoding="utf-8-sig")
    for column in set(_TEXTS) & set(rows):
        rows[column] = rows[column].astype("string").astype(object)
    if "PatientID" not in rows or rows["PatientID"].isna().any():
        raise CohortError("every row needs a PatientID: patients, not images, are split")
    require_no_leak(rows)
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    return Cohort(rows, file.parent, f"{file.name} (SHA-256 {sha[:12]})")


def write_cohort(cohort: Cohort, file: Path) -> None:
    """Write the table, as Parquet where the name ends so, else as CSV."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        cohort.rows.to_parquet(file, index=False)
    else:
        cohort.rows.to_csv(file, index=False)


def require_no_leak(rows: Table) -> None:
    """Raise CohortError if a patient, or a study, is in more than one split."""
    if "split" not in rows:
        return
    unknown = set(rows["split"].dropna()) - set(SPLITS)
    if unknown:
        raise CohortError(f"split must be one of {', '.join(SPLITS)} or empty")
    for key in ("PatientID", "StudyInstanceUID"):
        if key in rows:
            leaks = int((rows.dropna(subset=[key]).groupby(key)["split"].nunique() > 1).sum())
            if leaks:
                raise CohortError(f"a leak: {leaks} {key}s are in more than one split")


def require_no_overlap(run: Path, cohort: Cohort) -> None:
    """Raise CohortError if a run has seen any patient of a cohort.

    Parameters
    ----------
    run : Path
        The run's own table; those in ``train`` and in ``tune`` it has seen.
    cohort : Cohort
        Whom its weights are to be measured on.
    """
    before = read_cohort(run).of(TRAIN, TUNE).rows["PatientID"]
    known = int(cohort.rows["PatientID"].drop_duplicates().isin(set(before)).sum())
    if known:
        raise CohortError(f"a leak: the run was trained, or its thresholds set, on {known} of them")


def virtual_cohort(
    patients: int, seed: int, tuning: int = 0, wanted: Callable[[Person], float] | None = None
) -> Cohort:
    """Return virtual patients, to be imaged when they are needed.

    Parameters
    ----------
    patients, seed : int
        How many in split ``train``; the first ones of a larger cohort are the same.
    tuning : int
        How many further ones in split ``tune``.
    wanted : callable, optional
        Person -> with what probability one is taken, as in
        :class:`engines.lab.recipes.Filming`; everybody where not given.
    """
    rows = []
    for number, person in enumerate(islice(_people(seed, wanted), patients + tuning)):
        split = TRAIN if number < patients else TUNE
        rows.append({"PatientID": patient_id(person), "split": split, **row(person)})
    name = f"{patients + tuning} virtual patients of seed {seed}"
    return Cohort(pandas().DataFrame(rows), Path(), name)


def _people(seed: int, wanted: Callable[[Person], float] | None) -> Iterator[Person]:
    for person in map(draw_person, seeds_of(seed, BLOCK)):
        chance = float(np.random.default_rng([person.seed, _CHOICE]).random())
        if wanted is None or chance < wanted(person):
            yield person


def with_splits(cohort: Cohort, seed: int, tuning: float = 0.25, testing: float = 0.0) -> Cohort:
    """Give patients without a split one: the wanted shares ``tune`` and ``test``, else ``train``.

    Parameters
    ----------
    cohort : Cohort
        Rows that have a split keep it.
    seed : int
        Of the draw.
    tuning, testing : float
        Shares of the patients, together in [0, 1).
    """
    rows = cohort.rows.copy()
    if "split" not in rows:
        rows["split"] = None
    rows["split"] = rows["split"].astype(object)
    # a patient with one row in a split belongs there with all of them
    known = rows.dropna(subset=["split"]).groupby("PatientID")["split"].first()
    rows["split"] = rows["split"].where(rows["split"].notna(), rows["PatientID"].map(known))
    free = np.sort(rows.loc[rows["split"].isna(), "PatientID"].unique().astype(str))
    np.random.default_rng([seed, _STREAM]).shuffle(free)
    tuned, tested = round(tuning * len(free)), round(testing * len(free))
    drawn = dict.fromkeys(free, TRAIN) | dict.fromkeys(free[:tuned], TUNE)
    drawn |= dict.fromkeys(free[tuned : tuned + tested], TEST)
    rows["split"] = rows["split"].where(rows["split"].notna(), rows["PatientID"].map(drawn))
    require_no_leak(rows)
    return replace(cohort, rows=rows)


def pandas() -> Any:
    """Return the library, loaded when first needed: it takes its time."""
    return importlib.import_module("pandas")
