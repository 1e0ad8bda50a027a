"""What a radiologist reads: the number, the state, the limits, and never reassurance."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

import pytest
import reports
from pydicom import Dataset

from engines.cards import TrainedOn
from engines.errors import BadSeries, NotEligible, Reason
from engines.findings import Finding
from workers import wording
from workers.phrases import PHRASES, phrases
from workers.report import Report

REASSURES = re.compile(
    r"\bno (sign|evidence|indication|osteopor|finding|abnormal|fracture)|\bnormal|\bnegative\b"
    r"|\bhealthy|\bunremarkable|\bwithout osteopor|\brules? out|\bexclude|\bclear\b|\blow[- ]risk"
    r"|\breassur|\bunlikely|\babsen|\bno need|\bnot necessary|\ball good|\bsafe\b",
    re.IGNORECASE,
)
# sentences that hold such a word only to take it back
TAKEN_BACK = ("This is not a negative result.", "It cannot be used to rule out")
PATIENTS = reports.weights(trained_on=TrainedOn.PATIENTS)


def a_report(probability: float = 0.83, live: bool = False) -> Report:
    made = reports.report(probability=probability, stage="live" if live else "research")
    return replace(made, weights=PATIENTS) if live else made


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from itertools.chain.from_iterable(texts(v) for v in value.values())


def all_text(ds: Dataset) -> str:
    """Every word of an object, code meanings left out: those are the standard's."""
    shown = [e for e in ds.iterall() if e.VR in ("UT", "LO", "LT", "ST", "UC")]
    return "\n".join(str(e.value) for e in shown if e.keyword != "CodeMeaning")


def without_taken_back(text: str) -> str:
    for sentence in TAKEN_BACK:
        text = text.replace(sentence, "")
    return text


@pytest.mark.parametrize("language", PHRASES)
def test_no_phrase_of_any_language_reassures(language):
    say = phrases(language)
    for field in fields(say):
        for text in texts(getattr(say, field.name)):
            assert not REASSURES.search(without_taken_back(text)), text


@pytest.mark.parametrize("probability", [0.0, 0.12, 0.4999, 0.5, 0.83, 1.0])
@pytest.mark.parametrize("live", [False, True])
def test_no_object_reassures(probability, live):
    for _, ds in reports.result_objects(a_report(probability, live)):
        assert not REASSURES.search(without_taken_back(all_text(ds)))


def test_the_search_for_reassurance_bites():
    for text in ("No osteoporosis.", "Bone density is normal", "negative", "rules out", "low risk"):
        assert REASSURES.search(text)


def test_below_the_threshold_a_result_is_not_flagged_and_no_more():
    sentence = wording.sentence(a_report(0.12))
    assert "not flagged" in sentence and "FLAGGED" not in sentence
    advice = wording.advice(a_report(0.12), a_report(0.12).outcome)
    assert "cannot be used to rule out" in advice


def test_the_sentence_holds_number_threshold_state_model_and_notice():
    sentence = wording.sentence(a_report())
    for part in ("FLAGGED", "0.83", "0.50", "cxr_osporscreen 0.1.0", "Research use only"):
        assert part in sentence
    assert "trained on simulated patients, research only, not for clinical use" in sentence


def test_weights_of_simulated_patients_are_never_fit_for_clinical_use_even_live():
    report = reports.report(stage="live")
    assert "not for clinical use" in wording.sentence(report)
    assert "Do not act on this output alone" in wording.advice(report, report.outcome)
    assert all("not for clinical use" in all_text(ds) for _, ds in reports.result_objects(report))


def test_a_live_result_of_patients_recommends_with_care():
    report = a_report(live=True)
    assert "Research" not in wording.sentence(report)
    assert "according to clinical judgement" in wording.advice(report, report.outcome)
    assert "not a diagnosis" in wording.sentence(report)


@pytest.mark.parametrize("verdict", [BadSeries, NotEligible])
def test_a_verdict_says_why_and_that_it_is_no_result(verdict):
    failed = verdict(Reason.PIXELS_CONSTANT, "Every pixel has the same value.")
    sentence = wording.sentence(reports.report(verdict=failed))
    assert sentence.startswith("Not assessed by AI: Every pixel has the same value (pixels-con")
    assert "This is not a negative result." in sentence
    assert ".." not in sentence


@pytest.mark.parametrize(
    ("probability", "threshold", "written"),
    [
        (0.83, 0.5, ("0.83", "0.50")),
        (0.4996, 0.5, ("0.4996", "0.5000")),
        (0.5, 0.5, ("0.50", "0.50")),
        (0.50001, 0.5, ("0.50001", "0.50000")),
        (0.0, 0.5, ("0.00", "0.50")),
    ],
)
def test_rounding_never_turns_a_result_round(probability, threshold, written):
    finding = Finding("osteoporosis", "chest", probability, threshold)
    assert wording.numbers(finding) == written


def test_a_side_is_named():
    finding = Finding("osteoporosis", "proximal femur", 0.7, 0.5, "L")
    assert wording.place(finding.site, finding.laterality) == "proximal femur, left"


def test_an_unknown_language_is_refused():
    with pytest.raises(KeyError):
        phrases("tlh")


def test_a_third_decimal_of_a_threshold_is_not_rounded_away():
    assert wording.numbers(Finding("osteoporosis", "chest", 0.02, 0.035)) == ("0.020", "0.035")


def test_several_findings_make_one_sentence():
    found = tuple(
        Finding("osteoporosis", "hip", p, 0.5, side) for p, side in ((0.7, "L"), (0.3, "R"))
    )
    sentence = wording.sentence(reports.with_result(reports.report(), findings=found))
    assert "(hip, left), probability 0.70, threshold 0.50; not flagged for" in sentence
