"""Find the vertebrae of a CT, where they lie and what they are called.

The canal leads along the column; discs split it; ribs and sacrum name the levels. Ours.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from engines.anatomy.canal import find_canal
from engines.anatomy.column import Line, middle_line, straightened
from engines.anatomy.discs import (
    FRONT_MM,
    LEFT_MM,
    above_sacrum,
    chain,
    has_clear_pedicles,
    signs_of,
    tilted_profile,
)
from engines.anatomy.flanks import flanks_of
from engines.anatomy.levels import HIPS, SACRUM, SURE, Naming, name_levels
from engines.anatomy.spine import Spine, Vertebra
from engines.volume import Volume

Grid = NDArray[np.float32]
Values = NDArray[np.float64]

# All ours.
_TILTS_DEG = tuple(range(-28, 29, 2))
_LOOK_MM = 5
_FEWEST = 3
# One vertebra and its discs are about as high.
_LEAST_VIEW_MM = 45.0
_BRIGHTEST_HU = np.float32(700.0)
# The disc below L5 lies so aslant that the line may pass it by: a lowest body that is lower than
# this part of the usual height ends farther down.
_LOWEST = 0.75
# Neighbours are as deep as one another but for such a factor (its logarithm).
_UNLIKE_DEPTH = 0.22
# Between which places in front of the canal a body ends, and how far at least one looks.
_FRONT_MM, _LEAST_ROOM_MM = (26.0, 54.0), 4.0
# A body's depth to its width at the most, and how bright its front wall is on average at the most.
_DEEPEST, _CORTEX_HU = 0.9, np.float32(300.0)


def find_spine(volume: Volume) -> Spine:
    """Find the vertebrae and name them where two anchors, or one clear one, allow it.

    Parameters
    ----------
    volume : Volume
        A CT that shows some of the spine.

    Raises
    ------
    BadSeries
        SPINE_NOT_FOUND where there is no spinal canal.
    """
    canal = find_canal(volume)
    if (len(canal.at) - 1) * volume.spacing_mm[0] < _LEAST_VIEW_MM:
        return Spine(canal, (), 0.0, (), "too little of the spine is in view")
    line = middle_line(volume, canal)
    # metal and cement would outshine every endplate
    column = np.minimum(straightened(volume, line, FRONT_MM, LEFT_MM), _BRIGHTEST_HU)
    signs = signs_of(column)
    possible = above_sacrum(signs, chain(signs))
    if len(possible[0]) < 2:
        return Spine(canal, (), 0.0, (), "no vertebra is wholly in view")
    discs, naming = _named(volume, line, possible, has_clear_pedicles(signs, possible[0]))
    tilts = [_tilt_deg(column, place) for place in discs]
    vertebrae = tuple(
        _vertebra(name, column, line, ends)
        for name, ends in zip(naming.names, pairwise(zip(discs, tilts, strict=True)), strict=True)
    )
    return Spine(canal, _mended(vertebrae), naming.confidence, naming.anchors, naming.why)


def _named(
    volume: Volume, line: Line, possible: list[list[int]], keeps_lowest: bool
) -> tuple[list[int], Naming]:
    """Name the likeliest chain; another one only where it has the better reasons."""

    def named(discs: list[int]) -> tuple[list[int], Naming]:
        return discs, name_levels(discs, flanks_of(volume, line.straight_below(discs[0])))

    first = named(possible[0])
    if first[1].confidence == SURE:
        return first
    others = possible[1:]
    if SACRUM not in first[1].anchors and len(possible[0]) > _FEWEST and not keeps_lowest:
        # hip bones above the lowest disc: that piece may be the sacrum's
        others = [*others, possible[0][1:]]
    better = [one for one in map(named, others) if {SACRUM, HIPS} & {*one[1].anchors}]
    return max([first, *better], key=lambda one: one[1].confidence)


Disc = tuple[int, float]


def _tilt_deg(column: Grid, place: int) -> float:
    """Return how far a disc rises to the front: where the valley of its plane is deepest."""
    low, high = max(0, place - 14), place + 15
    near = column[low:high]
    depths = []
    for tilt in _TILTS_DEG:
        profile = gaussian_filter1d(tilted_profile(near, (tilt, 0)), 1)
        middle = slice(max(0, place - low - _LOOK_MM), place - low + _LOOK_MM + 1)
        valley = int(np.argmin(profile[middle])) + middle.start
        depths.append(
            min(profile[max(0, valley - 8) : valley + 1].max(), profile[valley : valley + 9].max())
            - profile[valley]
        )
    smooth = gaussian_filter1d(np.array(depths), 1.5)
    return float(_TILTS_DEG[int(smooth.argmax())])


def _vertebra(name: str, column: Grid, line: Line, ends: tuple[Disc, Disc]) -> Vertebra:
    """Measure the box of one body between two discs."""
    (low, low_tilt), (high, high_tilt) = ends
    along = (low + high) / 2
    half = (high - low) / 2
    middle = column[int(along - half * 0.4) : int(along + half * 0.4) + 1].mean(axis=0)
    back, front, right, left = outline_mm(middle)
    number = int(np.clip(round(along), 0, len(line.at_mm) - 1))
    lean = np.deg2rad((low_tilt + high_tilt) / 2)
    up = np.cos(lean) * line.up[number] - np.sin(lean) * line.front[number]
    ahead = np.cos(lean) * line.front[number] + np.sin(lean) * line.up[number]
    top, bottom = _border(column, high, (high_tilt, -1)), _border(column, low, (low_tilt, 1))
    place = line.point_mm((top + bottom) / 2, (back + front) / 2, (right + left) / 2)
    height = float(top - bottom) * float(np.cos(lean))
    return Vertebra(name, place, up, ahead, height, float(front - back), float(left - right))


def outline_mm(slab: Grid) -> tuple[float, float, float, float]:
    """Return where a body ends: back, front, right, left, as places of FRONT_MM and LEFT_MM.

    Parameters
    ----------
    slab : ndarray
        float32, shape (front, left): the middle of a body across the line, in HU.
    """
    sagittal = slab[:, np.abs(LEFT_MM) < 8].mean(axis=1)
    back, front = _fall(sagittal, FRONT_MM, (-2.0, 15.0)), _fall(sagittal, FRONT_MM, _FRONT_MM)
    right, left = _sides(slab, back, front)
    if front - back > left - right:
        # no body is deeper than wide: what falls there is a bright aorta's far wall
        deepest = max(_FRONT_MM[0] + _LEAST_ROOM_MM, back + _DEEPEST * (left - right))
        front = _fall(np.minimum(sagittal, _CORTEX_HU), FRONT_MM, (_FRONT_MM[0], deepest))
        right, left = _sides(slab, back, front)
    return back, front, right, left


def _sides(slab: Grid, back: float, front: float) -> tuple[float, float]:
    across = slab[(back + 4 < FRONT_MM) & (front - 4 > FRONT_MM)].mean(axis=0)
    return _fall(across, LEFT_MM, (-34.0, -13.0)), _fall(across, LEFT_MM, (13.0, 34.0))


def _mended(vertebrae: tuple[Vertebra, ...]) -> tuple[Vertebra, ...]:
    """Give those the usual depth and height of which the wrong edge was taken for their end."""
    usual_mm = float(np.median([one.depth_mm for one in vertebrae]))
    lowest, *others = (_as_deep(one, usual_mm) for one in vertebrae)
    usual_mm = float(np.median([one.height_mm for one in others or vertebrae]))
    if lowest.height_mm < _LOWEST * usual_mm:
        below_mm = (usual_mm - lowest.height_mm) / 2 * lowest.up
        lowest = replace(lowest, middle_mm=lowest.middle_mm - below_mm, height_mm=usual_mm)
    return (lowest, *others)


def _as_deep(one: Vertebra, usual_mm: float) -> Vertebra:
    """Begin at the canal: the aorta may be as bright as the body that it lies on."""
    if abs(np.log(one.depth_mm / usual_mm)) < _UNLIKE_DEPTH:
        return one
    ahead_mm = (usual_mm - one.depth_mm) / 2 * one.front
    return replace(one, middle_mm=one.middle_mm + ahead_mm, depth_mm=usual_mm)


def _fall(profile: Values | Grid, places: Values, within: tuple[float, float]) -> float:
    """Return where a profile falls most outwards, within two places."""
    inside = np.flatnonzero((places >= within[0]) & (places <= within[1]))
    outwards = 1 if abs(within[1]) > abs(within[0]) and within[0] > 0 else -1
    slope = np.gradient(gaussian_filter1d(profile.astype(np.float64), 1)) * outwards
    return float(places[inside[int(np.argmin(slope[inside]))]])


def _border(column: Grid, disc: int, tilt: tuple[float, int]) -> float:
    """Return where, along the middle, a body begins beside a disc: the steepest rise."""
    lean, towards = tilt
    low = max(0, disc - 16)
    profile = gaussian_filter1d(tilted_profile(column[low : disc + 17], (lean, 0)), 0.7)
    steps = np.clip(disc - low + towards * np.arange(0, 12), 0, len(profile) - 1)
    rises = np.diff(profile[steps])
    return float(steps[int(np.argmax(rises))] + low + 0.5 * towards)
