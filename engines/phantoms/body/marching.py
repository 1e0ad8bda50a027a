"""How far rays run through a shape that has no formula for it: by samples along them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engines.phantoms.body.shapes import Deep

Values = NDArray[np.float64]

#: Samples of a marched ray inside a shape's box.
_STEPS = 32

#: Samples that are worked on at a time, so that they stay in the processor's cache.
_CHUNK = 16384


@runtime_checkable
class _Parted(Protocol):
    """What several shapes have in common, as shapes.Common."""

    @property
    def shapes(self) -> "tuple[Deep, ...]": ...

    @property
    def signs(self) -> tuple[int, ...]: ...


@runtime_checkable
class _Pieced(Protocol):
    """What is made of pieces, as conduit.Tube."""

    def pieces(self) -> "Sequence[Deep]": ...


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
    many = max(_CHUNK // steps, 1)
    for first in range(0, len(rays), many):
        part = slice(first, first + many)
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


def _deep(shape: "Deep", places: list[Values], rim_mm: float) -> Values:
    """Return depths of places (x, y, z); what one part leaves out is not asked for the others."""
    if isinstance(shape, _Pieced):
        return _deep_in_pieces(shape.pieces(), places, rim_mm)
    if not isinstance(shape, _Parted):
        return shape.depth_mm(*places)
    deep = shape.shapes[0].depth_mm(*places)
    near = np.arange(len(deep))
    for part, sign in zip(shape.shapes[1:], shape.signs[1:], strict=True):
        kept = deep[near] > -rim_mm
        near, places = near[kept], [place[kept] for place in places]
        deep[near] = np.minimum(deep[near], sign * part.depth_mm(*places))
    return deep


def _deep_in_pieces(pieces: "Sequence[Deep]", places: list[Values], rim_mm: float) -> Values:
    """Return depths in what any of the pieces covers, each asked only near its box."""
    deep = np.full(len(places[0]), -np.inf)
    for piece in pieces:
        near = np.arange(len(deep))
        for axis, low, high in zip(
            (2, 0, 1), *(corner[[2, 0, 1]] for corner in piece.box()), strict=True
        ):
            at = places[axis][near]
            near = near[(at > low - rim_mm) & (at < high + rim_mm)]
        found = piece.depth_mm(*(place[near] for place in places))
        deep[near] = np.maximum(deep[near], found)
    return deep


def _through_box(
    box: tuple[Values, Values], source_mm: Values, rays: Values
) -> tuple[Values, Values]:
    """Return where rays enter and leave a box, as parts of the way from source to target."""
    slope = np.where(np.abs(rays) < 1e-12, 1e-12, rays)
    one, two = (box[0] - source_mm) / slope, (box[1] - source_mm) / slope
    enter = np.minimum(one, two).max(axis=1)
    leave = np.maximum(one, two).min(axis=1)
    return np.maximum(enter, 0.0), np.minimum(leave, 1.0)
