"""Hips are read side by side; a side is never guessed; one that is refused leaves the other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from engines.anatomy.femur import CUT_PX, Femur
from engines.cards import OperatingPoint, TrainedOn, Weights
from engines.cases import read_case
from engines.errors import NotEligible, Reason
from engines.exams import Exam
from engines.hip_vit import model, sides
from engines.hip_vit.inputs import heat_on_film, prepare
from engines.images import Radiograph
from engines.operating_points import Calibration, GroupThreshold

COLUMN = {1: 300.0, -1: 100.0}
CUT_OUT = np.tile(np.linspace(0, 1, CUT_PX, dtype=np.float32), (CUT_PX, 1))
WEIGHTS = Weights(
    Path(),
    "hip_vit",
    "1",
    TrainedOn.SIMULATED,
    "",
    {"osteoporosis": OperatingPoint(0.3, "")},
    {},
    {"input_size_px": 96, "backbone": "vit_b_16"},
)
FILM = Radiograph(np.full((400, 400), 0.5, np.float32), 0.6, "1", "2", (400, 400), "")


def femur(outwards, refused=None, column=None, radius_px=40.0):
    return Femur(outwards, 150.0, column or COLUMN[outwards], radius_px, 1.0, CUT_OUT, refused)


def hips(monkeypatch, *femora, metal=False, **header):
    """Read the hips of a film on which these femora are seen."""
    monkeypatch.setattr(sides, "find_femora", lambda film: femora)
    monkeypatch.setattr(sides, "metal_opposite", lambda film, femur: metal)
    ds = Dataset()
    for keyword, value in header.items():
        setattr(ds, keyword, value)
    return sides.read_hips(ds, FILM)


def test_a_pelvis_has_its_left_hip_on_the_right_of_the_film(monkeypatch):
    found = hips(monkeypatch, femur(-1), femur(1))
    assert found.femora["R"].column < found.femora["L"].column
    assert found.set_aside == {}


def test_a_film_whose_rows_run_to_the_right_of_the_patient_is_read_the_other_way_round(monkeypatch):
    found = hips(monkeypatch, femur(-1), femur(1), PatientOrientation=["R", "F"])
    assert found.femora["L"].column < found.femora["R"].column


def test_a_pelvis_of_which_one_side_is_asked_gives_that_side(monkeypatch):
    assert set(hips(monkeypatch, femur(-1), femur(1), ImageLaterality="L").femora) == {"L"}


@pytest.mark.parametrize("keyword", ["ImageLaterality", "Laterality"])
def test_one_hip_whose_form_agrees_with_the_header_is_read(monkeypatch, keyword):
    assert set(hips(monkeypatch, femur(-1), **{keyword: "R"}).femora) == {"R"}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"ImageLaterality": "L"}, Reason.LATERALITY_CONTRADICTORY),
        ({"Laterality": "L", "ImageLaterality": "R"}, Reason.LATERALITY_CONTRADICTORY),
        (
            {"ImageLaterality": "R", "SeriesDescription": "Hüfte a.p. links"},
            Reason.LATERALITY_CONTRADICTORY,
        ),
        ({"BodyPartExamined": "HIP"}, Reason.LATERALITY_MISSING),
    ],
)
def test_the_side_of_one_hip_is_never_guessed(monkeypatch, header, reason):
    with pytest.raises(NotEligible) as verdict:
        hips(monkeypatch, femur(-1), **header)
    assert verdict.value.reason is reason


def test_one_hip_in_the_middle_of_a_film_is_no_pelvis_whatever_the_header_says(monkeypatch):
    with pytest.raises(NotEligible) as verdict:
        hips(monkeypatch, femur(1, column=220.0), ImageLaterality="B")
    assert verdict.value.reason is Reason.LATERALITY_MISSING


@pytest.mark.parametrize(("metal", "why"), [(True, "metal"), (False, "not found")])
def test_a_pelvis_with_one_readable_hip_says_why_not_the_other(monkeypatch, metal, why):
    found = hips(monkeypatch, femur(1), metal=metal, BodyPartExamined="PELVIS")
    assert (set(found.femora), found.set_aside) == ({"L"}, {"R": why})


def test_of_a_pelvis_with_a_prosthesis_the_other_hip_counts(monkeypatch):
    found = hips(monkeypatch, femur(-1, Reason.HIP_METAL), femur(1))
    assert (set(found.femora), found.set_aside) == ({"L"}, {"R": "metal"})


def test_where_no_hip_can_be_read_the_film_is_refused_for_the_reason(monkeypatch):
    for femora, reason in (
        ((), Reason.HIP_NOT_FOUND),
        ((femur(-1, Reason.HIP_METAL), femur(1, Reason.HIP_METAL)), Reason.HIP_METAL),
        ((femur(-1, Reason.HIP_CUT_OFF), femur(1, Reason.HIP_METAL)), Reason.HIP_CUT_OFF),
    ):
        with pytest.raises(NotEligible) as verdict:
            hips(monkeypatch, *femora)
        assert verdict.value.reason is reason


def film(**changes):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "Modality": "CR",
        "BodyPartExamined": "PELVIS",
        "ViewPosition": "AP",
        "PatientID": "X",
        "PatientSex": "F",
        "PatientAge": "071Y",
    }
    for keyword, value in (values | changes).items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SeriesDescription": "Hip frog leg left AP"}, Reason.VIEW_NOT_FRONTAL),
        ({"SeriesDescription": "Becken Lauenstein"}, Reason.VIEW_NOT_FRONTAL),
        ({"ViewPosition": "LL"}, Reason.VIEW_NOT_FRONTAL),
        ({"ViewPosition": "PA"}, Reason.VIEW_NOT_FRONTAL),
        ({"ViewPosition": ""}, Reason.VIEW_UNKNOWN),
        ({"BodyPartExamined": "KNEE"}, Reason.BODY_PART_MISMATCH),
        ({"PatientAge": "049Y"}, Reason.AGE_BELOW_MINIMUM),
        ({"PatientSex": ""}, Reason.SEX_MISSING),
    ],
)
def test_other_views_parts_and_patients_are_not_eligible(changes, reason):
    with pytest.raises(NotEligible) as verdict:
        model.eligible(read_case(Exam.HIP_XRAY, [film(**changes)]))
    assert verdict.value.reason is reason


def test_an_ap_film_of_the_pelvis_of_a_woman_of_71_is_eligible():
    model.eligible(read_case(Exam.HIP_XRAY, [film()]))


def screened(monkeypatch, scores, set_aside=None, weights=WEIGHTS):
    """Screen a film of as many hips as there are scores, right before left."""
    found = {side: femur(1 if side == "L" else -1) for side in scores}
    read = sides.Hips(found, set_aside or {})
    monkeypatch.setattr(model, "read_film", lambda case: (film(), FILM, read))

    def run(name, arrays):
        assert arrays[model.FEMUR].shape == (len(scores), 1, 96, 96)
        maps = np.zeros((len(scores), 3, 3), np.float32)
        maps[:, 1, 1] = 1
        rows = np.array(list(scores.values()), np.float32)
        return {model.PROBABILITY: rows, model.ATTENTION: maps}

    return model.screen(read_case(Exam.HIP_XRAY, [film()]), run, weights)


def test_a_sites_calibration_and_its_thresholds_reach_both_sides(monkeypatch):
    # of a woman of 71
    groups = (GroupThreshold(0.7, "F", 0.0, 71.0), GroupThreshold(0.25, "F", 71.0))
    calibration = Calibration("platt", ((1.0, -1.0),))
    points = {"osteoporosis": OperatingPoint(0.5, "ours", calibration, groups)}
    own = replace(WEIGHTS, operating_points=points)
    result = screened(monkeypatch, {"R": (0.7, 0.2, 0.1), "L": (0.1, 0.3, 0.6)}, weights=own)
    told = [(f.laterality, f.value, f.threshold, f.flagged) for f in result.findings]
    left, right = (calibration(float(np.float32(score))) for score in (0.6, 0.1))
    assert told == [("L", left, 0.25, True), ("R", right, 0.25, False)]


def test_both_sides_are_found_and_the_worse_one_comes_first_and_is_the_study(monkeypatch):
    result = screened(monkeypatch, {"R": (0.7, 0.2, 0.1), "L": (0.1, 0.3, 0.6)})
    assert [(f.laterality, f.flagged) for f in result.findings] == [("L", True), ("R", False)]
    assert result.quality["class"] == "osteoporosis"
    assert result.quality["class right"] == "normal, which rules nothing out"
    assert result.flagged
    assert [finding.words for finding in result.findings] == ["class osteoporosis", ""]


def test_the_probabilities_of_all_classes_of_each_side_are_kept(monkeypatch):
    result = screened(monkeypatch, {"R": (0.7, 0.2, 0.1), "L": (0.1, 0.3, 0.6)})
    for finding in result.findings:
        beside = [m.value for m in result.measurements if m.laterality == finding.laterality]
        assert sum(beside) + finding.value == pytest.approx(1)


def test_a_side_that_was_not_read_is_named_with_its_reason(monkeypatch):
    result = screened(monkeypatch, {"L": (0.1, 0.3, 0.6)}, {"R": "metal"})
    assert result.set_aside == (("proximal femur, right", "metal"),)


def test_a_hip_of_fewer_pixels_than_the_network_sees_is_refused(monkeypatch):
    small = femur(1, radius_px=12.0)
    read = lambda case: (film(), FILM, sides.Hips({"L": small}, {}))  # noqa: E731
    with pytest.raises(NotEligible) as verdict:
        screened_with(monkeypatch, read)
    assert verdict.value.reason is Reason.UNLIKE_EXAM


def screened_with(monkeypatch, read):
    monkeypatch.setattr(model, "read_film", read)
    return model.screen(read_case(Exam.HIP_XRAY, [film()]), None, WEIGHTS)


def test_heat_lies_where_the_femur_was_cut_out_and_on_its_outer_side():
    maps = np.zeros((2, 5, 5), np.float32)
    maps[:, 2, 4] = 1
    heat = heat_on_film((femur(-1, radius_px=20.0), femur(1, radius_px=20.0)), maps, (400, 400))
    columns = heat.max(axis=0)
    # the outer side of a right hip lies to the left of its head, of a left hip to the right
    assert columns[: round(100 * 0.64)].max() > 0.9
    assert columns[round(300 * 0.64) :].max() > 0.9
    assert columns[round(110 * 0.64) : round(290 * 0.64)].max() < 0.1


def test_what_the_network_is_shown_has_its_size_and_range():
    shown = prepare(CUT_OUT, 64)
    assert shown.shape == (1, 64, 64)
    assert shown.min() >= 0 and shown.max() <= 1
