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

from engines.exams import Exam
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.people.draw import low_density_person, normal_density_person
from engines.phantoms.people.person import Person
from engines.phantoms.scanning import one_ct

SHAPE = (768, 768)
HIPS = View.PELVIS
SCAN = CtProtocol(slice_thickness_mm=5.0, spacing_mm=5.0, matrix=256, noise_hu=8.0, field_mm=380.0)
"""As coarse as can be measured: two of these are most of what there is to wait for."""
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
    for film in chain(_virtual(), _packaged(), _found(folder)):
        if film.study_uid not in seen:
            seen.add(film.study_uid)
            yield film


def _virtual() -> Iterator[Film]:
    low, normal = "virtual, low density", "virtual, normal density"
    first = _film(low_density_person(2))
    yield Film(f"{low} 1", [first], "flagged")
    yield Film(f"{low} 2", [_film(low_density_person(6))], "flagged")
    yield Film(f"{normal} 1", [_film(normal_density_person(3))], "not flagged")
    yield Film(f"{normal} 2", [_film(normal_density_person(4))], "not flagged")
    lateral = _film(low_density_person(5), View.CHEST_LATERAL)
    yield Film("virtual, lateral", [lateral], "skipped: view-not-frontal")
    frail, sturdy = low_density_person(5), normal_density_person(7)
    yield Film("virtual hips, low density", [_film(frail, HIPS)], "flagged")
    yield Film("virtual hips, normal density", [_film(sturdy, HIPS)], "not flagged")
    yield Film("virtual CT, low density", _scan(frail), "flagged")
    yield Film("virtual CT, normal density", _scan(sturdy), "not flagged")
    yield Film("virtual, aged 31", [_aged(first, "031Y")], "skipped: age-below-minimum")
    yield Film("virtual, age unknown", [_aged(first, "")], "skipped: age-missing")


def _film(person: Person, view: View = View.CHEST_PA) -> Dataset:
    exam = Exam.HIP_XRAY if view is HIPS else Exam.CHEST_XRAY
    return one_radiograph(Visit(person, exam, person.seed), view, SHAPE)


def _scan(person: Person) -> list[Dataset]:
    return list(one_ct(Visit(person, Exam.ABDOMEN_CT, person.seed), SCAN))


def _aged(film: Dataset, age: str) -> Dataset:
    """Return the film as another study, of somebody whose header says this age."""
    ds = deepcopy(film)
    ds.PatientAge, ds.PatientBirthDate, ds.PatientID = age, "", f"{film.PatientID}{age or 'X'}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, derived_uid(age, str(ds[keyword].value)))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def _packaged() -> Iterator[Film]:
    """Give the real film of pydicom-data, where that package is installed."""
    if find_spec("data_store"):
        film = files("data_store").joinpath("data", REAL_FILM)
        with film.open("rb") as file:
            yield Film("real film RG1", [dcmread(file)], None)


def _found(folder: Path | None) -> Iterator[Film]:
    """Give every DICOM image below a folder."""
    for file in sorted(folder.rglob("*")) if folder else ():
        if file.is_file():
            try:
                yield Film(f"real film {file.stem[:18]}", [dcmread(file)], None)
            except InvalidDicomError:
                continue
