"""From the stored values of a CT's plane to HU."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines.header import count, numbers
from engines.planes import Plane

Grid = NDArray[np.float32]

#: Outside of what tissue, metal and air can have: what scanners write outside the field of view.
TISSUE_HU = (-1500.0, 20_000.0)

# A padding value within this range may be a value of the picture, too (ours).
_PICTURE_HU = (-1100.0, 3100.0)

_PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")


def hounsfield(ds: Dataset, plane: Plane, stored: NDArray[np.int64]) -> Grid:
    """Return the HU of a plane; NaN where nothing was measured.

    Parameters
    ----------
    ds : Dataset
        The image that holds the plane.
    plane : Plane
        With its own rescale.
    stored : ndarray
        Its stored values, shape (row, column).

    Returns
    -------
    ndarray
        float32, same shape. Padding is what the header names (PS3.3 C.7.5.1.1.2), unless that is a
        value of the picture too, and all beyond :data:`TISSUE_HU`.
    """
    hu = stored.astype(np.float32) * np.float32(plane.slope) + np.float32(plane.intercept)
    nothing = (hu < TISSUE_HU[0]) | (hu > TISSUE_HU[1])
    signed = count(ds, "PixelRepresentation") == 1
    padding = [
        one for one in _padding(ds, signed, count(ds, "BitsAllocated", 16)) if one is not None
    ]
    if padding:
        limits = [float(one) * plane.slope + plane.intercept for one in padding]
        if not all(_PICTURE_HU[0] <= one <= _PICTURE_HU[1] for one in limits):
            nothing |= (stored >= min(padding)) & (stored <= max(padding))
    hu[nothing] = np.nan
    return hu


def _padding(ds: Dataset, signed: bool, bits: int) -> list[int | None]:
    """Return PixelPaddingValue and its limit (PS3.3 C.7.5.1.1.2), read in the pixels' own sign."""
    found = [next(iter(numbers(ds, name)), None) for name in _PADDING]
    whole = [None if one is None else int(one) for one in found]
    if not signed:
        return [None if one is None else one % (1 << bits) for one in whole]
    half = 1 << (bits - 1)
    return [None if one is None else (one + half) % (2 * half) - half for one in whole]
