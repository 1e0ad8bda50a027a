"""What runs along a curve: vessels, bowel, leads, screws and stems."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from engines.phantoms.body.deep import Deep, Mask, within
from engines.phantoms.body.solids import Shape

Values = NDArray[np.float64]

#: Steps that never fall in with each other: the plastic number's (Roberts 2018).
_GOLDEN = (0.7548776662466927, 0.5698402909980532)


def curve(knots_mm: Sequence[Sequence[float]] | Values, steps: int) -> Values:
    """Draw a smooth curve through knots: float64, shape (steps, 3), mm, evenly in knots."""
    knots = np.asarray(knots_mm, dtype=np.float64)
    if len(knots) < 3:
        return np.asarray(np.linspace(knots[0], knots[-1], steps))
    weights = _weights(len(knots), steps)
    return np.asarray((weights[:, :, None] * knots).sum(axis=1))


@lru_cache(maxsize=64)
def _weights(knots: int, steps: int) -> Values:
    """Return what each knot of a spline adds to each place: float64, shape (steps, knots)."""
    spline = CubicSpline(np.arange(knots), np.eye(knots))
    return np.asarray(spline(np.linspace(0, knots - 1, steps)))


@dataclass(frozen=True, eq=False)
class Capsule:
    """A straight piece of tube with round ends."""

    start_mm: Values
    end_mm: Values
    radius_mm: float

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        low, high = np.minimum(self.start_mm, self.end_mm), np.maximum(self.start_mm, self.end_mm)
        return low - self.radius_mm, high + self.radius_mm

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return how far under the surface places lie, exactly."""
        way = self.end_mm - self.start_mm
        dx, dy, dz = x - self.start_mm[0], y - self.start_mm[1], z - self.start_mm[2]
        along = (way[0] * dx + (way[1] * dy + way[2] * dz)) / (way @ way + 1e-12)
        along = np.minimum(np.maximum(along, 0.0), 1.0)
        gap = np.square(dx - way[0] * along) + np.square(dy - way[1] * along)
        return np.asarray(self.radius_mm - np.sqrt(gap + np.square(dz - way[2] * along)))


@dataclass(frozen=True, eq=False)
class Tube:
    """A round tube along a path.

    Attributes
    ----------
    path_mm : ndarray
        float64, shape (knot, 3).
    radii_mm : ndarray
        float64, shape (knot,).
    """

    path_mm: Values
    radii_mm: Values

    def pieces(self) -> tuple[Capsule, ...]:
        """Return the straight pieces, for who paints one after the other."""
        return self._pieces

    @cached_property
    def _pieces(self) -> tuple[Capsule, ...]:
        mean = (self.radii_mm[1:] + self.radii_mm[:-1]) / 2
        ends = zip(self.path_mm[:-1], self.path_mm[1:], mean, strict=True)
        return tuple(Capsule(start, end, float(radius)) for start, end, radius in ends)

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        reach = self.radii_mm[:, None]
        return (self.path_mm - reach).min(axis=0), (self.path_mm + reach).max(axis=0)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return how far under the surface places lie."""
        return reduce(np.maximum, (piece.depth_mm(x, y, z) for piece in self.pieces()))

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it."""
        return within(self, points_mm)

    def lumps(self, step_mm: float = 1.0) -> tuple[Values, Values]:
        """Return points (point, 3) along and around the path and the volume of each, mm3.

        A film of many thin vessels splats these, which is faster than their chords.
        """
        gap = np.linalg.norm(np.diff(self.path_mm, axis=0), axis=1)
        way = np.append(0.0, np.cumsum(gap))
        at = np.arange(step_mm / 2, max(way[-1], step_mm), step_mm)
        middle = np.stack([np.interp(at, way, c) for c in self.path_mm.T], axis=1)
        radius = np.interp(at, way, self.radii_mm)
        ahead = np.gradient(middle, axis=0) if len(at) > 1 else self.path_mm[-1:] - self.path_mm[:1]
        ahead = ahead / (np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-12)
        across = np.cross(ahead, np.where(np.abs(ahead[:, 2:]) > 0.8, [1.0, 0, 0], [0, 0, 1.0]))
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        other = np.cross(ahead, across)
        turn = np.pi * np.arange(6) / 3
        ring = np.cos(turn)[:, None, None] * across + np.sin(turn)[:, None, None] * other
        points = middle + 0.66 * radius[:, None] * ring
        volume = np.broadcast_to(np.pi * radius**2 * step_mm / 6, points.shape[:2])
        return points.reshape(-1, 3), volume.ravel()

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it: cylinders that are mitred where they meet."""
        rays = targets_mm.reshape(-1, 3) - source_mm
        rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
        total = np.zeros(len(rays))
        way = np.diff(self.path_mm, axis=0)
        way = way / np.linalg.norm(way, axis=1, keepdims=True)
        mitres = np.concatenate([way[:1], way[:-1] + way[1:], way[-1:]])
        radii = (self.radii_mm[1:] + self.radii_mm[:-1]) / 2
        for i, radius in enumerate(radii):
            hit = _near(rays, source_mm, self.path_mm[i : i + 2], float(radius))
            cylinder = (self.path_mm[i] - source_mm, way[i], float(radius))
            far = self.path_mm[i + 1] - source_mm
            ends = ((cylinder[0], mitres[i]), (far, mitres[i + 1]))
            total[hit] += _cylinder_mm(rays[hit], cylinder, ends)
        return total.reshape(targets_mm.shape[:-1])


@dataclass(frozen=True, eq=False)
class Branches:
    """Many short straight tubes, such as the vessels of a lung.

    Attributes
    ----------
    starts_mm, ends_mm : ndarray
        float64, shape (piece, 3).
    first_mm, last_mm : ndarray
        float64, shape (piece,): radii at both ends.
    """

    starts_mm: Values
    ends_mm: Values
    first_mm: Values
    last_mm: Values

    def pieces(self) -> tuple[Capsule, ...]:
        """Return the pieces, for who paints one after the other."""
        radii = (self.first_mm + self.last_mm) / 2
        ends = zip(self.starts_mm, self.ends_mm, radii, strict=True)
        return tuple(Capsule(start, end, float(radius)) for start, end, radius in ends)

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        both = np.concatenate([self.starts_mm, self.ends_mm])
        reach = np.concatenate([self.first_mm, self.last_mm])[:, None]
        return (both - reach).min(axis=0), (both + reach).max(axis=0)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return how far under the surface places lie."""
        return reduce(np.maximum, (piece.depth_mm(x, y, z) for piece in self.pieces()))

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in one of them."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through them; those that overlap count twice."""
        radii = np.stack([self.first_mm, self.last_mm], axis=1)
        ends = np.stack([self.starts_mm, self.ends_mm], axis=1)
        chords = (
            Tube(path, both).chord_mm(source_mm, targets_mm)
            for path, both in zip(ends, radii, strict=True)
        )
        return np.asarray(sum(chords, np.zeros(targets_mm.shape[:-1])))

    def lumps(self) -> tuple[Values, Values]:
        """Return points (point, 3) that fill the pieces, and the volume of each, mm3.

        Thin pieces have them on their axis; thick ones across it too, evenly by golden sections.
        """
        way = self.ends_mm - self.starts_mm
        length = np.sqrt(np.square(way).sum(axis=1))
        radius = (self.first_mm + self.last_mm) / 2
        edge = np.maximum(1.0, 0.6 * radius)
        count = np.maximum(np.rint(np.pi * radius**2 * length / edge**3), np.rint(length / 1.2))
        count = np.maximum(count, 1).astype(np.int64)
        of = np.repeat(np.arange(len(count)), count)
        order = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
        part = (order + 0.5) / count[of]
        here = self.first_mm[of] + (self.last_mm - self.first_mm)[of] * part
        # neighbours along the axis lie far apart across it
        out = here * np.sqrt((order * _GOLDEN[0]) % 1.0) * np.minimum(radius[of] / 1.5, 1.0)
        turn = 2 * np.pi * ((order * _GOLDEN[1]) % 1.0)
        along = way / np.maximum(length, 1e-9)[:, None]
        across = np.cross(along, np.where(np.abs(along[:, 2:]) > 0.8, [1.0, 0, 0], [0, 0, 1.0]))
        across /= np.sqrt(np.square(across).sum(axis=1, keepdims=True))
        other = np.cross(along, across)
        points = self.starts_mm[of] + part[:, None] * way[of]
        points += (out * np.cos(turn))[:, None] * across[of]
        points += (out * np.sin(turn))[:, None] * other[of]
        return points, np.pi * here**2 * (length / count)[of]


def parts_of(shape: Shape) -> tuple[Deep, ...]:
    """Take tubes apart, for each piece has a small box; what is no tube is one part."""
    return shape.pieces() if isinstance(shape, Tube | Branches) else (cast(Deep, shape),)


def _near(rays: Values, source_mm: Values, ends_mm: Values, radius: float) -> NDArray[np.intp]:
    """Return the rays that pass a piece's ball."""
    middle = ends_mm.mean(axis=0) - source_mm
    reach = np.linalg.norm(ends_mm[1] - ends_mm[0]) / 2 + 1.5 * radius
    along = rays @ middle
    return np.flatnonzero(middle @ middle - along * along < reach * reach)


def _cylinder_mm(
    rays: Values,
    cylinder: tuple[Values, Values, float],
    ends: tuple[tuple[Values, Values], tuple[Values, Values]],
) -> Values:
    """Return chords of unit rays from the origin through a cylinder between two planes."""
    start, way, radius = cylinder
    side, off = rays - (rays @ way)[:, None] * way, -start + (start @ way) * way
    square = (side * side).sum(axis=1) + 1e-15
    half = side @ off
    root = half * half - square * (off @ off - radius * radius)
    reach = np.sqrt(np.clip(root, 0, None)) / square
    enter, leave = -half / square - reach, -half / square + reach
    for sign, (point, normal) in zip((1, -1), ends, strict=True):
        steep = sign * (rays @ normal)
        cut = sign * (point @ normal) / np.where(np.abs(steep) < 1e-12, 1e-12, steep)
        enter = np.where(steep > 0, np.maximum(enter, cut), enter)
        leave = np.where(steep <= 0, np.minimum(leave, cut), leave)
    return np.where(root > 0, np.clip(leave - enter, 0, None), 0.0)
