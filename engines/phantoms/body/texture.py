"""Spongy bone's struts: a factor around 1 for each lump, coarser and more upright as bone is lost.

Horizontal struts go first and the vertical ones that stay grow thick and far apart (textbook
knowledge); pitches and amplitudes are ours, so that films and slices look right.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Values = NDArray[np.float64]

#: Random streams: the field itself, which is no person's, and where in it a bone lies.
FIELD_STREAM = 4120
STREAM = 4121

_CELLS = 96
_FINE_MM = 0.7
_COARSE_MM = 1.25

#: Points that are worked on at a time, so that they stay in the processor's cache.
_CHUNK = 16384


def coarseness(spongy_mg_cm3: float) -> float:
    """Return 0 for the even texture of dense spongy bone to 1 for a few thick struts.

    ``spongy_mg_cm3`` is that of L1: 170 and above is dense, 50 and below is severe loss (ours; the
    American College of Radiology calls 80 to 120 osteopenia).
    """
    return float(np.clip((170 - spongy_mg_cm3) / 120, 0, 1))


def struts(points_mm: Values, coarse: float, seed: tuple[int, int]) -> Values:
    """Return a factor of mineral around 1 for points in a bone's own frame, z along the load.

    Parameters
    ----------
    points_mm : ndarray
        float64, shape (point, 3).
    coarse : float
        0 to 1.
    seed : tuple of int
        The person's, and a number of the bone.
    """
    fine, upright = _field()
    offset = np.random.default_rng([seed[0], STREAM, seed[1]]).uniform(0, _CELLS, 3)
    factor = np.empty(len(points_mm))
    for first in range(0, len(points_mm), _CHUNK):
        some = points_mm[first : first + _CHUNK]
        small = _look(fine, some / _FINE_MM + offset)
        large = _look(upright, some / np.array([_COARSE_MM, _COARSE_MM, 2 * _COARSE_MM]) + offset)
        mixed = 1 + (0.30 - 0.12 * coarse) * small + (0.08 + 0.42 * coarse) * large
        factor[first : first + _CHUNK] = np.clip(mixed, 0.15, 3.0)
    return np.asarray(factor / factor.mean()) if len(factor) else factor


def _look(field: Values, cells: Values) -> Values:
    flat = np.zeros(len(cells), dtype=np.int32)
    for axis in range(3):
        # whole cells, counted round: a remainder by division is slow
        cell = cells[:, axis].astype(np.int32)
        flat = flat * _CELLS + (cell - _CELLS * np.floor_divide(cell, _CELLS))
    return field.ravel().take(flat)


@lru_cache(maxsize=1)
def _field() -> tuple[Values, Values]:
    rng = np.random.default_rng([FIELD_STREAM])
    fields = []
    for blur in ((0.7, 0.7, 1.2), (0.8, 0.8, 3.0)):
        noise = gaussian_filter(rng.standard_normal((_CELLS,) * 3), blur, mode="wrap")
        fields.append(noise / noise.std())
    return fields[0], fields[1]
