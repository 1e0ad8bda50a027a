"""The one pixel pipeline: from a DICOM image to pixels as a radiologist sees them."""

import hashlib
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
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
from engines.errors import BadSeries, NotEligible, Reason
from engines.field import exposed_field, robust_range
from engines.greyscale import is_inverted, modality_values, shown_values
from engines.header import VALUE_FAULTS, count, numbers, terms, text

logger = logging.getLogger(__name__)

#: A 43 cm detector at 0.1 mm has 18 million pixels; much more is a mistake or an attack.
MOST_PIXELS = 64_000_000

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
_READING_FAULTS = (*VALUE_FAULTS, InvalidDicomError, EOFError, OSError, zlib.error)

# Spacings within 1 % are square; beyond 1 to 4 the header is wrong and not the film.
_SQUARE = 1.01
_OBLONG = 4.0
_SPACINGS_MM = (0.01, 5.0)


@dataclass(frozen=True)
class Radiograph:
    """One film as displayed.

    Attributes
    ----------
    pixels : ndarray
        float32, shape (row, column), range [0, 1], bone white whatever the
        PhotometricInterpretation was; square pixels. Zero outside the exposed field.
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


def read_image(path: Path, *, header_only: bool = False) -> Dataset:
    """Read one DICOM file with whatever defects pydicom can live with.

    Parameters
    ----------
    path : Path
        A file in Part 10 format.
    header_only : bool
        Leave the pixels on the disk.

    Raises
    ------
    BadSeries
        HEADER_UNREADABLE; the detail does not name the file, whose name may name the patient.
    """
    try:
        ds = dcmread(path, stop_before_pixels=header_only)
        syntax = str(ds.file_meta.get("TransferSyntaxUID", ""))
    except _READING_FAULTS as error:
        detail = f"the file cannot be read as DICOM ({type(error).__name__})"
        raise BadSeries(Reason.HEADER_UNREADABLE, detail) from error
    if not syntax:
        # pydicom has found out by looking; its decoders want it in writing
        implicit, little = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = (
            (ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
            if little
            else ExplicitVRBigEndian
        )
    return ds


def read_radiograph(ds: Dataset) -> Radiograph:
    """Decode one radiograph and show it as its header asks.

    In this order: stored values, Modality LUT or rescale, the first VOI LUT or window (the film's
    own robust range in the exposed field where there is none that fits), polarity, zero outside
    the exposed field (its geometry is kept), square pixels.

    Parameters
    ----------
    ds : Dataset
        One image with its pixel data.

    Returns
    -------
    Radiograph
        The film as displayed.

    Raises
    ------
    NotEligible
        SCREENSHOT for a colour image, UNLIKE_EXAM for one of several frames.
    BadSeries
        PIXELS_MISSING, PIXELS_UNDECODABLE or PIXELS_CONSTANT.
    """
    _require_single_grey_frame(ds)
    _require_pixels(ds)
    stored = _decode(ds)
    shape = (int(stored.shape[0]), int(stored.shape[1]))
    inverted = is_inverted(ds)
    modality = modality_values(ds, stored)
    field = exposed_field(ds, stored, -modality if inverted else modality)
    extremes = robust_range(modality, field)
    if not extremes[0] < extremes[1]:
        raise BadSeries(Reason.PIXELS_CONSTANT, "all pixels of the image have the same value")
    shown = shown_values(ds, modality, extremes)
    film = np.where(field, 1.0 - shown if inverted else shown, 0.0).astype(np.float32)
    pixels, spacing_mm = _made_square(ds, film)
    return Radiograph(
        pixels=pixels,
        spacing_mm=spacing_mm,
        SOPInstanceUID=text(ds, "SOPInstanceUID"),
        SOPClassUID=text(ds, "SOPClassUID"),
        source_shape=shape,
        sha256=_hash(stored),
    )


def _require_single_grey_frame(ds: Dataset) -> None:
    if count(ds, "SamplesPerPixel", 1) != 1 or not _is_grey(ds):
        raise NotEligible(Reason.SCREENSHOT, "the image is in colour; a radiograph is not")
    frames = count(ds, "NumberOfFrames", 1)
    if frames > 1:
        raise NotEligible(Reason.UNLIKE_EXAM, f"the image has {frames} frames; a film has one")


def _is_grey(ds: Dataset) -> bool:
    return terms(ds, "PhotometricInterpretation")[:1] in (("MONOCHROME1",), ("MONOCHROME2",), ())


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


def _decode(ds: Dataset) -> NDArray[np.int64]:
    """Return the stored values, shape (row, column)."""
    syntax = UID(str(getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID", "")))
    if syntax not in _DECODERS:
        raise BadSeries(Reason.PIXELS_UNDECODABLE, f"transfer syntax {syntax.name or '(none)'}")
    if not _DECODERS[syntax]:
        _require_agreeing_bits(ds)
    try:
        if syntax.is_encapsulated:
            _require_honest_size(ds)
        pixels = pixel_array(ds, raw=True, decoding_plugin=_DECODERS[syntax])
    except _DECODING_FAULTS as error:
        # the decoder's own words may quote the header, so only their kind is told
        logger.debug("decoder said: %s", error)
        detail = f"{syntax.name} pixels do not decode ({type(error).__name__})"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail) from error
    if pixels.ndim != 2:
        detail = f"decoded to {pixels.ndim} dimensions; a film has two"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)
    if pixels.min() == pixels.max():
        raise BadSeries(Reason.PIXELS_CONSTANT, "all pixels of the image have the same value")
    return pixels


def _require_agreeing_bits(ds: Dataset) -> None:
    """Refuse values that do not fill the lowest bits; pydicom would read them shifted."""
    stored = count(ds, "BitsStored")
    if stored and count(ds, "HighBit", stored - 1) != stored - 1:
        raise BadSeries(Reason.PIXELS_UNDECODABLE, "HighBit and BitsStored do not agree")


def _require_honest_size(ds: Dataset) -> None:
    """Refuse a codestream larger than its header says, before a decoder sets memory aside for it.

    The limit on Rows and Columns would be worth nothing if the codestream could promise more.
    """
    size = frame_size(next(generate_frames(ds.PixelData, number_of_frames=1), b""))
    if size is not None and (size[0] > count(ds, "Rows") or size[1] > count(ds, "Columns")):
        detail = "the compressed image is larger than its header says"
        raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)


def _hash(stored: NDArray[np.int64]) -> str:
    """Hash shape and values as little-endian integers of one width."""
    values = np.ascontiguousarray(stored, dtype="<i4")
    return hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()


def _made_square(
    ds: Dataset, film: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float | None]:
    """Stretch the coarser direction to the finer one; nothing that the detector saw is lost."""
    pitch = _pitch_mm(ds)
    height, width = pitch or _aspect(ds)
    ratio = height / width
    rows, columns = film.shape
    if not 1 / _OBLONG <= ratio <= _OBLONG:
        return film, None
    spacing = min(pitch) if pitch else None
    if 1 / _SQUARE <= ratio <= _SQUARE:
        return film, spacing
    size = (columns, round(rows * ratio)) if ratio > 1 else (round(columns / ratio), rows)
    stretched = Image.fromarray(film, mode="F").resize(size, Image.Resampling.BILINEAR)
    return np.asarray(stretched, dtype=np.float32), spacing


def _pitch_mm(ds: Dataset) -> tuple[float, float] | None:
    """Return row and column spacing at the detector, where a header has plausible ones."""
    for keyword in ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing"):
        pitch = numbers(ds, keyword)
        if len(pitch) == 2 and all(_SPACINGS_MM[0] <= p <= _SPACINGS_MM[1] for p in pitch):
            return pitch[0], pitch[1]
    return None


def _aspect(ds: Dataset) -> tuple[float, float]:
    """Return PixelAspectRatio, vertical before horizontal (PS3.3 C.7.6.3.1.7); else square."""
    aspect = numbers(ds, "PixelAspectRatio")
    return (aspect[0], aspect[1]) if len(aspect) == 2 and min(aspect) > 0 else (1.0, 1.0)
