"""The voxels of a coronal series, and what bones and solids put into them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.cloud import Cloud, among_four
from engines.phantoms.body.conduit import parts_of
from engines.phantoms.body.solids import Solid

Values = NDArray[np.float64]
Kinds = NDArray[np.uint16]

NOTHING = 0
"""Kind of a voxel that no solid holds; solids count from 1 in their order."""


@dataclass(frozen=True)
class Grid:
    """Coronal slices, front first: rows go to the feet, columns to the left, slices to the back.

    Attributes
    ----------
    first_mm : ndarray
        float64, shape (3,): middle of the first voxel, patient LPS.
    step_mm : tuple of float
        Between slices, rows and columns.
    shape : tuple of int
        Slices, rows, columns.
    thickness_mm : float
        Of a slice; less than the step where there are gaps.
    """

    first_mm: Values
    step_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    thickness_mm: float

    def points_mm(self, index: int, back_mm: float = 0.0) -> Values:
        """Return the voxels' middles of one slice: float64, shape (row, column, 3)."""
        (between, row, column), (_, rows, columns) = self.step_mm, self.shape
        points = np.empty((rows, columns, 3))
        points[..., 0] = self.first_mm[0] + column * np.arange(columns)
        points[..., 1] = self.first_mm[1] + between * index + back_mm
        points[..., 2] = (self.first_mm[2] - row * np.arange(rows))[:, None]
        return points

    def paint(self, solids: Sequence[Solid], index: int, back_mm: float) -> Kinds:
        """Return which solid holds each voxel's middle of a slice: uint16, shape (row, column)."""
        points = self.points_mm(index, back_mm)
        y = points[0, 0, 1]
        kinds = np.full(self.shape[1:], NOTHING, np.uint16)
        for number, solid in enumerate(solids, start=1):
            for shape in parts_of(solid.shape):
                low, high = shape.box()
                window = self.window(low, high)
                if window is None or not low[1] <= y <= high[1]:
                    continue
                # what depends on the height alone is reckoned once a row
                x, z = points[:1, window[1], 0], points[window[0], :1, 2]
                part = kinds[window]
                part[np.broadcast_to(shape.depth_mm(x, y, z) >= 0, part.shape)] = number
        return kinds

    def window(self, low: Values, high: Values) -> tuple[slice, slice] | None:
        """Return the rows and columns that a box, from corner to corner (3,), can touch."""
        (_, row, column), (_, rows, columns) = self.step_mm, self.shape
        top, bottom = ((self.first_mm[2] - one) / row for one in (high[2], low[2]))
        left, right = ((one - self.first_mm[0]) / column for one in (low[0], high[0]))
        across = slice(max(0, int(left)), min(columns, int(right) + 2))
        down = slice(max(0, int(top)), min(rows, int(bottom) + 2))
        return None if down.start >= down.stop or across.start >= across.stop else (down, across)

    def fill(self, cloud: Cloud) -> tuple[Values, Values]:
        """Spread a cloud over the voxels that it touches.

        Returns
        -------
        bone, mineral_mg_cm3 : ndarray
            float64, shape (slice, row, column): part of each voxel that is bone, 0 to 1, and the
            mineral in that part.
        """
        place = (cloud.points_mm - self.first_mm)[:, [1, 2, 0]] / self.step_mm
        place[:, 1] *= -1.0
        # a lump between two slices belongs to neither
        near = np.abs(place[:, 0] - np.rint(place[:, 0])) * self.step_mm[0]
        # with a rim of one pixel, for lumps that lie in part beyond the image
        place += (0, 1, 1)
        slices, rows, columns = self.shape[0], self.shape[1] + 2, self.shape[2] + 2
        most = (slices - 0.5, rows - 1, columns - 1)
        kept = (near <= self.thickness_mm / 2) & ((place >= (-0.5, 0, 0)) & (place < most)).all(1)
        begin = np.rint(place[kept, 0]).astype(np.intp) * rows * columns
        row, column = place[kept, 1], place[kept, 2]
        size = slices * rows * columns
        volume, mineral = np.zeros(size), np.zeros(size)
        for pixel, part in among_four(row, column, columns, np.ones(len(row))):
            volume += np.bincount(begin + pixel, part * cloud.volume_mm3[kept], size)
            mineral += np.bincount(begin + pixel, part * cloud.mineral_mg[kept], size)
        volume, mineral = (
            heap.reshape(slices, rows, columns)[:, 1:-1, 1:-1] for heap in (volume, mineral)
        )
        voxel_mm3 = self.thickness_mm * self.step_mm[1] * self.step_mm[2]
        density = np.divide(mineral, volume, out=np.zeros(self.shape), where=volume > 0) * 1e3
        return np.minimum(volume / voxel_mm3, 1.0), density
