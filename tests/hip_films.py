"""Pelvis films of virtual patients of known density as DICOM, for tests; no real person."""

from functools import cache

from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.nuisances import NO_NUISANCES, Nuisance
from engines.phantoms.people.draw import low_density_person, normal_density_person
from engines.phantoms.people.person import Person

#: The weights flag the first and not the others.
LOW, NORMAL, OTHER = 2, 1, 4
SHAPE = (560, 680)


@cache
def pelvis(low_density: bool = True) -> Dataset:
    """Take a pelvis film of a woman of low or normal density; not to be changed."""
    return _taken(low_density_person(LOW) if low_density else normal_density_person(NORMAL))


def replaced() -> Dataset:
    """Take a pelvis film of another woman of normal density, with a prosthesis."""
    return _taken(normal_density_person(OTHER), frozenset({Nuisance.PROSTHESIS}))


def _taken(person: Person, nuisances: frozenset[Nuisance] = NO_NUISANCES) -> Dataset:
    visit = Visit(person, Exam.HIP_XRAY, person.seed)
    return one_radiograph(visit, View.PELVIS, SHAPE, nuisances)
