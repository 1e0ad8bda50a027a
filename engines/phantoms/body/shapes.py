"""Where soft parts are: ellipsoids, stacks of cross-sections, tubes, and parts of them.

Each shape knows how deep under its surface a place is; a CT paints soft borders with that, and a
film gets chords, exact for ellipsoids and tubes, marched for the others.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.deep import Deep, Mask, Values, within
from engines.phantoms.body.marching import march_mm

#: Places so far outside of one part of a common shape are outside of all, however wide a sample.
_FAR_OUT_MM = 30.0


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid.

    Attributes
    ----------
    centre_mm, semi_axes_mm : ndarray
        float64, shape (3,).
    axes : ndarray
        float64, shape (3, 3): its own axes as columns, a rotation.
    """

    centre_mm: Values
    semi_axes_mm: Values
    axes: Values

    @cached_property
    def _form(self) -> Values:
        return np.asarray((self.axes / np.square(self.semi_axes_mm)) @ self.axes.T)

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        half = np.sqrt(np.square(self.axes * self.semi_axes_mm).sum(axis=1))
        return self.centre_mm - half, self.centre_mm + half

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return about how far under the surface places lie, to first order."""
        a = self._form
        dx, dy, dz = (w - c for w, c in zip((x, y, z), self.centre_mm, strict=True))
        gx = a[0, 0] * dx + (a[0, 1] * dy + a[0, 2] * dz)
        gy = a[0, 1] * dx + (a[1, 1] * dy + a[1, 2] * dz)
        gz = a[0, 2] * dx + (a[1, 2] * dy + a[2, 2] * dz)
        form = gx * dx + gy * dy + gz * dz
        slope = np.sqrt(gx * gx + gy * gy + gz * gz) + 1e-9
        return np.asarray(0.5 * (1 - form) / slope)

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it, exactly."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it, exactly, unless source or target is inside."""
        a, ray, off = self._form, targets_mm - source_mm, source_mm - self.centre_mm
        turned = ray @ a
        square = (turned * ray).sum(axis=-1)
        half = turned @ off
        rest = off @ a @ off - 1
        root = np.sqrt(np.clip(half * half - square * rest, 0, None))
        return np.asarray(2 * root / square * np.sqrt((ray * ray).sum(axis=-1)))


@dataclass(frozen=True, eq=False)
class Box:
    """All between two corners, mm LPS."""

    low_mm: Values
    high_mm: Values

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        return self.low_mm, self.high_mm

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return how far under the surface places lie."""
        deep = [
            np.minimum(w - low, high - w)
            for w, low, high in zip((x, y, z), self.low_mm, self.high_mm, strict=True)
        ]
        return np.asarray(np.minimum(np.minimum(deep[0], deep[1]), deep[2]))

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it."""
        return march_mm(self, source_mm, targets_mm)


@dataclass(frozen=True, eq=False)
class Stack:
    """Superellipses one over the other, sizes linear between levels, cut flat at both ends.

    Attributes
    ----------
    z_mm : ndarray
        float64, shape (level,), rising.
    centres_mm, semi_axes_mm : ndarray
        float64, shape (level, 2): x and y.
    power : float
        2 for an ellipse, more for a box with round corners.
    turn_deg : float
        Of the cross-sections, from x towards y.
    """

    z_mm: Values
    centres_mm: Values
    semi_axes_mm: Values
    power: float = 2.0
    turn_deg: float = 0.0

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        reach = self.semi_axes_mm
        if self.turn_deg:
            c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
            a, b = reach.T * (1.0 if self.power == 2 else np.sqrt(2.0))
            reach = np.stack([np.hypot(a * c, b * s), np.hypot(a * s, b * c)], axis=1)
        low, high = (self.centres_mm - reach).min(axis=0), (self.centres_mm + reach).max(axis=0)
        return np.append(low, self.z_mm[0]), np.append(high, self.z_mm[-1])

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return about how far under the surface places lie, to first order in the plane."""
        cx, cy, a, b = self._at(z)
        dx, dy = x - cx, y - cy
        if self.turn_deg:
            c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
            dx, dy = c * dx + s * dy, c * dy - s * dx
        u, v = np.abs(dx) / a, np.abs(dy) / b
        steep_u, steep_v = (
            (u, v) if self.power == 2 else (u ** (self.power - 1), v ** (self.power - 1))
        )
        form = u * steep_u + v * steep_v
        a, b = steep_u / a, steep_v / b
        slope = a * a + b * b
        slope = np.sqrt(slope, out=slope) + 1e-9
        slope *= self.power
        deep = np.subtract(1, form, out=form)
        deep /= slope
        ends = np.minimum(z - self.z_mm[0], self.z_mm[-1] - z)
        return np.asarray(np.minimum(deep, ends))

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it."""
        return march_mm(self, source_mm, targets_mm)

    def _at(self, z: Values) -> list[Values]:
        """Interpolate centres and half sizes at heights."""
        level, first, rise = self._lines
        if np.ndim(z) == 0:
            columns = (*self.centres_mm.T, *self.semi_axes_mm.T)
            return [np.asarray(np.interp(z, level, column)) for column in columns]
        inside = np.minimum(np.maximum(z, level[0]), level[-1])
        below = np.searchsorted(level[1:-1], inside, "right")
        lines = zip(first, rise, strict=True)
        return [b.take(below) * inside + a.take(below) for a, b in lines]

    @cached_property
    def _lines(self) -> tuple[Values, Values, Values]:
        """Heights, and of each column the line between two of them: value at 0, rise."""
        columns = np.concatenate([self.centres_mm, self.semi_axes_mm], axis=1).T
        rise = np.diff(columns, axis=1) / np.diff(self.z_mm)
        first = columns[:, :-1] - rise * self.z_mm[:-1]
        return self.z_mm, np.ascontiguousarray(first), np.ascontiguousarray(rise)


@dataclass(frozen=True, eq=False)
class Outline:
    """Cross-sections one over the other, each with its own radius in each direction.

    Attributes
    ----------
    z_mm : ndarray
        float64, shape (level,), evenly rising.
    centres_mm : ndarray
        float64, shape (level, 2): x and y.
    radii_mm : ndarray
        float64, shape (level, direction): from x towards y, evenly around.
    """

    z_mm: Values
    centres_mm: Values
    radii_mm: Values

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        angle = 2 * np.pi * np.arange(self.radii_mm.shape[1]) / self.radii_mm.shape[1]
        x = self.centres_mm[:, :1] + self.radii_mm * np.cos(angle)
        y = self.centres_mm[:, 1:] + self.radii_mm * np.sin(angle)
        return (
            np.array([x.min(), y.min(), self.z_mm[0]]),
            np.array([x.max(), y.max(), self.z_mm[-1]]),
        )

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return how far under the surface places lie, along the radius."""
        levels = len(self.z_mm)
        step = (self.z_mm[-1] - self.z_mm[0]) / (levels - 1)
        row = (np.asarray(z) - self.z_mm[0]) / step
        row = np.minimum(np.maximum(row, 0), levels - 1 - 1e-9)
        level = row.astype(np.intp)
        up = row - level
        dx, dy = (w - c for w, c in zip((x, y), self._middle(level, up), strict=True))
        ends = np.minimum(z - self.z_mm[0], self.z_mm[-1] - z)
        radius = self._radius(np.arctan2(dy, dx), level, up)
        return np.asarray(np.minimum(radius - np.sqrt(dx * dx + dy * dy), ends))

    def _middle(self, level: NDArray[np.intp], up: Values) -> tuple[Values, Values]:
        x, y = (c.take(level) + rise.take(level) * up for c, rise in self._line)
        return x, y

    @cached_property
    def _line(self) -> list[tuple[Values, Values]]:
        """Of x and of y: at each level, and what it gains up to the next."""
        columns = np.ascontiguousarray(self.centres_mm.T)
        return [(column, np.diff(column)) for column in columns]

    def _radius(self, angle: Values, level: NDArray[np.intp], up: Values) -> Values:
        around = self.radii_mm.shape[1]
        turn = angle * (around / (2 * np.pi)) + around
        if np.ndim(level) == 0:
            ring = (1 - up) * self.radii_mm[level] + up * self.radii_mm[level + 1]
            ring = np.append(np.tile(ring, 2), ring[0])
            return np.asarray(np.interp(turn, np.arange(2 * around + 1), ring))
        left = turn.astype(np.intp)
        right_part = turn - left
        # the table goes twice around and one step, so that no direction needs a remainder
        table, rise, width = self._twice_around
        at = level * width + left
        low = table.take(at) + right_part * rise.take(at)
        at += width
        high = table.take(at) + right_part * rise.take(at)
        return np.asarray(low + up * (high - low))

    @cached_property
    def _twice_around(self) -> tuple[Values, Values, int]:
        """Return radii, what each gains to the next direction, and how many a level has."""
        radii = self.radii_mm
        table = np.concatenate([radii, radii, radii[:, :2]], axis=1)
        rise = np.append(np.diff(table, axis=1), np.zeros((len(table), 1)), axis=1)
        return table.ravel(), rise.ravel(), table.shape[1]

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it."""
        return march_mm(self, source_mm, targets_mm)


def _least(
    deep: Values, rest: list[tuple[Deep, int]], places: tuple[Values, Values, Values]
) -> Values:
    for shape, sign in rest:
        deep = np.minimum(deep, sign * shape.depth_mm(*places))
    return deep


@dataclass(frozen=True, eq=False)
class Common:
    """What all of several shapes have in common; a negative sign takes a shape away.

    Attributes
    ----------
    shapes : tuple of Deep
        At least one that is not taken away, first.
    signs : tuple of int
        1 or -1 for each.
    """

    shapes: tuple[Deep, ...]
    signs: tuple[int, ...]

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        boxes = [s.box() for s, sign in zip(self.shapes, self.signs, strict=True) if sign > 0]
        low = np.max([b[0] for b in boxes], axis=0)
        return low, np.maximum(np.min([b[1] for b in boxes], axis=0), low)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return about how far under the surface places lie."""
        deep = self.shapes[0].depth_mm(x, y, z)
        rest = list(zip(self.shapes[1:], self.signs[1:], strict=True))
        if np.ndim(x) != 1 or np.shape(x) != np.shape(z):
            return _least(deep, rest, (x, y, z))
        # what is far outside of the first need not be asked for the others
        near = np.flatnonzero(deep > -_FAR_OUT_MM)
        if 2 * near.size > deep.size:
            return _least(deep, rest, (x, y, z))
        deep[near] = _least(deep[near], rest, (x[near], y[near], z[near]))
        return deep

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it."""
        return march_mm(self, source_mm, targets_mm)


def inset(shape: Deep, by_mm: float) -> "Inset":
    """Return a shape a little smaller on all sides, or larger where negative."""
    return Inset(shape, by_mm)


@dataclass(frozen=True, eq=False)
class Inset:
    """A shape without its outer layer of ``by_mm``."""

    shape: Deep
    by_mm: float

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        low, high = self.shape.box()
        return low + self.by_mm, high - self.by_mm

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return about how far under the surface places lie."""
        return np.asarray(self.shape.depth_mm(x, y, z) - self.by_mm)

    def inside(self, points_mm: Values) -> Mask:
        """Tell which points lie in it."""
        return within(self, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        """Return how far rays run through it."""
        return march_mm(self, source_mm, targets_mm)
