"""Long bones as tubes along a path: a compact wall and a spongy filling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.template import COMPACT_MG_MM3

Values = NDArray[np.float64]

#: How far each step's ring of lumps is turned and shifted against the last: the golden section.
_GOLDEN = 0.6180339887498949
_ODD = (0.7548776662466927, 0.5698402909980532)


@dataclass(frozen=True)
class Tube:
    """A bone's course.

    Attributes
    ----------
    path_mm : ndarray
        float64, shape (step, 3). Evenly spaced points along the middle.
    outward : ndarray
        float64, shape (step, 3). Which way ``thick`` is measured; ``wide`` is across.
    wide_mm, thick_mm : ndarray
        float64, shape (step,). Half sizes of the cross-section.
    wall_mm : ndarray
        float64, shape (step,). Compact bone.
    spongy_mg_cm3 : float
        In the filling.
    marrow : float
        Part of the radius, from the middle, that holds marrow alone.
    """

    path_mm: Values
    outward: Values
    wide_mm: Values
    thick_mm: Values
    wall_mm: Values
    spongy_mg_cm3: float
    marrow: float = 0.0


def course(knots_mm: Values, spacing_mm: float) -> Values:
    """Return a smooth path through knots, points ``spacing_mm`` apart: float64, shape (step, 3)."""
    knots = np.asarray(knots_mm, dtype=np.float64)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    fine = CubicSpline(lengths, knots)(np.linspace(0, lengths[-1], 400))
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    steps = np.linspace(0, along[-1], max(4, round(along[-1] / spacing_mm)))
    return np.stack([np.interp(steps, along, fine[:, axis]) for axis in range(3)], axis=1)


def fill(tube: Tube, spacing_mm: float) -> Cloud:
    """Return a tube's lumps: one ring of wall and a disc of filling at each step."""
    along, across, out = _frames(tube)
    step = np.linalg.norm(np.gradient(tube.path_mm, axis=0), axis=1)
    wall = _wall(tube, spacing_mm)
    disc = _disc(tube, spacing_mm)
    clouds = []
    for (a, b, area, compact), turn in ((wall, True), (disc, False)):
        steps, lumps = np.arange(a.shape[0])[:, None], np.arange(a.shape[1])
        shift = ((steps * _ODD[0] + lumps * _ODD[1]) % 1 - 0.5) * spacing_mm
        points = np.empty((3, *a.shape))
        for axis, middle in enumerate(tube.path_mm.T):
            aside = middle[:, None] + a * across[:, axis, None] + b * out[:, axis, None]
            points[axis] = aside + along[:, axis, None] * shift
        volume = area * step[:, None]
        mineral = volume * (COMPACT_MG_MM3 if turn else compact / 1000)
        clouds.append(Cloud(points.reshape(3, -1).T, volume.ravel(), mineral.ravel()))
    return Cloud.together(clouds)


def _frames(tube: Tube) -> tuple[Values, Values, Values]:
    along = np.gradient(tube.path_mm, axis=0)
    along /= np.linalg.norm(along, axis=1)[:, None]
    out = tube.outward - np.sum(tube.outward * along, axis=1)[:, None] * along
    out /= np.linalg.norm(out, axis=1)[:, None]
    return along, np.cross(out, along), out


def _wall(tube: Tube, spacing_mm: float) -> tuple[Values, Values, Values, Values]:
    """Offsets across and outward, area of each lump; the last is not used."""
    largest = float(np.max(tube.wide_mm + tube.thick_mm)) * np.pi
    count = max(8, int(largest / spacing_mm))
    turn = np.arange(len(tube.path_mm)) * _GOLDEN
    angle = 2 * np.pi * ((np.arange(count)[None] + turn[:, None]) / count)
    wide, thick = tube.wide_mm[:, None], tube.thick_mm[:, None]
    wall = tube.wall_mm[:, None]
    a, b = (wide - wall / 2) * np.cos(angle), (thick - wall / 2) * np.sin(angle)
    arc = np.hypot((wide - wall / 2) * np.sin(angle), (thick - wall / 2) * np.cos(angle))
    return a, b, arc * wall * 2 * np.pi / count, arc


def _disc(tube: Tube, spacing_mm: float) -> tuple[Values, Values, Values, Values]:
    """Offsets across and outward, area of each lump, its mineral per cm3."""
    inner_wide = np.maximum(tube.wide_mm - tube.wall_mm, 0.1)
    inner_thick = np.maximum(tube.thick_mm - tube.wall_mm, 0.1)
    area = np.pi * inner_wide * inner_thick
    count = max(4, int(float(np.max(area)) / spacing_mm**2))
    radius = np.sqrt((np.arange(count) + 0.5) / count)[None]
    turn = np.arange(len(tube.path_mm))[:, None] * _GOLDEN
    angle = 2 * np.pi * (np.arange(count)[None] * _GOLDEN + turn)
    a, b = (
        inner_wide[:, None] * radius * np.cos(angle),
        inner_thick[:, None] * radius * np.sin(angle),
    )
    solid = np.broadcast_to(radius >= tube.marrow, a.shape)
    spongy = tube.spongy_mg_cm3 * solid / max(1 - tube.marrow**2, 1e-6)
    return a, b, np.broadcast_to(area[:, None] / count, a.shape), np.where(solid, spongy, 0.0)
