"""A scan of a body of known bone density."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from processors import plainest

from engines.phantoms.body.build import draw_build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.density import spine_factor
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.muscles import area_l3_cm2, deep_muscles, muscle_scale
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.body.spine import vertebra
from engines.phantoms.body.trunk import trunk
from engines.phantoms.ct.attenuating import attenuation
from engines.phantoms.ct.grid import grid_of
from engines.phantoms.ct.kernels import Reconstruction, WhiteNoise
from engines.phantoms.ct.metal_streaks import streaks_hu
from engines.phantoms.ct.mineral import Skeleton
from engines.phantoms.ct.paint import Canvas
from engines.phantoms.ct.protocol import CtProtocol, Kernel, Phase, draw_ct_protocol
from engines.phantoms.ct.volume import CtVolume, ct_volume
from engines.phantoms.matter import hu
from engines.phantoms.people.draw import draw_person

SMALL = CtProtocol(matrix=128, slice_thickness_mm=5, spacing_mm=5, noise_hu=0.0)


@cache
def build(seed=2):
    return replace(draw_build(draw_person(seed), lying=True), arms_raised=True)


def few_bones(*_):
    """A block of spongy bone in L1 of 120 mg/cm3, which takes no time to make."""
    side = np.arange(-12, 12.0) + 0.5
    x, y, z = (c.ravel() for c in np.meshgrid(side, side, side))
    return {
        "vertebra L1": Cloud(np.stack([x, y, z], axis=1), np.ones(x.size), np.full(x.size, 0.12))
    }


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("engines.phantoms.ct.volume.bones", few_bones)


def around(volume: CtVolume, place, half_mm=5.0):
    k, row, column = volume.voxel(np.asarray(place, dtype=float))
    n = max(int(half_mm / volume.affine[0, 0]), 1)
    return float(volume.hu[k, row - n : row + n + 1, column - n : column + n + 1].mean())


def short(**changes):
    return replace(SMALL, **{"top": "L1", "bottom": "L1", **changes})


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_the_slice_through_l3_has_the_persons_muscle_area(seed):
    body = build(seed)
    scale = muscle_scale(body)
    area = area_l3_cm2([*trunk(body, scale), *deep_muscles(body, scale)], body)
    assert abs(area / body.person.muscle_area_cm2 - 1) < 0.1


@pytest.mark.parametrize("kvp", [80, 100, 120, 140])
def test_spongy_bone_measures_its_mineral_at_each_voltage(quick, kvp):
    volume = ct_volume(build(), short(kvp=kvp), 1)
    cupping = 4.0
    assert abs(around(volume, (0, 0, 0)) - hu(120.0, kvp)) < cupping + 3


@pytest.mark.parametrize("phase", list(Phase))
def test_contrast_medium_raises_spongy_bone_as_published_on_average(phase):
    rises = np.array([attenuation(short(phase=phase), seed).bone_hu for seed in range(600)])
    published = {"none": 0, "arterial": 14.4, "portal venous": 25.7, "unknown": 11.2}[phase]
    assert rises.mean() == pytest.approx(published, abs=1.0)
    assert rises.min() >= 0
    assert (rises.std() > 4) == (phase is not Phase.NONE)


@pytest.mark.parametrize("phase", [Phase.ARTERIAL, Phase.PORTAL_VENOUS, Phase.UNKNOWN])
def test_an_exams_own_rise_is_what_its_spongy_bone_shows(quick, phase):
    plain = around(ct_volume(build(), short(), 1), (0, 0, 0))
    seen = around(ct_volume(build(), short(phase=phase), 1), (0, 0, 0))
    assert seen - plain == pytest.approx(attenuation(short(phase=phase), 1).bone_hu, abs=1.5)


def test_contrast_medium_fills_the_aorta(quick):
    aorta = next(s for s in soft_parts(build()) if s.name == "aorta")
    path = aorta.shape.path_mm
    place = path[np.argmin(np.abs(path[:, 2]))]
    plain = around(ct_volume(build(), short(), 1), place, 3)
    late = around(ct_volume(build(), short(phase=Phase.ARTERIAL), 1), place, 3)
    assert 30 < plain < 60
    assert late > 180


def test_air_is_minus_1000_and_fat_under_the_skin_minus_100(quick):
    body = build(4)
    volume = ct_volume(body, short(table=False, matrix=256), 1)
    assert around(volume, (0, -186, 0)) == pytest.approx(-1000, abs=3)
    _, deep, middle = body.trunk_mm(np.asarray(0.0))
    skin = float(middle - deep)
    fat = [around(volume, (25, skin + off, 0), 1) for off in (5, 6, 7, 8)]
    assert min(fat) == pytest.approx(-100, abs=14)


def test_slices_rise_rows_go_back_and_columns_go_left():
    grid = grid_of(build(), SMALL)
    np.testing.assert_allclose(
        grid.affine[:3, 3], [grid.places(0.0)[0][0, 0], grid.places(0.0)[1][0, 0], grid.bottom_mm]
    )
    assert np.all(np.diag(grid.affine) > 0)
    l1, l3 = (grid_index(grid, build().vertebra_centre_mm(level)) for level in ("L1", "L3"))
    assert l1 > l3
    liver = next(s for s in soft_parts(build()) if s.name == "liver")
    assert liver.shape.shapes[0].centre_mm[0] < 0


def grid_index(grid, place):
    return (np.linalg.inv(grid.affine) @ np.append(place, 1))[2]


def test_a_tilted_gantry_puts_places_where_its_affine_says():
    grid = grid_of(build(), replace(SMALL, tilt_deg=12.0))
    places = np.array([[10.0, 20.0, -30.0], [-50, -60, 5]])
    column, row, height = grid.pixels(places).T
    slices = (height - grid.bottom_mm) / SMALL.spacing_mm
    indices = np.stack([column, row, slices, np.ones(2)])
    np.testing.assert_allclose((grid.affine @ indices)[:3].T, places, atol=1e-9)


def test_mineral_is_neither_lost_nor_made():
    grid = grid_of(build(), short(top="T12"))
    clouds = few_bones()
    skeleton = Skeleton(grid, clouds)
    heights = grid.bottom_mm + np.arange(grid.count) * SMALL.spacing_mm
    voxel_cm3 = grid.pixel_mm**2 * SMALL.spacing_mm / 1000
    total = sum(skeleton.slice(h)[0].sum() for h in heights) * voxel_cm3
    assert total == pytest.approx(clouds["vertebra L1"].mineral_mg.sum(), rel=2e-3)


@pytest.mark.parametrize("kernel", list(Kernel))
def test_noise_has_the_deviation_that_is_asked_for(kernel):
    grid = grid_of(build(), replace(SMALL, kernel=kernel, matrix=512))
    flat = np.zeros((512, 512))
    seen = Reconstruction(grid).slice_hu(flat, 15.0 * WhiteNoise(grid, (5, 1)).slice(0))
    assert seen.std() == pytest.approx(15.0, rel=0.05)
    assert abs(seen.mean()) < 0.5


@pytest.mark.parametrize(("spacing", "shared"), [(5.0, 0.0), (4.0, 0.37), (2.5, 0.67)])
def test_slices_that_overlap_share_noise_and_others_do_not(spacing, shared):
    grid = grid_of(build(), replace(SMALL, spacing_mm=spacing))
    noise = WhiteNoise(grid, (3, 1))
    one, following, far = (noise.slice(k) for k in (7, 8, 12))
    assert one.std() == pytest.approx(1.0, abs=0.02)
    assert np.mean(one * following) == pytest.approx(shared, abs=0.03)
    assert np.mean(one * far) == pytest.approx(0.0, abs=0.03)


def test_a_sharper_kernel_shows_a_sharper_border():
    edge = np.zeros((512, 512))
    edge[:, 256:] = 1000
    none = np.zeros_like(edge)
    steep = [
        np.diff(
            Reconstruction(grid_of(build(), replace(SMALL, kernel=k, matrix=512))).slice_hu(
                edge, none
            )[250, 200:300]
        ).max()
        for k in (Kernel.SOFT, Kernel.STANDARD, Kernel.BONE)
    ]
    assert steep == sorted(steep)
    assert steep[2] > 1.2 * steep[0]


def test_metal_makes_streaks_and_without_metal_there_are_none():
    image = np.zeros((128, 128))
    assert np.all(streaks_hu(image, 3.0) == 0)
    image[60:68, 30:38] = image[60:68, 90:98] = 8000
    streaks = streaks_hu(image, 3.0)
    assert streaks[64, 64] < streaks[20, 64] - 20


def test_a_hip_prosthesis_is_seen_as_metal_on_its_side():
    body = replace(build(), extras=(Extra.HIP_LEFT,))
    canvas = Canvas(body, tuple(foreign_bodies(body)), attenuation(SMALL, 1))
    grid = grid_of(body, SMALL)
    cut = canvas.slice_hu(grid, float(body.femoral_head_mm("L")[2]))
    rows, columns = np.nonzero(cut > 3000)
    assert len(rows) > 20
    assert columns.min() > SMALL.matrix / 2


def oval(body, volume):
    """The middle of L1 in which density is measured, 0.65 by 0.5 of the body, 7.5 mm high."""
    width, depth, _ = body.vertebra_size_mm("L1")
    slices, rows, columns = np.indices(volume.hu.shape)
    voxels = np.stack([columns, rows, slices, np.ones_like(rows)], axis=-1)
    places = (voxels @ volume.affine.T)[..., :3] - body.vertebra_centre_mm("L1")
    x, y, z = np.moveaxis(places @ body.vertebra_axes("L1"), -1, 0)
    inside = np.square(x / (0.325 * width)) + np.square(y / (0.25 * depth)) < 1
    return volume.hu[inside & (np.abs(z) < 3.75)]


def loins(body, _, spacing_mm):
    """The bones that slices through L1 show, but for the ribs."""
    compact = spine_factor(body)
    return {f"vertebra {one}": vertebra(body, one, spacing_mm, compact) for one in ("L1", "L2")}


@pytest.mark.parametrize("seed", [2, 4, 8])
def test_l1_of_a_body_measures_what_its_person_has(monkeypatch, seed):
    monkeypatch.setattr("engines.phantoms.ct.volume.bones", loins)
    body = build(seed)
    seen = oval(body, ct_volume(body, short(matrix=320, slice_thickness_mm=2.5, spacing_mm=2.5), 1))
    assert seen.mean() == pytest.approx(hu(body.person.trabecular_mg_cm3, 120), abs=4)


def test_the_same_seed_gives_the_same_voxels_whatever_the_threads(quick):
    once = ct_volume(build(), short(noise_hu=12.0), 7, threads=1)
    again = ct_volume(build(), short(noise_hu=12.0), 7, threads=2)
    other = ct_volume(build(), short(noise_hu=12.0), 8)
    np.testing.assert_array_equal(once.hu, again.hu)
    assert np.any(once.hu != other.hu)


_CUT = """
import hashlib
from dataclasses import replace
from engines.phantoms.body.build import draw_build
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.body.spine import vertebra
from engines.phantoms.ct.attenuating import attenuation
from engines.phantoms.ct.grid import grid_of
from engines.phantoms.ct.paint import Canvas
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.people.draw import draw_person
import numpy as np
protocol = CtProtocol(matrix=128)
body = replace(draw_build(draw_person(2), lying=True), arms_raised=True)
canvas = Canvas(body, soft_parts(body), attenuation(protocol, 1))
cut = np.rint(canvas.slice_hu(grid_of(body, protocol), -60.0)).astype("<i2")
print(hashlib.sha256(cut.tobytes()).hexdigest())
"""


def test_a_simpler_processor_makes_the_same_voxels():
    found = [
        subprocess.run([sys.executable, "-c", _CUT], env=env, capture_output=True, text=True).stdout
        for env in (dict(os.environ), plainest())
    ]
    assert found[0] == found[1] != ""


def test_the_protocol_does_not_change_the_body():
    before = [s.shape.box() for s in soft_parts(build())]
    soft_parts.cache_clear()
    grid_of(build(), draw_ct_protocol(5))
    after = [s.shape.box() for s in soft_parts(build())]
    np.testing.assert_array_equal(np.array(before), np.array(after))


def test_protocols_are_varied_and_the_same_for_the_same_seed():
    drawn = [draw_ct_protocol(seed) for seed in range(60)]
    assert drawn[3] == draw_ct_protocol(3)
    assert {p.phase for p in drawn} == set(Phase)
    assert {p.kernel for p in drawn} == set(Kernel)
    assert len({p.slice_thickness_mm for p in drawn}) >= 5


def test_outside_the_circle_of_reconstruction_stands_the_padding(quick):
    volume = ct_volume(build(), short(padding_hu=-2000), 1)
    assert np.all(volume.hu[:, 0, 0] == -2000)
    assert np.all(volume.hu[:, 64, 64] > -1024)
