"""What our codes mean: no validator checks it, so they are held against pydicom's tables."""

from collections.abc import Iterator, Mapping

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.coding import Code

from engines import catalog
from engines.exams import Exam
from workers import codes


def our_codes() -> Iterator[tuple[str, Code]]:
    for name, value in vars(codes).items():
        if isinstance(value, Code):
            yield name, value
        elif isinstance(value, Mapping) and name.isupper():
            yield from ((f"{name}[{key}]", code) for key, code in value.items())


def standard_meanings(code: Code) -> set[str]:
    """Return what PS3.16 calls a code, in the several places that name it."""
    scheme = concepts.get(code.scheme_designator, {})
    return {names[code.value][0] for names in scheme.values() if code.value in names}


def test_each_code_means_what_the_standard_says():
    lacking = codes.NOT_IN_PS3_16
    standard = [pair for pair in our_codes() if pair[1].scheme_designator != codes.OWN_SCHEME]
    listed = [pair for pair in standard if pair[1].value not in lacking]
    assert len(listed) > 50
    wrong = [name for name, code in listed if code.meaning not in standard_meanings(code)]
    assert wrong == []


def test_the_list_of_codes_that_the_standard_lacks_is_true():
    ours = {code.value: code for _, code in our_codes()}
    assert set(ours) >= codes.NOT_IN_PS3_16
    for value in codes.NOT_IN_PS3_16:
        assert ours[value].meaning not in standard_meanings(ours[value])


def test_a_code_has_one_meaning_wherever_it_stands():
    meanings: dict[tuple[str, str], set[str]] = {}
    for _, code in our_codes():
        meanings.setdefault((code.scheme_designator, code.value), set()).add(code.meaning)
    assert {key: names for key, names in meanings.items() if len(names) > 1} == {}


def test_codes_and_meanings_fit_their_attributes():
    for name, code in our_codes():
        assert len(code.value) <= 16 and len(code.meaning) <= 64, name


def test_the_tables_cannot_be_changed_at_run_time():
    for table in (codes.FINDINGS, codes.SITES, codes.SIDES, codes.MEASUREMENTS, codes.UNITS):
        with pytest.raises(TypeError):
            table["x"] = codes.BONE


def test_every_exam_and_every_model_has_its_procedure():
    assert set(codes.PROCEDURES) == set(Exam)
    assert {model.CARD.exam for model in catalog.MODELS} <= set(codes.PROCEDURES)
