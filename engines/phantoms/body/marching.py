"""How far rays run through a shape that has no formula for it: by samples along them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.deep import Deep, Values

#: Samples of a marched ray inside a shape's box.
_STEPS = 32

#: Samples that are worked on at a time, so that they stay in the processor's cache.
_CHUNK = 16384


def march_mm(shape: Deep, source_mm: Values, targets_mm: Values, steps: int = _STEPS) -> Values:
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
    rays = np.stack(
        [to - start for to, start in zip(targets_mm.reshape(-1, 3).T, source_mm, strict=True)]
    )
    total = np.zeros(rays.shape[1])
    box = shape.box()
    many = max(_CHUNK // steps, 1)
    for first in range(0, len(total), many):
        part = slice(first, first + many)
        total[part] = _marched(shape, box, (source_mm, rays[:, part]), steps)
    return total.reshape(targets_mm.shape[:-1])


def _marched(
    shape: Deep, box: tuple[Values, Values], light: tuple[Values, Values], steps: int
) -> Values:
    source_mm, rays = light
    enter, leave = _through_box(box, source_mm, rays)
    hit = np.flatnonzero(leave > enter)
    total = np.zeros(rays.shape[1])
    if not hit.size:
        return total
    way = rays.take(hit, axis=1)
    step = (leave[hit] - enter[hit]) / steps
    step_mm = step * np.sqrt(way[0] * way[0] + way[1] * way[1] + way[2] * way[2])
    along = enter[hit] + (np.arange(steps) + 0.5)[:, None] * step
    places = [(way[k] * along + source_mm[k]).ravel() for k in range(3)]
    deep = _deep(shape, places, float(step_mm.max()) / 2).reshape(along.shape)
    cover = deep / step_mm + 0.5
    np.minimum(np.maximum(cover, 0, out=cover), 1, out=cover)
    # one after the other, which a sum over an axis does not promise
    sums = np.zeros(len(hit))
    for row in cover:
        sums += row
    total[hit] = sums * step_mm
    return total


def _deep(shape: Deep, places: list[Values], rim_mm: float) -> Values:
    """Return depths of places (x, y, z); what one part leaves out is not asked for the others.

    What is made of pieces (conduit.Tube) or is what shapes have in common (shapes.Common) is known
    by what it has: to ask a protocol is slow.
    """
    if hasattr(shape, "pieces"):
        return _deep_in_pieces(shape.pieces(), places, rim_mm)
    parts: Sequence[Deep] = getattr(shape, "shapes", ())
    if not parts:
        return shape.depth_mm(*places)
    signs: Sequence[int] = getattr(shape, "signs", ())
    deep = parts[0].depth_mm(*places)
    near: NDArray[np.intp] | None = None
    for part, sign in zip(parts[1:], signs[1:], strict=True):
        here = deep if near is None else deep[near]
        kept = here > -rim_mm
        # to pick a few out costs as much as to ask for twice as many
        if 2 * np.count_nonzero(kept) < kept.size:
            near = np.flatnonzero(kept) if near is None else near[kept]
            here, places = here[kept], [place[kept] for place in places]
        here = np.minimum(here, sign * part.depth_mm(*places))
        if near is None:
            deep = here
        else:
            deep[near] = here
    return deep


def _deep_in_pieces(pieces: Sequence[Deep], places: list[Values], rim_mm: float) -> Values:
    """Return depths in what any of the pieces covers, each asked only near its box."""
    deep = np.full(len(places[0]), -np.inf)
    for piece in pieces:
        low, high = piece.box()
        low, high = low - rim_mm, high + rim_mm
        near = np.flatnonzero((places[2] > low[2]) & (places[2] < high[2]))
        for axis in (0, 1):
            at = places[axis].take(near)
            near = near[(at > low[axis]) & (at < high[axis])]
        if near.size:
            found = piece.depth_mm(*(place.take(near) for place in places))
            deep[near] = np.maximum(deep.take(near), found)
    return deep


def _through_box(
    box: tuple[Values, Values], source_mm: Values, rays: Values
) -> tuple[Values, Values]:
    """Return where rays enter and leave a box, as parts of the way from source to target."""
    enter, leave = np.zeros(rays.shape[1]), np.ones(rays.shape[1])
    for way, start, low, high in zip(rays, source_mm, *box, strict=True):
        slope = np.where(np.abs(way) < 1e-12, 1e-12, way)
        one, two = (low - start) / slope, (high - start) / slope
        np.maximum(enter, np.minimum(one, two), out=enter)
        np.minimum(leave, np.maximum(one, two), out=leave)
    return enter, leave
