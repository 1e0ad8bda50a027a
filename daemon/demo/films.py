"""What the demo sends: virtual patients of known density, and real films where there are any."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from engines.phantoms import person
from engines.phantoms.chest_dicom import FilmFormat, chest_dicom

SHAPE = (1536, 1536)
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
    for label, seed, expected in (
        (f"{low} 1", 1, "flagged"),
        (f"{low} 2", 3, "flagged"),
        (f"{normal} 1", 2, "not flagged"),
        (f"{normal} 2", 4, "not flagged"),
    ):
        yield Film(label, [_film(seed, low_density=expected == "flagged")], expected)
    yield Film("virtual, lateral", [_film(5, lateral=True)], "skipped: view-not-frontal")
    young = _film(6)
    young.PatientAge, young.PatientBirthDate = "031Y", ""
    yield Film("virtual, aged 31", [young], "skipped: age-below-minimum")
    ageless = _film(7)
    ageless.PatientAge = ageless.PatientBirthDate = ""
    yield Film("virtual, age unknown", [ageless], "skipped: age-missing")


def _film(seed: int, low_density: bool = True, lateral: bool = False) -> Dataset:
    draw = person.low_density_patient if low_density else person.normal_density_patient
    form = FilmFormat(shape=SHAPE, lateral=lateral, inverted=seed % 2 == 0)
    return chest_dicom(draw(seed), seed, form)


def _packaged() -> Iterator[Film]:
    """Give the real film of pydicom-data, where that package is installed."""
    if find_spec("data_store"):
        film = files("data_store").joinpath("data", REAL_FILM)
        yield Film("real film RG1", [dcmread(film.open("rb"))], None)


def _found(folder: Path | None) -> Iterator[Film]:
    """Give every DICOM image below a folder."""
    for file in sorted(folder.rglob("*")) if folder else ():
        if file.is_file():
            try:
                yield Film(f"real film {file.stem[:18]}", [dcmread(file)], None)
            except InvalidDicomError:
                continue
