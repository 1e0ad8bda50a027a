"""Coronal T1 of virtual patients of a hip clinic as DICOM, for tests; no real person."""

from functools import cache

from pydicom import Dataset

from engines.exams import Exam
from engines.onfh_mri.films import taken
from engines.phantoms.body.extra import Extra
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Clinic

#: Seeds outside the cohorts that trained: both hips ill, and both sound.
ILL, SOUND = 3_000_002, 3_000_003


@cache
def hips(seed: int, extras: tuple[Extra, ...] = ()) -> tuple[Dataset, ...]:
    """Take the heads at the first visit, with what metal is in them; not to be changed."""
    person = draw_person(seed, Clinic.HIP.population)
    return tuple(taken(Visit(person, Exam.HIP_MRI, seed), extras))


@cache
def two_visits(seed: int) -> tuple[tuple[Dataset, ...], tuple[Dataset, ...]]:
    """Take the heads of one patient at the first visit and at the next; not to be changed."""
    person = draw_person(seed, Clinic.HIP.population)
    first, second = (Visit(person, Exam.HIP_MRI, seed, number) for number in (0, 1))
    return tuple(taken(first, ())), tuple(taken(second, ()))
