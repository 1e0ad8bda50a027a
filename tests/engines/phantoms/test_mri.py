"""MRI of virtual hips: brightness, geometry, mass, the lesion where and as large as said."""

from dataclasses import replace

import numpy as np
import pytest

from engines.phantoms.body.build import draw_build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.discs import spine_soft_parts
from engines.phantoms.body.necrosis import necrosis
from engines.phantoms.body.shapes import Ellipsoid
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.dicom.mr import TIMINGS, Contrast
from engines.phantoms.mri.brightness import Substance, signal
from engines.phantoms.mri.grid import Grid
from engines.phantoms.mri.protocol import draw_protocol
from engines.phantoms.mri.series import Hips, grid_of, mri_series
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Osteonecrosis

LESION = Osteonecrosis("L", (0.1, 0.25, 0.4), (0.0, 0.5, 3.0))


def head_of(build, side="L", spacing_mm=0.6):
    """Return a femoral head of spongy bone alone."""
    reach = np.arange(-30, 30, spacing_mm)
    points = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), -1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) <= build.femoral_head_radius_mm]
    volume = np.full(len(points), spacing_mm**3)
    return Cloud(points + build.femoral_head_mm(side), volume, volume * 0.15)


def hips(person, visit=0):
    build = draw_build(person, lying=True)
    middle = (build.femoral_head_mm("L") + build.femoral_head_mm("R")) / 2
    muscle = Solid(
        "muscle", Ellipsoid(middle, np.full(3, 170.0), np.eye(3)), Tissue.MUSCLE, Tissue.AIR
    )
    return Hips(build, {"femur left": head_of(build)}, [muscle], visit)


@pytest.mark.parametrize("field_t", [1.5, 3.0])
def test_fat_is_bright_in_t1_and_gone_in_stir_where_fluid_is_brightest(field_t):
    t1, stir = (
        {one: signal(one, TIMINGS[contrast, field_t], field_t) for one in Substance}
        for contrast in (Contrast.T1, Contrast.STIR)
    )
    assert max(t1, key=t1.get) is Substance.FAT and t1[Substance.MUSCLE] < 0.4 * t1[Substance.FAT]
    assert max(stir, key=stir.get) is Substance.FLUID
    assert stir[Substance.FAT] < 0.2 * stir[Substance.MUSCLE] < stir[Substance.OEDEMA]


def test_voxels_hold_the_bone_and_the_mineral_of_the_cloud():
    grid = Grid(np.array([-20.0, -20.0, 20.0]), (2.0, 0.5, 0.5), (21, 81, 81), 2.0)
    rng = np.random.default_rng(1)
    cloud = Cloud(rng.uniform(-15, 15, (400, 3)), np.full(400, 0.05), rng.uniform(5, 9, 400))
    bone, density = grid.fill(cloud)
    assert np.isclose(bone.sum() * 2.0 * 0.5 * 0.5, cloud.volume_mm3.sum())
    assert np.isclose((bone * density).sum() * 0.5 / 1e3, cloud.mineral_mg.sum())
    index, row, column = np.unravel_index(np.argmax(bone), bone.shape)
    where = grid.points_mm(index)[row, column]
    assert np.abs(cloud.points_mm - where).max(axis=1).min() < 1.0


def ill_build():
    return draw_build(
        replace(draw_person(3), osteonecroses=(LESION,), visits_years=(0.0, 1.0, 2.0))
    )


@pytest.mark.parametrize("visit", [0, 1, 2])
def test_the_lesion_encloses_as_much_of_the_head_as_the_truth_says(visit):
    build = ill_build()
    points = head_of(build, spacing_mm=1.0).points_mm
    zone = necrosis(build, "L", visit).zones(points)
    enclosed = (zone.necrotic + zone.sclerotic + zone.granulation).mean()
    assert enclosed == pytest.approx(LESION.extent[visit], abs=0.02)
    above_in_front = (points - build.femoral_head_mm("L")) @ np.array([0.0, -0.5, 0.8])
    assert (above_in_front * zone.necrotic).sum() > 0


def test_what_was_dead_stays_dead_and_oedema_comes_with_collapse():
    build = ill_build()
    points = head_of(build, spacing_mm=1.5).points_mm
    early, late = (necrosis(build, "L", visit).zones(points) for visit in (0, 2))
    dead = early.necrotic > 0.5
    assert dead.any() and (late.necrotic[dead] > 0.5).all()
    assert early.oedema.max() == 0 and late.oedema.max() > 0.3


def test_an_ill_head_has_a_dark_band_in_t1_and_a_bright_line_in_stir():
    person = replace(draw_person(3), osteonecroses=(LESION,), visits_years=(0.0, 1.0, 2.0))
    for contrast, sign in ((Contrast.T1, -1), (Contrast.STIR, 1)):
        protocol = replace(draw_protocol(3, contrast), noise=0.0, shading=0.0, matrix=256)
        ill = mri_series(hips(person, 1), protocol, 3).values
        well = mri_series(hips(replace(person, osteonecroses=()), 1), protocol, 3).values
        change = ill - well
        strongest = change.ravel()[np.argmax(np.abs(change))]
        assert np.sign(strongest) == sign and abs(strongest) > 0.15


def test_the_middle_of_the_head_lies_where_the_geometry_says():
    taken = hips(replace(draw_person(5), muscle_fat=0.0))
    protocol = replace(draw_protocol(5, Contrast.T1), noise=0.0, shading=0.0)
    series = mri_series(taken, protocol, 5)
    head = series.values > 0.4
    index, row, column = (axis.mean() for axis in np.nonzero(head))
    where = (
        np.array(series.first_mm)
        + np.array(series.along_column) * row * series.pixel_mm[0]
        + np.array(series.along_row) * column * series.pixel_mm[1]
        + np.array(series.step_mm) * index
    )
    assert where == pytest.approx(taken.build.femoral_head_mm("L"), abs=2.0)


def test_the_sac_is_the_brightest_of_the_spine_in_stir_and_a_disc_is_not_as_dark_as_fat():
    build = draw_build(draw_person(5), lying=True)
    disc = (build.vertebra_centre_mm("L5") + build.vertebra_centre_mm("S1")) / 2
    canal = spine_soft_parts(build)[1].shape
    sac = np.append(canal.centres_mm[:2].mean(axis=0), canal.z_mm[:2].mean())
    seen = {}
    for contrast in Contrast:
        protocol = replace(draw_protocol(5, contrast), noise=0.0, shading=0.0, matrix=128)
        taken = Hips(build, {}, spine_soft_parts(build), 0)
        values, grid = mri_series(taken, protocol, 5).values, grid_of(build, protocol)
        for name, place in (("disc", disc), ("sac", sac)):
            x, y, z = (place - grid.first_mm) * (1, 1, -1)
            at = np.rint(np.array([y, z, x]) / grid.step_mm).astype(int)
            seen[name, contrast] = float(values[tuple(at)])
    assert seen["sac", Contrast.STIR] > 2 * seen["disc", Contrast.STIR] > 0.1
    assert seen["disc", Contrast.T1] > seen["sac", Contrast.T1] > 0


def test_the_protocol_knows_the_seed_alone_and_the_same_seed_gives_the_same_voxels():
    person = draw_person(7)
    protocol = replace(draw_protocol(7, Contrast.STIR), matrix=128, slices=6)
    first, second = (mri_series(hips(person), protocol, 7).values for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, mri_series(hips(person), protocol, 8).values)
    assert draw_protocol(7, Contrast.T1).slices == draw_protocol(7, Contrast.STIR).slices
    assert grid_of(draw_build(person), protocol).shape == (6, 128, 128)
