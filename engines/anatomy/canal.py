"""Find the spinal canal of a CT: soft tissue with bone all around it, from slice to slice.

A voxel of the canal meets bone whichever way one looks from it, within a few millimetres but where
a foramen or a disc opens the ring. So every soft voxel is scored by how much of its horizon is
bone, and the best path through all slices is taken, which no open ring turns aside. Ours.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engines.errors import BadSeries, Reason
from engines.volume import Volume

Grid = NDArray[np.float32]
Path = NDArray[np.float64]

# All ours. Voxels of about this size are enough to find it.
_VOXEL_MM = 2.0
_BONE_HU = 170.0
_SOFT_HU = (-140.0, 150.0)
# The sac and fat of a canal are darker than most spongy bone: what each HU above costs.
_SAC_HU, _BRIGHT_PER_HU = 45.0, 0.003
_RAYS = 16
# The widest canal, measured from its middle to the far wall of a lamina.
_HORIZON_MM = 24.0
# What each millimetre costs that bone is farther away, and that the path goes sideways.
_FAR_PER_MM, _SIDEWAYS_PER_MM = 0.02, 0.03
# What each millimetre of room on the narrowest side is worth, up to a wide canal's: the wall is in
# reach from its edge as from its middle, and the middle is wanted.
_ROOM_PER_MM, _MOST_ROOM_MM = 0.04, 8.0
# It lies near the middle of the body: how far off costs nothing, and what each millimetre more.
_MIDLINE_MM, _OFF_PER_MM = 25.0, 0.04
_BODY_HU = -300.0
# Farther than this from the middle of the body nothing is looked at.
_REACH_MM = 80.0
# How far the canal may run sideways for each millimetre of height.
_STEEPEST = 1.2
_NOT_SOFT = -1.0
#: A path whose horizon is bone for less than this part, in the median slice, is no canal.
LEAST_ENCLOSED = 0.6


@dataclass(frozen=True)
class Canal:
    """The middle of the spinal canal.

    Attributes
    ----------
    at : ndarray
        float64, shape (slice, 2): row and column in each slice of the volume.
    enclosed : ndarray
        float64, shape (slice,), range [0, 1]: how much of the horizon is bone there.
    """

    at: Path
    enclosed: Path


@dataclass(frozen=True)
class _Coarse:
    """A volume with fewer voxels."""

    hu: Grid
    spacing_mm: tuple[float, float, float]
    strides: tuple[int, int, int]


def find_canal(volume: Volume) -> Canal:
    """Find the spinal canal in every slice.

    Parameters
    ----------
    volume : Volume
        A CT that shows some of the spine, axes along the patient's.

    Raises
    ------
    BadSeries
        SPINE_NOT_FOUND where no path through the slices is enclosed by bone.
    """
    whole = _coarse(volume)
    middle = _middle_column(whole)
    reach = int(_REACH_MM / whole.spacing_mm[2])
    first = max(0, int(middle) - reach)
    coarse = replace(whole, hu=whole.hu[:, :, first : int(middle) + reach + 1])
    enclosed, score = _scores(coarse, middle - first)
    path = _best_path(score, coarse.spacing_mm)
    along = np.arange(len(path))
    ring = enclosed[along, path[:, 0], path[:, 1]].astype(np.float64)
    if float(np.median(ring)) < LEAST_ENCLOSED:
        detail = f"bone surrounds {np.median(ring):.0%} of the likeliest spinal canal"
        raise BadSeries(Reason.SPINE_NOT_FOUND, detail)
    slices = np.arange(volume.hu.shape[0])
    # the middle of the voxels that each coarse one stands for
    known = along * coarse.strides[0] + (coarse.strides[0] - 1) / 2
    strides = np.array(coarse.strides[1:])
    where = (path + np.array([0, first])) * strides + (strides - 1) / 2
    at = np.column_stack([np.interp(slices, known, where[:, axis]) for axis in (0, 1)])
    return Canal(at, np.interp(slices, known, ring))


def _coarse(volume: Volume) -> _Coarse:
    """Average blocks of voxels to about two millimetres; what was not measured is air."""
    strides = [max(1, round(_VOXEL_MM / spacing)) for spacing in volume.spacing_mm]
    whole = [n // stride * stride for n, stride in zip(volume.hu.shape, strides, strict=True)]
    seen = volume.hu[: whole[0], : whole[1], : whole[2]]
    # a few slices at a time: another whole volume is more than a worker has room for
    blocks = (seen[low : low + strides[0]] for low in range(0, whole[0], strides[0]))
    hu = np.stack([_averaged(block, strides[1], strides[2]) for block in blocks])
    z, y, x = (a * b for a, b in zip(volume.spacing_mm, strides, strict=True))
    return _Coarse(hu, (z, y, x), (strides[0], strides[1], strides[2]))


def _averaged(block: Grid, rows: int, columns: int) -> Grid:
    """Average some slices into one, and that in blocks of rows and columns."""
    hu: Grid = np.where(np.isnan(block), np.float32(-1000.0), block).mean(axis=0)
    hu = np.stack([hu[n::rows] for n in range(rows)]).mean(axis=0)
    mean: Grid = np.stack([hu[:, n::columns] for n in range(columns)]).mean(axis=0)
    return mean


def _scores(coarse: _Coarse, middle: float) -> tuple[Grid, Grid]:
    """Return the part of each voxel's horizon that is bone, and how much a canal it looks like."""
    nearest_mm = _bone_around_mm(coarse)
    hit = np.isfinite(nearest_mm)
    enclosed = hit.mean(axis=0, dtype=np.float32)
    away_mm = np.where(hit, nearest_mm, _HORIZON_MM).mean(axis=0, dtype=np.float32)
    room_mm = np.minimum(nearest_mm.min(axis=0), _MOST_ROOM_MM)
    soft = (coarse.hu > _SOFT_HU[0]) & (coarse.hu < _SOFT_HU[1])
    score = enclosed - _FAR_PER_MM * away_mm + _ROOM_PER_MM * room_mm
    bright = np.clip(coarse.hu - _SAC_HU, 0, _SOFT_HU[1] - _SAC_HU)
    score += np.where(soft, 0, _NOT_SOFT) - _BRIGHT_PER_HU * bright - _off_midline(coarse, middle)
    return enclosed, score.astype(np.float32)


def _bone_around_mm(coarse: _Coarse) -> Grid:
    """Return the way to the first bone in each direction, shape (ray, slice, row, column)."""
    _, row_mm, column_mm = coarse.spacing_mm
    step_mm = min(row_mm, column_mm)
    bone = coarse.hu > _BONE_HU
    reach = (int(_HORIZON_MM / row_mm) + 1, int(_HORIZON_MM / column_mm) + 1)
    around = np.pad(bone, [(0, 0), (reach[0],) * 2, (reach[1],) * 2])
    found = np.full((_RAYS, *bone.shape), np.inf, np.float32)
    for ray, angle in enumerate(np.arange(_RAYS) * 2 * np.pi / _RAYS):
        for step in range(int(_HORIZON_MM / step_mm), 0, -1):
            top = reach[0] + round(np.sin(angle) * step * step_mm / row_mm)
            left = reach[1] + round(np.cos(angle) * step * step_mm / column_mm)
            there = around[:, top : top + bone.shape[1], left : left + bone.shape[2]]
            np.copyto(found[ray], np.float32(step * step_mm), where=there)
    return found


def _middle_column(coarse: _Coarse) -> float:
    """Return the middle of the body, in columns."""
    body = (coarse.hu > _BODY_HU).sum(axis=(0, 1)).astype(np.float64)
    return float((np.arange(len(body)) * body).sum() / max(1.0, body.sum()))


def _off_midline(coarse: _Coarse, middle: float) -> Grid:
    """Return what being beside the middle of the body costs, shape (1, 1, column)."""
    off_mm = np.abs(np.arange(coarse.hu.shape[2]) - middle) * coarse.spacing_mm[2]
    cost: Grid = (_OFF_PER_MM * np.clip(off_mm - _MIDLINE_MM, 0, None)).astype(np.float32)
    return cost[None, None]


def _best_path(score: Grid, spacing_mm: tuple[float, float, float]) -> NDArray[np.int64]:
    """Return the (row, column) of each slice on the path of the highest sum (Viterbi)."""
    reach = max(1, int(np.ceil(_STEEPEST * spacing_mm[0] / spacing_mm[1])))
    moves = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    cost = np.array([np.hypot(y * spacing_mm[1], x * spacing_mm[2]) for y, x in moves])
    cost = (_SIDEWAYS_PER_MM * cost).astype(np.float32)
    best, came = score[0], []
    for here in score[1:]:
        before = np.pad(best, reach, constant_values=-np.inf)
        rows, columns = here.shape
        options = np.stack(
            [before[reach + y :, reach + x :][:rows, :columns] for y, x in moves]
        ) - cost.reshape(-1, 1, 1)
        chosen = options.argmax(axis=0)
        came.append(chosen)
        best = here + np.take_along_axis(options, chosen[None], axis=0)[0]
    place = np.unravel_index(int(best.argmax()), best.shape)
    path = [place]
    for chosen in reversed(came):
        y, x = moves[int(chosen[place])]
        place = (place[0] + y, place[1] + x)
        path.append(place)
    return np.array(path[::-1], np.int64)
