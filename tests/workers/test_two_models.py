"""Two models look at one film: nobody can take the report of one for that of the other."""

from collections.abc import Iterator
from dataclasses import replace

import reports
from pydicom import Dataset

from engines.cards import OperatingPoint
from engines.cxr_multimodal.card import CARD
from engines.findings import Finding, Measurement
from workers import wording
from workers.codes import MEASUREMENTS
from workers.objects import secondary_capture, structured_report
from workers.report import Report
from workers.uids import tracking_uid

ALONE = "osteoporosis, film alone"
POINTS = {
    "osteoporosis": OperatingPoint(0.4, "of the fused score"),
    ALONE: OperatingPoint(0.3, "of the film's"),
}
NUMBERS = {"film probability": 0.7, "clinical probability": 0.5, "age attribution": -0.25}


def other(report: Report, finding: Finding | None = None) -> Report:
    """Return what another model says of the same film."""
    found = finding or Finding("osteoporosis", "chest", 0.6, 0.4, words="film 0.70, clinical 0.50")
    told = tuple(Measurement(name, "chest", value, "1") for name, value in NUMBERS.items())
    weights = reports.weights(model=CARD.model, operating_points=POINTS)
    beside = replace(report, card=CARD, weights=weights)
    return reports.with_result(beside, model=CARD.model, findings=(found,), measurements=told)


def items(ds: Dataset) -> Iterator[Dataset]:
    yield ds
    for child in ds.get("ContentSequence", ()):
        yield from items(child)


def test_each_has_uids_a_description_and_a_tracked_finding_of_its_own() -> None:
    one = reports.report()
    two = other(one)
    made = [(structured_report(each), secondary_capture(each)) for each in (one, two)]
    for first, second in zip(*made, strict=True):
        assert first.SOPInstanceUID != second.SOPInstanceUID
        assert first.SeriesInstanceUID != second.SeriesInstanceUID
        assert first.SeriesDescription != second.SeriesDescription
        assert max(map(len, (first.SeriesDescription, second.SeriesDescription))) <= 64
    assert tracking_uid(one, "osteoporosis", "chest") != tracking_uid(two, "osteoporosis", "chest")


def test_the_scores_that_were_fused_stand_beside_the_probability_under_our_own_codes() -> None:
    report = structured_report(other(reports.report()))
    numbers = {
        item.ConceptNameCodeSequence[0].CodeValue: item.MeasuredValueSequence[0].NumericValue
        for item in items(report)
        if item.get("ValueType") == "NUM"
    }
    for name, value in NUMBERS.items():
        assert numbers[MEASUREMENTS[name].value] == value
    # one Probability, the fused one: no reader may take a part for the whole
    assert numbers["122157"] == 0.6
    [scheme] = report.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99OSTEOSCREEN"
    assert "CodingSchemeIdentificationSequence" not in structured_report(reports.report())


def test_the_sentence_says_what_the_score_is_made_of() -> None:
    report = other(reports.report())
    assert "threshold 0.40 (film 0.70, clinical 0.50)" in wording.sentence(report)
    assert wording.sentence(report) == secondary_capture(report).ImageComments


def test_a_score_from_the_film_alone_is_held_against_the_films_own_threshold() -> None:
    words = "from the film alone: neither height nor weight is known"
    alone = Finding("osteoporosis", "chest", 0.6, 0.3, words=words, operating_point=ALONE)
    report = other(reports.report(), alone)
    said = " ".join(
        item.TextValue for item in items(structured_report(report)) if "TextValue" in item
    )
    assert "of the film's" in said and "of the fused score" not in said
    assert words in said and words in secondary_capture(report).ImageComments
