"""Where each plane of a scan lies in the patient: classic slices and enhanced frames alike."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines.errors import BadSeries, Reason
from engines.header import count, items, number, numbers, terms, text

Vector = NDArray[np.float64]

# A direction whose length is off by more than this is no direction.
_UNIT = 0.01
_SPACINGS_MM = (0.05, 10.0)


@dataclass(frozen=True)
class Plane:
    """One plane, without its pixels.

    Attributes
    ----------
    SOPInstanceUID : str
        Of the image it is in.
    frame : int
        Its number in an image of several frames, from 1; 0 where the image is this plane.
    position_mm : ndarray
        Centre of the first pixel, LPS, shape (3,).
    along_row, down_column : ndarray
        Unit vectors in LPS from one pixel to the next of a row, and to the next row.
    spacing_mm : (row, column)
        Between rows and between columns.
    shape : (rows, columns)
        Of the pixels.
    slope, intercept : float
        From stored values to HU.
    localizer : bool
        Whether it says that it is one.
    """

    SOPInstanceUID: str
    frame: int
    position_mm: Vector
    along_row: Vector
    down_column: Vector
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]
    slope: float
    intercept: float
    localizer: bool

    @cached_property
    def normal(self) -> Vector:
        """Unit vector in LPS across the plane."""
        across: Vector = np.cross(self.along_row, self.down_column)
        return across

    def pixel(self, point_mm: Vector) -> tuple[float, float]:
        """Return the (column, row) of a point's foot on this plane, from 0 at the first centre."""
        away = point_mm - self.position_mm
        row_mm, column_mm = self.spacing_mm
        return float(away @ self.along_row) / column_mm, float(away @ self.down_column) / row_mm


def planes_of(ds: Dataset) -> list[Plane]:
    """Read the geometry of an image's planes (PS3.3 C.7.6.2, C.7.6.16.2).

    Parameters
    ----------
    ds : Dataset
        A classic slice, or an enhanced image with its functional groups; pixel data not needed.

    Raises
    ------
    BadSeries
        GEOMETRY_MISSING where position, orientation or spacing are absent or cannot be.
    """
    frames = items(ds, "PerFrameFunctionalGroupsSequence")
    if not frames:
        return [_plane(ds, [ds], 0)]
    shared = items(ds, "SharedFunctionalGroupsSequence")
    return [
        _plane(
            ds, [*_macros(frame), *(macro for group in shared for macro in _macros(group)), ds], n
        )
        for n, frame in enumerate(frames, start=1)
    ]


def _macros(group: Dataset) -> list[Dataset]:
    """Return the items of a functional group: each macro holds its attributes in one."""
    return [item for element in group for item in items(group, element.keyword)]


def _plane(ds: Dataset, places: list[Dataset], frame: int) -> Plane:
    position = _first(places, "ImagePositionPatient", 3)
    directions = _first(places, "ImageOrientationPatient", 6)
    spacing = _first(places, "PixelSpacing", 2)
    along, down = np.array(directions[:3]), np.array(directions[3:])
    lengths = [abs(float(np.linalg.norm(one)) - 1) for one in (along, down)]
    if max(*lengths, abs(float(along @ down))) > _UNIT:
        raise _missing("ImageOrientationPatient is no pair of perpendicular directions")
    if not all(_SPACINGS_MM[0] <= one <= _SPACINGS_MM[1] for one in spacing):
        raise _missing(f"PixelSpacing is {spacing[0]:g} x {spacing[1]:g} mm")
    return Plane(
        SOPInstanceUID=text(ds, "SOPInstanceUID"),
        frame=frame,
        position_mm=np.array(position),
        along_row=along / np.linalg.norm(along),
        down_column=down / np.linalg.norm(down),
        spacing_mm=(spacing[0], spacing[1]),
        shape=(count(ds, "Rows"), count(ds, "Columns")),
        slope=_value(places, "RescaleSlope") or 1.0,
        intercept=_value(places, "RescaleIntercept") or 0.0,
        localizer=any(
            "LOCALIZER" in terms(one, kind) for one in places for kind in ("ImageType", "FrameType")
        ),
    )


def _first(places: list[Dataset], keyword: str, many: int) -> tuple[float, ...]:
    found = (numbers(one, keyword) for one in places)
    whole = next((some for some in found if len(some) == many), None)
    if whole is None:
        raise _missing(f"{keyword} is absent or unreadable")
    return whole


def _value(places: list[Dataset], keyword: str) -> float | None:
    found = (number(one, keyword) for one in places)
    return next((one for one in found if one is not None), None)


def _missing(detail: str) -> BadSeries:
    return BadSeries(Reason.GEOMETRY_MISSING, detail)
