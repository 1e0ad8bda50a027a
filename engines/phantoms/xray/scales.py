"""Smaller and larger copies of a film, for all that is broad: scatter, processing."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Values = NDArray[np.float64]


def shrink(film: Values, factor: int) -> Values:
    """Return means of blocks; the last ones are smaller: float64, rounded up in both directions."""
    if factor == 1:
        return film
    rows, columns = (np.arange(0, size, factor) for size in film.shape)
    sums = np.add.reduceat(np.add.reduceat(film, rows, axis=0), columns, axis=1)
    counts = [np.diff([*at, size]) for at, size in zip((rows, columns), film.shape, strict=True)]
    return np.asarray(sums / np.multiply.outer(counts[0], counts[1]), dtype=np.float64)


def enlarge(film: Values, factor: int, shape: tuple[int, int]) -> Values:
    """Interpolate linearly between the middles of blocks: the way back from :func:`shrink`."""
    if factor == 1:
        return film
    for axis in (0, 1):
        where = (np.arange(shape[axis]) + 0.5) / factor - 0.5
        where = np.clip(where, 0, film.shape[axis] - 1)
        low = np.minimum(where.astype(np.int64), max(film.shape[axis] - 2, 0))
        high = np.minimum(low + 1, film.shape[axis] - 1)
        part = (where - low)[:, None] if axis == 0 else (where - low)[None, :]
        film = film.take(low, axis) * (1 - part) + film.take(high, axis) * part
    return film


def broad(film: Values, sigma_px: float) -> Values:
    """Blur widely, on a smaller copy: float64, shape kept, edges mirrored."""
    factor = max(1, int(sigma_px / 4))
    small = gaussian_filter(shrink(film, factor), sigma_px / factor, mode="nearest", truncate=3.0)
    return enlarge(small, factor, (film.shape[0], film.shape[1]))
