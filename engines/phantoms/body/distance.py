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
    offset = [points[:, axis] / by[axis] - start[axis] for axis in range(3)]
    along = _dot(offset, way / max(float((way * way).sum()), 1e-9))
    np.minimum(np.maximum(along, 0, out=along), 1, out=along)
    apart = np.zeros(len(points))
    for one, step in zip(offset, way, strict=True):
        one -= along * step
        apart += np.square(one, out=one)
    np.sqrt(apart, out=apart)
    apart -= radii[0] + (radii[1] - radii[0]) * along
    return np.asarray(apart * by.min())


def _dot(columns: Sequence[Values], axis: Values) -> Values:
    # sums in a fixed order, which a matrix product does not promise
    x, y, z = columns
    return np.asarray(x * axis[0] + y * axis[1] + z * axis[2])


def egg(points: Values, centre: ArrayLike, radii: ArrayLike, power: float = 2.0) -> Values:
    """Measure from an ellipsoid, boxier as ``power`` grows."""
    size = np.asarray(radii, dtype=np.float64)
    middle = np.asarray(centre, dtype=np.float64)
    total = np.zeros(len(points))
    for axis in range(3):
        total += np.abs((points[:, axis] - middle[axis]) / size[axis]) ** power
    return np.asarray((total ** (1 / power) - 1) * size.min())


def plate(points: Values, corners: ArrayLike, thickness_mm: float) -> Values:
    """Measure from a flat triangle of some thickness with round edges.

    ``corners``: float64, shape (3, 3), one a row.
    """
    a, b, c = np.asarray(corners, dtype=np.float64)
    normal = np.cross(b - a, c - a)
    normal = normal / np.linalg.norm(normal)
    sides = ((a, b), (b, c), (c, a))
    nearest = np.minimum.reduce([limb(points, side, (0.0, 0.0)) for side in sides])
    columns = (points[:, 0], points[:, 1], points[:, 2])
    over = np.ones(len(points), dtype=bool)
    for p, q in sides:
        inwards = np.cross(normal, q - p)
        over &= _dot(columns, inwards) >= float((p * inwards).sum())
    flat = np.abs(_dot(columns, normal) - float((a * normal).sum()))
    return np.asarray(np.where(over, np.minimum(flat, nearest), nearest) - thickness_mm / 2)


def blend(parts: Sequence[Values], round_mm: float) -> Values:
    """Join forms, their seams rounded off over about ``round_mm``."""
    joined = parts[0]
    for part in parts[1:]:
        gap = (part - joined) * (0.5 / round_mm) + 0.5
        np.minimum(np.maximum(gap, 0, out=gap), 1, out=gap)
        joined = part + (joined - part) * gap - round_mm * gap * (1 - gap)
    return np.asarray(joined)


def within(first: Values, second: Values, round_mm: float) -> Values:
    """Return what two forms share, the edges rounded off."""
    return -blend([-first, -second], round_mm)
