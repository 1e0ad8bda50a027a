"""What the network is shown of a femur, and where its answer lies on the film."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engines.anatomy.femur import Femur, cut_box

Grey = NDArray[np.float32]

# Below this the network saw nothing.
_NO_HEAT = 1e-6
_HEAT_PX = 256


def prepare(cut_out: Grey, input_size_px: int) -> Grey:
    """Fit a cut-out into the network's square; training and service share this.

    Parameters
    ----------
    cut_out : ndarray
        float32, shape (row, column), square, range [0, 1]; as ``Femur.cut_out``.
    input_size_px : int
        Side of the network's input.

    Returns
    -------
    ndarray
        float32, shape (1, input_size_px, input_size_px), range [0, 1].
    """
    size = (input_size_px, input_size_px)
    image = Image.fromarray(np.ascontiguousarray(cut_out, dtype=np.float32), mode="F")
    fitted = np.asarray(image.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    return np.clip(fitted, 0, 1)[None]


def heat_on_film(femora: Sequence[Femur], maps: Grey, film_shape: tuple[int, int]) -> Grey:
    """Lay the network's maps back over the film, each where its femur was cut out.

    Parameters
    ----------
    femora : sequence of Femur
        Whose.
    maps : ndarray
        float32, shape (femur, h, w), at least 0; of each the hottest spot becomes 1
        and the coldest 0.
    film_shape : (rows, columns)
        Of the film.

    Returns
    -------
    ndarray
        float32, shape (row, column) with the film's aspect and a longer side of 256, range [0, 1];
        0 beside the femora.
    """
    scale = _HEAT_PX / max(film_shape)
    shape = (max(1, round(film_shape[0] * scale)), max(1, round(film_shape[1] * scale)))
    heat = np.zeros(shape, dtype=np.float32)
    for femur, found in zip(femora, maps, strict=True):
        least, span = float(found.min()), float(np.ptp(found))
        if span > _NO_HEAT:
            _lay(heat, _unmirrored(femur, (found - least) / span), _scaled(cut_box(femur), scale))
    return heat


def _unmirrored(femur: Femur, found: Grey) -> Grey:
    return found if femur.outwards > 0 else found[:, ::-1]


def _scaled(box: tuple[float, float, float, float], scale: float) -> tuple[int, int, int]:
    """Return left, top and side of a square box on the reduced film."""
    return round(box[0] * scale), round(box[1] * scale), max(1, round((box[2] - box[0]) * scale))


def _lay(heat: Grey, found: Grey, place: tuple[int, int, int]) -> None:
    left, top, side = place
    image = Image.fromarray(np.ascontiguousarray(found), mode="F")
    square = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
    rows = slice(max(0, top), min(heat.shape[0], top + side))
    columns = slice(max(0, left), min(heat.shape[1], left + side))
    part = square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    heat[rows, columns] = np.maximum(heat[rows, columns], np.clip(part, 0, 1))
