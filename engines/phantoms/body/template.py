"""From a bone's outline to lumps of it: a thin shell on its surface and a filling.

A template is made once for a shape and a fineness; each person's bone is the same lumps moved,
stretched and given mineral. The points lie on a grid whose rows are shifted by odd parts, which
fills a projection along any axis evenly where a straight one gives stripes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.cloud import Cloud, rows_of, turned

Values = NDArray[np.float64]
#: Signed distance to a surface, negative inside, exact near it: float64 (point, 3) -> (point,).
Outline = Callable[[Values], Values]

#: Hydroxyapatite in compact bone, mg/mm3; textbooks give 1.1 to 1.2 g/cm3.
COMPACT_MG_MM3 = 1.15

#: Irrational parts of a step, as far from any pattern as numbers get.
_ODD = (0.7548776662466927, 0.5698402909980532)
_BIT_MM = 0.01
_BLOCK = 5

#: Points that are measured at a time, so that they stay in the processor's cache.
_CHUNK = 4096


@dataclass(frozen=True)
class Template:
    """One bone in its own frame, before it has a size and mineral.

    Points lie in memory column by column, which makes all that is done to them several times as
    quick.

    Attributes
    ----------
    shell_mm, normals : ndarray
        float64, shape (shell, 3). Points on the surface and the way outwards there.
    area_mm2 : ndarray
        float64, shape (shell,). Surface that each stands for.
    core_mm : ndarray
        float64, shape (core, 3). Points inside.
    depth_mm : ndarray
        float64, shape (core,). How deep each lies, in truth only near the surface.
    spacing_mm : float
        Between neighbours.
    """

    shell_mm: Values
    normals: Values
    area_mm2: Values
    core_mm: Values
    depth_mm: Values
    spacing_mm: float


def lattice(low: Values, cells: NDArray[np.intp], spacing_mm: float) -> Values:
    """Return one point for each cell of a box's grid.

    Each row of the grid is shifted along itself by an odd part of a step.

    Parameters
    ----------
    low : ndarray
        float64, shape (3,). The box's lowest corner.
    cells : ndarray
        Whole numbers, shape (cell, 3). Which cells, counted from there.
    spacing_mm : float
        A cell's side.

    Returns
    -------
    ndarray
        float64, shape (cell, 3).
    """
    a, b = _ODD
    i, j, k = cells.T.astype(np.float64)
    points = np.empty((len(cells), 3))
    shifts = (a * j + b * k, b * i + a * k, a * i + b * j)
    for axis, (step, shift) in enumerate(zip((i, j, k), shifts, strict=True)):
        shift -= np.floor(shift)
        points[:, axis] = (step + shift) * spacing_mm + low[axis]
    return points


def _counts(size: Values, step: float) -> tuple[int, int, int]:
    i, j, k = (max(int(np.ceil(one / step)), 1) for one in size)
    return i, j, k


def template_of(outline: Outline, low: Values, high: Values, spacing_mm: float) -> Template:
    """Fill an outline within a box with lumps."""
    points = _roughly_inside(outline, np.asarray(low), np.asarray(high), spacing_mm)
    value = _measured(outline, points)
    near = value < 1.2 * spacing_mm
    points, value = points[near], value[near]
    normals, size = np.zeros_like(points), np.ones(len(points))
    edge = value > -1.2 * spacing_mm
    slope = _gradient(outline, points[edge], value[edge])
    size[edge] = np.maximum(np.linalg.norm(slope, axis=1), 0.25)
    normals[edge] = slope / size[edge, None]
    distance = value / size
    band = np.abs(distance) < spacing_mm / 2
    shell = points[band] - normals[band] * distance[band, None]
    core = distance < spacing_mm / 2
    area = np.full(len(shell), spacing_mm**2)
    columns = (np.asfortranarray(one) for one in (shell, normals[band], points[core]))
    outer, ways, inner = columns
    return Template(outer, ways, area, inner, -distance[core], spacing_mm)


def _roughly_inside(outline: Outline, low: Values, high: Values, spacing_mm: float) -> Values:
    """Return the lattice's points in those blocks of the box that the outline comes near."""
    side = _BLOCK * spacing_mm
    blocks = np.stack([one.ravel() for one in np.indices(_counts(high - low, side))], axis=1)
    # half a block's diagonal away, and a step and some for distances that are not exact
    near = _measured(outline, low + (blocks + 0.5) * side) < (0.87 * _BLOCK + 1.9) * spacing_mm
    within = np.stack([one.ravel() for one in np.indices((_BLOCK,) * 3)], axis=1)
    cells = (blocks[near, None] * _BLOCK + within).reshape(-1, 3)
    return lattice(low, cells, spacing_mm)


def _measured(outline: Outline, points: Values) -> Values:
    found = np.empty(len(points))
    for first in range(0, len(points), _CHUNK):
        part = slice(first, first + _CHUNK)
        found[part] = outline(points[part])
    return found


def _gradient(outline: Outline, points: Values, value: Values) -> Values:
    """Return slopes by small steps from points where the outline is known."""
    slopes = np.empty((len(points), 3))
    for axis in range(3):
        moved = points.copy()
        moved[:, axis] += _BIT_MM
        slopes[:, axis] = (_measured(outline, moved) - value) / _BIT_MM
    return slopes


def cast(template: Template, scale: Values, shell_mm: Values, spongy_mg_cm3: Values) -> Cloud:
    """Give a template its size and its mineral.

    Parameters
    ----------
    template : Template
        The shape.
    scale : ndarray
        float64, shape (3,). Factors along its own axes.
    shell_mm : ndarray
        float64, shape () or (shell,). How thick the compact bone is.
    spongy_mg_cm3 : ndarray
        float64, shape () or (core,). Mineral of the spongy bone.

    Returns
    -------
    Cloud
        In the bone's own frame, first the shell's points, then the core's.
    """
    volume = float(np.prod(scale))
    slant = template.normals / scale
    stretch = np.linalg.norm(slant, axis=1)
    shell = np.broadcast_to(shell_mm, len(template.shell_mm))
    outer = template.shell_mm * scale - slant * (shell / 2 / stretch)[:, None]
    compact = template.area_mm2 * volume * stretch * shell
    depth = template.depth_mm * volume ** (1 / 3)
    step = template.spacing_mm * volume ** (1 / 3)
    inside = np.clip((depth - np.mean(shell)) / step + 0.5, 0, 1) * step**3
    return Cloud(
        rows_of([outer, template.core_mm * scale]),
        np.concatenate([compact, inside]),
        np.concatenate([compact * COMPACT_MG_MM3, inside * spongy_mg_cm3 / 1000]),
    )


def posed(cloud: Cloud, axes: Values, centre_mm: Values) -> Cloud:
    """Turn a cloud by a rotation (columns are its axes) and put it where it belongs."""
    return cloud.moved(lambda points_mm: turned(points_mm, axes) + centre_mm)


def compact_part(template: Template, size: float, shell_mm: float, thick_mm: Values) -> Values:
    """Return how much of each inner lump is compact bone, where that is thicker than the shell.

    Parameters
    ----------
    template : Template
        The shape.
    size : float
        Its factor.
    shell_mm : float
        What the shell already holds of the compact bone.
    thick_mm : ndarray
        float64, shape (core,). Of all compact bone near each lump.

    Returns
    -------
    ndarray
        float64, shape (core,), 0 to 1.
    """
    step = template.spacing_mm * size
    beyond = np.maximum(thick_mm - shell_mm, 0)
    depth = template.depth_mm * size - shell_mm
    whole = np.clip(depth / step + 0.5, 1e-6, 1)
    hollow = np.clip((depth - beyond) / step + 0.5, 0, 1)
    return np.asarray(1 - np.minimum(hollow / whole, 1))
