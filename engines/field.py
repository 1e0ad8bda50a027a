"""Where on a film the X-rays fell: shutters that the header names, borders that can be seen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom import Dataset

from engines.header import count, numbers, terms, values

Mask = NDArray[np.bool_]

# A border line is one tone from end to end; text and lead letters may take the rest of it.
_BORDER_SHARE = 0.95
# How far from its tone a border may stray, as a share of the film's range.
_BORDER_NOISE = 0.02
_BLACK, _WHITE = 0.05, 0.9
# A white abdomen fades into the film where a white border ends: the film must drop by so much (a
# share of its range) within so much of its length. Sharp shutters, then collimators' penumbra.
_BORDER_ENDS = ((0.15, 0.004), (0.4, 0.06))
_WIDEST_BORDER = 0.45
# A field smaller than this share of the film is a mistake, of the header or of ours.
_SMALLEST_FIELD = 0.1
_LOOK_PX = 512
_MOST_SAMPLES = 500_000


def exposed_field(ds: Dataset, stored: NDArray[np.int64], shown: NDArray[np.float32]) -> Mask:
    """Find the part of a film that shows the patient.

    Three things lie outside: padding (PixelPaddingValue, PS3.3 C.7.5.1.1.2), what a display
    shutter hides (PS3.3 C.7.6.11), and straight black or white borders along the film's edges with
    the text in them. The X-Ray Collimator Module is not asked: devices fill it in millimetres or
    for another image (a Philips CR of the NEMA samples says columns -184 to 184). A border that is
    not parallel to the film's edges stays in the field.

    Parameters
    ----------
    ds : Dataset
        The header.
    stored : ndarray
        Integers, shape (row, column): stored values, before any rescaling.
    shown : ndarray
        Float, shape (row, column), any range: bone white.

    Returns
    -------
    ndarray
        bool, shape (row, column). Each of the three is left out where what it leaves is too small
        to be a film.
    """
    field = np.ones(stored.shape, dtype=np.bool_)
    for hidden in (_padding(ds, stored), _shuttered(ds, stored.shape)):
        if hidden is not None and (field & ~hidden).mean() >= _SMALLEST_FIELD:
            field &= ~hidden
    inside = np.zeros_like(field)
    inside[_within_borders(shown, field)] = True
    return field & inside if (field & inside).mean() >= _SMALLEST_FIELD else field


def robust_range(pixels: NDArray[np.float32], field: Mask) -> tuple[float, float]:
    """Return the 0.5th and 99.5th percentile inside the field, from a sample of the pixels."""
    inside = pixels[field]
    sample = inside[:: max(1, inside.size // _MOST_SAMPLES)]
    low, high = np.percentile(sample, (0.5, 99.5))
    return float(low), float(high)


def _padding(ds: Dataset, stored: NDArray[np.int64]) -> Mask | None:
    """Return where the stored value is padding; the limit turns one value into a range."""
    ends = [*_integers(ds, "PixelPaddingValue"), *_integers(ds, "PixelPaddingRangeLimit")]
    if not _integers(ds, "PixelPaddingValue"):
        return None
    hidden: Mask = (stored >= min(ends)) & (stored <= max(ends))
    return hidden


def _integers(ds: Dataset, keyword: str) -> tuple[int, ...]:
    """Return US or SS values; pydicom leaves bytes where it cannot tell which."""
    found = values(ds, keyword)[:1]
    signed = count(ds, "PixelRepresentation") == 1
    return tuple(
        int.from_bytes(value[:2], "little", signed=signed)
        if isinstance(value, bytes)
        else int(value)
        for value in found
        if isinstance(value, (bytes, int))
    )


def _shuttered(ds: Dataset, shape: tuple[int, ...]) -> Mask | None:
    """Return what the display shutter hides; its coordinates count from 1, row before column."""
    drawn = [_drawn_shutter(ds, shape, shutter) for shutter in terms(ds, "ShutterShape")]
    opened = [opening for opening in drawn if opening is not None]
    if not opened:
        return None
    hidden: Mask = ~np.logical_and.reduce(opened)
    return hidden


def _drawn_shutter(ds: Dataset, shape: tuple[int, ...], shutter: str) -> Mask | None:
    canvas = Image.new("1", (shape[1], shape[0]))
    draw = ImageDraw.Draw(canvas)
    if shutter == "RECTANGULAR":
        left, right = (count(ds, f"Shutter{side}VerticalEdge", -1) for side in ("Left", "Right"))
        top, bottom = (count(ds, f"Shutter{side}HorizontalEdge", -1) for side in ("Upper", "Lower"))
        if not (0 <= left < right and 0 <= top < bottom):
            return None
        draw.rectangle((left - 1, top - 1, right - 1, bottom - 1), fill=1)
    elif shutter == "CIRCULAR":
        centre, radius = (
            numbers(ds, "CenterOfCircularShutter"),
            count(ds, "RadiusOfCircularShutter"),
        )
        if len(centre) != 2 or radius <= 0:
            return None
        row, column = centre[0] - 1, centre[1] - 1
        draw.ellipse((column - radius, row - radius, column + radius, row + radius), fill=1)
    elif shutter == "POLYGONAL":
        corners = numbers(ds, "VerticesOfThePolygonalShutter")
        if len(corners) < 6 or len(corners) % 2:
            return None
        rows, columns = corners[::2], corners[1::2]
        draw.polygon([(c - 1, r - 1) for r, c in zip(rows, columns, strict=True)], fill=1)
    else:
        return None
    return np.asarray(canvas, dtype=np.bool_)


def _within_borders(shown: NDArray[np.float32], field: Mask) -> tuple[slice, slice]:
    """Return the rows and columns that black and white borders leave."""
    step = max(1, max(shown.shape) // _LOOK_PX)
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    box = [int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1]
    low, high = np.percentile(shown[::step, ::step], (0.1, 99.9))
    film = (shown - low) / max(float(high - low), 1e-9)
    # twice: a border inside another, and a corner that belongs to two, show in the second round
    for side in (0, 1, 2, 3) * 2:
        view = film[box[0] : box[1], box[2] : box[3]]
        inwards = (view, view[::-1], view.T, view.T[::-1])[side][::step, ::step]
        box[side] += _border_lines(inwards) * step * (1, -1, 1, -1)[side]
    return slice(box[0], box[1]), slice(box[2], box[3])


def _border_lines(film: NDArray[np.float32]) -> int:
    """Count the lines, from the first inwards, that are a border and not the patient."""
    widest = int(len(film) * _WIDEST_BORDER)
    tones = np.median(film[:widest], axis=1)
    one_tone = np.abs(film[:widest] - tones[:, None]) <= _BORDER_NOISE
    flat = one_tone.mean(axis=1) >= _BORDER_SHARE
    black = _leading(flat & (tones <= _BLACK))
    white = _leading(flat & (tones >= _WHITE))
    return max(black, white if white and _ends(film, white) else 0)


def _ends(film: NDArray[np.float32], line: int) -> bool:
    """Tell whether the film drops at a line as it does where a white border ends."""
    tone = np.median(film[line - 1])
    for drop, share in _BORDER_ENDS:
        beside = film[min(line + max(2, round(share * len(film))), len(film) - 1)]
        if float(np.median(tone - beside)) >= drop:
            return True
    return False


def _leading(lines: Mask) -> int:
    """Count the true values before the first false one."""
    return len(lines) if lines.all() else int(np.argmin(lines))
