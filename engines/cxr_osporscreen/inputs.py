"""What the network is shown of a film, and where its answer lies on that film."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Film = NDArray[np.float32]

#: Parts of a film as (top, bottom, left, right) of its height and width. Jang 2022 compares
#: sub-regions but the ones we could read name none; these are ours.
REGIONS: Mapping[str, tuple[float, float, float, float]] = {
    "whole": (0.0, 1.0, 0.0, 1.0),
    "spine": (0.0, 1.0, 0.33, 0.67),
    "shoulders": (0.0, 0.4, 0.0, 1.0),
    "lower-chest": (0.5, 1.0, 0.0, 1.0),
}

# Grad-CAM is relative: the hottest spot is 1. Below this the network saw nothing for osteoporosis.
_NO_HEAT = 1e-6
_HEAT_PX = 256


def prepare(pixels: Film, input_size_px: int, region: str = "whole") -> Film:
    """Cut out the region and fit it into the network's square; training and service share this.

    Parameters
    ----------
    pixels : ndarray
        float32, shape (row, column), range [0, 1], bone white, square pixels.
    input_size_px : int
        Side of the network's input.
    region : str
        A name in ``REGIONS``.

    Returns
    -------
    ndarray
        float32, shape (1, input_size_px, input_size_px), range [0, 1]; the aspect is kept, black
        fills the rest.
    """
    top, bottom, left, right = _box(pixels.shape, region)
    part = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]), mode="F")
    rows, columns = _fitted(bottom - top, right - left, input_size_px)
    small = part.resize((columns, rows), Image.Resampling.BILINEAR)
    square = np.zeros((1, input_size_px, input_size_px), dtype=np.float32)
    row, column = (input_size_px - rows) // 2, (input_size_px - columns) // 2
    square[0, row : row + rows, column : column + columns] = np.clip(np.asarray(small), 0, 1)
    return square


def heat_on_film(cam: Film, film_shape: tuple[int, ...], region: str = "whole") -> Film:
    """Lay the network's map back over the whole film.

    Parameters
    ----------
    cam : ndarray
        float32, shape (h, w), at least 0, over the network's square input.
    film_shape : (rows, columns)
        Of the film.
    region : str
        The region that was prepared.

    Returns
    -------
    ndarray
        float32, shape (row, column) with the film's aspect and a longer side of 256, range [0, 1];
        0 outside the region.
    """
    scale = _HEAT_PX / max(film_shape[0], film_shape[1])
    shape = (max(1, round(film_shape[0] * scale)), max(1, round(film_shape[1] * scale)))
    heat = np.zeros(shape, dtype=np.float32)
    hottest = float(cam.max())
    if hottest <= _NO_HEAT:
        return heat
    top, bottom, left, right = _box(shape, region)
    side = max(bottom - top, right - left)
    square = Image.fromarray(np.ascontiguousarray(cam / hottest), mode="F")
    square = square.resize((side, side), Image.Resampling.BILINEAR)
    row, column = (side - (bottom - top)) // 2, (side - (right - left)) // 2
    part = np.asarray(square)[row : row + bottom - top, column : column + right - left]
    heat[top:bottom, left:right] = np.clip(part, 0, 1)
    return heat


def _box(shape: tuple[int, ...], region: str) -> tuple[int, int, int, int]:
    top, bottom, left, right = REGIONS[region]
    rows, columns = shape[0], shape[1]
    return round(top * rows), round(bottom * rows), round(left * columns), round(right * columns)


def _fitted(rows: int, columns: int, size: int) -> tuple[int, int]:
    scale = size / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))
