"""A small block of a CT along a vertebra's own axes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from engines.volume import Volume

Grid = NDArray[np.float32]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Axes:
    """Where a vertebra is and how it is turned.

    Attributes
    ----------
    middle_mm : ndarray
        float64, shape (3,), LPS.
    up, front : ndarray
        float64, shape (3,), unit vectors in LPS, at right angles.
    """

    middle_mm: Vector
    up: Vector
    front: Vector

    @cached_property
    def left(self) -> Vector:
        """Return the unit vector to the patient's left."""
        side: Vector = np.cross(self.up, self.front)
        return side

    def place_mm(self, up_mm: float, front_mm: float, left_mm: float) -> Vector:
        """Return a place in the patient, LPS, from one along these axes."""
        place: Vector = (
            self.middle_mm + up_mm * self.up + front_mm * self.front + left_mm * self.left
        )
        return place

    def along_mm(self, places_mm: Vector) -> Vector:
        """Return how far (up, front, left) places of shape (..., 3) in LPS are from the middle."""
        axes = np.stack([self.up, self.front, self.left], axis=1)
        along: Vector = (places_mm - self.middle_mm) @ axes
        return along

    def moved(self, up_mm: float, front_mm: float, left_mm: float) -> "Axes":
        """Return the same axes about another middle."""
        return Axes(self.place_mm(up_mm, front_mm, left_mm), self.up, self.front)

    def turned(self, forward: float, leftward: float) -> "Axes":
        """Return the axes with ``up`` leaning by these slopes."""
        up = self.up + forward * self.front + leftward * self.left
        up /= np.linalg.norm(up)
        front = self.front - (self.front @ up) * up
        return Axes(self.middle_mm, up, front / np.linalg.norm(front))


@dataclass(frozen=True)
class Block:
    """HU about a vertebra.

    Attributes
    ----------
    hu : ndarray
        float32, shape (up, front, left); NaN where nothing was measured.
    step_mm : float
        Between voxels, along each axis; the middle voxel is the axes' middle.
    """

    hu: Grid
    step_mm: float

    def mean(self, axis: int) -> Grid:
        """Return the mean along an axis, of what was measured: NaN where nothing was."""
        seen = np.isfinite(self.hu)
        total = np.where(seen, self.hu, 0).sum(axis=axis)
        mean = np.where(seen.any(axis), total / np.maximum(seen.sum(axis), 1), np.nan)
        return mean.astype(np.float32)


def block_of(
    volume: Volume, axes: Axes, reach_mm: tuple[float, float, float], step_mm: float
) -> Block:
    """Sample a volume about a vertebra, linearly.

    Parameters
    ----------
    volume : Volume
        The CT.
    axes : Axes
        About which place, and along which directions.
    reach_mm : (up, front, left)
        How far to both sides.
    step_mm : float
        Between samples.
    """
    up, front, left = (
        np.arange(-count, count + 1) * step_mm
        for count in (int(reach / step_mm) for reach in reach_mm)
    )
    places = (
        axes.middle_mm
        + up[:, None, None, None] * axes.up
        + front[None, :, None, None] * axes.front
        + left[None, None, :, None] * axes.left
    )
    return Block(sampled(volume, places), step_mm)


def sampled(volume: Volume, places_mm: Vector, missing_hu: float = np.nan) -> Grid:
    """Interpolate a volume linearly.

    Parameters
    ----------
    volume : Volume
        The CT.
    places_mm : ndarray
        float64, shape (..., 3), LPS.
    missing_hu : float
        What stands where nothing was measured.

    Returns
    -------
    ndarray
        float32, shape (...), HU.
    """
    at = volume.voxel_of(places_mm)
    around = tuple(range(at.ndim - 1))
    last = np.array(volume.hu.shape) - 1
    low = np.clip(np.floor(at.min(axis=around)).astype(int) - 1, 0, last)
    high = np.maximum(np.ceil(at.max(axis=around)).astype(int) + 2, low + 1)
    part = volume.hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    hu: Grid = map_coordinates(
        np.nan_to_num(part, nan=missing_hu),
        np.moveaxis(at - low, -1, 0),
        order=1,
        cval=missing_hu,
        output=np.float32,
    )
    return hu
