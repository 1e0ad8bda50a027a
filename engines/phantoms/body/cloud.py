"""Bone as a cloud of points, so that a film and a slice can be made of the same one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Values = NDArray[np.float64]


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
            np.concatenate([one.points_mm for one in parts]),
            np.concatenate([one.volume_mm3 for one in parts]),
            np.concatenate([one.mineral_mg for one in parts]),
        )

    def part(self, which: NDArray[np.bool_]) -> "Cloud":
        """Return the lumps of a mask, shape (point,)."""
        return Cloud(self.points_mm[which], self.volume_mm3[which], self.mineral_mg[which])
