"""Chords through many tubes and ellipsoids at once, by formulas: vessels, bowel, gas.

Each straight piece of a tube, and each ellipsoid, is looked at only from the pixels that it may
darken. Rays of neighbouring pixels differ by a constant, so that all that a formula needs of a ray
is a line or a parabola over the columns of a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.conduit import Tube
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.shapes import Common, Ellipsoid
from engines.phantoms.body.solids import Shape
from engines.phantoms.xray.geometry import Geometry

Values = NDArray[np.float64]
Whole = NDArray[np.intp]

#: Pixels of one piece that are worked on at a time, so that they stay in the processor's cache.
_CHUNK = 32768

#: How much wider a shadow is taken to be than its piece: rays run askew.
_WIDER, _RIM_PX = 1.05, 1.0

#: Samples on each chord where a tube is cut by other shapes; thicker ones are left to others.
_SAMPLES = 4
_SLENDER_MM = 16.0

#: Ends of thicker tubes are round: three cones, along and across in radii. None is steeper.
_ROUND_MM = 2.0
_STEEPEST = 1.0
#: Nor is any cone between them steeper than this.
_GENTLE = 0.3
#: Corners of an octagon round a circle of radius 1.
_OCTAGON = tuple(
    (u, v)
    for one in (1, -1)
    for other in (0.4143, -0.4143)
    for u, v in ((one, other), (other, one))
)
_CAP = (np.array([0.5, 0.866, 0.99]), np.array([0.866, 0.5, 0.14]))


def has_formula(shape: Shape) -> bool:
    """Tell whether :func:`chords_mm` knows it: an ellipsoid, a tube, a thin one that is cut."""
    if isinstance(shape, Common):
        first = shape.shapes[0]
        return isinstance(first, Tube) and float(first.radii_mm.max()) <= _SLENDER_MM
    return isinstance(shape, (Tube, Ellipsoid))


def chords_mm(shapes: Sequence[Shape], geometry: Geometry) -> Values:
    """Add up the chords through shapes.

    Parameters
    ----------
    shapes : sequence of Shape
        Each of which :func:`has_formula`.
    geometry : Geometry
        Whose rays.

    Returns
    -------
    ndarray
        float64, shape (row, column), mm.
    """
    film = np.zeros(geometry.shape)
    tubes = [shape for shape in shapes if isinstance(shape, Tube)]
    if tubes:
        _add(film, _Cylinders(tubes, geometry), geometry)
    ellipsoids = [shape for shape in shapes if isinstance(shape, Ellipsoid)]
    if ellipsoids:
        _add(film, _Ellipsoids(ellipsoids, geometry), geometry)
    for shape in shapes:
        if isinstance(shape, Common) and isinstance(shape.shapes[0], Tube):
            by = tuple(zip(shape.shapes[1:], shape.signs[1:], strict=True))
            _add(film, _Cylinders([shape.shapes[0]], geometry, by), geometry)
    return film


@dataclass(frozen=True)
class _Spans:
    """Runs of pixels, each of one piece on one row: whole numbers, shape (run,) each."""

    piece: Whole
    row: Whole
    first: Whole
    count: Whole

    def chunks(self) -> Iterator["_Spans"]:
        total = np.cumsum(self.count)
        start = 0
        while start < len(total):
            done = int(total[start - 1]) if start else 0
            end = max(int(np.searchsorted(total, done + _CHUNK, "right")), start + 1)
            part = slice(start, end)
            yield _Spans(self.piece[part], self.row[part], self.first[part], self.count[part])
            start = end


@dataclass(frozen=True)
class _Rays:
    """Rays from the source to the pixels of some runs; not of unit length, they end at the film.

    Attributes
    ----------
    run : ndarray
        Whole numbers, shape (ray,): of which run each is.
    column : ndarray
        float64, shape (ray,).
    start : ndarray
        float64, shape (run, 3): the ray to column 0 of each run's row, mm.
    step : ndarray
        float64, shape (3,): from column to column, mm.
    """

    run: Whole
    column: Values
    start: Values
    step: Values

    def along(self, ways: Values) -> Values:
        """Return each ray's part along a vector of its run: (run, 3) -> (ray,)."""
        slope = _dot(np.broadcast_to(self.step, ways.shape), ways)
        return slope.take(self.run) * self.column + _dot(self.start, ways).take(self.run)

    def form(self, forms: Values) -> Values:
        """Return a symmetric form of each ray with itself: (run, 3, 3) -> (ray,)."""
        start, step = self.start, np.broadcast_to(self.step, self.start.shape)
        turned = np.stack([_dot(forms[:, axis], start) for axis in range(3)], axis=1)
        own = np.stack([_dot(forms[:, axis], step) for axis in range(3)], axis=1)
        slope = _dot(own, step)[self.run] * self.column + (2 * _dot(turned, step))[self.run]
        return np.asarray(slope * self.column + _dot(turned, start)[self.run])

    def squared(self) -> Values:
        """Return the squares of the rays' lengths: (ray,)."""
        step = self.step
        slope = (2 * _dot(self.start, np.broadcast_to(step, self.start.shape)))[self.run]
        slope += float(_dot(step, step)) * self.column
        return np.asarray(slope * self.column + _dot(self.start, self.start)[self.run])


def _dot(one: Values, other: Values) -> Values:
    # sums in a fixed order, which a matrix product does not promise
    return np.asarray(
        one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1] + one[..., 2] * other[..., 2]
    )


def _add(film: Values, pieces: "_Cylinders | _Ellipsoids", geometry: Geometry) -> None:
    flat = film.reshape(-1)
    step = geometry.across * geometry.pitch_mm
    first = geometry.targets_mm(np.zeros(1), np.zeros(1))[0] - geometry.source_mm
    down = geometry.down * geometry.pitch_mm
    for spans in pieces.spans().chunks():
        run = np.repeat(np.arange(len(spans.count)), spans.count)
        begin = np.cumsum(spans.count) - spans.count
        column = np.arange(len(run)) + (spans.first - begin)[run]
        start = first + spans.row[:, None] * down
        rays = _Rays(run, column.astype(np.float64), start, step)
        np.add.at(flat, spans.row[run] * film.shape[1] + column, pieces.chords(rays, spans.piece))


class _Ellipsoids:
    def __init__(self, shapes: Sequence[Ellipsoid], geometry: Geometry) -> None:
        self._geometry = geometry
        self._boxes = np.array([shape.box() for shape in shapes])
        turned = np.array([shape.axes / shape.semi_axes_mm for shape in shapes])
        # the same sums in the same order for each, unlike a matrix product
        self._forms = (turned[:, :, None, :] * turned[:, None, :, :]).sum(axis=-1)
        self._off = geometry.source_mm - np.array([shape.centre_mm for shape in shapes])
        self._towards = (self._forms * self._off[:, None, :]).sum(axis=-1)
        self._rest = _dot(self._off, self._towards) - 1

    def spans(self) -> _Spans:
        low, high = self._boxes[:, 0], self._boxes[:, 1]
        corner = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        corners = low[:, None] + corner * (high - low)[:, None]
        row, column, _ = self._geometry.project(corners.reshape(-1, 3))
        row, column = row.reshape(-1, 8), column.reshape(-1, 8)
        height, width = self._geometry.shape
        top, bottom = _clipped(row.min(axis=1), row.max(axis=1), height)
        left, right = _clipped(column.min(axis=1), column.max(axis=1), width)
        piece, rows = _rows(top, bottom)
        return _seen(_Spans(piece, rows, left[piece], (right - left)[piece]))

    def chords(self, rays: _Rays, piece: Whole) -> Values:
        square = rays.form(self._forms[piece])
        half = rays.along(self._towards[piece])
        root = half * half - square * self._rest[piece][rays.run]
        root = np.sqrt(np.maximum(root, 0, out=root), out=root)
        return np.asarray(2 * root / square * np.sqrt(rays.squared()))


class _Cylinders:
    """Straight tapering pieces of tubes, mitred where they meet, ``by`` what they are cut."""

    def __init__(
        self, tubes: Sequence[Tube], geometry: Geometry, by: tuple[tuple[Deep, int], ...] = ()
    ) -> None:
        self._geometry, self._by = geometry, by
        parts = [_mitred(_rounded(_gentle(tube))) for tube in tubes]
        start, end, self._way, first, last, radii = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        self._start, self._end = start - geometry.source_mm, end - geometry.source_mm
        self._radius = radii.max(axis=1)
        height = _dot(self._start, self._way)
        off = height[:, None] * self._way - self._start
        length = np.sqrt(_dot(end - start, end - start)) + 1e-9
        # the radius along a ray: what it is at the height of the source, and what it gains a step
        self._gain = np.clip((radii[:, 1] - radii[:, 0]) / length, -_STEEPEST, _STEEPEST)
        self._base = radii.mean(axis=1) - self._gain * (height + length / 2)
        self._off, self._rest = off, _dot(off, off) - np.square(self._base)
        self._ends = (
            (1, first, _dot(self._start, first)),
            (-1, last, _dot(self._end, last)),
        )
        bend = np.maximum(_tangent(first, self._way), _tangent(last, self._way))
        self._overhang = np.minimum(1.4 * bend + 0.05, 1.0)

    def spans(self) -> _Spans:
        geometry = self._geometry
        row, column, scale = _projected([self._start, self._end], geometry)
        reach = _WIDER * self._radius * scale.max(axis=0) / geometry.pitch_mm + _RIM_PX
        down, across = row[1] - row[0], column[1] - column[0]
        length = np.hypot(down, across) + 1e-9
        height, width = geometry.shape
        # a mitre reaches beyond a piece's end by up to its radius, the less the straighter the bend
        beyond = reach * self._overhang
        longer = reach + beyond * np.abs(down) / length, reach + beyond * np.abs(across) / length
        hull_row, hull_column, _ = _projected(self._corners(), geometry)
        above = np.maximum(row.min(axis=0) - longer[0], hull_row.min(axis=0) - 1)
        below = np.minimum(row.max(axis=0) + longer[0], hull_row.max(axis=0) + 1)
        before = np.maximum(column.min(axis=0) - longer[1], hull_column.min(axis=0) - 1)
        after = np.minimum(column.max(axis=0) + longer[1], hull_column.max(axis=0) + 1)
        piece, rows = _rows(*_clipped(above, below, height))
        steep = np.maximum(np.abs(down / length), 1e-3)
        slope = across / length / np.where(down < 0, -steep, steep)
        middle = column[0][piece] + (rows - row[0][piece]) * slope[piece]
        low = np.maximum(middle - (reach / steep)[piece], before[piece])
        high = np.minimum(middle + (reach / steep)[piece], after[piece])
        left, right = _clipped(low, high, width)
        return _seen(_Spans(piece, rows, left, right - left))

    def _corners(self) -> list[Values]:
        """Return octagons round the mitred ends of all pieces, from the source: 16 of (piece, 3).

        What is mitred lies between its ends.
        """
        aside = np.cross(self._way, self._geometry.normal)
        aside /= np.sqrt(_dot(aside, aside) + 1e-12)[:, None]
        other = np.cross(self._way, aside)
        found = []
        for end, (_, normals, _) in zip((self._start, self._end), self._ends, strict=True):
            steep = _dot(self._way, normals)
            bend = _tangent(normals, self._way)
            # what widens goes on widening up to the mitre
            wide = _WIDER * self._radius / np.maximum(1 - np.abs(self._gain) * bend, 0.1)
            a, b = (
                wide[:, None] * (way - self._way * (_dot(way, normals) / steep)[:, None])
                for way in (aside, other)
            )
            found += [end + u * a + v * b for u, v in _OCTAGON]
        return found

    def chords(self, rays: _Rays, piece: Whole) -> Values:
        run = rays.run
        length = rays.squared()
        along = rays.along(self._way[piece])
        opens = self._gain[piece][run] * along
        square = length - np.square(along) - np.square(opens)
        half = rays.along(self._off[piece]) - self._base[piece][run] * opens
        root = half * half - square * self._rest[piece][run]
        # a ray steeper than the cone's side enters it once, where it opens
        narrow = square <= 1e-9 * length
        square = np.where(narrow, np.minimum(square, -1e-9 * length), square)
        reach = np.sqrt(np.maximum(root, 0)) / np.abs(square)
        half /= -square
        enter = np.where(narrow, np.where(opens > 0, half + reach, 0.0), half - reach)
        leave = np.where(narrow & (opens <= 0), half - reach, half + reach)
        leave[narrow & (opens > 0)] = 1.0
        for sign, normals, height in self._ends:
            steep = sign * rays.along(normals[piece])
            cut = sign * height[piece][run] / np.where(np.abs(steep) < 1e-12, 1e-12, steep)
            enter = np.where(steep > 0, np.maximum(enter, cut), enter)
            leave = np.where(steep <= 0, np.minimum(leave, cut), leave)
        length = np.sqrt(length, out=length)
        through = np.minimum(leave, 1) - np.maximum(enter, 0)
        chord = np.where((root > 0) | narrow, np.maximum(through, 0), 0.0) * length
        return chord * self._kept(rays, enter, chord / length) if self._by else chord

    def _kept(self, rays: _Rays, enter: Values, part: Values) -> Values:
        """Return how much of each chord lies within what the tubes are cut to: 0 to 1."""
        total = np.zeros(len(enter))
        hit = np.flatnonzero(part > 0)
        ray = rays.start[rays.run[hit]] + rays.column[hit, None] * rays.step
        step = part[hit] / _SAMPLES
        step_mm = step * np.sqrt(_dot(ray, ray)) + 1e-9
        for i in range(_SAMPLES):
            place = self._geometry.source_mm + ray * (enter[hit] + (i + 0.5) * step)[:, None]
            x, y, z = np.ascontiguousarray(place.T)
            deep = np.minimum.reduce([sign * shape.depth_mm(x, y, z) for shape, sign in self._by])
            total[hit] += np.clip(deep / step_mm + 0.5, 0, 1) / _SAMPLES
        return total


def _projected(places: Sequence[Values], geometry: Geometry) -> tuple[Values, Values, Values]:
    """Return rows, columns, magnifications of places from the source: (place, piece) each."""
    found = zip(*(geometry.project(one + geometry.source_mm) for one in places), strict=True)
    row, column, scale = (np.stack(each) for each in found)
    return row, column, scale


def _tangent(normals: Values, ways: Values) -> Values:
    """Return how far a plane leans from a cross-section, for each radius: (piece,)."""
    along = _dot(normals, ways)
    askew = np.maximum(_dot(normals, normals) - along * along, 0)
    return np.sqrt(askew) / np.maximum(np.abs(along), 1e-9)


def _gentle(tube: Tube) -> Tube:
    """Let no radius rise faster than cones bear: at a sharp bend their mitres reach far."""
    step = np.diff(tube.path_mm, axis=0)
    way = np.append(0.0, np.cumsum(np.sqrt(_dot(step, step))))
    apart = np.abs(way[:, None] - way[None, :])
    return Tube(tube.path_mm, np.min(tube.radii_mm[None, :] + _GENTLE * apart, axis=1))


def _rounded(tube: Tube) -> Tube:
    """Give a thick tube round ends: three more pieces each, with the radii of a ball."""
    path, radii = tube.path_mm, tube.radii_mm
    for _ in range(2):
        path, radii = path[::-1], radii[::-1]
        if radii[-1] > _ROUND_MM:
            way = path[-1] - path[-2]
            way = way / (float(np.sqrt(_dot(way, way))) + 1e-12)
            path = np.concatenate([path, path[-1] + radii[-1] * _CAP[0][:, None] * way])
            radii = np.concatenate([radii, radii[-1] * _CAP[1]])
    return Tube(path, radii)


def _mitred(tube: Tube) -> tuple[Values, ...]:
    """Return pieces: start, end, way, first and last plane (piece, 3), radii there (piece, 2)."""
    way = np.diff(tube.path_mm, axis=0)
    way = way / (np.sqrt(_dot(way, way)) + 1e-12)[:, None]
    mitres = np.concatenate([way[:1], way[:-1] + way[1:], way[-1:]])
    radii = np.stack([tube.radii_mm[:-1], tube.radii_mm[1:]], axis=1)
    return tube.path_mm[:-1], tube.path_mm[1:], way, mitres[:-1], mitres[1:], radii


def _clipped(low: Values, high: Values, size: int) -> tuple[Whole, Whole]:
    """Return the half-open range of pixels that a range of places covers."""
    first = np.clip(np.floor(low), 0, size).astype(np.intp)
    return first, np.clip(np.ceil(high) + 1, first, size).astype(np.intp)


def _rows(top: Whole, bottom: Whole) -> tuple[Whole, Whole]:
    """Return each piece's number as often as it has rows, and these rows."""
    count = bottom - top
    piece = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return piece, np.arange(len(piece)) + (top - begin)[piece]


def _seen(spans: _Spans) -> _Spans:
    seen = spans.count > 0
    return _Spans(spans.piece[seen], spans.row[seen], spans.first[seen], spans.count[seen])
