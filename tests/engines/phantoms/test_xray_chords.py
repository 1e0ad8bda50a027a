"""Many chords counted at once are those of each shape."""

import numpy as np
import pytest

from engines.phantoms.body.conduit import Tube
from engines.phantoms.body.marching import march_mm
from engines.phantoms.body.shapes import Common, Ellipsoid
from engines.phantoms.xray.chords import chords_mm, has_formula
from engines.phantoms.xray.geometry import Stand

GEOMETRY = Stand("PA", (0.0, 0.0, 0.0), 100.0, 1500.0).geometry(240.0, (120, 120))
ROWS, COLUMNS = np.arange(120.0)[:, None], np.arange(120.0)[None, :]
TARGETS = GEOMETRY.targets_mm(ROWS, COLUMNS)


def bent():
    """A thin tube that runs down, aside and towards the tube; too thin for round ends."""
    path = np.array([[-60.0, 0, 60], [-20, 10, 30], [10, -20, 0], [20, -90, -10], [70, -60, -90]])
    return Tube(path, np.full(5, 1.9))


def ball(centre, radius):
    return Ellipsoid(np.array(centre, dtype=float), np.full(3, radius), np.eye(3))


def test_a_bent_tubes_chords_are_those_of_its_cylinders():
    exact = bent().chord_mm(GEOMETRY.source_mm, TARGETS)
    assert exact.max() > 3.5
    np.testing.assert_allclose(chords_mm([bent()], GEOMETRY), exact, atol=1e-4)


def test_a_fold_in_a_tube_makes_no_long_shadow():
    path = [[-0.5, -1.9, -0.9], [0, -0.6, -0.3], [0, 0, 0], [0, -1, 0.1], [-0.2, -2.1, -0.1]]
    path += [[-1, -1.7, -0.4], [-1.9, -0.4, -1]]
    radii = np.array([10.7, 12.1, 12.7, 11.7, 10.5, 10.9, 12.3])
    assert 20 < chords_mm([Tube(np.array(path, dtype=float), radii)], GEOMETRY).max() < 80


def test_a_turned_ellipsoids_chords_are_exact():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    shape = Ellipsoid(np.array([30.0, 20, -40]), np.array([8.0, 20, 35]), turn)
    exact = shape.chord_mm(GEOMETRY.source_mm, TARGETS)
    assert exact.max() > 15
    np.testing.assert_allclose(chords_mm([shape], GEOMETRY), exact, atol=1e-6)


def test_shapes_over_the_films_edge_are_seen_where_they_are_on_it():
    shapes = [ball((115, 0, 0), 20.0), Tube(np.array([[-140.0, 0, 0], [-90, 0, 0]]), np.full(2, 5))]
    seen = chords_mm(shapes, GEOMETRY)
    assert seen[60, -1] > 20
    assert seen[60, 0] > 9
    assert seen[60, 60] == 0


def test_all_shapes_together_are_the_sum_of_each():
    shapes = [bent(), ball((0, 0, 0), 12.0), ball((4, 0, 3), 12.0), bent()]
    one_by_one = sum(chords_mm([shape], GEOMETRY) for shape in shapes)
    np.testing.assert_allclose(chords_mm(shapes, GEOMETRY), one_by_one, atol=1e-9)


@pytest.mark.parametrize("ends", [(12.0, 12.0), (12.0, 4.0)])
def test_a_tapering_tube_with_round_ends_has_its_volume(ends):
    path = np.array([[0.0, 0, -40], [0.0, 0, 40]])
    chord = chords_mm([Tube(path, np.array(ends))], GEOMETRY)
    a, b = ends
    volume = np.pi * 80 / 3 * (a * a + a * b + b * b) + 2 * np.pi / 3 * (a**3 + b**3)
    pixel_mm = GEOMETRY.pitch_mm * 1400 / 1500
    # three cones are a little less than half a ball
    assert chord.sum() * pixel_mm**2 == pytest.approx(volume, rel=0.03)


def test_a_tube_that_is_cut_ends_where_the_other_begins():
    tube = Tube(np.array([[-80.0, 0, 5], [80.0, 0, 5]]), np.full(2, 6.0))
    cut = Common((tube, ball((0, 0, 0), 40.0), ball((0, 0, 0), 15.0)), (1, 1, -1))
    assert has_formula(cut)
    exact = march_mm(cut, GEOMETRY.source_mm, TARGETS, 400)
    seen = chords_mm([cut], GEOMETRY)
    assert seen.sum() == pytest.approx(exact.sum(), rel=0.02)
    assert np.abs(seen - exact).max() < 5
    assert seen[57, 60] == 0
    assert seen[57, 5] == 0


def test_thick_tubes_that_are_cut_are_left_to_marching():
    tube = Tube(np.array([[-80.0, 0, 5], [80.0, 0, 5]]), np.full(2, 40.0))
    assert has_formula(tube)
    assert not has_formula(Common((tube, ball((0, 0, 0), 40.0)), (1, -1)))
    assert not has_formula(Common((ball((0, 0, 0), 40.0), tube), (1, -1)))


def test_a_sharp_bend_with_uneven_radii_throws_no_shadow_far_from_it():
    # bowel that turns back and forth in a step; its radii change as fast
    rng = np.random.default_rng(18)
    path = np.cumsum(rng.normal(0, 3, (9, 3)), axis=0)
    path -= path.mean(axis=0)
    chord = chords_mm([Tube(path, rng.uniform(7, 11, 9))], GEOMETRY)
    near = ball((0, 0, 0), 34.0).chord_mm(GEOMETRY.source_mm, TARGETS) > 0
    assert np.abs(path).max() < 14 and chord.max() > 15
    assert chord[~near].max() == 0
