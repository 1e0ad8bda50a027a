"""The one pixel pipeline: from a DICOM image to pixels as a radiologist sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset


@dataclass(frozen=True)
class Radiograph:
    """One film as displayed.

    Attributes
    ----------
    pixels : ndarray
        float32, shape (row, column), range [0, 1], bone white whatever the
        PhotometricInterpretation was; square pixels.
    spacing_mm : float or None
        Pixel pitch at the detector, where the header gives a usable one.
    SOPInstanceUID, SOPClassUID : str
        The source image.
    source_shape : (rows, columns)
        Of the source image, before pixels were made square; image coordinates in an SR refer to it.
    sha256 : str
        Hash of the decoded source pixels: the same film gives the same hash in any transfer syntax
        that keeps its pixels.
    """

    pixels: NDArray[np.float32]
    spacing_mm: float | None
    SOPInstanceUID: str
    SOPClassUID: str
    source_shape: tuple[int, int]
    sha256: str


def read_radiograph(ds: Dataset) -> Radiograph:
    """Decode one radiograph and show it as its header asks."""
    raise NotImplementedError
