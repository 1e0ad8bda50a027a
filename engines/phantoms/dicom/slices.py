"""A stack of parallel slices: where each stands, and what flaws do to the stack."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.dicom.flaws import Flaw

Vector = NDArray[np.float64]

#: Of a gantry that is tilted on request, degrees.
TILT_DEG = 12.0


@dataclass(frozen=True)
class Slices:
    """Parallel slices as an imager gives them.

    Attributes
    ----------
    values : ndarray
        Shape (slice, row, column). Hounsfield units, or MR signal.
    first_mm : tuple of float
        Centre of the first pixel of the first slice, patient LPS.
    along_row, along_column : tuple of float
        Directions in which the column and the row index grow: unit vectors, patient LPS.
    step_mm : tuple of float
        From one slice to the next.
    pixel_mm : tuple of float
        Between rows, between columns.
    thickness_mm : float
        Of one slice.
    """

    values: NDArray[np.generic]
    first_mm: tuple[float, float, float]
    along_row: tuple[float, float, float]
    along_column: tuple[float, float, float]
    step_mm: tuple[float, float, float]
    pixel_mm: tuple[float, float]
    thickness_mm: float

    def position_mm(self, index: int) -> Vector:
        """Return ImagePositionPatient of a slice: float64, shape (3,)."""
        return np.array(self.first_mm, np.float64) + index * np.array(self.step_mm, np.float64)

    def normal(self) -> Vector:
        """Return the direction across the slices: float64, shape (3,), unit length."""
        (a, b, c), (d, e, f) = self.along_row, self.along_column
        return np.array((b * f - c * e, c * d - a * f, a * e - b * d), np.float64)

    @property
    def tilt_deg(self) -> float:
        """How far axial slices lean: the back towards the feet where positive."""
        return float(round(np.rad2deg(np.arcsin(-self.along_column[2])), 6)) + 0.0

    def spacing_mm(self) -> float:
        """Return the distance between the planes of neighbours."""
        return float(abs(np.dot(self.step_mm, self.normal())))


def axial(
    values: NDArray[np.generic], first_mm: Vector, spacing_mm: tuple[float, float, float]
) -> Slices:
    """Return axial slices from feet to head.

    Parameters
    ----------
    values : ndarray
        Shape (slice, row, column): towards the head, the back, the left.
    first_mm : ndarray
        Centre of the first voxel, patient LPS, shape (3,).
    spacing_mm : tuple of float
        Between slices, rows, columns; slices as thick as they stand apart.
    """
    between, row, column = spacing_mm
    x, y, z = (float(value) for value in first_mm)
    return Slices(values, (x, y, z), (1, 0, 0), (0, 1, 0), (0, 0, between), (row, column), between)


def as_archived(slices: Slices, flaws: frozenset[Flaw]) -> Slices:
    """Return the stack as an archive holds it: with WRONG_SIDE each slice's rows run backwards."""
    if Flaw.WRONG_SIDE not in flaws:
        return slices
    return replace(slices, values=slices.values[:, :, ::-1])


def tilted(slices: Slices, degrees: float = TILT_DEG) -> Slices:
    """Cut axial slices anew with a tilted gantry: the table still moves along the body's axis.

    The middle row of each plane stays where it was. Between voxels is interpolated linearly;
    beyond the ends of the stack its last slice goes on.
    """
    count, rows, _ = slices.values.shape
    between, row_mm = slices.step_mm[2], slices.pixel_mm[0]
    angle = np.deg2rad(degrees)
    middle = (rows - 1) / 2
    row_at = (np.arange(rows) - middle) * np.cos(angle) + middle
    shift = -(np.arange(rows) - middle) * row_mm * np.sin(angle) / between
    cut = np.empty(slices.values.shape)
    for index in range(count):
        low, high, part = _neighbours(index + shift, count)
        lower = _rows_between(slices.values, low, row_at)
        cut[index] = lower + part * (_rows_between(slices.values, high, row_at) - lower)
    x, y, z = slices.first_mm
    first = (x, y + float(row_at[0]) * row_mm, z + float(shift[0]) * between)
    down = (0.0, float(np.cos(angle)), float(-np.sin(angle)))
    return replace(slices, values=cut, first_mm=first, along_column=down)


def _neighbours(
    at: Vector, count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the index before, the index after and the part of the way, as a column."""
    inside = np.clip(at, 0, count - 1)
    low = np.floor(inside).astype(np.intp)
    return low, np.minimum(low + 1, count - 1), (inside - low)[:, None]


def _rows_between(
    values: NDArray[np.generic], index: NDArray[np.intp], row_at: Vector
) -> NDArray[np.float64]:
    """Return rows, each of its own slice, interpolated between neighbouring rows."""
    above, below, part = _neighbours(row_at, values.shape[1])
    upper = values[index, above].astype(np.float64)
    lower = values[index, below].astype(np.float64)
    between: NDArray[np.float64] = upper + part * (lower - upper)
    return between


def numbered(count: int, from_first: bool, flaws: frozenset[Flaw]) -> Iterator[tuple[int, int]]:
    """Say which slice each instance of a series shows.

    Parameters
    ----------
    count : int
        Slices of the stack.
    from_first : bool
        Whether instance 1 shows the first slice of the stack.
    flaws : frozenset of Flaw
        NEGATIVE_SLICE_ORDER, MISSING_SLICE and DUPLICATE_SLICES.

    Yields
    ------
    tuple of int
        InstanceNumber, and the slice it shows.
    """
    shown = list(range(count))
    if from_first == (Flaw.NEGATIVE_SLICE_ORDER in flaws):
        shown.reverse()
    numbers = [*enumerate(shown, start=1)]
    middle = count // 2
    if Flaw.DUPLICATE_SLICES in flaws:
        numbers.append((count + 1, shown[middle]))
    if Flaw.MISSING_SLICE in flaws and count > 4:
        numbers.pop(middle - 2)
    return iter(numbers)
