"""From stored values to what the header asks to be shown: modality LUT, VOI LUT, polarity."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines.header import items, number, numbers, terms, values

# exact for integers up to 24 bits, at half the memory of float64
Grey = NDArray[np.float32]

# A window that shows less than this share of the film's own range, or less than this share of
# which the film fills, belongs to another image.
_LEAST_SHOWN = 0.02
# So does one that leaves less than this share of the film's range grey and turns the rest black or
# white: the network takes the edges of such a film for bone. Real films keep 0.91 to 0.94 of their
# range, phantoms all; a window of 200 over a range of 3768 keeps 0.05. The share is our choice.
_LEAST_GREY = 0.15
_PROBES = 65
# what a viewer would still call grey, as a share of the shown spread
_GREY = (0.02, 0.98)


def modality_values(ds: Dataset, stored: NDArray[np.int64]) -> Grey:
    """Apply the Modality LUT or the rescale (PS3.3 C.11.1); a slope of zero is no rescale."""
    for item in items(ds, "ModalityLUTSequence"):
        lut = _lut(item, signed=bool(stored.min() < 0))
        if lut is not None:
            return lut(stored.astype(np.float32))
    slope, intercept = number(ds, "RescaleSlope"), number(ds, "RescaleIntercept")
    rescaled = stored.astype(np.float32)
    if slope and slope != 1.0:
        rescaled *= np.float32(slope)
    if intercept:
        rescaled += np.float32(intercept)
    return rescaled


def shown_values(ds: Dataset, modality: Grey, extremes: tuple[float, float]) -> Grey:
    """Apply the VOI LUT or window that a viewer would open the film with.

    Parameters
    ----------
    ds : Dataset
        The header.
    modality : ndarray
        float32, shape (row, column): values after the modality LUT.
    extremes : (low, high)
        The film's own robust range in the exposed field; shown in full where the header has
        neither a VOI LUT nor a window that fits the film.

    Returns
    -------
    ndarray
        float32, shape (row, column), range [0, 1]; the polarity is still the stored one.
    """
    voi = _voi(ds, modality)
    low, high = extremes
    if voi is not None and _fits(voi(np.linspace(low, high, _PROBES, dtype=np.float32))):
        return voi(modality)
    stretched: Grey = np.clip((modality - low) / (high - low), 0.0, 1.0)
    return stretched


def _fits(probe: Grey) -> bool:
    """Tell from what becomes of a film's own range whether a window was made for the film."""
    if abs(float(probe[-1] - probe[0])) < _LEAST_SHOWN:
        return False
    share = (probe - probe.min()) / (probe.max() - probe.min())
    return bool(((share > _GREY[0]) & (share < _GREY[1])).mean() >= _LEAST_GREY)


def is_inverted(ds: Dataset) -> bool:
    """Tell whether the lowest value is shown white.

    PresentationLUTShape is the later and more specific statement, so it decides where the header
    has one; else MONOCHROME1 (PS3.3 C.7.6.3.1.2, C.8.11.3.1.2).
    """
    shape = terms(ds, "PresentationLUTShape")
    if shape and shape[0] in ("INVERSE", "IDENTITY"):
        return shape[0] == "INVERSE"
    return terms(ds, "PhotometricInterpretation")[:1] == ("MONOCHROME1",)


def _voi(ds: Dataset, modality: Grey) -> Callable[[Grey], Grey] | None:
    """Return the first VOI LUT, else the first window; a viewer opens a film with the first."""
    for item in items(ds, "VOILUTSequence"):
        lut = _lut(item, signed=bool(modality.min() < 0))
        if lut is not None:
            return lambda pixels: lut(pixels) / lut.highest
    centres, widths = numbers(ds, "WindowCenter"), numbers(ds, "WindowWidth")
    if not centres or not widths:
        return None
    function = next(iter(terms(ds, "VOILUTFunction")), "LINEAR")
    return _window(function, centres[0], widths[0])


def _window(function: str, centre: float, width: float) -> Callable[[Grey], Grey] | None:
    """Return a window function of PS3.3 C.11.2.1.2 and C.11.2.1.3, onto [0, 1]."""
    if function == "SIGMOID" and width > 0:
        return lambda pixels: (
            1.0 / (1.0 + np.exp(np.clip(-4.0 * (pixels - centre) / width, -700.0, 700.0)))
        )
    if function == "LINEAR_EXACT" and width > 0:
        return lambda pixels: np.clip((pixels - centre) / width + 0.5, 0.0, 1.0)
    if function in ("SIGMOID", "LINEAR_EXACT") or width < 1:
        return None
    if width == 1:
        return lambda pixels: (pixels > centre - 0.5).astype(np.float32)
    return lambda pixels: np.clip((pixels - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0)


@dataclass(frozen=True)
class _Lut:
    """A lookup table (PS3.3 C.11.1.1); values beyond its ends map to its ends."""

    first: int
    table: Grey
    highest: float

    def __call__(self, pixels: Grey) -> Grey:
        entries = np.clip(np.rint(pixels) - self.first, 0, len(self.table) - 1)
        found: Grey = self.table[entries.astype(np.intp)]
        return found


def _lut(item: Dataset, signed: bool) -> _Lut | None:
    """Read one item of a LUT sequence; none where it is not usable."""
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    entries = int(descriptor[0]) % 65536 or 65536
    bits = int(descriptor[2])
    table = _table(item, entries)
    if table is None or not 8 <= bits <= 16:
        return None
    first = int(descriptor[1])
    # the second value is US or SS as the pixels are, and pydicom reads it as US
    if signed and first > 32767:
        first -= 65536
    return _Lut(first, table, float(2**bits - 1))


def _table(item: Dataset, entries: int) -> Grey | None:
    """Read LUTData: numbers, or bytes if the header is implicit; 8 bits may sit two to a word."""
    found = values(item, "LUTData")
    raw = found[0] if len(found) == 1 and isinstance(found[0], bytes) else None
    if raw is None and len(found) >= entries:
        return np.asarray(found[:entries], dtype=np.float32)
    try:
        packed = np.asarray(found, dtype="<u2").tobytes() if raw is None else raw
    except (OverflowError, ValueError):
        return None
    if len(packed) >= 2 * entries:
        return np.frombuffer(packed, dtype="<u2", count=entries).astype(np.float32)
    if len(packed) >= entries:
        return np.frombuffer(packed, dtype="u1", count=entries).astype(np.float32)
    return None
