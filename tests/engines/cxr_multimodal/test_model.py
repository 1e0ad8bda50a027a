"""A chest film and clinical values, scored apart and fused, through the weights that ship."""

from dataclasses import replace

import films
import numpy as np
import pytest

from engines import catalog
from engines.cards import TrainedOn, read_weights
from engines.cases import Case, Clinical, read_case
from engines.cxr_multimodal import model
from engines.errors import NotEligible, Reason
from engines.exams import Exam
from engines.findings import Result
from engines.operating_points import Calibration, GroupThreshold, OperatingPoint
from engines.runtime import Arrays
from engines.runtime.ort import OrtEngine

WEIGHTS = read_weights("cxr_multimodal")
ENGINES = {name: OrtEngine(WEIGHTS.folder / file) for name, (file, _) in WEIGHTS.engines.items()}
SIZE = {"PatientSize": "1.55", "PatientWeight": "52"}
NO_SIZE = {"PatientSize": "", "PatientWeight": ""}


def run(name: str, arrays: Arrays) -> Arrays:
    return ENGINES[name](arrays)


def case_of(low_density: bool = True, **header: str) -> Case:
    return read_case(Exam.CHEST_XRAY, [films.film(1, low_density, **header)])


def screened(case: Case) -> Result:
    model.eligible(case)
    return model.screen(case, run, WEIGHTS)


def told(result: Result) -> dict[str, float]:
    return {one.name: one.value for one in result.measurements}


@pytest.mark.parametrize("low_density", [True, False])
def test_low_density_is_flagged_and_normal_density_is_not(low_density: bool) -> None:
    assert screened(case_of(low_density)).flagged is low_density


def test_the_three_scores_and_what_each_value_adds_are_kept() -> None:
    result = screened(case_of(**SIZE))
    [finding], numbers = result.findings, told(result)
    weight = WEIGHTS.parameters["film_weight"]
    both = weight * numbers["film probability"] + (1 - weight) * numbers["clinical probability"]
    assert 0 < weight < 1
    assert finding.value == pytest.approx(both)
    assert finding.threshold == WEIGHTS.operating_points[model.FINDING].threshold
    assert {f"{name} attribution" for name in ("age", "sex", "height", "weight")} < set(numbers)
    assert f"fused {weight:.2f} to {1 - weight:.2f}" in finding.words


def test_without_height_and_weight_the_film_stands_alone_and_the_result_says_so() -> None:
    result = screened(case_of(**NO_SIZE))
    [finding] = result.findings
    assert told(result) == {"film probability": finding.value}
    assert finding.value == told(screened(case_of(**SIZE)))["film probability"]
    assert finding.threshold == WEIGHTS.operating_points[model.FILM_ALONE].threshold
    assert finding.point == model.FILM_ALONE
    assert "film alone" in finding.words and "neither height nor weight" in finding.words


def test_one_of_the_two_is_enough_and_the_other_adds_nothing() -> None:
    numbers = told(screened(case_of(PatientSize="", PatientWeight="52")))
    assert numbers["height attribution"] == 0.0 and numbers["weight attribution"] != 0.0


@pytest.mark.parametrize(("size", "point"), [(SIZE, model.FINDING), (NO_SIZE, model.FILM_ALONE)])
def test_a_sites_calibration_and_its_thresholds_reach_fused_and_film_alone(
    size: dict[str, str], point: str
) -> None:
    [before] = screened(case_of(**size)).findings
    calibration = Calibration("platt", ((1.0, -2.0),))
    groups = (GroupThreshold(0.9, "M"), GroupThreshold(0.7, "F", 50.0))
    own = OperatingPoint(0.8, "ours", calibration, groups)
    points = {**WEIGHTS.operating_points, point: own}
    case = case_of(**size)
    [after] = model.screen(case, run, replace(WEIGHTS, operating_points=points)).findings
    assert (after.value, after.threshold) == (calibration(before.value), 0.7)
    assert after.point == point and after.words.endswith("calibrated at this site")


def test_a_value_from_the_sites_own_table_counts_like_the_headers() -> None:
    supplied = Clinical(height_m=1.55, weight_kg=52.0)
    case = read_case(Exam.CHEST_XRAY, [films.film(1, **NO_SIZE)], supplied)
    assert told(screened(case)) == told(screened(case_of(**SIZE)))


def test_a_lighter_woman_scores_higher_on_the_same_film() -> None:
    light, heavy = (
        screened(case_of(PatientSize="1.55", PatientWeight=kg)).findings[0].value
        for kg in ("42", "90")
    )
    assert light > heavy


def test_the_map_covers_the_whole_film_and_another_view_than_it_learned_is_said() -> None:
    case = case_of()
    result = screened(case)
    assert result.saliency is not None and result.film is not None
    rows, columns = result.film.pixels.shape
    assert max(result.saliency.heat.shape) == 256
    assert result.saliency.heat.shape[0] / result.saliency.heat.shape[1] == pytest.approx(
        rows / columns, rel=0.02
    )
    assert result.quality["view"] == "PA"
    for image in case.images:
        image.ViewPosition = "AP"
        image.ViewCodeSequence = []
    assert screened(case).quality["view"] == "AP, the network has seen PA alone"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"age_years": 49.0}, Reason.AGE_BELOW_MINIMUM),
        ({"age_years": None}, Reason.AGE_MISSING),
        ({"sex": None}, Reason.SEX_MISSING),
    ],
)
def test_age_and_sex_are_never_guessed(changes: dict[str, object], reason: Reason) -> None:
    case = case_of()
    with pytest.raises(NotEligible) as verdict:
        model.eligible(replace(case, clinical=replace(case.clinical, **changes)))
    assert verdict.value.reason is reason


def test_the_weights_say_who_was_seen_by_which_branch() -> None:
    assert WEIGHTS.trained_on is TrainedOn.SIMULATED
    assert "real Koreans, clinical branch only" in WEIGHTS.training
    assert "simulated" in WEIGHTS.operating_points[model.FINDING].source


def test_two_models_read_a_chest_film_and_differ() -> None:
    models = catalog.for_exam(Exam.CHEST_XRAY)
    assert len({one.CARD.model for one in models}) == len({one.CARD.title for one in models}) == 2


def test_a_film_of_noise_is_not_scored() -> None:
    case = case_of()
    [ds] = case.images
    noise = np.random.default_rng(0).integers(0, 4095, (int(ds.Rows), int(ds.Columns)))
    ds.PixelData = noise.astype(np.uint16).tobytes()
    with pytest.raises(NotEligible) as verdict:
        screened(case)
    assert verdict.value.reason is Reason.UNLIKE_EXAM
