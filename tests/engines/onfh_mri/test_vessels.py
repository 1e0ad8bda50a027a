"""Vessels: known shapes have known lengths and branches, and no T1 is measured."""

import numpy as np
import pytest

from engines.errors import NotEligible
from engines.mr_sequence import Weighting
from engines.onfh_mri.vessels import measured, require_vessels, skeleton

EVEN = (1.0, 1.0, 1.0)


def tube(length: int, half: int) -> np.ndarray:
    mask = np.zeros((9, 9, length + 6), bool)
    mask[4 - half : 5 + half, 4 - half : 5 + half, 3 : length + 3] = True
    return mask


def test_a_line_is_as_long_as_its_steps_by_the_spacing():
    assert measured(tube(21, 0), (4.0, 1.0, 0.5)).length_mm == pytest.approx(10.0)
    diagonal = np.zeros((3, 20, 20), bool)
    diagonal[1, np.arange(2, 12), np.arange(2, 12)] = True
    assert measured(diagonal, EVEN).length_mm == pytest.approx(9 * np.sqrt(2))


def test_a_tube_shrinks_to_a_line_of_about_its_length_without_branches():
    found = measured(tube(24, 1), EVEN)
    assert 19 <= found.length_mm <= 25
    assert found.branches == 0


def test_a_y_has_one_branch_and_a_ladder_four():
    fork = np.zeros((3, 24, 24), bool)
    fork[1, 12, 2:12] = True
    for step in range(9):
        fork[1, 12 - step, 12 + step] = fork[1, 12 + step, 12 + step] = True
    assert measured(fork, EVEN).branches == 1
    ladder = np.zeros((3, 24, 30), bool)
    ladder[1, 6, 2:28] = ladder[1, 16, 2:28] = True
    ladder[1, 6:17, 9] = ladder[1, 6:17, 20] = True
    assert measured(ladder, EVEN).branches == 4


def test_a_ring_stays_a_ring_and_a_ball_becomes_a_voxel():
    place = np.indices((7, 25, 25)) - np.array([3, 12, 12])[:, None, None, None]
    off = np.hypot(place[1], place[2])
    ring = skeleton((np.abs(off - 8) < 1.6) & (np.abs(place[0]) <= 1))
    assert ring.any() and not ring[:, 12, 12].any()
    assert measured(ring, EVEN).length_mm == pytest.approx(2 * np.pi * 8, rel=0.2)
    ball = skeleton(np.sqrt((place**2).sum(axis=0)) < 3)
    assert 1 <= ball.sum() <= 3


def test_nothing_is_measured_unless_a_site_has_named_the_sequence():
    with pytest.raises(NotEligible, match="sequence-unsuitable"):
        require_vessels(Weighting.T1, ())
    with pytest.raises(NotEligible):
        require_vessels(Weighting.FLUID, ["angiography"])
    require_vessels(Weighting.VESSELS, ["angiography"])
