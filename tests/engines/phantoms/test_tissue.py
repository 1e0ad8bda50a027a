"""Shapes of the soft parts, and the soft parts themselves."""

import numpy as np

from engines.phantoms.body.conduit import Tube
from engines.phantoms.body.shapes import Common, Ellipsoid, Outline, Stack

SOURCE = np.array([0.0, -1000.0, 0.0])


def rays(rows=64):
    side = np.linspace(-60, 60, rows)
    x, z = np.meshgrid(side, side)
    return np.stack([x, np.full_like(x, 500.0), z], axis=-1)


def ball(radius=40.0):
    return Ellipsoid(np.zeros(3), np.full(3, radius), np.eye(3))


def test_a_ray_through_the_middle_of_a_ball_runs_its_diameter():
    assert np.isclose(ball().chord_mm(SOURCE, np.array([[0.0, 500.0, 0.0]]))[0], 80.0)


def test_chords_of_a_ball_are_those_of_geometry():
    targets = rays()
    way = (targets - SOURCE) / np.linalg.norm(targets - SOURCE, axis=-1, keepdims=True)
    gap = np.linalg.norm(np.cross(way, -SOURCE), axis=-1)
    expected = 2 * np.sqrt(np.clip(40.0**2 - gap**2, 0, None))
    np.testing.assert_allclose(ball().chord_mm(SOURCE, targets), expected, atol=1e-6)


def test_the_inside_of_a_turned_ellipsoid_has_its_volume():
    c, s = np.cos(0.6), np.sin(0.6)
    shape = Ellipsoid(
        np.zeros(3), np.array([10.0, 20, 30]), np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    )
    points = np.random.default_rng(3).uniform(-32, 32, (200_000, 3))
    volume = shape.inside(points).mean() * 64**3
    assert np.isclose(volume, 4 / 3 * np.pi * 6000, rtol=0.03)


def test_marched_chords_of_a_stack_agree_with_a_cylinder():
    levels = np.array([-50.0, 50.0])
    stack = Stack(levels, np.zeros((2, 2)), np.full((2, 2), 30.0))
    chord = stack.chord_mm(np.array([0.0, -1e6, 0]), np.array([[0.0, 1e3, 0], [20, 1e3, 0]]))
    np.testing.assert_allclose(chord, [60.0, 2 * np.sqrt(500)], rtol=0.02)


def test_an_outline_of_equal_radii_is_a_cylinder():
    outline = Outline(np.array([-50.0, 50.0]), np.zeros((2, 2)), np.full((2, 32), 30.0))
    points = np.random.default_rng(4).uniform(-49, 49, (5000, 3))
    np.testing.assert_array_equal(
        outline.inside(points), np.hypot(points[:, 0], points[:, 1]) <= 30
    )
    one_by_one = outline.depth_mm(points[:9, 0], points[:9, 1], points[:9, 2])
    slices = [outline.depth_mm(*(np.asarray(c) for c in p)) for p in points[:9]]
    np.testing.assert_allclose(one_by_one, np.array(slices), atol=1e-9)


def test_a_bent_tube_has_the_chord_of_its_radius_and_no_gap_at_the_bend():
    tube = Tube(np.array([[-40.0, 0, 0], [0, 0, 0], [0, 0, 40]]), np.full(3, 5.0))
    across = np.array([[-20.0, 500, 0], [0, 500, 20.0], [-0.3, 500, 0.2]])
    far = np.array([0.0, -1e5, 0.0])
    np.testing.assert_allclose(tube.chord_mm(far, across), 10.0, rtol=1e-3)
    assert tube.inside(np.array([[0.0, 4.9, 0.0]]))[0]


def test_lumps_of_a_tube_add_up_to_its_volume():
    tube = Tube(np.array([[0.0, 0, 0], [0, 0, 50], [0, 0, 100]]), np.full(3, 4.0))
    _, volume = tube.lumps(0.5)
    assert np.isclose(volume.sum(), np.pi * 16 * 100, rtol=0.01)


def test_a_shape_taken_away_leaves_a_shell():
    shell = Common((ball(40.0), ball(30.0)), (1, -1))
    np.testing.assert_array_equal(
        shell.inside(np.array([[0.0, 0, 35], [0, 0, 20], [0, 0, 45]])), [True, False, False]
    )
    chord = shell.chord_mm(SOURCE, np.array([[0.0, 500.0, 0.0]]))[0]
    assert np.isclose(chord, 20.0, rtol=0.05)
