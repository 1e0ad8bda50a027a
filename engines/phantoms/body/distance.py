"""Signed distances of simple forms, negative inside; bones' outlines are put together from them.

They are exact near round surfaces and only of the right sign elsewhere; stretched forms are
measured in stretched space. What uses them divides by the slope.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def limb(
    points: Values,
    ends: tuple[ArrayLike, ArrayLike],
    radii: tuple[float, float],
    stretch: ArrayLike = (1.0, 1.0, 1.0),
) -> Values:
    """Measure from a rod with round ends, its radius going evenly from one to the other.

    ``stretch`` widens it along x, y or z: a rod of radius 3 with (1, 1, 3) stands 9 high.
    """
    by = np.asarray(stretch, dtype=np.float64)
    start = np.asarray(ends[0], dtype=np.float64) / by
    way = np.asarray(ends[1], dtype=np.float64) / by - start
    offset = points / by - start
    along = np.clip(offset @ way / max(float(way @ way), 1e-9), 0, 1)
    apart = np.sqrt(np.sum(np.square(offset - along[:, None] * way), axis=1))
    return np.asarray((apart - (radii[0] + (radii[1] - radii[0]) * along)) * by.min())


def egg(points: Values, centre: ArrayLike, radii: ArrayLike, power: float = 2.0) -> Values:
    """Measure from an ellipsoid, boxier as ``power`` grows."""
    size = np.asarray(radii, dtype=np.float64)
    part = np.abs((points - np.asarray(centre, dtype=np.float64)) / size)
    return np.asarray((np.sum(part**power, axis=1) ** (1 / power) - 1) * size.min())


def plate(points: Values, corners: ArrayLike, thickness_mm: float) -> Values:
    """Measure from a flat triangle of some thickness with round edges.

    ``corners``: float64, shape (3, 3), one a row.
    """
    a, b, c = np.asarray(corners, dtype=np.float64)
    normal = np.cross(b - a, c - a)
    normal = normal / np.linalg.norm(normal)
    edges = [limb(points, (p, q), (0.0, 0.0)) for p, q in ((a, b), (b, c), (c, a))]
    offset = points - a
    over = np.ones(len(points), dtype=bool)
    for p, q in ((a, b), (b, c), (c, a)):
        over &= (points - p) @ np.cross(normal, q - p) >= 0
    flat = np.where(over, np.abs(offset @ normal), np.inf)
    return np.asarray(np.minimum(flat, np.minimum.reduce(edges)) - thickness_mm / 2)


def blend(parts: Sequence[Values], round_mm: float) -> Values:
    """Join forms, their seams rounded off over about ``round_mm``."""
    joined = parts[0]
    for part in parts[1:]:
        gap = np.clip(0.5 + 0.5 * (part - joined) / round_mm, 0, 1)
        joined = part + (joined - part) * gap - round_mm * gap * (1 - gap)
    return np.asarray(joined)


def within(first: Values, second: Values, round_mm: float) -> Values:
    """Return what two forms share, the edges rounded off."""
    return -blend([-first, -second], round_mm)
