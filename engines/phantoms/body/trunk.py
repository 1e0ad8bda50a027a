"""The layers from the skin inwards: skin, fat, muscle wall, and what the cavity leaves of it.

Thicknesses and profiles are ours, after abdominal CT as it looks; sizes are the build's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.shapes import Common, Outline, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

AROUND = 96
SKIN_MM = 2.0
#: Between the levels of an outline.
_STEP_MM = 10.0
#: Direction of each radius: 0 left, 90 back, 270 front.
_ANGLE = 2 * np.pi * np.arange(AROUND) / AROUND

#: Fat under the skin and the wall of the belly by direction, as parts of the build's fat and in mm.
_AT_DEG = np.array([0, 35, 65, 82, 90, 98, 115, 145, 180, 225, 255, 266, 270, 274, 285, 315, 360])
_FAT = np.array(
    [0.6, 0.9, 1.1, 0.8, 0.7, 0.8, 1.1, 0.9, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.6]
)
_WALL_MM = np.array([21, 16, 6, 4, 4, 4, 6, 16, 21, 15, 10, 9, 2.5, 9, 10, 15, 21])

#: The true pelvis: half width of what the bones and their muscles leave, at heights above L1.
_PELVIS_Z = np.array([-345, -325, -295, -265, -235, -205, -170, -130, -105])
_PELVIS_HALF_MM = np.array([14, 26, 46, 54, 66, 90, 108, 125, 190])
_PELVIS_BACK_MM = np.array([30, 45, 62, 68, 66, 58, 62, 90, 160])
_PELVIS_FRONT_MM = np.array([18, 30, 52, 66, 84, 120, 300, 400, 400])

#: What lies outside the ribs: little at the sides and in front, the muscles of the back behind.
_CHEST_WALL_MM = np.interp(
    np.arange(0, 360, 360 / 96),
    [0, 45, 75, 105, 135, 180, 270, 360],
    [10, 22, 48, 48, 22, 10, 13, 10],
)


@dataclass(frozen=True, eq=False)
class Layers:
    """Outlines of the trunk from outside in.

    Attributes
    ----------
    skin, fat, wall, cavity : Outline
        Each the outer border of what it is named for; the cavity begins where the wall ends.
    """

    skin: Outline
    fat: Outline
    wall: Outline
    cavity: Outline


def layers(build: Build, muscle: float) -> Layers:
    """Return the trunk's borders, with walls ``muscle`` times as thick as usual."""
    z = np.arange(-345.0 * build.stature, 440.0 * build.stature, _STEP_MM)
    half, deep, middle = build.trunk_mm(z)
    centres = np.stack([np.zeros_like(z), middle], axis=1)
    skin = _superellipse(half, deep, 2.25)
    fat = skin - _thickness(build, z)
    wall = np.interp(np.rad2deg(_ANGLE), _AT_DEG, _WALL_MM) * muscle
    inner = fat - np.maximum(wall, 2.0)[None, :]
    cage = _cage(build, z, middle)
    costal, low = build.vertebra_centre_mm("T12")[2], build.vertebra_centre_mm("L4")[2]
    part = np.clip((z - low) / (costal - low), 0, 1)[:, None]
    part = part * part * (3 - 2 * part)
    # below, the wall thins out into the flanks; above, neck and shoulders are all muscle
    upper = [build.vertebra_centre_mm(level)[2] for level in ("T5", "T2")]
    most = _CHEST_WALL_MM + 60 * (1 - part) + np.interp(z, upper, [0, 120])[:, None]
    fat = np.where(part > 0, np.minimum(fat, cage + most), fat)
    inner = fat - np.maximum(wall, 2.0)[None, :]
    inner = np.minimum(inner, fat - 8 * part)
    inner = np.where(part > 0, np.minimum(inner, part * cage + (1 - part) * inner), inner)
    inner = np.minimum(inner, _true_pelvis(build, z))
    # a neck is no cavity
    inner = inner * np.clip((build.vertebra_centre_mm("T1")[2] + 30 - z) / 22, 0.05, 1)[:, None]
    rings = (skin, skin - SKIN_MM, fat, np.maximum(inner, 4.0))
    return Layers(*(Outline(z, centres, np.maximum(ring, 4.0)) for ring in rings))


def _superellipse(half: Values, deep: Values, power: float) -> Values:
    across = np.abs(np.cos(_ANGLE)) / half[:, None]
    along = np.abs(np.sin(_ANGLE)) / deep[:, None]
    return np.asarray((across**power + along**power) ** (-1 / power))


def _thickness(build: Build, z: Values) -> Values:
    """Return skin and fat together, mm, by level and direction."""
    profile = np.interp(np.rad2deg(_ANGLE), _AT_DEG, _FAT)
    # shoulders, which are painted apart, and neck have little
    by_level = np.interp(z / build.stature, [150, 230, 300], [1.0, 0.25, 0.05])[:, None]
    least = np.interp(z / build.stature, [200, 240], [2.5, 0.4])[:, None]
    fat = np.maximum(build.fat_mm * profile * by_level, least)
    # behind the sacrum and over the buttocks there is more of it
    buttock = np.exp(-np.square((z / build.stature + 235) / 60))[:, None]
    back = np.exp(-np.square((np.rad2deg(_ANGLE) - 90) / 50))
    return np.asarray(SKIN_MM + fat + buttock * back * (8 + 0.6 * build.fat_mm))


def _cage(build: Build, z: Values, middle: Values) -> Values:
    """Return the inner rib cage's radii around the trunk's middle."""
    half, deep, y = build.cage_mm(z)
    c, s = np.cos(_ANGLE), np.sin(_ANGLE)
    off = (middle - y)[:, None]
    a, b = half[:, None] + 2, deep[:, None] + 2
    square = np.square(c / a) + np.square(s / b)
    slope = off * s / np.square(b)
    rest = np.square(off / b) - 1
    return np.asarray((np.sqrt(np.clip(slope**2 - square * rest, 0, None)) - slope) / square)


def _true_pelvis(build: Build, z: Values) -> Values:
    at = z / build.stature
    half = np.interp(at, _PELVIS_Z, _PELVIS_HALF_MM)[:, None] * build.pelvis_width
    back = np.interp(at, _PELVIS_Z, _PELVIS_BACK_MM)[:, None]
    front = np.interp(at, _PELVIS_Z, _PELVIS_FRONT_MM)[:, None]
    deep = np.where(np.sin(_ANGLE) > 0, back, front)
    across = np.square(np.cos(_ANGLE) / half)
    return np.asarray(1 / np.sqrt(across + np.square(np.sin(_ANGLE) / deep)))


def trunk(build: Build, muscle: float) -> list[Solid]:
    """Return the layers of the trunk and the thighs, to be painted first."""
    borders = layers(build, muscle)
    parts = [
        *_thighs(build),
        Solid("skin", borders.skin, Tissue.MUSCLE, Tissue.AIR),
        Solid("subcutaneous fat", borders.fat, Tissue.FAT, Tissue.MUSCLE),
        Solid("body wall muscle", borders.wall, Tissue.MUSCLE, Tissue.FAT),
        Solid("visceral fat", borders.cavity, Tissue.FAT, Tissue.MUSCLE),
    ]
    return [*parts, *_fat_planes(build, borders)]


def _fat_planes(build: Build, borders: Layers) -> list[Solid]:
    """Return what separates the layers of muscle: the flanks' three, and the buttocks'."""
    z, wall, inner = borders.wall.z_mm, borders.wall.radii_mm, borders.cavity.radii_mm
    found = []
    waist = (build.vertebra_centre_mm("L5")[2], build.vertebra_centre_mm("L1")[2] - 15)
    hips = (-295 * build.stature, build.vertebra_centre_mm("L5")[2])
    for name, (low, high), depth, thick in (
        ("flank", waist, 0.36, 0.7),
        ("flank", waist, 0.68, 0.6),
        ("buttock", hips, 0.36, 3.4),
        ("buttock", hips, 0.70, 2.6),
    ):
        rows = np.flatnonzero((z >= low) & (z <= high))
        middle = wall[rows] - depth * (wall[rows] - inner[rows])
        ripple = 1 + 0.07 * np.sin(3 * _ANGLE + rows[:, None] / 3)
        outer = middle * (ripple if name == "buttock" else 1.0)
        centres = borders.wall.centres_mm[rows]
        # the hole is longer than the shell, which else would have a lid
        beyond = np.concatenate([[rows[0] - 1], rows, [rows[-1] + 1]])
        within = np.concatenate([outer[:1], outer, outer[-1:]]) - thick
        hole = Outline(z[beyond], borders.wall.centres_mm[beyond], within)
        shell = Common((Outline(z[rows], centres, outer), hole), (1, -1))
        found.append(Solid(f"fat plane {name}", shell, Tissue.FAT, Tissue.MUSCLE))
    return found


def _thighs(build: Build) -> list[Solid]:
    """Return both thighs below the trunk: skin, fat, muscle."""
    parts = []
    z = np.array([-560.0, -420, -380, -345, -290, -268, -245, -220]) * build.stature
    # the upper ends lie within the trunk; below they taper
    slim = np.array([0.86, 0.97, 1.0, 1.0, 1.0, 0.98, 0.9, 0.7])
    half, deep, middle = build.trunk_mm(z)
    fat = 0.65 * build.fat_mm
    for side, sign in (("right", -1), ("left", 1)):
        size = np.stack([half * 0.495 * slim, deep * 0.98 * slim], axis=1)
        # outwards they end where the trunk does
        centres = np.stack([sign * (half * np.minimum(slim, 1.0) - size[:, 0]), middle], axis=1)
        for name, less, tissue, under in (
            ("skin", 0.0, Tissue.MUSCLE, Tissue.AIR),
            ("fat", SKIN_MM, Tissue.FAT, Tissue.MUSCLE),
            ("muscle", SKIN_MM + fat, Tissue.MUSCLE, Tissue.FAT),
        ):
            shape = Stack(z, centres, np.maximum(size - less, 20.0), 2.15)
            parts.append(Solid(f"thigh {name} {side}", shape, tissue, under))
    return parts
