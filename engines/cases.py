"""A case: the images of one series and what a reader would have on the desk beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydicom import Dataset

from engines.errors import Reason
from engines.exams import Exam


@dataclass(frozen=True)
class Clinical:
    """What is known of the patient; ``None`` is missing, never a default.

    Attributes
    ----------
    age_years : float or None
        At the time of the study.
    sex : {'F', 'M', None}
        PatientSex.
    height_m, weight_kg : float or None
        PatientSize, PatientWeight.
    doubts : mapping of Reason to str
        Values that contradict each other, with a sentence without patient identity; a model that
        needs the value must refuse the case for this reason.
    """

    age_years: float | None = None
    sex: str | None = None
    height_m: float | None = None
    weight_kg: float | None = None
    doubts: Mapping[Reason, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What a site has decided about eligibility."""

    min_age_years: int = 50


@dataclass(frozen=True)
class Case:
    """One series to screen.

    Attributes
    ----------
    exam : Exam
        From :func:`engines.exams.classify`.
    images : tuple of Dataset
        The series' images, pixel data included, in any order.
    clinical : Clinical
        From the header and, where a site supplies it, its own table.
    rules : Rules
        The site's eligibility rules.
    """

    exam: Exam
    images: tuple[Dataset, ...]
    clinical: Clinical
    rules: Rules = field(default_factory=Rules)


def read_case(
    exam: Exam,
    images: Sequence[Dataset],
    supplied: Clinical | None = None,
    rules: Rules | None = None,
) -> Case:
    """Put a series' images and the patient's clinical values on one desk."""
    raise NotImplementedError
