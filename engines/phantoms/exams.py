"""Virtual patients' examinations: what of a person is imaged, and the images as DICOM.

for ds in images(draw_person(7), Exam.CHEST_XRAY, seed=7):
    ...
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms.dicom.flaws import NO_FLAWS, Flaw
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.filming import radiographs
from engines.phantoms.nuisances import NO_NUISANCES, Nuisance, extras_of
from engines.phantoms.people.person import Person
from engines.phantoms.scanning import abdomen_ct, hip_mri

#: Longer side of a film, px: about 0.2 mm, as the coarser of real devices.
FILM_PX = 2048


@dataclass(frozen=True)
class Setting:
    """How images are made, apart from whose they are.

    Attributes
    ----------
    flaws : frozenset of Flaw
        What the archive gets wrong.
    film_px : int
        Longer side of a film.
    ct_px : int
        Rows and columns of a CT slice.
    nuisances : frozenset of Nuisance
        What is in the pictures.
    """

    flaws: frozenset[Flaw] = NO_FLAWS
    film_px: int = FILM_PX
    ct_px: int = 512
    nuisances: frozenset[Nuisance] = NO_NUISANCES

    def said(self) -> dict[str, Any]:
        """Return the setting in plain words and numbers, the same for the same setting."""
        return {
            "flaws": sorted(map(str, self.flaws)),
            "film_px": self.film_px,
            "ct_px": self.ct_px,
            "nuisances": sorted(map(str, self.nuisances)),
        }


def offered() -> tuple[Exam, ...]:
    """Return the exams that there is an imager for."""
    return tuple(_IMAGERS)


def visits(
    person: Person, exam: Exam, seed: int, setting: Setting | None = None
) -> tuple[Visit, ...]:
    """Return a patient's studies of one exam: one, but for MRI one for each of the visits."""
    flaws = (setting or Setting()).flaws
    count = len(person.visits_years) if exam is Exam.HIP_MRI else 1
    return tuple(Visit(person, exam, seed, number, flaws) for number in range(count))


def study(visit: Visit, setting: Setting | None = None) -> Iterator[Dataset]:
    """Make the images of one study.

    Parameters
    ----------
    visit : Visit
        From :func:`visits`.
    setting : Setting, optional
        How; flaws are the visit's.

    Yields
    ------
    Dataset
        Complete with file meta information, series by series.
    """
    yield from _IMAGERS[visit.exam](visit, setting or Setting())


def images(
    person: Person, exam: Exam, seed: int, setting: Setting | None = None
) -> Iterator[Dataset]:
    """Make the images of one exam of a virtual patient, all visits.

    Parameters
    ----------
    person : Person
        From :func:`~engines.phantoms.people.draw.draw_person`.
    exam : Exam
        One of :func:`offered`.
    seed : int
        Of the acquisition; another one is another exposure, device and study of the same body.
    setting : Setting, optional
        Flaws, sizes.

    Yields
    ------
    Dataset
        The same arguments give the same images.
    """
    for visit in visits(person, exam, seed, setting):
        yield from study(visit, setting)


def _films(visit: Visit, setting: Setting) -> Iterator[Dataset]:
    return radiographs(visit, setting.film_px, setting.nuisances)


def _ct(visit: Visit, setting: Setting) -> Iterator[Dataset]:
    return abdomen_ct(visit, setting.ct_px, extras_of(setting.nuisances, visit.person.seed))


def _mri(visit: Visit, setting: Setting) -> Iterator[Dataset]:
    return hip_mri(visit, extras_of(setting.nuisances, visit.person.seed))


_IMAGERS: dict[Exam, Callable[[Visit, Setting], Iterator[Dataset]]] = {
    Exam.CHEST_XRAY: _films,
    Exam.HIP_XRAY: _films,
    Exam.ABDOMEN_CT: _ct,
    Exam.HIP_MRI: _mri,
}
