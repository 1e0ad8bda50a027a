"""Stored pixel values out of whatever transfer syntax they are in, within bounds."""

import hashlib
import logging

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from engines.codestream import frame_size
from engines.errors import BadSeries, Reason
from engines.header import VALUE_FAULTS, count

logger = logging.getLogger(__name__)

Stored = NDArray[np.int64]

#: A 43 cm detector at 0.1 mm has 18 million pixels; much more is a mistake or an attack.
MOST_PIXELS = 64_000_000

#: A whole body in slices of 0.6 mm is 3,000 slices of 512 x 512.
MOST_VOXELS = 800_000_000

# One decoder for each transfer syntax: with pydicom's own choice the pixels of a lossy film, and so
# its score, could change with what else is installed. pyjpegls takes half the time of GDCM and
# reads 6 and 7 bits, which GDCM does not. None of them reads 12-bit lossy JPEG.
_DECODERS = {
    ImplicitVRLittleEndian: "",
    ExplicitVRLittleEndian: "",
    ExplicitVRBigEndian: "",
    DeflatedExplicitVRLittleEndian: "",
    JPEGBaseline8Bit: "gdcm",
    JPEGExtended12Bit: "gdcm",
    JPEGLossless: "gdcm",
    JPEGLosslessSV1: "gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    RLELossless: "pylibjpeg",
}

# want of memory is no fault of the film: MOST_PIXELS bounds what one may ask for
_DECODING_FAULTS = (*VALUE_FAULTS, EOFError, RuntimeError)


def stored_frame(ds: Dataset) -> Stored:
    """Decode an image of one frame.

    Parameters
    ----------
    ds : Dataset
        One image with its pixel data.

    Returns
    -------
    ndarray
        Stored values, shape (row, column).

    Raises
    ------
    BadSeries
        PIXELS_MISSING or PIXELS_UNDECODABLE.
    """
    pixels = _decoded(ds)
    if pixels.ndim != 2:
        detail = f"decoded to {pixels.ndim} dimensions; one frame has two"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)
    return pixels


def stored_frames(ds: Dataset) -> Stored:
    """Decode an image of several frames, as :func:`stored_frame`: shape (frame, row, column)."""
    pixels = _decoded(ds)
    frames = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    if frames.ndim != 3:
        detail = f"decoded to {frames.ndim} dimensions; grey frames have three"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)
    return frames


def pixel_hash(stored: Stored) -> str:
    """Hash shape and values as little-endian integers of one width."""
    values = np.ascontiguousarray(stored, dtype="<i4")
    return hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()


def _decoded(ds: Dataset) -> Stored:
    _require_pixels(ds)
    syntax = UID(str(getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID", "")))
    if syntax not in _DECODERS:
        raise BadSeries(Reason.PIXELS_UNDECODABLE, f"transfer syntax {syntax.name or '(none)'}")
    if not _DECODERS[syntax]:
        _require_agreeing_bits(ds)
    try:
        if syntax.is_encapsulated:
            _require_honest_size(ds)
        pixels: Stored = pixel_array(ds, raw=True, decoding_plugin=_DECODERS[syntax])
    except _DECODING_FAULTS as error:
        # the decoder's own words may quote the header, so only their kind is told
        logger.debug("decoder said: %s", error)
        detail = f"{syntax.name} pixels do not decode ({type(error).__name__})"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail) from error
    return pixels


def _require_pixels(ds: Dataset) -> None:
    """Refuse what cannot be decoded, before any memory is set aside for it."""
    if not ds.get("PixelData"):
        raise BadSeries(Reason.PIXELS_MISSING, "the image has no pixel data")
    rows, columns = count(ds, "Rows"), count(ds, "Columns")
    if rows <= 0 or columns <= 0:
        raise BadSeries(Reason.PIXELS_MISSING, f"the header says {rows} rows, {columns} columns")
    if rows * columns > MOST_PIXELS:
        raise BadSeries(
            Reason.PIXELS_UNDECODABLE,
            f"the header says {rows} x {columns} pixels; more than {MOST_PIXELS} are not decoded",
        )
    frames = count(ds, "NumberOfFrames", 1)
    if frames * rows * columns > MOST_VOXELS:
        detail = f"the header says {frames} frames; more than {MOST_VOXELS} voxels are not decoded"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)


def _require_agreeing_bits(ds: Dataset) -> None:
    """Refuse values that do not fill the lowest bits; pydicom would read them shifted."""
    stored = count(ds, "BitsStored")
    if stored and count(ds, "HighBit", stored - 1) != stored - 1:
        raise BadSeries(Reason.PIXELS_UNDECODABLE, "HighBit and BitsStored do not agree")


def _require_honest_size(ds: Dataset) -> None:
    """Refuse a codestream larger than its header says, before a decoder sets memory aside for it.

    The limit on Rows and Columns would be worth nothing if the codestream could promise more.
    """
    frames = max(1, count(ds, "NumberOfFrames", 1))
    for frame in generate_frames(ds.PixelData, number_of_frames=frames):
        size = frame_size(frame)
        if size is not None and (size[0] > count(ds, "Rows") or size[1] > count(ds, "Columns")):
            detail = "the compressed image is larger than its header says"
            raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)
