"""Foreign bodies and fluid: in the body itself, so that each image shows them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engines.exams import Exam
from engines.phantoms import scanning
from engines.phantoms.body.build import draw_build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.effusion import effusion
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.hip_implants import made_room
from engines.phantoms.body.hip_joint import hip_joints
from engines.phantoms.body.hip_muscles import with_muscles_apart
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.ct import volume
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.mr import Contrast
from engines.phantoms.mri.grid import Grid
from engines.phantoms.mri.metal import distorted, off_resonance_hz
from engines.phantoms.mri.protocol import draw_protocol
from engines.phantoms.mri.series import Hips, mri_series
from engines.phantoms.nuisances import NO_NUISANCES, Nuisance, extras_of
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Osteonecrosis
from engines.phantoms.xray import films
from engines.phantoms.xray.exposure import Exam as Taken

PERSON = draw_person(3)
BUILD = draw_build(PERSON, lying=True)
RNG = np.random.default_rng(8)


def ball(centre: np.ndarray, radius: float, count: int = 20_000) -> np.ndarray:
    """Return points evenly in a ball."""
    points = RNG.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return centre + points * radius * RNG.random((count, 1)) ** (1 / 3)


def held(solids: list[Solid], points: np.ndarray) -> np.ndarray:
    """Tell which points lie in any solid."""
    return np.any([solid.shape.inside(points) for solid in solids], axis=0)


def no_bones(*_: object) -> dict[str, Cloud]:
    """Stand in for bones, which take long to make, where only what is beside them is tested."""
    return {"vertebra L1": Cloud(np.zeros((2, 3)), np.ones(2), np.ones(2))}


def test_sides_are_the_persons_and_a_nail_is_never_in_a_replaced_hip() -> None:
    both = frozenset({Nuisance.PROSTHESIS, Nuisance.NAIL, Nuisance.PORTABLE})
    found = {extras_of(both, seed) for seed in range(12)}
    assert found == {
        (Extra.HIP_LEFT, Extra.NAIL_RIGHT),
        (Extra.HIP_RIGHT, Extra.NAIL_LEFT),
    }
    assert extras_of(NO_NUISANCES, 3) == ()


@pytest.mark.parametrize(
    ("extra", "least_mm3", "most_mm3"),
    [
        (Extra.HIP_LEFT, 40_000, 90_000),
        (Extra.NAIL_RIGHT, 15_000, 45_000),
        (Extra.SCREWS, 4_000, 16_000),
        (Extra.CEMENT, 1_500, 9_000),
        (Extra.PACEMAKER, 8_000, 20_000),
    ],
)
def test_foreign_bodies_are_as_large_as_such_devices(
    extra: Extra, least_mm3: float, most_mm3: float
) -> None:
    solids = foreign_bodies(replace(BUILD, extras=(extra,)))
    low = np.min([solid.shape.box()[0] for solid in solids], axis=0)
    high = np.max([solid.shape.box()[1] for solid in solids], axis=0)
    points = np.random.default_rng(1).uniform(low, high, (150_000, 3))
    volume = held(solids, points).mean() * np.prod(high - low)
    assert least_mm3 < volume < most_mm3


def test_bone_makes_room_for_what_replaces_it() -> None:
    body = replace(BUILD, extras=(Extra.HIP_LEFT, Extra.NAIL_RIGHT))
    bones = {}
    for side, name in (("L", "left"), ("R", "right")):
        points = np.concatenate(
            [
                ball(body.femoral_head_mm(side), body.femoral_head_radius_mm),
                body.femoral_head_mm(side)
                + RNG.uniform([-60, -20, -160], [60, 30, -40], (40000, 3)),
            ]
        )
        bones[f"femur {name}"] = Cloud(points, np.ones(len(points)), np.ones(len(points)))
    metal = foreign_bodies(body)
    left = made_room(body, bones, metal)
    for name, before in bones.items():
        after = left[name].points_mm
        assert 0 < len(after) < len(before.points_mm)
        assert not held(metal, after).any()
    apart = left["femur left"].points_mm - body.femoral_head_mm("L")
    assert not (np.linalg.norm(apart, axis=1) < 20).any()
    apart = left["femur right"].points_mm - body.femoral_head_mm("R")
    assert (np.linalg.norm(apart, axis=1) < 20).mean() > 0.1


def test_an_effusion_lies_low_in_who_stands_and_behind_in_who_lies() -> None:
    middles = []
    for lying in (False, True):
        body = replace(draw_build(PERSON, lying=lying), extras=(Extra.EFFUSION,))
        shapes = {solid.name: solid.shape for solid in soft_parts(body)}
        fluid = [one for one in soft_parts(body) if one.name == "pleural effusion"]
        low, high = shapes["lungs"].box()
        points = np.random.default_rng(4).uniform(low, high, (60_000, 3))
        wet = held(fluid, points)
        lungs = shapes["lungs"].inside(points)
        assert lungs[wet].all() and not shapes["heart muscle"].inside(points[wet]).any()
        assert 0.03 < wet.sum() / lungs.sum() < 0.6
        middles.append(points[wet].mean(axis=0) - points[lungs].mean(axis=0))
    standing, lying_down = middles
    assert standing[2] < -20 and lying_down[1] > 15
    assert effusion(BUILD, {}) == []


@pytest.mark.parametrize(
    ("nuisance", "exam", "part"),
    [
        (Nuisance.PROSTHESIS, Taken.PELVIS, 0.01),
        (Nuisance.PACEMAKER, Taken.CHEST_PA, 0.004),
        (Nuisance.EFFUSION, Taken.CHEST_PA, 0.02),
    ],
)
def test_a_nuisance_of_the_body_is_seen_on_its_film(
    nuisance: Nuisance, exam: Taken, part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "bones", no_bones)
    extras = extras_of(frozenset({nuisance}), PERSON.seed)
    without, with_it = (
        films.take(PERSON, 3, films.Order(exam, (96, 96), extras=held)).raw.dose_ugy
        / films.take(PERSON, 3, films.Order(exam, (96, 96), extras=held)).raw.mas
        for held in ((), extras)
    )
    assert np.mean(with_it < 0.75 * without) > part


def test_fluid_fills_the_joint_of_a_head_that_has_sunk_in() -> None:
    ill = Osteonecrosis("L", (0.3, 0.3), (0.0, 3.0))
    body = replace(BUILD, person=replace(PERSON, osteonecroses=(ill,)))
    fluids = [
        [one for one in hip_joints(body, visit) if one.tissue is Tissue.FLUID] for visit in (0, 1)
    ]
    assert fluids[0] == [] and len(fluids[1]) == 2
    assert all(one.shape.box()[0][0] > 0 for one in fluids[1])


def test_a_metal_ball_changes_the_field_as_a_dipole_does() -> None:
    grid = Grid(np.array([-64.0, -62.0, 64.0]), (4.0, 2.0, 2.0), (32, 64, 64), 4.0)
    points = np.stack([grid.points_mm(index) for index in range(32)])
    kinds = (np.linalg.norm(points, axis=-1) <= 12.0).astype(np.uint16)[:, None]
    solid = Solid("ball", None, Tissue.TITANIUM, Tissue.MUSCLE)
    hertz = off_resonance_hz(grid, kinds, [solid], 1.5)
    radius = (kinds.sum() * 16.0 * 3 / (4 * np.pi)) ** (1 / 3)
    for place, angular in (((0, 0, 30.0), 2.0), ((30.0, 0, 0), -1.0)):
        at = np.unravel_index(
            np.argmin(np.linalg.norm(points - np.array(place), axis=-1)), hertz.shape
        )
        expected = 190.0 * 42.577 * 1.5 / 3 * (radius / 30) ** 3 * angular
        assert hertz[at] == pytest.approx(expected, rel=0.15)
    assert off_resonance_hz(grid, 0 * kinds, [solid], 1.5) is None


def test_what_is_read_out_at_another_frequency_lies_in_another_row() -> None:
    image = np.zeros((1, 40, 3))
    image[0, 20] = 1.0
    moved = distorted(image, np.full(image.shape, 1000.0))
    assert moved.argmax(axis=1).tolist() == [[25, 25, 25]]
    assert np.allclose(distorted(np.ones((1, 40, 3)), np.zeros((1, 40, 3)))[0, 2:-2], 1.0)


def test_a_replaced_hip_is_a_hole_in_mri_and_the_other_is_not() -> None:
    body = replace(BUILD, extras=(Extra.HIP_LEFT,))
    muscle = Solid("muscle", foreign_bodies(body)[2].shape, Tissue.MUSCLE, Tissue.AIR)
    wide = replace(muscle.shape, semi_axes_mm=np.full(3, 400.0))
    protocol = replace(
        draw_protocol(3, Contrast.T1), matrix=96, slices=12, noise=0.0, shading=0.0, field_t=1.5
    )
    solids = [replace(muscle, shape=wide), *foreign_bodies(body)]
    taken = mri_series(Hips(body, {}, solids, 0), protocol, 3)
    middle = np.array(taken.first_mm)
    shown = []
    for side in ("L", "R"):
        off = body.femoral_head_mm(side) - middle
        index = round(off[1] / taken.step_mm[1])
        row, column = round(-off[2] / taken.pixel_mm[0]), round(off[0] / taken.pixel_mm[1])
        shown.append(taken.values[index, row - 2 : row + 3, column - 2 : column + 3].mean())
    assert shown[0] < 0.2 * shown[1]


def test_fat_lies_between_the_muscles_of_a_thigh_and_not_instead_of_them() -> None:
    lean, wasted = (replace(BUILD, person=replace(PERSON, muscle_fat=part)) for part in (0.05, 0.4))
    parts = []
    for body in (lean, wasted):
        solids = with_muscles_apart(body, soft_parts(body))
        thigh = next(one for one in solids if one.name == "thigh muscle left").shape
        fat = [one for one in solids if one.name == "fat between muscles"]
        head = body.femoral_head_mm("L")
        points = head + np.random.default_rng(2).uniform(
            [-90, -90, -190], [90, 90, -110], (9000, 3)
        )
        points = points[thigh.inside(points)]
        parts.append(held(fat, points).mean())
    assert 0.02 < parts[0] < parts[1] < 0.5


def test_a_ct_as_it_is_written_has_each_flaw_of_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    short = CtProtocol(spacing_mm=12.0, slice_thickness_mm=5.0, top="L3", bottom="L5", noise_hu=5.0)
    monkeypatch.setattr(scanning, "draw_ct_protocol", lambda _: short)
    monkeypatch.setattr(volume, "bones", no_bones)
    faults = {
        *(Flaw.GANTRY_TILT, Flaw.DUPLICATE_SLICES, Flaw.MISSING_SLICE),
        *(Flaw.NEGATIVE_SLICE_ORDER, Flaw.WRONG_SIDE),
    }

    def series(*flaws: Flaw) -> list[SimpleNamespace]:
        visit = Visit(PERSON, Exam.ABDOMEN_CT, 3, flaws=frozenset(flaws))
        taken = [
            ds for ds in scanning.abdomen_ct(visit, 64, (Extra.SCREWS,)) if ds.SeriesNumber == 2
        ]
        return sorted(taken, key=lambda ds: int(ds.InstanceNumber))

    plain, flawed = series(), series(*faults)
    heights = [[float(ds.ImagePositionPatient[2]) for ds in one] for one in (plain, flawed)]
    assert len(set(heights[0])) == len(plain) >= 6
    assert len(flawed) == len(plain) and len(set(heights[1])) == len(plain) - 1
    assert (heights[0][1] > heights[0][0]) != (heights[1][1] > heights[1][0])
    assert float(flawed[0].GantryDetectorTilt) == 12.0 and float(plain[0].GantryDetectorTilt) == 0
    assert float(flawed[0].ImageOrientationPatient[5]) == pytest.approx(-0.2079, abs=1e-4)
