"""A film's grey values as a device stores them, and how the header brings them back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence

#: Part of the stored range that is not used at either end, as devices leave it.
_MARGIN = 0.04
#: A sigmoid never reaches its ends: this much of the range at either end is drawn in.
_SIGMOID_END = 0.01
#: Entries and bits of a VOI LUT.
_LUT_BITS = 12


@dataclass(frozen=True)
class Shown:
    """How grey values are stored and shown again.

    Attributes
    ----------
    bits : int
        BitsStored, 8 to 16.
    inverted : bool
        MONOCHROME1.
    by : {'LINEAR', 'LINEAR_EXACT', 'SIGMOID', 'LUT'}
        What brings them back: a window function (PS3.3 C.11.2.1.2, C.11.2.1.3) or a VOI LUT.
    presentation : bool
        Whether the IOD has the DX modules: PresentationLUTShape and the rescale.
    """

    bits: int
    inverted: bool
    by: str
    presentation: bool


def store(ds: Dataset, film: NDArray[np.floating], shown: Shown) -> None:
    """Write pixels, window or LUT, so that a viewer shows the film as it was given.

    Parameters
    ----------
    ds : Dataset
        Gets the Image Pixel and VOI LUT attributes.
    film : ndarray
        Shape (row, column), range [0, 1], bone white.
    shown : Shown
        How.
    """
    top = 2**shown.bits - 1
    low, high = round(_MARGIN * top), round((1 - _MARGIN) * top)
    grey = np.clip(np.asarray(film, np.float64), 0.0, 1.0)
    # where bone is stored dark the window works on what is then inverted
    grey = 1.0 - grey if shown.inverted else grey
    _describe_pixels(ds, grey.shape, shown)
    if shown.by == "LUT":
        stored = low + _unbent(grey) * (high - low)
        ds.VOILUTSequence = Sequence([_lut(low, high)])
    elif shown.by == "SIGMOID":
        centre, width = (low + high) / 2, (high - low) / 2
        ends = np.clip(grey, _SIGMOID_END, 1 - _SIGMOID_END)
        stored = centre - width / 4 * np.log(1 / ends - 1)
        _window(ds, centre, width, "SIGMOID")
    else:
        stored = low + grey * (high - low)
        exact = shown.by == "LINEAR_EXACT"
        # PS3.3 C.11.2.1.2: LINEAR shows centre - 0.5 -+ (width - 1) / 2
        centre = (low + high) / 2 if exact else (low + high) / 2 + 0.5
        _window(ds, centre, high - low if exact else high - low + 1, shown.by)
    pixels = np.clip(np.rint(stored), 0, top).astype("<u2" if shown.bits > 8 else "u1").tobytes()
    ds.PixelData = pixels + b"\0" * (len(pixels) % 2)
    ds["PixelData"].VR = "OW" if shown.bits > 8 else "OB"


def _describe_pixels(ds: Dataset, shape: tuple[int, ...], shown: Shown) -> None:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME1" if shown.inverted else "MONOCHROME2"
    ds.Rows, ds.Columns = shape
    ds.BitsAllocated = 16 if shown.bits > 8 else 8
    ds.BitsStored, ds.HighBit = shown.bits, shown.bits - 1
    ds.PixelRepresentation = 0
    if not shown.presentation:
        return
    ds.PixelIntensityRelationship = "LOG"
    # does the stored value rise or fall with the X-rays that came through
    ds.PixelIntensityRelationshipSign = 1 if shown.inverted else -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "INVERSE" if shown.inverted else "IDENTITY"


def _window(ds: Dataset, centre: float, width: float, function: str) -> None:
    ds.WindowCenter, ds.WindowWidth = f"{centre:.1f}", f"{width:.1f}"
    if function != "LINEAR":
        ds.VOILUTFunction = function


def _bent(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the curve of a film's gradation: flat at its foot and shoulder, monotone."""
    return share - 0.1 * np.sin(2 * np.pi * share)


def _unbent(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.linspace(0.0, 1.0, 4097)
    return np.interp(grey, _bent(share), share)


def _lut(low: int, high: int) -> Dataset:
    share = np.linspace(0.0, 1.0, high - low + 1)
    item = Dataset()
    item.LUTDescriptor = [high - low + 1, low, _LUT_BITS]
    item.LUTExplanation = "NORMAL"
    item.LUTData = np.rint(_bent(share) * (2**_LUT_BITS - 1)).astype("<u2").tobytes()
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "OW"
    return item
