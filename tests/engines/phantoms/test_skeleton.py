"""Bones hold what is true of their person: mineral, size, fractures, number."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.stats import spearmanr

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.density import hip_factors, hip_regions, spine_factor
from engines.phantoms.body.femur import femur, plain_femur
from engines.phantoms.body.necrosis import LOADED, necrosis
from engines.phantoms.body.ribs import rib
from engines.phantoms.body.skeleton import Region, bones
from engines.phantoms.body.spine import spongy_mg_cm3, vertebra, vertebral_body
from engines.phantoms.body.texture import struts
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import (
    FractureShape,
    Osteonecrosis,
    Person,
    VertebralFracture,
)

FINE = 1.2
PEOPLE = 16


@pytest.fixture(scope="module")
def somebody() -> Person:
    return replace(
        draw_person(7), vertebral_fractures=(), osteonecroses=(), visits_years=(0.0, 1.0)
    )


@pytest.fixture(scope="module")
def build(somebody: Person) -> Build:
    return replace(draw_build(somebody), ribs=12, scoliosis_mm=0.0, sacralised=False)


@pytest.fixture(scope="module")
def crowd() -> list[Build]:
    people = [replace(draw_person(seed), vertebral_fractures=()) for seed in range(PEOPLE)]
    return [replace(draw_build(person), scoliosis_mm=0.0) for person in people]


def broken(build: Build, shape: FractureShape, lost: float, level: str = "L2") -> Build:
    fracture = VertebralFracture(level, shape, lost)
    return replace(build, person=replace(build.person, vertebral_fractures=(fracture,)))


def areal_g_cm2(cloud: Cloud, columns_mm: float, rows_mm: tuple[float, float]) -> float:
    """Weigh what a film from in front shows in a box, over the squares that it covers."""
    x, z = cloud.points_mm[:, 0], cloud.points_mm[:, 2]
    kept = (np.abs(x) < columns_mm) & (z > rows_mm[0]) & (z < rows_mm[1])
    seen = np.histogram2d(x[kept] // 1.0, z[kept] // 1.0, bins=(140, 260))[0]
    squares = np.unique(np.stack([x[kept] // 1.0, z[kept] // 1.0]), axis=1).shape[1]
    assert seen.sum() > 0
    return float(cloud.mineral_mg[kept].sum() / 1000 / (squares / 100))


def own_frame(build: Build, level: str, spacing_mm: float = 0.7) -> np.ndarray:
    body = vertebral_body(build, level, spacing_mm)
    return np.asarray(
        (body.points_mm - build.vertebra_centre_mm(level)) @ build.vertebra_axes(level)
    )


def height_mm(points: np.ndarray, at_mm: float) -> float:
    """Measure a vertebral body's height near its midline at a place between front and back."""
    near = (np.abs(points[:, 0]) < 4) & (np.abs(points[:, 1] - at_mm) < 2)
    return float(np.ptp(points[near, 2]))


def test_lumbar_mineral_over_its_area_is_the_persons_areal_density(crowd):
    wanted, found = [], []
    for build in crowd:
        factor = spine_factor(build)
        spine = [vertebra(build, level, FINE, factor) for level in ("L1", "L2", "L3", "L4")]
        low = build.vertebra_centre_mm("L4")[2] - build.intact_mm("L4")[2] / 2 - 4
        high = build.vertebra_centre_mm("L1")[2] + build.intact_mm("L1")[2] / 2 + 4
        half = build.intact_mm("L3")[0] / 2 + 3
        wanted.append(build.person.bmd_spine_g_cm2)
        found.append(areal_g_cm2(Cloud.together(spine), half, (low, high)))
    assert spearmanr(wanted, found).statistic > 0.95
    assert np.allclose(found, wanted, rtol=0.15)


def test_the_hip_weighs_what_the_persons_areal_densities_say(crowd):
    wanted, found = [], []
    for build in crowd:
        size = build.stature * build.width
        bone = plain_femur(build, FINE, hip_factors(build))
        for part, truth in zip(
            hip_regions(bone.points_mm, size),
            (build.person.bmd_neck_g_cm2, build.person.bmd_hip_g_cm2),
            strict=True,
        ):
            cells = np.unique(bone.points_mm[part][:, (0, 2)] // 1.0, axis=0)
            wanted.append(truth)
            found.append(bone.mineral_mg[part].sum() / 1000 / (len(cells) / 100))
    for site in (slice(0, None, 2), slice(1, None, 2)):
        assert spearmanr(wanted[site], found[site]).statistic > 0.95
        assert np.allclose(found[site], wanted[site], rtol=0.12)


def test_spongy_bone_of_l1_is_as_dense_as_qct_reports(build):
    points = own_frame(build, "L1")
    width, depth, height = build.intact_mm("L1")
    body = vertebral_body(build, "L1", 0.7)
    core = np.all(np.abs(points) < np.array([width, depth, height]) * 0.33, axis=1)
    density = 1000 * body.mineral_mg[core].sum() / body.volume_mm3[core].sum()
    assert density == pytest.approx(build.person.trabecular_mg_cm3, rel=0.08)
    assert spongy_mg_cm3(build, "L1") == build.person.trabecular_mg_cm3


def test_the_fineness_of_the_cloud_changes_neither_volume_nor_mineral(build):
    coarse, fine = vertebra(build, "L3", 1.4), vertebra(build, "L3", 0.8)
    assert coarse.volume_mm3.sum() == pytest.approx(fine.volume_mm3.sum(), rel=0.04)
    assert coarse.mineral_mg.sum() == pytest.approx(fine.mineral_mg.sum(), rel=0.04)


@pytest.mark.parametrize("shape", list(FractureShape))
@pytest.mark.parametrize(("lost", "grade"), [(0.22, 1), (0.32, 2), (0.48, 3)])
def test_heights_of_a_fractured_vertebra_give_its_grade(build, shape, lost, grade):
    hurt = broken(build, shape, lost)
    depth = build.intact_mm("L2")[1]
    where = {"wedge": -0.45, "biconcave": 0.0, "crush": -0.45}[shape.value] * depth
    whole, left = (height_mm(own_frame(one, "L2"), where) for one in (build, hurt))
    assert 1 - left / whole == pytest.approx(lost, abs=0.05)
    assert hurt.person.vertebral_fractures[0].grade == grade


def test_a_fracture_packs_the_same_mineral_closer(build):
    whole, hurt = (
        vertebral_body(one, "L2", FINE) for one in (build, broken(build, FractureShape.CRUSH, 0.4))
    )
    assert hurt.mineral_mg.sum() == pytest.approx(whole.mineral_mg.sum(), rel=1e-6)
    assert hurt.volume_mm3.sum() < 0.8 * whole.volume_mm3.sum()


def test_a_wedge_bends_and_shortens_the_spine(build):
    hurt = broken(build, FractureShape.WEDGE, 0.5, "T8")
    tops = [one.vertebra_centre_mm("T1") - one.vertebra_centre_mm("T12") for one in (build, hurt)]
    assert tops[1][1] < tops[0][1] - 5
    assert tops[1][2] < tops[0][2]


def test_less_density_is_less_mineral_in_thinner_walls_and_coarser_struts(build):
    poor = replace(build, person=replace(build.person, trabecular_mg_cm3=40.0, cortex=0.6))
    rich = replace(build, person=replace(build.person, trabecular_mg_cm3=170.0, cortex=1.1))
    masses = [vertebra(one, "T9", FINE).mineral_mg.sum() for one in (poor, rich)]
    assert masses[0] < 0.6 * masses[1]
    femurs = [femur(one, "L", FINE) for one in (poor, rich)]
    shafts = [f.points_mm[:, 2] < build.femoral_head_mm("L")[2] - 150 for f in femurs]
    walls = [f.mineral_mg[at].sum() for f, at in zip(femurs, shafts, strict=True)]
    assert walls[0] < 0.75 * walls[1]
    grid = np.random.default_rng(1).uniform(0, 40, (20000, 3))
    coarse, even = struts(grid, 1.0, (3, 4)), struts(grid, 0.0, (3, 4))
    assert coarse.std() > 1.3 * even.std()
    assert coarse.mean() == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_cloud():
    first, again = (bones(draw_build(draw_person(11)), Region.CHEST, 1.6) for _ in range(2))
    assert list(first) == list(again)
    for name, cloud in first.items():
        assert cloud.points_mm.tobytes() == again[name].points_mm.tobytes()
        assert cloud.mineral_mg.tobytes() == again[name].mineral_mg.tobytes()


@pytest.mark.parametrize("ribs", [11, 12, 13])
def test_a_chest_has_the_ribs_and_vertebrae_that_were_drawn(build, ribs):
    names = bones(replace(build, ribs=ribs), Region.CHEST, 2.0)
    for side in ("left", "right"):
        assert sum(n.startswith("rib ") and n.endswith(side) for n in names) == ribs
    assert {f"vertebra {level}" for level in adult.LEVELS[:14]} <= set(names)


def test_a_sacralised_l5_reaches_the_sacrum(build):
    fused = bones(replace(build, sacralised=True), Region.PELVIS, FINE)
    for side in ("left", "right"):
        reach = fused[f"bridge L5 {side}"].points_mm
        for bone in ("vertebra L5", "sacrum"):
            assert KDTree(fused[bone].points_mm).query(reach)[0].min() < FINE
    assert not any(name.startswith("bridge") for name in bones(build, Region.PELVIS, FINE))


def test_ribs_stay_outside_the_inner_cage(build):
    for number in range(2, 11):
        p = rib(build, number, 1, 2.0).points_mm
        wide, deep, middle = build.cage_mm(p[:, 2])
        round_ = (p[:, 0] / wide) ** 2 + ((p[:, 1] - middle) / deep) ** 2
        beside = p[:, 0] > 45
        assert np.mean(round_[beside] < 0.97) < 0.02, number


@pytest.mark.parametrize("side", ["L", "R"])
def test_femoral_heads_are_balls_where_the_build_says(build, side):
    cloud = bones(build, Region.PELVIS, FINE)[f"femur {'left' if side == 'L' else 'right'}"]
    centre, radius = build.femoral_head_mm(side), build.femoral_head_radius_mm
    offset = cloud.points_mm - centre
    inner = offset[:, 0] * (1 if side == "L" else -1) < -5
    apart = np.linalg.norm(offset[inner & (offset[:, 2] > -10)], axis=1)
    assert np.percentile(apart, 99) == pytest.approx(radius, abs=1.0)
    assert centre[0] > 0 if side == "L" else centre[0] < 0


def test_the_hip_bone_leaves_a_joint_around_the_head(build):
    for side, name in (("L", "left"), ("R", "right")):
        points = bones(build, Region.PELVIS, FINE)[f"hip bone {name}"].points_mm
        gap = np.linalg.norm(points - build.femoral_head_mm(side), axis=1).min()
        assert 0.3 < gap - build.femoral_head_radius_mm < 4.0


def test_osteonecrosis_encloses_its_part_of_the_head_and_sinks_in(build):
    ill = Osteonecrosis("L", extent=(0.2, 0.4), collapse_mm=(0.0, 4.0))
    hurt = replace(build, person=replace(build.person, osteonecroses=(ill,)))
    ball = np.random.default_rng(2).normal(size=(200_000, 3))
    ball *= (np.random.default_rng(3).random(200_000) ** (1 / 3))[:, None] / np.linalg.norm(
        ball, axis=1, keepdims=True
    )
    points = ball * build.femoral_head_radius_mm + build.femoral_head_mm("L")
    for visit, extent in enumerate(ill.extent):
        part = np.mean(necrosis(hurt, "L", visit).depth_mm(points) > 0)
        assert part == pytest.approx(extent, abs=0.01)
    heads = [
        femur(hurt, "L", FINE, visit).points_mm - build.femoral_head_mm("L") for visit in (0, 1)
    ]
    reach = [np.percentile((head @ LOADED)[head[:, 0] < 15], 99.9) for head in heads]
    assert 1.5 < reach[0] - reach[1] < 5
    assert necrosis(hurt, "R", 0) is None


def test_a_head_sinks_where_the_lesion_says_and_back_again(build):
    ill = Osteonecrosis("R", extent=(0.3,), collapse_mm=(3.0,))
    lesion = necrosis(replace(build, person=replace(build.person, osteonecroses=(ill,))), "R", 0)
    places = np.random.default_rng(5).normal(size=(2000, 3))
    places = places / np.linalg.norm(places, axis=1, keepdims=True) * lesion.radius_mm * 0.97
    places = places + lesion.centre_mm
    sunk = lesion.after_mm(places)
    assert np.linalg.norm(sunk - places, axis=1).max() == pytest.approx(3.0, abs=0.1)
    assert lesion.before_mm(sunk) == pytest.approx(places, abs=1e-6)
    # above, in front, to the outside of the right head
    where = (places - lesion.centre_mm)[np.linalg.norm(sunk - places, axis=1) > 2]
    assert (where[:, 2] > 0).all() and where[:, 1].mean() < 0 and where[:, 0].mean() < 0


def test_film_ct_and_mri_are_told_of_one_and_the_same_lesion(build):
    ill = Osteonecrosis("L", extent=(0.3,), collapse_mm=(0.0,))
    hurt = replace(build, person=replace(build.person, osteonecroses=(ill,)))
    lesion = necrosis(hurt, "L", 0)
    sick, well = (femur(one, "L", FINE) for one in (hurt, build))
    more = sick.mineral_mg - well.mineral_mg
    zone = lesion.zones(well.points_mm)
    depth = lesion.depth_mm(well.points_mm)
    # the bone that films and CT see is denser on the line that MRI sees dark, rarer inside of it
    assert more[zone.sclerotic > 0.9].min() > 0
    assert more[(zone.necrotic > 0.9) & (depth > 6)].max() < 0
    assert np.abs(more[(depth < -9)]).max() < 1e-6
