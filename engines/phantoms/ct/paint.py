"""Soft parts painted into slices, with soft borders and with fat between the fibres of muscles."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import parts_of
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.ct.attenuating import Attenuation
from engines.phantoms.ct.grid import Grid

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4403

#: Of the lattices from which texture is interpolated: in the plane and along the body.
_LATTICE_MM = (2.0, 2.0, 11.0)
_LATTICE = (230, 230, 80)
#: Of linear interpolation between independent normal values, on average over places.
_SPREAD = 0.54

#: Part of the fat of a muscle that lies in streaks; the rest is too fine to be seen.
_IN_STREAKS = 0.4
_FAT_SPREAD_HU = 9.0
_ORGAN_SPREAD_HU = 3.0


@dataclass(frozen=True, eq=False)
class Stroke:
    """One shape with one value, and which texture it takes."""

    shape: Deep
    hu: float
    texture: Tissue | None


class Canvas:
    """All strokes of one exam, and the textures of one body."""

    def __init__(self, build: Build, solids: tuple[Solid, ...], attenuation: Attenuation) -> None:
        self.strokes = [s for solid in solids for s in _strokes(solid, attenuation.of(solid))]
        boxes = [stroke.shape.box() for stroke in self.strokes]
        self._low = np.array([box[0] for box in boxes])
        self._high = np.array([box[1] for box in boxes])
        rng = np.random.default_rng([build.person.seed, STREAM])
        self._lattices = rng.standard_normal((2, *_LATTICE[::-1]))
        part = min(build.person.muscle_fat, 0.6)
        self._streaks = float(ndtri(1 - max(_IN_STREAKS * part, 1e-3))) * _SPREAD
        self._fine = (1 - _IN_STREAKS) * part

    def slice_hu(self, grid: Grid, height_mm: float) -> Values:
        """Return soft tissue at the places of a slice: float64, shape (row, column)."""
        x, y, z = grid.places(height_mm)
        image = np.full((y.size, x.size), -1000.0)
        fields = self._fields(x, y, height_mm)
        half = grid.pixel_mm
        low, high = float(np.min(z)) - half, float(np.max(z)) + half
        near = (self._low[:, 2] <= high) & (self._high[:, 2] >= low)
        # a small field passes most of the body by
        near &= (self._low[:, 0] <= x.max() + half) & (self._high[:, 0] >= x.min() - half)
        near &= (self._low[:, 1] <= y.max() + half) & (self._high[:, 1] >= y.min() - half)
        for i in np.flatnonzero(near):
            columns = _span(x[0], self._low[i, 0] - half, self._high[i, 0] + half)
            rows = _span(y[:, 0], self._low[i, 1] - half, self._high[i, 1] + half)
            part = image[rows, columns]
            if not part.size:
                continue
            stroke = self.strokes[i]
            here = z[rows] if z.ndim else z
            cover = stroke.shape.depth_mm(x[:, columns], y[rows], here) / grid.pixel_mm
            cover += 0.5
            np.clip(cover, 0.0, 1.0, out=cover)
            value = self._textured(stroke, fields, (rows, columns))
            part += cover * (value - part)
        return image

    def _textured(
        self, stroke: Stroke, fields: Values, where: tuple[slice, slice]
    ) -> Values | float:
        if stroke.texture is None:
            return stroke.hu
        if stroke.texture is Tissue.MUSCLE:
            streaks = np.clip((fields[0][where] - self._streaks) * 0.7 + 0.35, 0, 1)
            return np.asarray(stroke.hu - (100 * streaks + 70 * self._fine))
        spread = _FAT_SPREAD_HU if stroke.texture is Tissue.FAT else _ORGAN_SPREAD_HU
        return np.asarray(stroke.hu + spread / _SPREAD * fields[1][where])

    def _fields(self, x: Values, y: Values, height_mm: float) -> Values:
        """Interpolate both lattices: float64, shape (2, row, column), SD about ``_SPREAD``."""
        columns, left = _between(x[0], 0)
        rows, upper = _between(y[:, 0], 1)
        plane, low = _between(np.array([height_mm]), 2)
        cut = self._lattices[:, plane[0]] * (1 - low[0]) + self._lattices[:, plane[0] + 1] * low[0]
        cut = cut[:, rows] * (1 - upper[:, None]) + cut[:, rows + 1] * upper[:, None]
        return np.asarray(cut[:, :, columns] * (1 - left) + cut[:, :, columns + 1] * left)


def _between(places: Values, axis: int) -> tuple[NDArray[np.intp], Values]:
    last = _LATTICE[axis] - 1
    steps = np.clip(places / _LATTICE_MM[axis] + (last + 1) / 2, 0, last - 1e-9)
    first = steps.astype(np.intp)
    return first, steps - first


def _span(places: Values, low: float, high: float) -> slice:
    return slice(int(np.searchsorted(places, low)), int(np.searchsorted(places, high)))


def _strokes(solid: Solid, value: float) -> Iterator[Stroke]:
    texture = solid.tissue if solid.tissue in (Tissue.FAT, Tissue.MUSCLE, Tissue.ORGAN) else None
    if solid.name.startswith(("skin", "heart", "colon", "bladder", "gullet", "kidney")):
        texture = None
    for shape in parts_of(solid.shape):
        yield Stroke(shape, value, texture)
