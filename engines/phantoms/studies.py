"""A cohort of virtual patients as folders of DICOM files, with the truth in a table beside them."""

import csv
import importlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from engines.exams import Exam
from engines.phantoms.cohort import seeds_of
from engines.phantoms.dicom.files import file_bytes
from engines.phantoms.dicom.identity import Visit, patient_id
from engines.phantoms.exams import Setting, study, visits
from engines.phantoms.parallel import for_each_patient
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import Clinic
from engines.phantoms.people.table import row

#: Where studies are written until they are complete; gone when all are.
_PARTIAL = ".partial"
_ORDER = "cohort.json"

Row = dict[str, str | int | float | bool]


class OtherOrder(Exception):
    """The folder holds patients that were made in another way."""


@dataclass(frozen=True)
class Order:
    """What is made.

    Attributes
    ----------
    patients, seed : int
        Size and seed of the cohort; the first patients of a larger one are the same.
    exams : tuple of Exam
        Which of :func:`engines.phantoms.exams.offered`.
    setting : Setting
        Flaws and size, the same for all.
    clinic : Clinic, optional
        Where the patients come from. One patient is one body with one truth in all exams, so the
        whole cohort comes from one clinic: where not given the hip clinic if the order has MRI of
        hips, which hardly anybody needs who comes for screening, else screening.
    """

    patients: int
    seed: int
    exams: tuple[Exam, ...]
    setting: Setting = field(default_factory=Setting)
    clinic: Clinic | None = None

    @property
    def comes_from(self) -> Clinic:
        """The clinic that is given, or follows from the exams."""
        return self.clinic or (Clinic.HIP if Exam.HIP_MRI in self.exams else Clinic.SCREENING)


def write_cohort(out: Path, order: Order, console: Console, table: Path | None = None) -> Path:
    """Write a cohort; what is there already is left as it is.

    A study is written under another name and renamed when it is complete, so after a kill the
    same call goes on where the first ended, and the files are the same as without the kill.

    Parameters
    ----------
    out : Path
        Gets ``PatientID/exam-date/SeriesNumber/InstanceNumber.dcm``; made if need be.
    order : Order
        What is made.
    console : Console
        Where the progress bar goes.
    table : Path, optional
        The table's file; ``out / "cohort.csv"`` where not given. The same as Parquet lies beside
        it where pyarrow is installed.

    Returns
    -------
    Path
        The table as CSV: one row a patient of the order, with all latent values and the studies
        that are there.

    Raises
    ------
    OtherOrder
        If the folder holds studies of another seed, setting or clinic.
    """
    out.mkdir(parents=True, exist_ok=True)
    _keep_to_one_order(out, order)
    seeds = seeds_of(order.seed, order.patients)
    rows = list(for_each_patient(partial(_write_patient, out, order), seeds, "imaging", console))
    shutil.rmtree(out / _PARTIAL, ignore_errors=True)
    return _write_table(rows, table or out / "cohort.csv")


def _keep_to_one_order(out: Path, order: Order) -> None:
    said = {"seed": order.seed, "clinic": str(order.comes_from), **order.setting.said()}
    file = out / _ORDER
    if not file.exists():
        file.write_text(json.dumps(said, indent=2) + "\n")
        return
    there = json.loads(file.read_text())
    if there == said:
        return
    reason = f"{out} holds patients made otherwise ({_ORDER} says how); choose another folder"
    if {**there, "clinic": said["clinic"]} == said:
        reason += f", or say --clinic {there['clinic']} for more of the same patients"
    raise OtherOrder(reason)


def _write_patient(out: Path, order: Order, seed: int) -> Row:
    person = draw_person(seed, order.comes_from.population)
    home = out / patient_id(person)
    for exam in order.exams:
        for visit in visits(person, exam, seed, order.setting):
            folder = home / _study_name(visit)
            if not folder.exists():
                _write_study(visit, order.setting, folder, out / _PARTIAL)
    return {"PatientID": home.name, **_studies_there(home, person, seed, order), **row(person)}


def _write_study(visit: Visit, setting: Setting, folder: Path, partial_home: Path) -> None:
    unfinished = partial_home / f"{folder.parent.name}-{folder.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    for ds in study(visit, setting):
        series = unfinished / str(ds.SeriesNumber)
        series.mkdir(parents=True, exist_ok=True)
        (series / f"{ds.InstanceNumber}.dcm").write_bytes(file_bytes(ds))
    folder.parent.mkdir(exist_ok=True)
    unfinished.rename(folder)


def _study_name(visit: Visit) -> str:
    return f"{visit.exam}-{visit.dates[1]:%Y%m%d}"


def _studies_there(home: Path, person: Person, seed: int, order: Order) -> dict[str, str]:
    """Return the StudyInstanceUIDs of all studies in a patient's folder, by exam."""
    there: dict[str, str] = {}
    for exam in Exam:
        made = (
            visit
            for visit in visits(person, exam, seed, order.setting)
            if (home / _study_name(visit)).exists()
        )
        there[f"{exam}_StudyInstanceUID"] = ";".join(str(visit.uid("study")) for visit in made)
    return there


def _write_table(rows: Sequence[Row], file: Path) -> Path:
    text = file.with_suffix(".csv")
    text.parent.mkdir(parents=True, exist_ok=True)
    with text.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        # 1 and 0: not every reader of tables knows True
        writer.writerows(
            {key: int(value) if isinstance(value, bool) else value for key, value in one.items()}
            for one in rows
        )
    if find_spec("pyarrow"):
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist(list(rows)), text.with_suffix(".parquet"))
    return text
