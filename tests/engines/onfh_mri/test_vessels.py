"""Vessels: known shapes have known lengths and branches, and no T1 is measured."""

import numpy as np
import pytest

from engines.errors import NotEligible
from engines.mr_sequence import Weighting
from engines.onfh_mri.vessels import bright_lines, measured, require_vessels, skeleton
from engines.rules import read_vessel_sequences

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
        require_vessels(Weighting.FLUID, ["t1"])
    require_vessels(Weighting.FLUID, ["t1", "fluid"])


def test_a_setting_that_names_no_series_is_refused_in_its_words():
    assert read_vessel_sequences("T1, fluid") == ("t1", "fluid")
    with pytest.raises(ValueError, match="dwi is none of t1, t2, fluid"):
        read_vessel_sequences("t1, dwi")


def drawn(*lines: np.ndarray, wide_px: float = 1.2, noise: float = 0.03) -> np.ndarray:
    """Draw bright lines, each shape (point, (row, column)), into the middle one of three slices."""
    rows, columns = np.mgrid[:120, :120]
    off = np.min(
        [np.hypot(rows - row, columns - column) for line in lines for row, column in line], axis=0
    )
    draw = np.random.default_rng(3)
    signal = 0.3 + noise * draw.standard_normal((3, 120, 120))
    signal[1] += np.where(off <= wide_px, 0.7, 0.0)
    # an edge and a ball are no vessels
    signal[:, :, 100:] += 0.6
    signal[1][np.hypot(rows - 95, columns - 20) < 7] += 0.7
    return np.abs(signal)


def test_bright_lines_have_their_length_and_branches_and_edges_and_balls_have_none():
    step = np.linspace(0, 1, 200)[:, None]
    along = np.array([30, 10]) + step * np.array([0, 60])
    off = np.array([30, 40]) + step * np.array([30, 30])
    found = measured(bright_lines(drawn(along, off), 0.8), (4.0, 0.8, 0.8))
    assert found.length_mm == pytest.approx(0.8 * (60 + np.hypot(30, 30)), rel=0.12)
    assert found.branches == 1
    nothing = drawn(np.array([[30.0, 10.0], [30.0, 13.0]]))
    assert measured(bright_lines(nothing, 0.8), (4.0, 0.8, 0.8)).length_mm < 4
