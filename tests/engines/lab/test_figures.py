"""Figures of merit against values worked out by hand or by brute force."""

import numpy as np
import pytest

from engines.lab.delong import delong
from engines.lab.figures import (
    amid_gap,
    auc,
    sensitivity,
    specificity,
    threshold_for_sensitivity,
    youden_threshold,
)

SCORES = np.array([0.1, 0.4, 0.35, 0.8, 0.8, 0.2])
ILL = np.array([False, False, True, True, False, False])


def test_auc_counts_the_pairs_in_order_and_half_the_ties() -> None:
    # 8 pairs: 0.35 beats 0.1 and 0.2; 0.8 beats 0.1, 0.4 and 0.2 and ties with 0.8
    assert auc(SCORES, ILL).value == pytest.approx(5.5 / 8)


def test_auc_agrees_with_counting_every_pair_and_delong_with_the_bootstrap() -> None:
    rng = np.random.default_rng(3)
    ill = rng.random(300) < 0.3
    scores = np.round(rng.normal(ill * 1.2, 1.0), 1)
    pairs = scores[ill][:, None] - scores[~ill]
    found = auc(scores, ill)
    assert found.value == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    drawn = [rng.integers(0, 300, 300) for _ in range(400)]
    again = np.array([delong(scores[None, i], ill[i])[0][0] for i in drawn])
    assert (found.high - found.low) / 3.92 == pytest.approx(again.std(), rel=0.15)


def test_auc_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc(SCORES, np.zeros(6, dtype=bool))


def test_a_score_at_the_threshold_counts_as_found() -> None:
    assert sensitivity(SCORES, ILL, 0.35).value == 1.0
    assert specificity(SCORES, ILL, 0.35).value == 0.5


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    found = sensitivity(np.array([1.0] * 8 + [0.0] * 2), np.ones(10, dtype=bool), 0.5)
    assert (found.low, found.high) == pytest.approx((0.490, 0.943), abs=1e-3)


def test_the_threshold_finds_the_wanted_share_and_no_lower_one_is_needed() -> None:
    scores = np.arange(1, 41) / 40
    ill = np.ones(40, dtype=bool)
    threshold = threshold_for_sensitivity(scores, ill, 0.9)
    assert sensitivity(scores, ill, threshold).value == pytest.approx(0.9)
    assert sensitivity(scores, ill, threshold + 1e-9).value < 0.9


def test_without_positives_there_is_no_threshold_for_a_sensitivity() -> None:
    with pytest.raises(ValueError, match="no positive cases"):
        threshold_for_sensitivity(SCORES, np.zeros(6, dtype=bool), 0.9)


def test_youdens_threshold_separates_what_can_be_separated() -> None:
    assert youden_threshold(np.array([0.1, 0.2, 0.7, 0.9]), np.array([0, 0, 1, 1]) > 0) == 0.7


def test_a_threshold_amid_a_gap_tells_the_same_cases_apart() -> None:
    scores, ill = np.array([0.001, 0.1, 0.9, 0.95]), np.array([False, False, True, True])
    amid = amid_gap(threshold_for_sensitivity(scores, ill, 1.0), scores)
    # odds of 1 to 9 and 9 to 1
    assert amid == pytest.approx(0.5)
    assert sensitivity(scores, ill, amid).value == specificity(scores, ill, amid).value == 1.0
    assert amid_gap(0.001, scores) == 0.001
    assert 0.95 < amid_gap(1.0, np.append(scores, 1.0)) < 1.0
