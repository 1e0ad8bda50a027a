"""Arteries and veins of the lungs: two trees in each lung that branch and taper.

Hila and the first branches lie where anatomy has them, the right hilum lower than the left; further
branches are drawn. A branch goes on a little thinner and gives off a thin one at a wide angle. All
proportions are ours, so that films look right; vessels below 0.4 mm are left to the lung.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import Branches
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.heart import place

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4306

_THINNEST_MM = 0.38
#: What a branch that goes on and one that is given off measure against the branch before.
_ON, _OFF = 0.93, 0.60
_GENERATIONS = 32
#: How many of the steps give one off.
_FORKS = 0.6
#: How near to the pleura vessels come.
_FROM_PLEURA_MM = 5.0

#: Courses from the middle outwards for the left side (x to the left): level, x, y, z, radius.
_Course = tuple[tuple[str, float, float, float, float], ...]
_RIGHT: tuple[_Course, ...] = (
    (
        ("T6", 22, -46, 0, 8.5),
        ("T6", 36, -37, 0, 8.0),
        ("T7", 46, -32, 4, 7.4),
        ("T8", 51, -29, 6, 5.4),
    ),
    (("T6", 32, -44, 4, 6.4), ("T6", 40, -46, 12, 5.6), ("T5", 46, -46, 8, 4.4)),
    (("T7", 30, -48, 4, 6.0), ("T7", 40, -52, 12, 5.2), ("T6", 49, -54, 10, 4.2)),
    (("T8", 24, -32, 6, 6.2), ("T8", 40, -26, 0, 5.2), ("T8", 54, -22, -8, 4.2)),
)
_LEFT: tuple[_Course, ...] = (
    (
        ("T6", 30, -38, 9, 8.6),
        ("T6", 42, -29, 8, 8.2),
        ("T7", 49, -25, 10, 7.0),
        ("T8", 54, -24, 12, 5.2),
    ),
    (("T6", 34, -42, 12, 5.8), ("T5", 42, -46, 4, 5.0), ("T5", 47, -48, 14, 4.2)),
    (("T7", 34, -50, 12, 5.6), ("T6", 43, -54, 4, 4.8), ("T6", 51, -56, 16, 4.0)),
    (("T8", 30, -30, 10, 5.8), ("T8", 46, -25, 4, 4.8), ("T8", 58, -22, -4, 4.0)),
)

#: What each course gives off: how far along it, at which angle under the horizontal, its radius.
_DOWNWARDS = (
    *((0.45, -8, 2.5), (0.6, 14, 2.7), (0.7, 34, 3.0), (0.8, 52, 3.0)),
    *((0.9, 24, 2.7), (1.0, 64, 3.3), (1.0, 40, 3.2), (1.0, 82, 2.9)),
)
_UPWARDS = ((0.4, -24, 1.9), (0.6, -52, 2.0), (0.8, -70, 2.2), (1.0, -44, 2.1), (1.0, -8, 1.9))
_SIDEWAYS = ((0.6, 0, 2.2), (0.9, 12, 2.6), (1.0, 26, 2.8), (1.0, 48, 2.5), (1.0, -6, 2.1))
_GIVEN_OFF = (_DOWNWARDS, _UPWARDS, _UPWARDS, _SIDEWAYS)


@dataclass(frozen=True)
class _Shoots:
    """Where branches begin: places and directions (branch, 3), radii (branch,)."""

    start_mm: Values
    way: Values
    radius_mm: Values

    def of(self, kept: NDArray[np.bool_]) -> "_Shoots":
        return _Shoots(self.start_mm[kept], self.way[kept], self.radius_mm[kept])


def lung_vessels(build: Build, lungs: Deep, without: tuple[Deep, ...]) -> Branches:
    """Return the vessels of both lungs.

    Parameters
    ----------
    build : Build
        Whose.
    lungs : Deep
        What they must not leave.
    without : tuple of Deep
        What they do not run through, such as the heart.
    """
    found: list[tuple[Values, Values, Values, Values]] = []
    for sign, courses in ((-1, _RIGHT), (1, _LEFT)):
        rng = np.random.default_rng([build.person.seed, STREAM, int(sign > 0)])
        for course, given_off in zip(courses, _GIVEN_OFF, strict=True):
            knots, radii = _knots(build, sign, course, rng)
            found.append((knots[:-1], knots[1:], radii[:-1], radii[1:]))
            shoots = _shoots(knots, sign, given_off, rng)
            found += _grown(shoots, knots[0], (lungs, *without), rng)
    start, end, first, last = (np.concatenate(part) for part in zip(*found, strict=True))
    return Branches(start, end, first, last)


def _knots(
    build: Build, sign: int, course: _Course, rng: np.random.Generator
) -> tuple[Values, Values]:
    knots = np.array([place(build, row[0], (sign * row[1], row[2], row[3])) for row in course])
    radii = np.array([row[4] for row in course]) * build.stature * rng.normal(1.0, 0.06)
    at = np.linspace(0, len(course) - 1, 4 * len(course) - 3)
    moved = knots + rng.normal(0, 1.5, knots.shape)
    fine = np.stack([np.interp(at, range(len(course)), c) for c in moved.T], axis=1)
    return fine, np.interp(at, range(len(course)), radii)


def _shoots(
    knots: Values, sign: int, rows: tuple[tuple[float, float, float], ...], rng: np.random.Generator
) -> _Shoots:
    along, down, radius = np.array(rows).T
    at = along * (len(knots) - 1)
    start = np.stack([np.interp(at, range(len(knots)), c) for c in knots.T], axis=1)
    angle = np.deg2rad(down + rng.normal(0, 6, len(rows)))
    depth = rng.normal(0, 0.55, len(rows))
    way = np.stack([sign * np.cos(angle), depth, -np.sin(angle)], axis=1)
    return _Shoots(start, _unit(way), radius * rng.normal(1.0, 0.08, len(rows)))


def _grown(
    shoots: _Shoots, root: Values, limits: tuple[Deep, ...], rng: np.random.Generator
) -> list[tuple[Values, Values, Values, Values]]:
    """Let branches grow until they are too thin or would leave the lung."""
    found = []
    for _ in range(_GENERATIONS):
        count = len(shoots.radius_mm)
        length = (3.5 + 3.0 * shoots.radius_mm) * rng.uniform(0.6, 1.3, count)
        end = shoots.start_mm + shoots.way * length[:, None]
        inside = limits[0].depth_mm(*end.T) > _FROM_PLEURA_MM
        for other in limits[1:]:
            inside &= other.depth_mm(*end.T) < -2.0
        keep = inside & (shoots.radius_mm > _THINNEST_MM)
        if not keep.any():
            break
        # what is kept is drawn for all, so that one more branch changes no other
        jitter = rng.normal(0, 1.0, (2, count, 3))[:, keep]
        forks = (rng.random(count) < _FORKS)[keep]
        grown, end = shoots.of(keep), end[keep]
        found.append((grown.start_mm, end, grown.radius_mm, grown.radius_mm * _ON))
        onward = _unit(grown.way + 0.13 * _unit(end - root) + 0.13 * jitter[0])
        across = jitter[1] - np.sum(jitter[1] * grown.way, axis=1)[:, None] * grown.way
        aside = _unit(grown.way + 0.95 * _unit(across))
        shoots = _Shoots(
            np.concatenate([end, end[forks]]),
            np.concatenate([onward, aside[forks]]),
            np.concatenate([grown.radius_mm * _ON, grown.radius_mm[forks] * _OFF]),
        )
    return found


def _unit(ways: Values) -> Values:
    return np.asarray(ways / (np.linalg.norm(ways, axis=1, keepdims=True) + 1e-12))
