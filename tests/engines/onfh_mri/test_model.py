"""Hips of a virtual MRI: found, sides told by coordinates, cut out alike, visits held together."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import hip_mris
import numpy as np
import pytest

from engines.cards import OperatingPoint, TrainedOn, Weights
from engines.cases import EarlierVisit, read_case
from engines.coronal import read_coronal
from engines.errors import NotEligible, Reason
from engines.exams import Exam
from engines.onfh_mri import model
from engines.onfh_mri.inputs import course_of, montage
from engines.onfh_mri.sides import SLICES, read_hips
from engines.phantoms.body.extra import Extra
from engines.rules import Rules

WEIGHTS = Weights(
    folder=None,
    model="onfh_mri",
    version="0",
    trained_on=TrainedOn.SIMULATED,
    training="none",
    operating_points={model.FINDING: OperatingPoint(0.5, "a test")},
    engines={"onfh_mri": ("a", "1"), "progression": ("b", "2")},
    parameters={"input_size_px": 32, "weightings": ["T1"], "course": [4, 18]},
)


@pytest.fixture(scope="module")
def images():
    return hip_mris.hips(hip_mris.SOUND)


@pytest.fixture(scope="module")
def stack(images):
    return read_coronal(images)


def spot(place):
    """A map that is hot at one of sixteen places."""
    return (np.arange(16) == place).reshape(4, 4).astype(np.float32)


def run(name, arrays):
    """Answer with the brightness of a hip, and with how many visits there were."""
    if name == "progression":
        return {"progression": arrays["course"][:, :, -1].sum(axis=1, keepdims=True) / 10}
    hips = arrays["hip"]
    return {
        "probability": np.array([[0.9], [0.1]], np.float32)[: len(hips)],
        "slices": np.tile(np.linspace(0, 1, SLICES, dtype=np.float32), (len(hips), 1)),
        "features": np.ones((len(hips), 16), np.float32),
        "heat": np.stack([[spot(place) for place in range(SLICES)]] * len(hips)),
    }


def screened(images, **changes):
    case = replace(read_case(Exam.HIP_MRI, images), **changes)
    model.eligible(case)
    return model.screen(case, run, WEIGHTS)


def test_vessels_are_measured_where_the_site_has_named_such_series_and_nowhere_else(images):
    plain = screened(images)
    assert "vessels" not in plain.quality and not plain.configuration
    named = screened(images, rules=Rules(vessel_sequences=("t1",)))
    told = {(one.name, one.laterality) for one in named.measurements}
    assert told >= {(f"vessel {what}", side) for what in ("length", "branches") for side in "LR"}
    assert "not validated" in named.quality["vessels"]
    assert named.configuration == {"mri_vessel_sequences": "t1"}
    other = screened(images, rules=Rules(vessel_sequences=("fluid",)))
    assert other.quality["vessels"].startswith("not measured: ")
    assert not any(one.name.startswith("vessel") for one in other.measurements)


def test_both_heads_are_found_and_the_left_one_lies_to_the_left(images, stack):
    hips = read_hips(images, stack, bright=True)
    left, right = (stack.place_mm(hips.found[side].ball.own_mm) for side in "LR")
    assert 130 < left[0] - right[0] < 230
    assert abs(left[2] - right[2]) < 8 and abs(left[1] - right[1]) < 8
    # a right hip is mirrored: the two sides of one person look alike
    one, other = (hips.found[side].cut_out for side in "LR")
    alike = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    turned = np.corrcoef(one.ravel(), other[:, :, ::-1].ravel())[0, 1]
    assert alike > turned + 0.2


def test_a_result_has_both_sides_a_picture_and_says_that_there_is_one_visit(images):
    result = screened(images)
    assert [one.laterality for one in result.findings] == ["L", "R"]
    assert [one.flagged for one in result.findings] == [True, False]
    assert all(one.words == "one visit: no progression output" for one in result.findings)
    assert not result.measurements
    assert result.film.pixels.shape == (256, 512) == result.saliency.heat.shape
    # the left hip hangs on the right, its slice of the highest score being the last
    row, column = np.unravel_index(result.saliency.heat[:, 256:].argmax(), (256, 256))
    assert (row // 64, column // 64) == divmod(SLICES - 1, 4)
    assert {one.laterality for one in result.contours} == {"L", "R"}
    assert result.image in {str(ds.SOPInstanceUID) for ds in images}
    assert len(result.features["R"]) == 16


def test_the_picture_names_each_hip_by_its_letter():
    blank = [SimpleNamespace(cut_out=np.full((1, 64, 64), 0.5, np.float32)) for _ in range(2)]
    both = montage(dict(zip("LR", blank, strict=True)), {"L": 0, "R": 0})
    right, left = (both[:, half] for half in (slice(256), slice(256, None)))
    assert np.array_equal(right, montage({"R": blank[0]}, {"R": 0}))
    assert np.array_equal(left, montage({"L": blank[0]}, {"L": 0}))
    assert not np.array_equal(left, right)
    assert both.max() == 1.0 and both.min() == 0.0
    assert (both[40:] == 0.5).all()


def test_earlier_visits_of_the_same_weights_alone_give_a_progression(images):
    features = {"L": (1.0,) * 16}
    earlier = EarlierVisit("19800101", "onfh_mri", WEIGHTS.sha256, features)
    others = (
        replace(earlier, weights_sha256="other"),
        replace(earlier, StudyDate="29990101"),
        replace(earlier, StudyDate=""),
    )
    result = screened(images, visits=(earlier, *others))
    (told,) = result.measurements
    assert (told.name, told.laterality) == ("probability of progression", "L")
    assert told.value == pytest.approx(0.2)
    words = {one.laterality: one.words for one in result.findings}
    assert words["L"].startswith("2 visits") and words["R"].startswith("one visit")


def test_a_course_ends_with_the_present_visit_and_knows_how_long_ago_the_others_were():
    laid = course_of([(date(2020, 1, 1), [5.0]), (date(2021, 1, 1), [6.0])], (4, 3))
    assert laid[:2].sum() == 0
    assert laid[2] == pytest.approx([5.0, 1.0, 1.0], abs=0.01)
    assert laid[3] == pytest.approx([6.0, 0.0, 1.0])


@pytest.mark.parametrize("metal", [Extra.HIP_LEFT, Extra.NAIL_LEFT])
def test_a_hip_with_metal_is_set_aside_and_the_other_is_read(metal):
    images = hip_mris.hips(hip_mris.SOUND, (metal,))
    hips = read_hips(images, read_coronal(images), bright=True)
    assert set(hips.found) == {"R"}
    assert hips.set_aside == {"L": "void as of metal"}


def test_a_named_side_is_read_alone(images, stack):
    def changed(**said):
        copies = [deepcopy(ds) for ds in images]
        for ds in copies:
            for name, value in said.items():
                setattr(ds, name, value)
        return copies

    assert set(read_hips(changed(Laterality="R"), stack, bright=True).found) == {"R"}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"PatientBirthDate": "", "PatientAge": "012Y"}, Reason.AGE_BELOW_MINIMUM),
        ({"SeriesDescription": "localizer"}, Reason.LOCALIZER),
        ({"RepetitionTime": 4000, "EchoTime": 100}, Reason.SEQUENCE_UNSUITABLE),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, Reason.SCREENSHOT),
    ],
)
def test_whom_and_what_it_is_not_for_is_refused(images, said, reason):
    copies = [deepcopy(ds) for ds in images]
    for ds in copies:
        for name, value in said.items():
            setattr(ds, name, value)
    with pytest.raises(NotEligible) as refused:
        model.eligible(read_case(Exam.HIP_MRI, copies))
    assert refused.value.reason is reason


def test_stir_is_refused_by_weights_that_were_trained_on_t1(images):
    copies = [deepcopy(ds) for ds in images]
    for ds in copies:
        ds.ScanningSequence, ds.InversionTime, ds.RepetitionTime = ["SE", "IR"], 150, 4200
    with pytest.raises(NotEligible, match="trained on T1"):
        screened(copies)
