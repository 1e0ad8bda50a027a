"""A case: the images of one series and what a reader would have on the desk beside them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydicom import Dataset

from engines.errors import Reason
from engines.exams import Exam
from engines.header import number, text, texts
from engines.rules import Rules


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
class EarlierVisit:
    """What a model kept of an earlier study of the same patient.

    Attributes
    ----------
    StudyDate : str
        DA; an undated study is no visit.
    model, weights_sha256 : str
        Whose numbers they are: those of other weights mean nothing.
    features : mapping of str to tuple of float
        By side, ``L`` and ``R``, as :attr:`engines.findings.Result.features`.
    """

    StudyDate: str
    model: str
    weights_sha256: str
    features: Mapping[str, tuple[float, ...]]


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
    kept : dict
        What one model measured and another one need not measure again, by name.
    visits : tuple of EarlierVisit
        Earlier studies of this patient that the same model has seen, in any order.
    """

    exam: Exam
    images: tuple[Dataset, ...]
    clinical: Clinical
    rules: Rules = field(default_factory=Rules)
    kept: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    visits: tuple[EarlierVisit, ...] = ()


#: A stated age and one counted from dates may differ by rounding; more than this is two patients.
AGE_TOLERANCE_YEARS = 1.5
_OLDEST_YEARS = 120.0
# Nobody that old comes for a film; registration desks type such dates for "unknown" (our choice).
_OLDEST_COUNTED_YEARS = 110.0
_PLACEHOLDER_BIRTH: Final = date(1900, 1, 1)
_YEARS_IN: Final = {"Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.2425}
_STUDY_DATES: Final = ("StudyDate", "AcquisitionDate", "ContentDate", "SeriesDate")
_HEIGHTS_M = (0.4, 2.5)
_WEIGHTS_KG = (1.0, 400.0)


def read_case(
    exam: Exam,
    images: Sequence[Dataset],
    supplied: Clinical | None = None,
    rules: Rules | None = None,
) -> Case:
    """Put a series' images and the patient's clinical values on one desk.

    Parameters
    ----------
    exam : Exam
        From :func:`engines.exams.classify`.
    images : sequence of Dataset
        The series, pixel data included.
    supplied : Clinical, optional
        A site's own values of this patient: they fill what the header does not say, and put in
        doubt what they contradict.
    rules : Rules, optional
        The site's eligibility rules.
    """
    clinical = read_clinical(images)
    if supplied is not None:
        clinical = _together(clinical, supplied, "the header and the site's own table")
    return Case(exam, tuple(images), clinical, rules or Rules())


def read_clinical(headers: Sequence[Dataset]) -> Clinical:
    """Read what the headers of one series know of the patient.

    Age comes from PatientBirthDate and the date of the study where both are there, else from
    PatientAge. Values that cannot be (an age of zero or beyond 120 years, a height in centimetres)
    are missing, and so is a birth date that is a placeholder; values that contradict each other,
    within an element, within a header or between the images, are in doubt.
    """
    known = Clinical()
    for ds in headers:
        known = _together(known, _of_one(ds), "the images of the series")
    return known


def _of_one(ds: Dataset) -> Clinical:
    stated, counted = _stated_age(ds), _counted_age(ds)
    doubts = {}
    doubt = _age_doubt(ds, stated, counted)
    if doubt:
        doubts[Reason.AGE_CONTRADICTORY] = doubt
    if _ambiguous(ds, "PatientSex"):
        doubts[Reason.SEX_CONTRADICTORY] = "PatientSex has several values"
    if _placeholder(ds, counted) or (counted is not None and counted < 0):
        counted = None
    sex = text(ds, "PatientSex").upper()
    return Clinical(
        age_years=stated if counted is None else counted,
        sex=sex if sex in ("F", "M") else None,
        height_m=_plausible(number(ds, "PatientSize"), _HEIGHTS_M),
        weight_kg=_plausible(number(ds, "PatientWeight"), _WEIGHTS_KG),
        doubts=doubts,
    )


def _age_doubt(ds: Dataset, stated: float | None, counted: float | None) -> str:
    """Say why the age is in doubt; empty where it is not."""
    if _ambiguous(ds, "PatientAge"):
        return "PatientAge has several values"
    if counted is not None and counted < 0:
        return "the birth date lies after the study"
    if stated is not None and _placeholder(ds, counted):
        return "PatientAge is stated beside a birth date that is a placeholder"
    if _differ(stated, counted):
        return "PatientAge and PatientBirthDate do not agree"
    return ""


def _ambiguous(ds: Dataset, keyword: str) -> bool:
    """Tell whether an element that holds one value holds several different ones."""
    return len({value.upper() for value in texts(ds, keyword)}) > 1


def _placeholder(ds: Dataset, counted: float | None) -> bool:
    """Tell whether the birth date stands for one that nobody knew."""
    too_old = counted is not None and counted > _OLDEST_COUNTED_YEARS
    return too_old or _date(ds, "PatientBirthDate") == _PLACEHOLDER_BIRTH


def _together(first: Clinical, second: Clinical, sources: str) -> Clinical:
    """Fill what is missing in the first; what both have and do not share is in doubt."""
    doubts = {**second.doubts, **first.doubts}
    if _differ(first.age_years, second.age_years):
        doubts.setdefault(Reason.AGE_CONTRADICTORY, f"{sources} give different ages")
    if first.sex and second.sex and first.sex != second.sex:
        doubts.setdefault(Reason.SEX_CONTRADICTORY, f"{sources} give different sexes")
    return Clinical(
        age_years=second.age_years if first.age_years is None else first.age_years,
        sex=first.sex or second.sex,
        height_m=first.height_m or second.height_m,
        weight_kg=first.weight_kg or second.weight_kg,
        doubts=doubts,
    )


def _differ(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) > AGE_TOLERANCE_YEARS


def _plausible(value: float | None, limits: tuple[float, float]) -> float | None:
    return value if value is not None and limits[0] <= value <= limits[1] else None


def _stated_age(ds: Dataset) -> float | None:
    """Read PatientAge: nnnD, nnnW, nnnM or nnnY; zero is what devices write for unknown."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", text(ds, "PatientAge").upper())
    if match is None:
        return None
    years = int(match[1]) / _YEARS_IN[match[2]]
    return years if 0 < years <= _OLDEST_YEARS else None


def _counted_age(ds: Dataset) -> float | None:
    """Count the years from birth to study; negative where birth comes later."""
    born = _date(ds, "PatientBirthDate")
    dates = (_date(ds, keyword) for keyword in _STUDY_DATES)
    seen = next((found for found in dates if found is not None), None)
    if born is None or seen is None:
        return None
    if seen < born:
        return -1.0
    # whole years by the calendar, so that nobody is 49.99 on a fiftieth birthday
    birthdays = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
    part = (seen - born).days / _YEARS_IN["D"] - birthdays
    return birthdays + min(max(part, 0.0), 0.999)


def _date(ds: Dataset, keyword: str) -> date | None:
    """Read a DA value, also in the form with dots of the standard's first edition."""
    match = re.fullmatch(r"(\d{4})[.]?(\d{2})[.]?(\d{2})", text(ds, keyword))
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
