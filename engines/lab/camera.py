"""From one row of a cohort to its sights and arrays; what was costly is kept on disk.

Runs in processes of its own, so nothing here loads torch or pandas. A row's sights lie in the
folder as ``ROW.npy``, or as ``ROW-SITE.npy`` and a ``ROW.json`` that lists the sites or says why
there is none; ROW is a virtual patient's seed, or a hash of the study's paths.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engines.cases import Case, Clinical, read_case
from engines.errors import BadSeries, NotEligible, Reason
from engines.exams import PER_STUDY, Exam, classify
from engines.images import read_image
from engines.lab.recipes import Array, Filming, Row, Sight
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.exams import Setting, images
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import Clinic
from engines.screening import SeriesFiles, files_in, group
from engines.series_choice import appraise

Prepare = Callable[[Array | None, Row, Mapping[str, Any]], Mapping[str, Array]]
Looking = Callable[[Case], Sequence[Sight]]

_STREAM = 81
#: Between the paths of a study that shares its folder with others.
NEXT = ";"


@dataclass(frozen=True)
class Refusal:
    """Why nothing can be looked at: a code of :class:`engines.errors.Reason`, and a sentence."""

    reason: str
    detail: str


Sights = tuple[Sight, ...] | Refusal


@dataclass(frozen=True)
class Camera:
    """How a row's images come about, and where what was seen of them is kept.

    Attributes
    ----------
    exam : Exam
        What is looked for in a row's folder, or made of a virtual patient.
    filming : Filming
        How it is made.
    home : Path
        What rows' paths are relative to.
    kept : Path or None
        Folder for sights.
    """

    exam: Exam
    filming: Filming
    home: Path
    kept: Path | None

    def sights(self, row: Row, look: Looking) -> Sights:
        """Return what is kept of a row, or look and keep it."""
        file = self.kept / _key(row, self.home) if self.kept else None
        kept = _kept(file) if file else None
        if kept is not None:
            return kept
        found = self._look(row, look)
        if file:
            _keep(file, found)
        return found

    def _look(self, row: Row, look: Looking) -> Sights:
        if self.filming.sights and not known(row, "path"):
            return tuple(self.filming.sights(_person(row), int(row["seed"])))
        first: Refusal | None = None
        for case in self._cases(row):
            try:
                return tuple(look(case))
            except (NotEligible, BadSeries) as verdict:
                first = first or Refusal(str(verdict.reason), verdict.detail)
        return first or Refusal(str(Reason.EXAM_NOT_SCREENED), f"no {self.exam} images there")

    def _cases(self, row: Row) -> Iterator[Case]:
        """Read or make a row's study: a case for each series that may do, the best first."""
        if known(row, "path"):
            paths = [self.home / part for part in str(row["path"]).split(NEXT)]
            for series in series_of(paths, self.exam):
                read = [read_image(file) for file in series.files]
                yield read_case(self.exam, read, clinical_of(row))
            return
        seed = int(row["seed"])
        low, high = self.filming.longer_side_px
        px = int(np.random.default_rng([seed, _STREAM]).integers(low, high))
        made = images(_person(row), self.exam, seed, Setting(film_px=px))
        yield read_case(self.exam, tuple(islice(made, self.filming.images)), clinical_of(row))


def device_of(row: Row, exam: Exam) -> Row:
    """Return whose device films a virtual patient, as its header will say; nothing of real ones."""
    if known(row, "path") or not known(row, "seed"):
        return {}
    seed = int(row["seed"])
    return {"Manufacturer": Visit(draw_person(seed), exam, seed).device.name}


def series_of(paths: Sequence[Path], exam: Exam) -> list[SeriesFiles]:
    """Return the series of an exam in folders or files, in the order in which they are tried."""
    found = [one for one in group(files_in(paths)) if classify(one.headers) is exam]
    if exam not in PER_STUDY:
        return found
    appraised = [(appraise(one.headers), one) for one in found]
    may = [(appraisal.score, one) for appraisal, one in appraised if not appraisal.refused]
    return [one for _, one in sorted(may, key=lambda pair: -pair[0])]


def _person(row: Row) -> Person:
    clinic = Clinic(row["clinic"]) if known(row, "clinic") else Clinic.SCREENING
    return draw_person(int(row["seed"]), clinic.population)


def clinical_of(row: Row) -> Clinical:
    """Return a row's clinical values; what is unknown is None."""
    sex = str(row["sex"]).upper() if known(row, "sex") else None
    return Clinical(
        age_years=_number(row, "age_years"),
        sex=sex if sex in ("F", "M") else None,
        height_m=_number(row, "height_m"),
        weight_kg=_number(row, "weight_kg"),
    )


def _number(row: Row, column: str) -> float | None:
    return float(row[column]) if known(row, column) else None


def known(row: Row, column: str) -> bool:
    """Tell whether a row has a value in a column."""
    value = row.get(column)
    # NaN alone differs from itself
    return value is not None and value == value and value != ""


@dataclass(frozen=True)
class Shower:
    """Makes arrays of rows, in whatever process it is sent to.

    Attributes
    ----------
    camera : Camera
        Where sights come from.
    look, prepare : callable
        The recipe's ``sights`` and ``prepare``.
    parameters : mapping
        For the latter.
    """

    camera: Camera
    look: Looking
    prepare: Prepare
    parameters: Mapping[str, Any]

    def __call__(self, row: Row) -> list[tuple[str, Mapping[str, Array]]] | Refusal:
        """Return the arrays of each of a row's sights by site, or why there is none."""
        if not known(row, "path") and not known(row, "seed"):
            return [("", self.prepare(None, row, self.parameters))]
        found = self.camera.sights(row, self.look)
        if isinstance(found, Refusal):
            return found
        return [(one.site, self.prepare(one.pixels, row, self.parameters)) for one in found]


def _key(row: Row, home: Path) -> str:
    if known(row, "path"):
        # whole paths: the tables of two hospitals may both say "films/1"
        parts = [str((home / part).resolve()) for part in str(row["path"]).split(NEXT)]
        return hashlib.sha256(NEXT.join(parts).encode()).hexdigest()[:20]
    return str(int(row["seed"]))


def _kept(file: Path) -> Sights | None:
    listed = file.with_suffix(".json")
    if listed.exists():
        told = json.loads(listed.read_text())
        if "reason" in told:
            return Refusal(told["reason"], told["detail"])
        sites = told["sites"]
    elif _picture(file, "").exists():
        sites = [""]
    else:
        return None
    return tuple(Sight(site, np.load(_picture(file, site))) for site in sites)


def _keep(file: Path, found: Sights) -> None:
    if isinstance(found, Refusal):
        told: dict[str, Any] = {"reason": found.reason, "detail": found.detail}
    else:
        told = {"sites": [sight.site for sight in found]}
        for sight in found:
            buffer = io.BytesIO()
            np.save(buffer, sight.pixels)
            _write(_picture(file, sight.site), buffer.getvalue())
    if told.get("sites") != [""]:
        _write(file.with_suffix(".json"), json.dumps(told).encode())


def _picture(file: Path, site: str) -> Path:
    return file.with_name(f"{file.name}-{site}.npy" if site else f"{file.name}.npy")


def _write(file: Path, content: bytes) -> None:
    # whole or not at all, should this end half way
    unfinished = file.with_suffix(f".{os.getpid()}.partial")
    unfinished.write_bytes(content)
    unfinished.rename(file)
