"""The circle of a femoral head near a place where one was seen."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.anatomy.femur_match import Grey, Match

# Of the patch that is looked at: the radius seen first is so many pixels, and the patch so many
# radii to each side.
_RADIUS_PX = 24.0
_REACH = 2.0
_EDGE_PX = 1.2
# How far the middle and the radius may be off, in radii seen first.
_OFF: Final = np.arange(-0.5, 0.501, 0.05)
_SIZES: Final = np.arange(0.72, 1.22, 0.03)
_ANGLES: Final = np.deg2rad(np.arange(0, 360, 7.5))
# what a circle loses for being as far off as may be: of two alike the nearer one is the head
_LOSS = 0.12


@dataclass(frozen=True)
class Head:
    """A circle on a film.

    Attributes
    ----------
    row, column, radius_px : float
        In the film's pixels.
    edge : float
        How much of the circle has bone within and less without, -1 to 1.
    """

    row: float
    column: float
    radius_px: float
    edge: float


def head_near(film: Grey, match: Match) -> Head:
    """Return the best circle about a match.

    Parameters
    ----------
    film : ndarray
        float32, shape (row, column), range [0, 1], bone white.
    match : Match
        From :func:`engines.anatomy.femur_match.matches`.
    """
    pixel = match.radius_px / _RADIUS_PX
    steps = np.arange(-round(_REACH * _RADIUS_PX), round(_REACH * _RADIUS_PX) + 1)
    around = (match.row + steps * pixel, match.column + steps * pixel)
    rows, columns = np.meshgrid(*around, indexing="ij")
    smooth = ndimage.gaussian_filter(film, max(0.5, _EDGE_PX * pixel)) if pixel > 1 else film
    patch = ndimage.map_coordinates(smooth, [rows, columns], order=1, mode="nearest")
    down, across = _edges(patch)
    middle = len(steps) // 2
    best = (-1.0, 0.0, 0.0, 1.0)
    for size in _SIZES:
        found = _round(down, across, middle, size)
        off = np.hypot(_OFF[:, None], _OFF[None, :])
        judged = found - _LOSS * (off / _OFF[-1]) ** 2
        i, j = np.unravel_index(int(np.argmax(judged)), judged.shape)
        if judged[i, j] > best[0]:
            best = (float(judged[i, j]), float(_OFF[i]), float(_OFF[j]), float(size))
    judged_as, below, beside, size = best
    off = float(np.hypot(below, beside))
    return Head(
        match.row + below * match.radius_px,
        match.column + beside * match.radius_px,
        size * match.radius_px,
        judged_as + _LOSS * (off / float(_OFF[-1])) ** 2,
    )


def _edges(patch: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    smooth = ndimage.gaussian_filter(patch, _EDGE_PX)
    down, across = ndimage.sobel(smooth, axis=0), ndimage.sobel(smooth, axis=1)
    strength = np.hypot(down, across)
    around = np.sqrt(np.maximum(ndimage.uniform_filter(strength**2, round(_RADIUS_PX)), 0))
    whole = np.maximum(np.maximum(around, strength), 0.02 * float(strength.max()) + 1e-6)
    return down / whole, across / whole


def _round(
    down: NDArray[np.float64], across: NDArray[np.float64], middle: int, size: float
) -> NDArray[np.float64]:
    """Return, for each place of the middle, how much the film darkens outwards on the circle."""
    way = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)])
    rows = middle + _RADIUS_PX * (_OFF[:, None, None] + size * way[0])
    columns = middle + _RADIUS_PX * (_OFF[None, :, None] + size * way[1])
    at = np.rint(np.broadcast_arrays(rows, columns)).astype(np.intp)
    at = np.clip(at, 0, down.shape[0] - 1)
    outwards = way[0] * down[at[0], at[1]] + way[1] * across[at[0], at[1]]
    return np.asarray(-outwards.mean(axis=-1))
