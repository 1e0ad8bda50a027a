"""What lies on each ray: mineral of bone clouds, millimetres of solids."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engines.phantoms.body.cloud import Cloud, among_four
from engines.phantoms.body.solids import Shape, Solid, Tissue
from engines.phantoms.xray.chords import chords_mm, has_formula
from engines.phantoms.xray.geometry import Geometry

Values = NDArray[np.float64]
#: Rows, columns and masses of lumps: float64, shape (lump,) each.
_Lumps = tuple[Values, Values, Values]

#: Lumps that are worked on at a time, so that they stay in the processor's cache.
_CHUNK = 16384

#: A lump's shadow is a bell; its standard deviation against the lump's edge (a cube's is 0.29;
#: half an edge leaves a ripple of 1 % where lumps lie on a lattice).
FOOTPRINT = 0.5

#: What a chord may be off where it is interpolated instead of traced: mm, and against the longest
#: (marched chords are not exact either).
TOLERANCE_MM = 0.3
TOLERANCE = 0.012

#: Two neighbouring classes of footprints differ by this factor.
_CLASS = 1.5


@dataclass(frozen=True)
class Paths:
    """What lies between tube and detector.

    Attributes
    ----------
    mineral_mg_mm2 : ndarray
        float64, shape (row, column): hydroxyapatite per area, across the ray.
    tissues_mm : dict of Tissue to ndarray
        float64, shape (row, column): length in each; air is left out. The mineral's own volume is
        not taken off.
    """

    mineral_mg_mm2: Values
    tissues_mm: dict[Tissue, Values]


def mineral_mg_mm2(cloud: Cloud, geometry: Geometry) -> Values:
    """Return a bone's shadow: float64, shape (row, column), mg of mineral per mm2 across the ray.

    Each lump is a bell as wide as itself; small lumps are drawn sharply, large ones softly.
    """
    lumps: dict[int, list[_Lumps]] = {}
    for first in range(0, len(cloud.volume_mm3), _CHUNK):
        for kind, some in _by_width(cloud.part(slice(first, first + _CHUNK)), geometry):
            lumps.setdefault(kind, []).append(some)
    film = np.zeros(geometry.shape)
    # from the softest to the sharpest, each blurred only by what it has more than the next
    kinds = sorted(lumps, reverse=True)
    for one, following in zip(kinds, [*kinds, None][1:], strict=True):
        film += _scatter(lumps[one], geometry.shape)
        variance = _CLASS ** (2 * one)
        more = variance if following is None else variance - _CLASS ** (2 * following)
        film = gaussian_filter(film, float(np.sqrt(more)), mode="constant", truncate=3.0)
    return film / geometry.pitch_mm**2


def _by_width(cloud: Cloud, geometry: Geometry) -> Iterator[tuple[int, _Lumps]]:
    """Sort what is on the film by how wide its shadow is: classes, and what is in each."""
    row, column, magnification = geometry.project(cloud.points_mm)
    height, width = geometry.shape
    seen = (row >= 0) & (row < height - 1) & (column >= 0) & (column < width - 1)
    if not seen.all():
        row, column, magnification = row[seen], column[seen], magnification[seen]
        cloud = cloud.part(seen)
    # a pixel seen from the tube is m times smaller at the lump, and rays at the rim run askew
    askew = np.sqrt(1 + _off_axis_squared(row, column, geometry))
    mass = cloud.mineral_mg * np.square(magnification) * askew
    edge_px = np.cbrt(cloud.volume_mm3) * magnification / geometry.pitch_mm
    # what two-by-two pixels have blurred already
    wanted = np.maximum(np.square(FOOTPRINT * edge_px) - 0.17, 1e-4)
    kind = np.clip(np.rint(np.log(wanted) / (2 * np.log(_CLASS))), -2, 12).astype(np.int64)
    for one in np.flatnonzero(np.bincount(kind + 2)) - 2:
        of = np.flatnonzero(kind == one)
        yield int(one), (row[of], column[of], mass[of])


def _off_axis_squared(row: Values, column: Values, geometry: Geometry) -> Values:
    """Return the squared tangent of the angle between each ray and the detector's normal."""
    foot_row, foot_column, _ = geometry.project(
        (geometry.source_mm + geometry.normal * geometry.distance_mm)[None, :]
    )
    off = np.square(row - foot_row) + np.square(column - foot_column)
    return np.asarray(off * (geometry.pitch_mm / geometry.distance_mm) ** 2, dtype=np.float64)


def _scatter(lumps: Iterable[_Lumps], shape: tuple[int, int]) -> Values:
    """Share each mass among the four pixels around it."""
    rows, columns = shape
    corners = np.zeros((4, rows * columns))
    for row, column, mass in lumps:
        for film, (pixel, part) in zip(
            corners, among_four(row, column, columns, mass), strict=True
        ):
            np.add.at(film, pixel, part)
    return np.asarray(corners.sum(axis=0)).reshape(shape)


def tissues_mm(solids: Iterable[Solid], geometry: Geometry) -> dict[Tissue, Values]:
    """Return the length of each ray in each tissue: float64, shape (row, column), mm.

    Solids are painted over one another: each takes away what it says it lies in.
    """
    lengths: dict[Tissue, Values] = {}
    alike: dict[tuple[Tissue, Tissue], list[Shape]] = {}
    for solid in solids:
        pair = solid.tissue, solid.instead_of
        if has_formula(solid.shape):
            alike.setdefault(pair, []).append(solid.shape)
        else:
            _account(lengths, pair, geometry.shape, *chord_map(solid.shape, geometry))
    whole = (slice(None), slice(None))
    for pair, shapes in alike.items():
        _account(lengths, pair, geometry.shape, whole, chords_mm(shapes, geometry))
    return lengths


def _account(
    lengths: dict[Tissue, Values],
    pair: tuple[Tissue, Tissue],
    shape: tuple[int, int],
    place: tuple[slice, slice],
    chord: Values,
) -> None:
    """Give a chord to a tissue, and take it from the other that would be there."""
    for tissue in pair:
        if tissue is not Tissue.AIR and tissue not in lengths:
            lengths[tissue] = np.zeros(shape)
    if pair[0] is not Tissue.AIR:
        lengths[pair[0]][place] += chord
    if pair[1] is not Tissue.AIR:
        lengths[pair[1]][place] -= chord


def chord_map(shape: Shape, geometry: Geometry) -> tuple[tuple[slice, slice], Values]:
    """Return which part of the film a shape darkens, and how long rays run through it, mm.

    Rays are traced on a coarse grid, and one by one only where the grid is not good enough: at
    edges, and where the coarse grid is off by more than is allowed.
    """
    top, bottom, left, right = geometry.window(*shape.box())
    place = (slice(top, max(bottom, top)), slice(left, max(right, left)))
    if bottom <= top or right <= left:
        return place, np.zeros((max(bottom - top, 0), max(right - left, 0)))
    step = int(np.clip(min(bottom - top, right - left) // 10, 1, 8))
    if step == 1:
        rows, columns = np.arange(top, bottom, dtype=float), np.arange(left, right, dtype=float)
        targets = geometry.targets_mm(rows[:, None], columns[None, :])
        return place, shape.chord_mm(geometry.source_mm, targets)
    return place, _traced(shape, geometry, place, step)


def _traced(shape: Shape, geometry: Geometry, place: tuple[slice, slice], step: int) -> Values:
    def chords(rows: Values, columns: Values) -> Values:
        return shape.chord_mm(geometry.source_mm, geometry.targets_mm(rows, columns))

    height, width = (part.stop - part.start for part in place)
    blocks = (-(-height // step), -(-width // step))
    first = (place[0].start, place[1].start)
    at = [first[i] + step * np.arange(blocks[i] + 1, dtype=np.float64) for i in (0, 1)]
    corners = chords(at[0][:, None], at[1][None, :])
    middles = chords(at[0][:-1, None] + step / 2, at[1][None, :-1] + step / 2)
    four = np.stack([corners[i : i + blocks[0], j : j + blocks[1]] for i in (0, 1) for j in (0, 1)])
    allowed_mm = max(TOLERANCE_MM, TOLERANCE * float(middles.max()))
    off = np.abs(middles - four.mean(axis=0)) > allowed_mm
    touched = (four > 0).any(axis=0) | (middles > 0)
    rough = off | (touched & ~(four > 0).all(axis=0))
    full = _between(corners, step)
    row, column = np.nonzero(rough)
    if row.size == 0:
        return full[:height, :width]
    inner = _finer(step)
    parts = step // inner
    nodes = np.full((blocks[0] * parts + 1, blocks[1] * parts + 1), np.nan)
    nodes[::parts, ::parts] = corners
    if parts % 2 == 0:
        nodes[parts // 2 :: parts, parts // 2 :: parts] = middles
    at_row = (row * parts)[:, None, None] + np.arange(parts + 1)[:, None]
    at_column = (column * parts)[:, None, None] + np.arange(parts + 1)[None, :]
    # neighbours share nodes, and some are known: each of the others is traced once
    wanted = np.zeros(nodes.shape, dtype=bool)
    wanted[at_row, at_column] = True
    rows, columns = np.nonzero(wanted & np.isnan(nodes))
    nodes[rows, columns] = chords(first[0] + inner * rows, first[1] + inner * columns)
    blocks_mm = _between(nodes[at_row, at_column], inner)
    at_row = (row * step)[:, None, None] + np.arange(step)[:, None]
    at_column = (column * step)[:, None, None] + np.arange(step)[None, :]
    full[at_row, at_column] = blocks_mm
    return full[:height, :width]


def _finer(step: int) -> int:
    """Edges of large shapes are traced at every second pixel, as a heart's beat blurs them."""
    return 2 if step % 2 == 0 and step >= 4 else 1


def _between(corners: Values, step: int) -> Values:
    """Interpolate linearly between nodes (..., row, column) that lie ``step`` pixels apart."""
    part = np.arange(step) / step
    upper, lower = corners[..., :-1, None, :], corners[..., 1:, None, :]
    down = upper * (1 - part)[:, None] + lower * part[:, None]
    lead = corners.shape[:-2]
    down = down.reshape(*lead, -1, corners.shape[-1])
    full = np.empty((*down.shape[:-1], down.shape[-1] - 1, step))
    # one place between nodes after the other, in long runs
    for place, right in enumerate(part):
        full[..., place] = down[..., :-1] * (1 - right) + down[..., 1:] * right
    return full.reshape(*lead, down.shape[-2], -1)


def paths(cloud: Cloud, solids: Iterable[Solid], geometry: Geometry) -> Paths:
    """Return all that lies on each ray of a film."""
    return Paths(mineral_mg_mm2(cloud, geometry), tissues_mm(solids, geometry))
