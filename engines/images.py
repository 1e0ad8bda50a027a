"""The one pixel pipeline: from a DICOM image to pixels as a radiologist sees them."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from engines.errors import BadSeries, NotEligible, Reason
from engines.field import exposed_field, robust_range
from engines.greyscale import is_inverted, modality_values, shown_values
from engines.header import VALUE_FAULTS, count, numbers, terms, text
from engines.pixels import pixel_hash, stored_frame

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
    stored = stored_frame(ds)
    if stored.min() == stored.max():
        raise BadSeries(Reason.PIXELS_CONSTANT, "all pixels of the image have the same value")
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
        sha256=pixel_hash(stored),
    )


def _require_single_grey_frame(ds: Dataset) -> None:
    if count(ds, "SamplesPerPixel", 1) != 1 or not _is_grey(ds):
        raise NotEligible(Reason.SCREENSHOT, "the image is in colour; a radiograph is not")
    frames = count(ds, "NumberOfFrames", 1)
    if frames > 1:
        raise NotEligible(Reason.UNLIKE_EXAM, f"the image has {frames} frames; a film has one")


def _is_grey(ds: Dataset) -> bool:
    return terms(ds, "PhotometricInterpretation")[:1] in (("MONOCHROME1",), ("MONOCHROME2",), ())


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
