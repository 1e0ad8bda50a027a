"""What the demo sends: virtual patients of known density, and real films where there are any."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from daemon.virtual_studies import abdomen, film
from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.dicom.views import View
from engines.phantoms.people.draw import low_density_person, normal_density_person

REAL_FILM = "RG1_UNCI.dcm"
"""A real chest film (Philips CR, woman of 64) in the package pydicom-data, MIT."""


@dataclass(frozen=True)
class Film:
    """One study to send.

    ``expected`` is the outcome the demo insists on; None where nobody knows the truth.
    """

    label: str
    images: list[Dataset]
    expected: str | None

    @property
    def study_uid(self) -> str:
        """The study's StudyInstanceUID."""
        return str(self.images[0].StudyInstanceUID)


def virtual_and_real(folder: Path | None) -> Iterator[Film]:
    """Make and read everything the demo sends, in the order of its table.

    One film a study: another copy of one that came before is left out.
    """
    seen = set()
    for study in chain(_virtual(), _packaged(), _found(folder)):
        if study.study_uid not in seen:
            seen.add(study.study_uid)
            yield study


def _virtual() -> Iterator[Film]:
    low, normal = "virtual, low density", "virtual, normal density"
    first = film(low_density_person(2), View.CHEST_PA)
    yield Film(f"{low} 1", [first], "flagged")
    yield Film(f"{low} 2", [film(low_density_person(6), View.CHEST_PA)], "flagged")
    yield Film(f"{normal} 1", [film(normal_density_person(3), View.CHEST_PA)], "not flagged")
    yield Film(f"{normal} 2", [film(normal_density_person(4), View.CHEST_PA)], "not flagged")
    lateral = film(low_density_person(5), View.CHEST_LATERAL)
    yield Film("virtual, lateral", [lateral], "skipped: view-not-frontal")
    frail, sturdy = low_density_person(5), normal_density_person(7)
    yield Film("virtual hips, low density", [film(frail, View.PELVIS)], "flagged")
    yield Film("virtual hips, normal density", [film(sturdy, View.PELVIS)], "not flagged")
    yield Film("virtual CT, low density", abdomen(frail), "flagged")
    yield Film("virtual CT, normal density", abdomen(sturdy), "not flagged")
    yield Film("virtual, aged 31", [_aged(first, "031Y")], "skipped: age-below-minimum")
    yield Film("virtual, age unknown", [_aged(first, "")], "skipped: age-missing")


def _aged(chest: Dataset, age: str) -> Dataset:
    """Return the film as another study, of somebody whose header says this age."""
    ds = deepcopy(chest)
    ds.PatientAge, ds.PatientBirthDate, ds.PatientID = age, "", f"{chest.PatientID}{age or 'X'}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, derived_uid(age, str(ds[keyword].value)))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def _packaged() -> Iterator[Film]:
    """Give the real film of pydicom-data, where that package is installed."""
    if find_spec("data_store"):
        chest = files("data_store").joinpath("data", REAL_FILM)
        with chest.open("rb") as file:
            yield Film("real film RG1", [dcmread(file)], None)


def _found(folder: Path | None) -> Iterator[Film]:
    """Give every DICOM image below a folder."""
    for file in sorted(folder.rglob("*")) if folder else ():
        if file.is_file():
            try:
                yield Film(f"real film {file.stem[:18]}", [dcmread(file)], None)
            except InvalidDicomError:
                continue
