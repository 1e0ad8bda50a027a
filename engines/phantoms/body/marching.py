"""How far rays run through a shape that has no formula for it: by samples along them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engines.phantoms.body.shapes import Deep

Values = NDArray[np.float64]

#: Samples of a marched ray inside a shape's box.
_STEPS = 32

#: Rays that are marched at a time, so that they stay in the processor's cache.
_CHUNK = 4096


def march_mm(shape: "Deep", source_mm: Values, targets_mm: Values, steps: int = _STEPS) -> Values:
    """Return how far rays run through a shape, by samples with soft borders.

    Parameters
    ----------
    shape : Deep
        Any.
    source_mm, targets_mm : ndarray
        float64, shapes (3,) and (..., 3).
    steps : int
        Samples on each ray.

    Returns
    -------
    ndarray
        float64, shape (...), mm; within about a fiftieth of the box.
    """
    rays = targets_mm.reshape(-1, 3) - source_mm
    total = np.zeros(len(rays))
    box = shape.box()
    for first in range(0, len(rays), _CHUNK):
        part = slice(first, first + _CHUNK)
        total[part] = _marched(shape, box, (source_mm, rays[part]), steps)
    return total.reshape(targets_mm.shape[:-1])


def _marched(
    shape: "Deep", box: tuple[Values, Values], light: tuple[Values, Values], steps: int
) -> Values:
    source_mm, rays = light
    enter, leave = _through_box(box, source_mm, rays)
    hit = np.flatnonzero(leave > enter)
    total = np.zeros(len(rays))
    if not hit.size:
        return total
    way = np.ascontiguousarray(rays[hit].T)
    step = (leave[hit] - enter[hit]) / steps
    step_mm = step * np.sqrt(way[0] * way[0] + way[1] * way[1] + way[2] * way[2])
    sums = np.zeros(len(hit))
    for i in range(steps):
        along = enter[hit] + (i + 0.5) * step
        deep = shape.depth_mm(*(way[k] * along + source_mm[k] for k in range(3)))
        cover = deep / step_mm + 0.5
        sums += np.minimum(np.maximum(cover, 0, out=cover), 1, out=cover)
    total[hit] = sums * step_mm
    return total


def _through_box(
    box: tuple[Values, Values], source_mm: Values, rays: Values
) -> tuple[Values, Values]:
    """Return where rays enter and leave a box, as parts of the way from source to target."""
    slope = np.where(np.abs(rays) < 1e-12, 1e-12, rays)
    one, two = (box[0] - source_mm) / slope, (box[1] - source_mm) / slope
    enter = np.minimum(one, two).max(axis=1)
    leave = np.maximum(one, two).min(axis=1)
    return np.maximum(enter, 0.0), np.minimum(leave, 1.0)
