"""Ribs around the cage that :class:`Build` gives, and what has hardened of their cartilage.

Slopes and sizes are ours, after anatomy: back ends level with the upper half of their vertebrae,
front ends two to four vertebrae lower, first and last ribs small.
"""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.tubes import Tube, course, fill

Values = NDArray[np.float64]

#: Random streams: ribs of a person, calcified cartilage.
STREAM = 4130
CARTILAGE_STREAM = 4131

#: Ribs 1 to 13: how far they fall to the front, where their bone ends (degrees from the back),
#: half height and half thickness of the cross-section.
FALLS_MM = np.array([30.0, 50, 66, 80, 92, 100, 106, 110, 112, 112, 130, 190, 190])
ENDS_DEG = np.array([142.0, 146, 147, 146, 144, 141, 138, 132, 124, 110, 68, 44, 36])
HALF_HIGH_MM = np.array([5.6, 6.0, 6.5, 6.9, 7.1, 7.2, 7.2, 7.1, 6.9, 6.6, 6.0, 5.0, 4.2])
HALF_THICK_MM = np.array([3.4, 3.2, 3.4, 3.6, 3.7, 3.8, 3.8, 3.8, 3.7, 3.6, 3.3, 2.9, 2.6])

#: Compact bone of a young adult's rib, mm; spongy bone of ribs against L1's.
WALL_MM = 0.85
SPONGY = 0.75

#: How a rib hangs: angle from the back, part of its fall.
_HANG_DEG = np.array([0.0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 150])
_HANG = np.array([0.0, 0.03, 0.09, 0.18, 0.30, 0.43, 0.57, 0.71, 0.84, 0.96, 1.06])

#: How round the cage is: 2 is an ellipse, more is boxier.
_POWER = 2.25


def rib_path(build: Build, number: int, side: int, spacing_mm: float) -> Values:
    """Return the middle line of a rib's bone: float64, shape (step, 3).

    Parameters
    ----------
    build : Build
        Whose.
    number : int
        1 to 13, from above.
    side : int
        1 for left, -1 for right.
    spacing_mm : float
        Between points.
    """
    level = build.levels[number]
    width, _, height = build.vertebra_size_mm(level)
    axes, centre = build.vertebra_axes(level), build.vertebra_centre_mm(level)
    up = 0.36 * height if number < 10 else 0.05 * height
    reach = width / 2 + 15 * build.stature
    start = [
        centre + axes @ np.array([side * (width / 2 + 1), 0.30 * width, up]),
        centre + axes @ np.array([side * (width / 2 + 8), 0.55 * width, up + 0.5]),
        centre + axes @ np.array([side * reach, 0.30 * width + 19 * build.stature, up]),
    ]
    first = 26.0 if number > 1 else 34.0
    angles = np.linspace(first, max(ENDS_DEG[number - 1], first + 6), 10)
    around = _round(build, number, side, angles)
    # from the tubercle on the rib only falls
    around[:, 2] += 0.7 * (start[2][2] - around[0, 2] - 3) * np.exp(-(angles - first) / 30)
    return course(np.concatenate([start, around]), spacing_mm)


def _round(build: Build, number: int, side: int, degrees: Values) -> Values:
    """Points on the outside of the cage at angles from the back."""
    angle = np.deg2rad(degrees)
    top = build.vertebra_centre_mm(build.levels[number])[2]
    fall = FALLS_MM[number - 1] * build.rib_slope * build.stature
    z = top + 3 - fall * np.interp(degrees, _HANG_DEG, _HANG)
    wide, deep, middle = build.cage_mm(z)
    thick = HALF_THICK_MM[number - 1]
    x = (wide + thick) * np.abs(np.sin(angle)) ** (2 / _POWER)
    y = (deep + thick) * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / _POWER)
    return np.stack([side * x, middle + y, z], axis=1)


def rib(build: Build, number: int, side: int, spacing_mm: float) -> Cloud:
    """Return one rib's bone; parameters as :func:`rib_path`."""
    person = build.person
    path = rib_path(build, number, side, spacing_mm)
    rng = np.random.default_rng([person.seed, STREAM, 2 * number + (side > 0)])
    size = build.width * build.stature * rng.normal(1.0, 0.04)
    along = np.linspace(0, 1, len(path))
    neck = np.clip(along / 0.12, 0, 1)
    flare = 1 + 0.22 * np.clip((along - 0.9) / 0.1, 0, 1)
    wide = HALF_HIGH_MM[number - 1] * size * (0.62 + 0.38 * neck) * flare
    wide = wide * (0.88 + 0.12 * np.clip(along / 0.5, 0, 1))
    thick = HALF_THICK_MM[number - 1] * size * (1.12 - 0.25 * along)
    wall = WALL_MM * person.cortex * (1.25 - 0.5 * along)
    outward = _outward(build, path, number)
    tube = Tube(path, outward, wide, thick, wall, SPONGY * person.trabecular_mg_cm3)
    return fill(tube, spacing_mm)


def _outward(build: Build, path: Values, number: int) -> Values:
    """Away from the middle of the cage; the first rib lies flat."""
    wide, deep, middle = build.cage_mm(path[:, 2])
    out = np.stack([path[:, 0] / wide**2, (path[:, 1] - middle) / deep**2, 0 * wide], axis=1)
    out /= np.linalg.norm(out, axis=1)[:, None]
    tilt = {1: 2.2, 2: 0.9, 3: 0.35}.get(number, 0.12)
    out[:, 2] = tilt
    return np.asarray(out / np.linalg.norm(out, axis=1)[:, None])


def cartilage(build: Build, number: int, side: int, spacing_mm: float) -> Cloud:
    """Return what is calcified of a rib's cartilage.

    Along the edges in men, in the middle in women; more from 35 years on. Amounts are ours.
    """
    person = build.person
    rng = np.random.default_rng([person.seed, CARTILAGE_STREAM, 2 * number + (side > 0)])
    much = np.clip((person.age_years - 35) / 45 * rng.uniform(0.2, 1.2), 0, 1)
    much = 1.2 * much if number == 1 else much
    path = _to_sternum(build, number, side, spacing_mm)
    count = int(len(path) * 14 * (1.2 / spacing_mm))
    where = rng.uniform(0, 1, count) ** 1.6
    angle, ring = rng.uniform(0, 2 * np.pi, count), rng.uniform(0, 1, count)
    ring = 1 - 0.25 * ring if person.sex == "M" else 0.55 * np.sqrt(ring)
    clumps = np.sin(where * 23 + rng.uniform(0, 6)) + np.sin(where * 57 + rng.uniform(0, 6))
    kept = clumps + 1.4 * (much * (1.2 - where)) - 1.35 > 0
    steps = np.linspace(0, 1, len(path))
    at = np.stack([np.interp(where, steps, path[:, axis]) for axis in range(3)], axis=1)
    lift = HALF_HIGH_MM[number - 1] * ring * np.sin(angle)
    deep = HALF_THICK_MM[number - 1] * ring * np.cos(angle)
    points = at + np.stack([0 * lift, deep, lift], axis=1)
    volume = np.full(count, np.pi * 6.5 * 3.6 * 1.2 * len(path) / max(count, 1) * 0.5)
    volume = volume * (spacing_mm / 1.2)
    return Cloud(points[kept], volume[kept], volume[kept] * 0.35)


def _to_sternum(build: Build, number: int, side: int, spacing_mm: float) -> Values:
    end = _round(build, number, side, np.array([ENDS_DEG[number - 1]]))[0]
    rise = np.array([0.0, -4, -10, -10, -4, 4, 16, 36, 48, 50])[number - 1] * build.stature
    goal = np.array([side * (20.0 if number < 7 else 26 + 12 * (number - 7)), 0.0, end[2] + rise])
    wide, deep, middle = build.cage_mm(goal[2:])
    inner = np.sqrt(max(1 - (goal[0] / float(wide[0])) ** 2, 0.05))
    goal[1] = float(middle[0]) - float(deep[0]) * inner - 4
    bend = (end + goal) / 2 + np.array([0, -3.0, -6.0 if number > 3 else 0.0])
    return course(np.array([end, bend, goal]), spacing_mm)
