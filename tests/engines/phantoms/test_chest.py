"""The chest's soft parts lie where a radiograph shows them."""

import numpy as np
import pytest

from engines.phantoms.body.build import draw_build
from engines.phantoms.body.conduit import Branches
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.people.draw import draw_person

SEEDS = (3, 8)


@pytest.fixture(scope="module", params=SEEDS)
def build(request):
    return draw_build(draw_person(request.param))


@pytest.fixture(scope="module")
def parts(build):
    return {solid.name: solid.shape for solid in soft_parts(build)}


def borders_mm(shape, z, y):
    """Right and left border of a shape at a height."""
    x = np.arange(-160.0, 160.0, 0.5)
    grid = np.stack(np.broadcast_arrays(x[:, None], y, z), axis=-1)
    seen = x[shape.inside(grid).any(axis=1)]
    return float(seen.min()), float(seen.max())


def test_the_heart_reaches_further_to_the_left_and_fills_40_to_60_percent_of_the_chest(
    build, parts
):
    low, high = parts["heart muscle"].box()
    depth = np.arange(low[1], high[1], 4.0)
    heights = np.arange(low[2] + 20, high[2], 8.0)
    sides = np.array([borders_mm(parts["heart muscle"], z, depth) for z in heights])
    right, left = -sides[:, 0].min(), sides[:, 1].max()
    assert left > 1.4 * right > 0
    inner = 2 * float(build.cage_mm(np.array(heights[0]))[0])
    assert 0.38 < (left + right) / inner < 0.6


def test_the_apex_lies_low_and_the_aortic_knob_above_the_heart_on_the_left(parts):
    low, high = parts["heart muscle"].box()
    depth = np.arange(low[1], high[1], 4.0)
    heights = np.arange(low[2] + 5, high[2], 5.0)
    left = [borders_mm(parts["heart muscle"], z, depth)[1] for z in heights]
    assert np.argmax(left) < len(heights) / 2
    arch_low, arch_high = parts["aortic arch"].box()
    assert arch_high[2] > high[2] and arch_high[0] > 25 and arch_high[0] > -arch_low[0]


def test_vessels_of_the_lungs_stay_in_them_and_grow_thinner_outwards(build, parts):
    tree = parts["lung vessel"]
    assert isinstance(tree, Branches) and len(tree.first_mm) > 1000
    assert (tree.last_mm <= tree.first_mm + 1e-9).mean() > 0.98
    thin = tree.first_mm < 1.2
    assert parts["lungs"].inside(tree.ends_mm[thin]).all()
    assert not parts["heart muscle"].inside(tree.ends_mm[thin]).any()
    off = np.abs(tree.ends_mm[:, 0])
    assert off[thin].mean() > off[tree.first_mm > 3].mean() + 15


def test_lumps_of_branches_add_up_to_their_volume_and_lie_in_them():
    starts, ends = np.array([[0.0, 0, 0], [0, 0, 0]]), np.array([[0.0, 0, 40], [30, 0, 0]])
    tree = Branches(starts, ends, np.array([4.0, 0.6]), np.array([4.0, 0.6]))
    points, volume = tree.lumps()
    assert volume.sum() == pytest.approx(np.pi * (16 * 40 + 0.36 * 30), rel=1e-6)
    assert tree.inside(points).all()
    chord = tree.chord_mm(np.array([0.0, -1e4, 20]), np.array([[0.0, 1e3, 20.3]]))
    assert chord[0] == pytest.approx(8.0, rel=1e-3)


def test_who_stands_breathes_deeper_than_who_lies():
    person = draw_person(3)
    standing, lying = (
        next(s.shape for s in soft_parts(draw_build(person, lying=lying)) if s.name == "lungs")
        for lying in (False, True)
    )
    assert standing.shapes[1].tops_mm.max() < lying.shapes[1].tops_mm.max() - 10


def test_gas_in_the_stomach_of_who_stands_has_a_level(parts):
    low, high = parts["stomach gas"].box()
    flat = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] + 0.5])
    assert parts["stomach gas"].inside(flat) and not parts["stomach gas"].inside(
        flat - np.array([0.0, 0, 1.5])
    )
    assert parts["stomach content"].inside(flat - np.array([0.0, 0, 1.5]))
