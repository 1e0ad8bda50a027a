"""A real CT without contrast medium is scored from what the measured CT found, which is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from real_ct import as_series, example

from engines.anatomy.composition import Refused
from engines.cards import OperatingPoint, TrainedOn, Weights
from engines.cases import read_case
from engines.ct_attenuation import measured as measuring
from engines.ct_multitask import model
from engines.ct_multitask.inputs import LEVELS, SIDE_PX, VIEWS, prepared
from engines.errors import BadSeries, NotEligible, Reason
from engines.exams import Exam
from workers import wording

POINTS = {
    model.DETECTED: OperatingPoint(0.5, "of nobody"),
    model.PREDICTED: OperatingPoint(0.2, "of nobody"),
}
WEIGHTS = Weights(Path(), "ct_multitask", "1", TrainedOn.SIMULATED, "", POINTS, {}, {})
FREE = np.array([[0.97, 0.93, 0.9, 0.86, 0.81]], np.float32)


@pytest.fixture(scope="module")
def case():
    """The case, measured once."""
    found = read_case(Exam.ABDOMEN_CT, as_series(example()))
    measuring.measured(found)
    return found


def changed(case, **changes):
    """Return the case with something else measured."""
    found = replace(measuring.measured(case), **changes)
    return replace(case, kept={"ct": found})


class Net:
    """Says what it is told to, and keeps what it was shown."""

    def __init__(self, level=(0.1, 0.2, 0.7, 0.1, 0.1), fracture=0.8, free=FREE):
        self.told = {
            model.FRACTURE: np.array([[fracture]], np.float32),
            model.LEVEL: np.array([level], np.float32),
            model.TIME: free,
        }

    def __call__(self, name, arrays):
        assert name == model.ENGINE
        self.shown = arrays
        return self.told


def test_the_volume_is_measured_once_for_both_models(case, monkeypatch):
    monkeypatch.setattr(measuring, "read_volume", lambda _: pytest.fail("measured twice"))
    assert measuring.measured(case) is measuring.measured(case)


def test_vertebrae_stand_upright_in_their_views_and_muscle_beside_them(case):
    views = model.read(case).views
    assert views.shape == (len(VIEWS), SIDE_PX, SIDE_PX)
    # T12 is cut off at the top of this scan
    assert np.isnan(views[0]).all() and np.isfinite(views[1:]).all()
    bone = views[1:-1]
    # endplates above and below the middle are brighter than the spongy bone between them
    middle = bone[:, 20:28, 16:32].mean(axis=(1, 2))
    rows = bone[:, :, 16:32].mean(axis=2)
    assert (rows[:, 4:20].max(axis=1) > middle).all() and (
        rows[:, 28:44].max(axis=1) > middle
    ).all()
    muscle = views[-1]
    # psoas before the middle of the body's back edge, the back's muscles behind it, on both sides
    assert muscle[30:, :20].max() > 0.4 and muscle[30:, 28:].max() > 0.4
    assert 30 < (muscle > 0.3).sum() * 0.16 < 150, "cm2"


def test_the_result_has_both_findings_the_risks_and_each_vertebras_score(case):
    net = Net()
    result = model.screen(case, net, WEIGHTS)
    seen, next_one = result.findings
    assert (seen.name, seen.value, seen.flagged) == (model.DETECTED, pytest.approx(0.8), True)
    assert "L2" in seen.words
    assert (next_one.value, next_one.flagged) == (pytest.approx(0.19), False)
    told = {(one.name, one.site): one.value for one in result.measurements}
    assert told["vertebral fracture risk at 3 years", "spine"] == pytest.approx(0.1)
    assert {site for _, site in told} == {"spine", *LEVELS[1:]}
    assert net.shown[model.SEEN].tolist() == [[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]]
    assert result.set_aside == (("T12", "not in view"),)
    assert result.prognosis.fracture_free == pytest.approx(FREE[0])
    assert result.shown and result.image


def test_risks_that_no_site_has_calibrated_are_called_a_rank(case):
    _, next_one = model.screen(case, Net(), WEIGHTS).findings
    assert "not calibrated" in next_one.words


def test_a_score_below_its_threshold_never_reassures(case):
    result = model.screen(case, Net(level=(0.1,) * 5, fracture=0.1), WEIGHTS)
    assert not result.flagged
    assert wording.state(result) == "not flagged"


def test_without_muscle_the_bone_is_scored_and_the_reason_said(case):
    lost = changed(case, l3=Refused("the field of view cuts off 60 mm of the muscles"))
    net = Net()
    result = model.screen(lost, net, WEIGHTS)
    assert net.shown[model.SEEN][0].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    assert not net.shown[model.VIEWED][0, -1].any()
    assert ("L3", "muscle: the field of view cuts off 60 mm of the muscles") in result.set_aside


def test_metal_is_left_out_and_a_suspected_fracture_is_looked_at(case):
    levels = measuring.measured(case).levels
    why = {"L2": "metal", "L3": "suspected fracture, grade 2"}
    told = [replace(one, why=why.get(one.name, one.why)) for one in levels]
    # four are needed, so L1 stands for T12 too
    told.append(replace(told[-1], body=replace(told[-1].body, level="T12")))
    net = Net()
    result = model.screen(changed(case, levels=tuple(told)), net, WEIGHTS)
    assert net.shown[model.SEEN][0].tolist() == [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
    assert ("L2", "metal") in result.set_aside
    assert "L2" not in {one.site for one in result.measurements}


def test_a_scan_without_l1_or_of_few_vertebrae_is_refused(case):
    levels = measuring.measured(case).levels
    for there in (("T12", "L2", "L3", "L4"), ("L1", "L2", "L3")):
        few = changed(case, levels=tuple(one for one in levels if one.name in there))
        with pytest.raises(BadSeries) as verdict:
            model.read(few)
        assert verdict.value.reason is Reason.LEVEL_UNCERTAIN


def test_slices_too_far_apart_are_refused(case):
    volume = measuring.measured(case).volume
    thick = replace(volume, spacing_mm=(7.5, *volume.spacing_mm[1:]))
    with pytest.raises(NotEligible) as verdict:
        model.read(changed(case, volume=thick))
    assert verdict.value.reason is Reason.UNLIKE_EXAM


@pytest.mark.parametrize("missing", [model.DETECTED, model.PREDICTED])
def test_weights_that_were_taught_one_task_are_not_served(case, missing):
    points = {name: point for name, point in POINTS.items() if name != missing}
    with pytest.raises(BadSeries, match=f"threshold of {missing}") as verdict:
        model.screen(case, Net(), replace(WEIGHTS, operating_points=points))
    assert verdict.value.reason is Reason.ENGINE_FAILED


@pytest.mark.parametrize(("age", "told"), [("066Y", False), ("085Y", True)])
def test_ages_that_the_paper_did_not_train_on_are_named(case, age, told):
    older = replace(case, clinical=replace(case.clinical, age_years=float(age[:3])))
    remarks = model.screen(older, Net(), WEIGHTS).quality["remarks"]
    assert ("50 to 80" in remarks) is told


def test_what_is_not_there_is_zeros_that_say_so():
    views = np.ones((len(VIEWS), SIDE_PX, SIDE_PX), np.float16)
    views[2] = np.nan
    shown, seen = prepared(views)
    assert seen.tolist() == [1, 1, 0, 1, 1, 1] and not shown[2].any()
