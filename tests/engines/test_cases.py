"""Age and sex are known, missing or in doubt; never guessed."""

from typing import Any

import pytest
from radiographs import cr

from engines.cases import Clinical, read_case, read_clinical
from engines.errors import Reason
from engines.exams import Exam


def clinical(**changes: Any) -> Clinical:
    return read_clinical([cr(**changes)])


@pytest.mark.parametrize(
    ("stated", "years"),
    [("064Y", 64), ("64y", 64), ("620M", 51.67), ("999W", 19.15), ("120Y", 120)],
)
def test_every_unit_of_a_stated_age_is_read(stated: str, years: float) -> None:
    assert clinical(PatientAge=stated).age_years == pytest.approx(years, abs=0.01)


@pytest.mark.parametrize("stated", ["000Y", "0Y", "", "64", "Y", "-05Y", "121Y", "999Y", "064 Y"])
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_a_nonsensical_age_is_missing(stated: str) -> None:
    found = clinical(PatientAge=stated)
    assert found.age_years is None and not found.doubts


@pytest.mark.parametrize(
    ("born", "studied", "years"),
    [
        ("19761101", "20261101", 50),
        ("19761102", "20261101", 49.99),
        ("1976.11.01", "20261101", 50),
        ("19760229", "20260228", 49.99),
        ("19400305", "20040826", 64.5),
    ],
)
def test_years_are_counted_by_the_calendar(born: str, studied: str, years: float) -> None:
    found = clinical(PatientAge=None, PatientBirthDate=born, StudyDate=studied)
    assert found.age_years == pytest.approx(years, abs=0.05)
    assert found.age_years is not None and (found.age_years >= 50) == (years >= 50)


def test_another_date_serves_where_the_study_has_none() -> None:
    found = clinical(
        PatientAge=None, PatientBirthDate="19600101", StudyDate="", AcquisitionDate="20200102"
    )
    assert found.age_years == pytest.approx(60, abs=0.01)
    undated = clinical(PatientAge=None, PatientBirthDate="19600101", StudyDate=None)
    assert undated.age_years is None


def test_age_and_birth_date_may_differ_by_rounding_only() -> None:
    assert not clinical(PatientAge="064Y", PatientBirthDate="19611201").doubts
    far = clinical(PatientAge="064Y", PatientBirthDate="19400101")
    assert Reason.AGE_CONTRADICTORY in far.doubts


def test_a_birth_after_the_study_is_in_doubt() -> None:
    found = clinical(PatientAge=None, PatientBirthDate="20300101")
    assert found.age_years is None and Reason.AGE_CONTRADICTORY in found.doubts


@pytest.mark.parametrize(
    ("born", "studied"), [("19000101", "20261101"), ("19000101", "20040101"), ("19150601", None)]
)
def test_a_placeholder_birth_date_is_missing_and_in_doubt_beside_an_age(
    born: str, studied: str | None
) -> None:
    changes = {"PatientBirthDate": born, "StudyDate": studied or "20261101"}
    alone = clinical(PatientAge=None, **changes)
    assert alone.age_years is None and not alone.doubts
    for stated in ("064Y", "111Y"):
        assert Reason.AGE_CONTRADICTORY in clinical(PatientAge=stated, **changes).doubts


def test_an_element_with_several_different_values_is_in_doubt() -> None:
    assert set(clinical(PatientSex=["M", "F"]).doubts) == {Reason.SEX_CONTRADICTORY}
    assert set(clinical(PatientAge=["064Y", "031Y"]).doubts) == {Reason.AGE_CONTRADICTORY}
    assert not clinical(PatientSex=["F", "F"], PatientAge=["064Y", "064Y"]).doubts


@pytest.mark.parametrize(("said", "sex"), [("F", "F"), ("m", "M"), ("O", None), ("", None)])
def test_sex_is_f_or_m_or_missing(said: str, sex: str | None) -> None:
    assert clinical(PatientSex=said).sex == sex


def test_a_height_in_centimetres_is_missing() -> None:
    found = clinical(PatientSize="182", PatientWeight="80")
    assert (found.height_m, found.weight_kg) == (None, 80)
    assert clinical(PatientSize="1.82").height_m == 1.82


def test_images_of_one_series_that_disagree_are_in_doubt() -> None:
    ages = read_clinical([cr(), cr(PatientAge="031Y")])
    assert set(ages.doubts) == {Reason.AGE_CONTRADICTORY}
    sexes = read_clinical([cr(), cr(PatientSex="M")])
    assert set(sexes.doubts) == {Reason.SEX_CONTRADICTORY}
    assert not read_clinical([cr(), cr(PatientAge=None, PatientSex="")]).doubts


def test_supplied_values_fill_what_is_missing_and_put_in_doubt_what_they_contradict() -> None:
    supplied = Clinical(age_years=70, sex="M", height_m=1.7)
    bare = cr(PatientAge=None, PatientSex="", PatientSize="1.6")
    filled = read_case(Exam.CHEST_XRAY, [bare], supplied).clinical
    assert (filled.age_years, filled.sex, filled.height_m, filled.doubts) == (70, "M", 1.6, {})
    doubted = read_case(Exam.CHEST_XRAY, [cr()], supplied).clinical
    assert set(doubted.doubts) == {Reason.AGE_CONTRADICTORY, Reason.SEX_CONTRADICTORY}
    assert (doubted.age_years, doubted.sex) == (64, "F")
