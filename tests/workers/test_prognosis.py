"""A CT whose future was scored: what report and picture say of it."""

from dataclasses import replace

import ct_reports
import numpy as np
import pytest

from engines.cards import OperatingPoint, TrainedOn
from engines.ct_multitask.model import CARD, DETECTED, PREDICTED, SEEN_SITE, SITE
from engines.findings import Finding, Measurement
from engines.sights import Mark, Prognosis
from workers import wording
from workers.codes import MEASUREMENTS
from workers.objects import secondary_capture, structured_report
from workers.page import HEIGHT, WIDTH
from workers.report import Report
from workers.sheet import BACKGROUND

FREE = (0.98, 0.95, 0.92, 0.88, 0.83)
POINTS = {DETECTED: OperatingPoint(0.5, "of nobody"), PREDICTED: OperatingPoint(0.15, "of nobody")}


def scored(fracture: float = 0.8, risk: float = 0.17) -> Report:
    """Return the report on a CT in which L3 looks fractured, or none does."""
    old = ct_reports.report(mean=130.0)
    views = ct_reports.result().views
    marks = tuple(Mark(one.site, one.at, score=0.7) for one in views.marks)
    result = replace(
        old.outcome,
        model=CARD.model,
        findings=(
            Finding(DETECTED, SEEN_SITE, fracture, 0.5),
            Finding(PREDICTED, SITE, risk, 0.15, words="not calibrated here"),
        ),
        measurements=(
            *(
                Measurement(f"vertebral fracture risk at {n} years", SITE, 1 - FREE[n - 1], "1")
                for n in (2, 3, 5)
            ),
            Measurement("vertebral fracture score", "L3", 0.7, "1"),
        ),
        contours=(),
        masks=(),
        views=replace(views, marks=marks, bone=None),
        prognosis=Prognosis(FREE),
    )
    weights = replace(
        old.weights,
        model=CARD.model,
        trained_on=TrainedOn.SIMULATED,
        operating_points=POINTS,
        engines={"ct_multitask": ("model.onnx", "0" * 64)},
    )
    return replace(old, card=CARD, weights=weights, outcome=result)


def numbers(report, code):
    items = ct_reports.named(structured_report(report), code)
    return [float(one.MeasuredValueSequence[0].NumericValue) for one in items]


def test_the_report_has_risks_once_and_the_score_of_the_vertebra():
    report = scored()
    for years in (2, 3, 5):
        code = MEASUREMENTS[f"vertebral fracture risk at {years} years"].value
        assert numbers(report, code) == [pytest.approx(1 - FREE[years - 1])]
    assert numbers(report, MEASUREMENTS["vertebral fracture score"].value) == [0.7]


def test_a_fracture_that_is_seen_is_called_so_and_one_to_come_is_not():
    finding = {
        item.ConceptCodeSequence[0].CodeValue
        for item in ct_reports.named(structured_report(scored()), "121071")
        if "ConceptCodeSequence" in item
    }
    assert {"42942008", "VF-RISK"} <= finding
    unseen = ct_reports.named(structured_report(scored(fracture=0.1)), "121071")
    assert "42942008" not in {
        item.ConceptCodeSequence[0].CodeValue for item in unseen if "ConceptCodeSequence" in item
    }


def test_a_scored_fracture_is_no_ratio_of_heights_and_a_risk_stands_never_alone():
    report = scored()
    told = wording.advice(report, report.outcome)
    assert "a network's score" in told and "ratio of heights" not in told
    assert "never alone" in told


@pytest.mark.parametrize("risk", [0.02, 0.17])
def test_nothing_reassures_and_nothing_replaces_frax(risk):
    report = scored(fracture=0.1, risk=risk)
    said = " ".join(
        (
            wording.sentence(report),
            wording.advice(report, report.outcome),
            wording.state(report.outcome),
        )
    )
    assert "no fracture" not in said.lower() and "low risk" not in said.lower()
    assert (wording.state(report.outcome) == "not flagged") is (risk < 0.15)


def test_the_picture_stays_within_the_sheet_and_shows_the_curve_fall():
    capture = secondary_capture(scored())
    sheet = capture.pixel_array
    assert sheet.shape == (HEIGHT, WIDTH, 3)
    for quiet in (sheet[:, :36], sheet[:, -30:], sheet[-12:]):
        assert (quiet == BACKGROUND).all()
    assert "expectation" in capture.DerivationDescription
    # the column of the first year's end and of the last: where the white line crosses
    bright = (sheet[178:519] > 215).all(axis=2)
    first, last = (np.flatnonzero(bright[:, x]).mean() for x in (1150 + 82, 1150 + 406))
    assert last > first
