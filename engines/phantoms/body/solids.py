"""What is soft, or gas, or a foreign body: solids that are painted one over the other."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Tissue(StrEnum):
    """What a solid is made of."""

    AIR = "air"
    LUNG = "lung"
    FAT = "fat"
    MUSCLE = "muscle"
    ORGAN = "organ"
    BLOOD = "blood"
    FLUID = "fluid"
    CARTILAGE = "cartilage"
    TITANIUM = "titanium"
    STEEL = "steel"
    CEMENT = "cement"


class Shape(Protocol):
    """Where a solid is."""

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS: float64, shape (3,) each."""

    def inside(self, points_mm: Values) -> NDArray[np.bool_]:
        """Tell for points, float64 of shape (..., 3), which lie in it: shape (...)."""

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it, from a point (3,) to targets (..., 3)."""


@dataclass(frozen=True)
class Solid:
    """A shape of one tissue, painted over what was there before.

    Attributes
    ----------
    name : str
        What it is, e.g. ``aorta``.
    shape : Shape
        Where it is.
    tissue : Tissue
        What it is made of.
    instead_of : Tissue
        What would be there without it; a film adds the difference of the two along each ray.
    """

    name: str
    shape: Shape
    tissue: Tissue
    instead_of: Tissue
