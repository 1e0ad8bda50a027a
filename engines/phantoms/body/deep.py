"""What every shape knows: how deep under its surface a place is."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Deep(Protocol):
    """A shape that knows its depth."""

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS: float64, shape (3,) each."""

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return about how far places that broadcast lie under the surface; negative outside."""


def within(shape: Deep, points_mm: Values) -> Mask:
    """Tell which points (..., 3) lie in a shape: bool, shape (...)."""
    return np.asarray(shape.depth_mm(points_mm[..., 0], points_mm[..., 1], points_mm[..., 2]) >= 0)
