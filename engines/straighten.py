"""Turn a scan into the patient's axes; resample it where it lies across them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.errors import BadSeries, Reason

Grid = NDArray[np.float32]
Vector = NDArray[np.float64]

# Ours. Turned less than the first is straight; more than the second is not resampled.
_STRAIGHT_DEG, _MOST_DEG = 0.5, 30.0


@dataclass(frozen=True)
class Placed:
    """Voxels along the patient's axes.

    Attributes
    ----------
    hu : ndarray
        float32, shape (slice, row, column), indices growing towards head, back and left.
    spacing_mm : (slice, row, column)
        From one to the next.
    origin_mm : (x, y, z)
        Centre of voxel [0, 0, 0], LPS.
    remarks : tuple of str
        What was done beyond turning axes.
    """

    hu: Grid
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    remarks: tuple[str, ...] = ()


def in_the_patient(hu: Grid, steps: Vector, corner_mm: Vector) -> Placed:
    """Turn axes so that indices grow towards head, back and left; resample what is not straight.

    Parameters
    ----------
    hu : ndarray
        float32, shape (slice, row, column), NaN for nothing.
    steps : ndarray
        Shape (3, 3): its columns are one step of a slice, a row and a column, mm, LPS.
    corner_mm : ndarray
        Centre of voxel [0, 0, 0], LPS.

    Raises
    ------
    BadSeries
        SCAN_OBLIQUE where an axis lies more than 30 degrees off all of the patient's.
    """
    turned_deg = _turned_deg(steps)
    if turned_deg > _MOST_DEG:
        detail = f"the scan is turned by {turned_deg:.0f} degrees against the patient's axes"
        raise BadSeries(Reason.SCAN_OBLIQUE, detail)
    hu, steps, corner_mm = _sorted_axes(hu, steps, corner_mm)
    if turned_deg <= _STRAIGHT_DEG:
        return Placed(hu, _three(np.abs(np.diag(steps[::-1]))), _three(corner_mm))
    return _resampled(hu, steps, corner_mm, f"turned by {turned_deg:.1f} degrees: resampled")


def _turned_deg(steps: Vector) -> float:
    """Return the largest angle between an axis of the scan and the nearest of the patient's."""
    cosines = np.abs(steps / np.linalg.norm(steps, axis=0)).max(axis=0)
    return float(np.rad2deg(np.arccos(np.clip(cosines.min(), -1, 1))))


def _sorted_axes(hu: Grid, steps: Vector, corner: Vector) -> tuple[Grid, Vector, Vector]:
    """Order axes as z, y, x and turn each that runs backwards."""
    along = np.abs(steps).argmax(axis=0)
    order = [int(np.flatnonzero(along == axis)[0]) for axis in (2, 1, 0)]
    hu, steps = hu.transpose(order), steps[:, order]
    for axis, patient in enumerate((2, 1, 0)):
        if steps[patient, axis] < 0:
            corner = corner + steps[:, axis] * (hu.shape[axis] - 1)
            hu, steps = np.flip(hu, axis), steps * np.where(np.arange(3) == axis, -1, 1)
    return np.ascontiguousarray(hu), steps, corner


def _resampled(hu: Grid, steps: Vector, corner: Vector, remark: str) -> Placed:
    """Interpolate onto a grid along the patient's axes that holds the whole scan."""
    sides = (np.array(hu.shape) - 1) * steps
    ends = corner + np.array([sides @ np.array(on) for on in np.ndindex(2, 2, 2)])
    low, high = ends.min(axis=0), ends.max(axis=0)
    spacing = np.linalg.norm(steps, axis=0)
    # between slices what counts is the distance of their planes
    spacing[0] = abs(np.linalg.det(steps)) / (spacing[1] * spacing[2])
    shape = np.floor((high - low)[::-1] / spacing + 1.001).astype(int)
    # from a (slice, row, column) of the new grid to one of the old
    matrix = np.linalg.inv(steps) @ np.diag(spacing[::-1])[:, ::-1]
    offset = np.linalg.inv(steps) @ (low - corner)
    # what lies beside or beyond unknown values is unknown: linear interpolation hands NaN on
    values = ndimage.affine_transform(hu, matrix, offset, tuple(shape), order=1, cval=np.nan)
    return Placed(values, _three(spacing), _three(low), (remark,))


def _three(values: Vector) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
