"""Light behaves as it must: known slabs, known magnification, known dose, known mineral."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from processors import plainest

from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.matter import attenuation_per_mm, spectrum
from engines.phantoms.xray.beam import Quality, light, primary_kev_mm2
from engines.phantoms.xray.detector import Control, Grid, Panel, Shot, expose
from engines.phantoms.xray.exposure import Exam, Flaws, draw_exposure
from engines.phantoms.xray.geometry import Geometry, Stand
from engines.phantoms.xray.marks import Letter, Shutters, lead
from engines.phantoms.xray.projection import Paths, mineral_mg_mm2, paths, tissues_mm
from engines.phantoms.xray.take import Scene, develop, take_raw

SHAPE = (96, 96)


@dataclass(frozen=True)
class Block:
    """A box along the axes."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def box(self):
        return self.low, self.high

    def inside(self, points_mm):
        return ((points_mm >= self.low) & (points_mm <= self.high)).all(axis=-1)

    def chord_mm(self, source_mm, targets_mm):
        ray = targets_mm - source_mm
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (self.low - source_mm) / ray, (self.high - source_mm) / ray
        first = np.nanmax(np.minimum(one, other), axis=-1)
        last = np.nanmin(np.maximum(one, other), axis=-1)
        return np.linalg.norm(ray, axis=-1) * np.clip(last - first, 0, None)


@dataclass(frozen=True)
class Ball:
    middle: NDArray[np.float64]
    radius: float

    def box(self):
        return self.middle - self.radius, self.middle + self.radius

    def inside(self, points_mm):
        return np.linalg.norm(points_mm - self.middle, axis=-1) <= self.radius

    def chord_mm(self, source_mm, targets_mm):
        ray = targets_mm - source_mm
        ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
        along = ((self.middle - source_mm) * ray).sum(-1)
        off = np.linalg.norm(self.middle - source_mm - along[..., None] * ray, axis=-1)
        return 2 * np.sqrt(np.clip(self.radius**2 - off**2, 0, None))


def slab(thickness_mm, tissue=Tissue.MUSCLE):
    half = np.array([400.0, thickness_mm / 2, 400.0])
    return Solid("slab", Block(-half, half), tissue, Tissue.AIR)


def no_bone():
    return Cloud(np.empty((0, 3)), np.empty(0), np.empty(0))


def table(shape=SHAPE, field_mm=240.0) -> Geometry:
    return Stand("AP", (0.0, 0.0, 0.0), 150.0, 1150.0).geometry(field_mm, shape)


def shot(kvp=75.0, **changes) -> Shot:
    control = Control(3.0, ((0.0, 0.0),), 1e6)
    return replace(Shot(Quality(kvp), Grid(0.7, 0.1), Panel(), control), **changes)


def film_of(solids, taken, seed=1, geometry=None):
    geometry = geometry or table()
    light_through = primary_kev_mm2(paths(no_bone(), solids, geometry), taken.quality)
    rng = np.random.default_rng([seed, 1])
    return expose(light_through, np.ones(geometry.shape), geometry, taken, rng)


@pytest.mark.parametrize("thickness_mm", [10.0, 100.0, 250.0])
@pytest.mark.parametrize("kvp", [70, 120])
def test_a_slab_lets_through_what_the_whole_spectrum_says(thickness_mm, kvp):
    through = primary_kev_mm2(paths(no_bone(), [slab(thickness_mm)], table()), Quality(kvp))
    energies, fluence = spectrum(kvp, 3.0)
    caught = -np.expm1(-0.4 * attenuation_per_mm("caesium_iodide", energies))
    left = np.exp(-thickness_mm * attenuation_per_mm("muscle", energies))
    middle = SHAPE[0] // 2
    whole = float((fluence * caught * energies * left).sum())
    assert through[middle, middle] == pytest.approx(whole, rel=0.012)


def test_a_slab_is_longer_for_rays_that_run_askew():
    geometry = table()
    length = tissues_mm([slab(100.0)], geometry)[Tissue.MUSCLE]
    corner = geometry.targets_mm(np.array(0.0), np.array(0.0)) - geometry.source_mm
    assert length[0, 0] == pytest.approx(100 * np.linalg.norm(corner) / 1150, rel=1e-3)
    assert length[48, 48] == pytest.approx(100.0, rel=1e-3)


@pytest.mark.parametrize(("height_mm", "magnified"), [(0.0, 1150 / 1000), (100.0, 1150 / 1100)])
def test_a_ball_is_magnified_by_the_distances(height_mm, magnified):
    geometry = table((240, 240))
    ball = Solid("ball", Ball(np.array([0.0, height_mm, 0.0]), 30.0), Tissue.MUSCLE, Tissue.AIR)
    # where the ball of 30 mm radius is as thick as its radius
    shadow = tissues_mm([ball], geometry)[Tissue.MUSCLE] > 30.0
    diameter = 2 * np.sqrt(shadow.sum() / np.pi) * geometry.pitch_mm
    assert diameter == pytest.approx(2 * np.sqrt(30**2 - 15**2) * magnified, rel=0.01)


def test_traced_and_interpolated_chords_are_the_same():
    ball = Ball(np.array([13.0, 5.0, -21.0]), 61.0)
    geometry = table((300, 300))
    length = tissues_mm([Solid("b", ball, Tissue.FAT, Tissue.AIR)], geometry)[Tissue.FAT]
    rows, columns = np.arange(300.0)[:, None], np.arange(300.0)[None, :]
    exact = ball.chord_mm(geometry.source_mm, geometry.targets_mm(rows, columns))
    # rims are traced at every second pixel
    assert np.abs(length - exact).max() < 12.0
    assert np.sqrt(np.mean((length - exact) ** 2)) < 0.6


@pytest.mark.parametrize(
    ("view", "point", "row_side", "column_side"),
    [
        ("PA", (50, 0, 0), 0, 1),
        ("AP", (50, 0, 0), 0, 1),
        ("LL", (0, -50, 0), 0, -1),
        ("PA", (0, 0, 50), -1, 0),
    ],
)
def test_left_is_on_the_right_and_the_front_of_a_lateral_on_the_left(
    view, point, row_side, column_side
):
    geometry = Stand(view, (0.0, 0.0, 0.0), 150.0, 1800.0).geometry(300, (101, 101))
    row, column, _ = geometry.project(np.array([point], dtype=float))
    assert (np.sign(np.round(row[0] - 50)), np.sign(np.round(column[0] - 50))) == (
        row_side,
        column_side,
    )


def plate(mg_mm2, side_mm=70.0, thick_mm=12.0, spacing_mm=1.2):
    """A bone plate of known areal density, laid at random."""
    rng = np.random.default_rng(3)
    count = int(side_mm**2 * thick_mm / spacing_mm**3)
    points = (rng.random((count, 3)) - 0.5) * np.array([side_mm, thick_mm, side_mm])
    volume = np.full(count, side_mm**2 * thick_mm / count)
    return Cloud(points, volume, np.full(count, mg_mm2 * side_mm**2 / count))


def test_a_clouds_shadow_has_its_areal_density():
    geometry = table()
    shadow = mineral_mg_mm2(plate(8.0), geometry)
    assert shadow[40:56, 40:56].mean() == pytest.approx(8.0, rel=0.01)


def test_dual_energy_finds_the_areal_density_that_was_put_in():
    low, high = Quality(70), Quality(140, 3.0, 0.6)
    grid = [(water, bone) for water in (120.0, 160.0, 200.0) for bone in (0.0, 5.0, 10.0, 15.0)]

    def terms(a, b):
        return np.stack([a, b, a * a, a * b, b * b, np.ones_like(a)], axis=-1)

    def logs(seen):
        return [
            np.log(light(quality).energy_kev.sum() / primary_kev_mm2(seen, quality))
            for quality in (low, high)
        ]

    steps = Paths(
        np.array([[bone for _, bone in grid]]),
        {Tissue.MUSCLE: np.array([[water for water, _ in grid]])},
    )
    wedge = terms(*(one.ravel() for one in logs(steps)))
    calibrated = np.linalg.lstsq(wedge, np.array([bone for _, bone in grid]), rcond=None)[0]
    for mg_cm2 in (600.0, 1000.0, 1400.0):
        seen = paths(plate(mg_cm2 / 100), [slab(165.0)], table())
        found = 100 * (terms(*logs(seen)) @ calibrated)
        assert found[40:56, 40:56].mean() == pytest.approx(mg_cm2, rel=0.02)
        assert abs(found[:8, :8].mean()) < 15


@pytest.mark.parametrize("thickness_mm", [80.0, 160.0, 280.0])
def test_exposure_control_gives_the_detector_the_same_dose_behind_thin_and_thick(thickness_mm):
    raw = film_of([slab(thickness_mm)], shot())
    assert raw.sensed_ugy == pytest.approx(3.0)
    assert raw.dose_ugy[40:56, 40:56].mean() == pytest.approx(3.0, rel=0.02)


def test_a_thick_patient_needs_more_and_the_generator_gives_up_at_its_end():
    thin, thick = (film_of([slab(mm)], shot()).mas for mm in (100.0, 250.0))
    assert thick > 10 * thin
    weak = replace(shot(), control=Control(3.0, ((0.0, 0.0),), 20.0))
    raw = film_of([slab(300.0)], weak)
    assert raw.mas == 20.0 and raw.sensed_ugy < 3.0


def test_scatter_rises_with_thickness_and_a_grid_takes_most_of_it():
    def haze(thickness_mm, grid):
        with_it = film_of([slab(thickness_mm)], shot(grid=grid))
        without = film_of([slab(thickness_mm)], shot(grid=Grid(grid.primary, 0.0)))
        return without.mas / with_it.mas

    bare, gridded = Grid(1.0, 1.0), Grid(0.7, 0.1)
    assert haze(50.0, bare) < 2.2 < 3.0 < haze(200.0, bare) < 5.0
    assert haze(200.0, gridded) < 1.6


def test_noise_falls_with_the_root_of_the_dose():
    def noise(dose_ugy):
        taken = shot(control=Control(dose_ugy, ((0.0, 0.0),), 1e6), panel=Panel(electronic_ugy=0.0))
        one, other = (film_of([slab(150.0)], taken, seed).dose_ugy for seed in (1, 2))
        return (one - other).std() / one.mean()

    assert noise(2.0) / noise(8.0) == pytest.approx(2.0, rel=0.05)


def test_noise_does_not_hang_on_what_is_shown_but_the_seed():
    one, same, other = (film_of([slab(150.0)], shot(), seed).dose_ugy for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_blur_spreads_an_edge():
    half = Solid("h", Block(np.array([0.0, -9.0, -400]), np.array([400.0, 9, 400])), "steel", "air")
    sharp, soft = (
        film_of(
            [half],
            shot(panel=Panel(0.05, blur_mm, 0.0), control=Control(3000.0, ((0.0, 0.0),), 1e9)),
            geometry=table((240, 240), 48.0),
        )
        .dose_ugy[100:140]
        .mean(axis=0)
        for blur_mm in (0.05, 1.0)
    )
    assert np.abs(np.diff(sharp)).max() > 3 * np.abs(np.diff(soft)).max()


def test_lead_letters_and_shutters_cover_what_they_should():
    drawn = lead(Letter("L", (-60.0, -80.0), 12.0), (200, 200), 1.0)
    rows, columns = np.nonzero(drawn < 0.1)
    assert abs(columns.mean() - 39.5) < 3 and abs(rows.mean() - 19.5) < 3
    assert 9 < np.ptp(rows) < 16
    opened = Shutters((0.1, 0.0, 0.0, 0.2)).opening((100, 100))
    assert opened[:8].max() == 0 and opened[50, 85:].max() == 0
    assert opened[50, 10] == opened[95, 10] == 1


@pytest.mark.parametrize("exam", list(Exam))
def test_exposure_hangs_on_seed_and_exam_alone(exam):
    assert draw_exposure(5, exam) == draw_exposure(5, exam)
    assert draw_exposure(5, exam) != draw_exposure(6, exam)
    drawn = {draw_exposure(seed, exam).letter.text[:1] for seed in range(40)}
    assert drawn <= {"", "L", "R"} and "L" in drawn


def test_a_flaw_changes_nothing_else():
    plain, flawed = (
        draw_exposure(7, Exam.CHEST_PA, flaws) for flaws in (None, Flaws(wrong_marker=True))
    )
    assert {plain.letter.text[0], flawed.letter.text[0]} == {"L", "R"}
    assert replace(flawed, letter=plain.letter) == plain
    clipped = draw_exposure(7, Exam.CHEST_PA, Flaws(clipped=True))
    assert replace(clipped, shutters=plain.shutters) == plain
    assert max(clipped.shutters.borders) >= 0.14


def small_film(seed):
    ball = Solid("b", Ball(np.array([40.0, 0.0, 0.0]), 50.0), Tissue.LUNG, Tissue.MUSCLE)
    scene = Scene(plate(6.0), [slab(180.0), ball])
    exposure = draw_exposure(seed, Exam.HIP)
    geometry = table((128, 128), exposure.field_mm)
    raw = take_raw(scene, geometry, exposure, seed)
    return develop(raw, geometry.pitch_mm, exposure)


def test_a_film_is_between_0_and_1_with_bone_white():
    film = small_film(4)
    assert film.dtype == np.float64 and film.min() >= 0 and film.max() <= 1
    ball, bone = film[56:72, 90:100].mean(), film[56:72, 50:60].mean()
    assert bone > ball + 0.2


def digest(seed):
    return hashlib.sha256(small_film(seed).tobytes()).hexdigest()


def test_the_same_seed_gives_the_same_film_on_a_plainer_processor():
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r});"
        "import test_xray; print(test_xray.digest(4))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=plainest(), capture_output=True, text=True
    )
    assert done.stdout.strip() == digest(4), done.stderr
