"""What the network is shown of a hip, what a reader is shown, and how visits become a course."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engines.onfh_mri.sides import Hip

Grey = NDArray[np.float32]

#: Side of a hip in the picture.
_TILE_PX: Final = 256
#: As a reader hangs them.
_ORDER: Final = ("R", "L")
_NO_HEAT = 1e-6
_DAYS_IN_YEAR = 365.2425


def fit(cut_out: Grey, input_size_px: int) -> Grey:
    """Fit the slices of a hip into the network's squares; training and service share this.

    Parameters
    ----------
    cut_out : ndarray
        float32, shape (slice, row, column), square, range [0, 1].
    input_size_px : int
        Side of the network's input.

    Returns
    -------
    ndarray
        float32, shape (slice, input_size_px, input_size_px), range [0, 1].
    """
    return np.stack([np.clip(_resized(one, input_size_px), 0, 1) for one in cut_out])


def montage(hips: Mapping[str, Hip], highest: Mapping[str, int]) -> Grey:
    """Hang the highest slice of each hip side by side, the patient's right on the left, each named.

    Returns
    -------
    ndarray
        float32, shape (row, column), range [0, 1]: one square for each hip.
    """
    shown = {side: hips[side].cut_out[highest[side]] for side in hips}
    hung = Image.fromarray(_hung(shown))
    draw, font = ImageDraw.Draw(hung), ImageFont.load_default(22)
    for place, side in enumerate(side for side in _ORDER if side in hips):
        corner = place * _TILE_PX + 8, 4
        # white with a dark edge: readable on marrow and on muscle
        draw.text(corner, side, fill=1.0, font=font, stroke_width=2, stroke_fill=0.0)
    return np.asarray(hung, np.float32)


def heat_on_montage(maps: Mapping[str, Grey]) -> Grey:
    """Hang the network's maps as :func:`montage` hangs the slices; the hottest of each is 1."""
    shown = {}
    for side, found in maps.items():
        span = float(np.ptp(found))
        shown[side] = (found - float(found.min())) / span if span > _NO_HEAT else 0 * found
    return _hung(shown)


def course_of(visits: Sequence[tuple[date, Sequence[float]]], shape: tuple[int, int]) -> Grey:
    """Lay dated visits out for the LSTM.

    Parameters
    ----------
    visits : sequence of (date, features)
        The present one last; the latest ``shape[0]`` count.
    shape : (visits, numbers)
        As :class:`engines.onfh_mri.net.CourseNet` takes them.

    Returns
    -------
    ndarray
        float32, of that shape; what a shorter course leaves is 0.
    """
    laid = np.zeros(shape, np.float32)
    kept = list(visits)[-shape[0] :]
    now = kept[-1][0]
    for place, (day, features) in enumerate(kept, start=shape[0] - len(kept)):
        years = (now - day).days / _DAYS_IN_YEAR
        laid[place] = [*features, years, 1.0]
    return laid


def _hung(of_sides: Mapping[str, Grey]) -> Grey:
    tiles = []
    for side in _ORDER:
        if side in of_sides:
            square = np.clip(_resized(of_sides[side], _TILE_PX), 0, 1)
            # outwards is to the right in a cut-out: a right hip is hung back
            tiles.append(square if side == "L" else square[:, ::-1])
    return np.concatenate(tiles, axis=1)


def _resized(image: Grey, side_px: int) -> Grey:
    square = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32), mode="F")
    fitted = square.resize((side_px, side_px), Image.Resampling.BILINEAR)
    return np.asarray(fitted, dtype=np.float32)
