"""Bone as a cloud of points, so that a film and a slice can be made of the same one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Values = NDArray[np.float64]

#: Lumps that are moved at a time.
_CHUNK = 16384


@dataclass(frozen=True)
class Cloud:
    """Small lumps of bone: cortex, spongy bone and the marrow in it.

    Attributes
    ----------
    points_mm : ndarray
        float64, shape (point, 3), patient LPS.
    volume_mm3 : ndarray
        float64, shape (point,). What each lump takes up, marrow included.
    mineral_mg : ndarray
        float64, shape (point,). Hydroxyapatite in it.
    """

    points_mm: Points
    volume_mm3: Values
    mineral_mg: Values

    @staticmethod
    def together(clouds: Iterable["Cloud"]) -> "Cloud":
        """Return all points of several clouds as one."""
        parts = list(clouds)
        return Cloud(
            rows_of([one.points_mm for one in parts]),
            np.concatenate([one.volume_mm3 for one in parts]),
            np.concatenate([one.mineral_mg for one in parts]),
        )

    def moved(self, to: Callable[[Points], Points]) -> "Cloud":
        """Return the lumps where a rule puts them: (point, 3) -> (point, 3), each on its own."""
        places = np.empty((3, len(self.points_mm)))
        # by and by, so that what the rule works on stays in the processor's cache
        for first in range(0, len(self.points_mm), _CHUNK):
            some = slice(first, first + _CHUNK)
            places[:, some] = to(self.points_mm[some]).T
        return Cloud(places.T, self.volume_mm3, self.mineral_mg)

    def part(self, which: NDArray[np.bool_] | slice) -> "Cloud":
        """Return the lumps of a mask, shape (point,), or from one to another."""
        return Cloud(self.points_mm[which], self.volume_mm3[which], self.mineral_mg[which])


def rows_of(parts: Sequence[Points]) -> Points:
    """Return the rows of several (point, 3) as one, column by column in memory."""
    whole = np.empty((3, sum(len(one) for one in parts)))
    np.concatenate([one.T for one in parts], axis=1, out=whole)
    return whole.T


def turned(points_mm: Points, axes: Values) -> Points:
    """Turn points (point, 3) by a rotation whose columns are the axes."""
    x, y, z = points_mm.T
    # sums in a fixed order, which a matrix product does not promise
    return np.stack([x * a + y * b + z * c for a, b, c in axes]).T


def among_four(
    row: Values, column: Values, columns: int, mass: Values
) -> Iterator[tuple[NDArray[np.intp], Values]]:
    """Share masses among the four pixels around each place.

    Parameters
    ----------
    row, column : ndarray
        float64, shape (point,): places in pixels, none negative, none beyond the last pixel.
    columns : int
        Of the image.
    mass : ndarray
        float64, shape (point,).

    Yields
    ------
    tuple of ndarray
        A pixel's place in the flat image, and what it gets: intp and float64, shape (point,).
    """
    top, left = row.astype(np.intp), column.astype(np.intp)
    low, right = row - top, column - left
    corner = top * columns + left
    upper, lower = mass * (1 - low), mass * low
    yield corner, upper * (1 - right)
    yield corner + 1, upper * right
    yield corner + columns, lower * (1 - right)
    yield corner + (columns + 1), lower * right
