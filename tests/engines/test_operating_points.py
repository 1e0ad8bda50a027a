"""A score is held against the threshold of whoever it is of; a site's calibration is applied."""

import json
from math import inf

import pytest

from engines.operating_points import (
    Calibration,
    GroupThreshold,
    OperatingPoint,
    read_point,
    written,
)

POINT = OperatingPoint(
    0.4,
    "a test",
    Calibration("platt", ((0.5, -1.0),)),
    (GroupThreshold(0.2, "F", 65.0), GroupThreshold(0.3, "F", 0.0, 65.0)),
)


def test_a_point_as_recipes_release_it_changes_no_score() -> None:
    assert OperatingPoint(0.4, "a test").judge(0.123, "F", 70.0) == (0.123, 0.4)


@pytest.mark.parametrize(
    ("sex", "age_years", "threshold"),
    [("F", 65.0, 0.2), ("F", 64.9, 0.3), ("M", 70.0, 0.4), (None, 70.0, 0.4), ("F", None, 0.4)],
)
def test_who_belongs_to_no_group_for_certain_has_the_threshold_of_all(
    sex: str | None, age_years: float | None, threshold: float
) -> None:
    assert POINT.judge(0.5, sex, age_years)[1] == threshold


def test_platts_line_is_over_log_odds() -> None:
    # log odds of 0.8 are ln 4, half of it ln 2; e is taken off the odds
    assert POINT.judge(0.8)[0] == pytest.approx(2 / (2 + 2.718281828))
    assert 0 < POINT.judge(0.0)[0] < POINT.judge(1.0)[0] < 1


def test_isotonic_steps_are_joined_by_lines_and_end_flat() -> None:
    steps = Calibration("isotonic", ((0.2, 0.1), (0.4, 0.5), (0.6, 0.5)))
    assert [steps(score) for score in (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0)] == pytest.approx(
        [0.1, 0.1, 0.3, 0.5, 0.5, 0.5, 0.5]
    )


def test_a_point_is_read_as_it_was_written_in_json() -> None:
    told = json.loads(json.dumps(written(POINT), allow_nan=False))
    assert read_point(told) == POINT and POINT.groups[0].to_age_years == inf
    assert written(OperatingPoint(0.4, "a")) == {"threshold": 0.4, "source": "a"}


@pytest.mark.parametrize(
    "calibration",
    [
        {"method": "platt", "numbers": [[-1.0, 0.0]]},
        {"method": "isotonic", "numbers": [[0.1, 0.5], [0.2, 0.4]]},
        {"method": "isotonic", "numbers": []},
        {"method": "beta", "numbers": [[1.0, 0.0]]},
    ],
)
def test_a_calibration_that_turns_scores_round_is_refused(calibration: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        read_point({"threshold": 0.5, "source": "a", "calibration": calibration})
