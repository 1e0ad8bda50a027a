"""Find psoas, quadratus lumborum and the muscles behind the spine in an axial slice.

Psoas: the roundest closed line about a place beside the vertebral body with muscle inside and
something else outside. The muscles of the back: what the outer fascia and the vertebra's processes
enclose. Quadratus lumborum: what lies between them, as far forward as a height over the muscles of
the back can follow. Ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.anatomy.contours import angles, cheapest_line, within_radii
from engines.anatomy.section import Section

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]

# All ours, mm.
_RAYS = 72
_STEP_MM = 0.75
_WIDEST_MM = 40.0
_ROUNDS = 3
_USUAL_PSOAS_MM, _PSOAS_SPREAD_MM = 19.0, 9.0
# Quadratus lumborum ends so far in front of the muscles of the back, and nearer it is sure.
_QUADRATUS_ENDS_MM, _QUADRATUS_SURE_MM = 25.0, 12.0
_FAT_BEHIND = 0.12
_LATERAL_MM = 110.0
_FAT_HU = -29.0
_THINNEST_MM = 2.0
# What each millimetre of muscle costs that is left outside, and up to how many.
_LEFT_OUT, _LONGEST_RUN_MM = 0.8, 10.0
# Transverse processes end so far behind the canal's middle, and the fascia in front of the erector
# spinae falls back by so much for each millimetre sideways.
_BEHIND_CANAL_MM, _FALL = 14.0, 0.25


@dataclass(frozen=True)
class BackMuscles:
    """Regions of muscles, the fat between their fibres included; bool, shape (row, column).

    Attributes
    ----------
    psoas, paraspinal : (left, right)
        The patient's. Paraspinal: erector spinae and multifidus.
    quadratus : ndarray
        Quadratus lumborum of both sides.
    """

    psoas: tuple[Mask, Mask]
    paraspinal: tuple[Mask, Mask]
    quadratus: Mask


def find_back_muscles(
    cut: Section, within_fascia: Mask, like: Mask, bone: Mask, canal_front_mm: float
) -> BackMuscles:
    """Find them.

    Parameters
    ----------
    cut : Section
        The slice.
    within_fascia : ndarray
        bool, shape (row, column), from :func:`~engines.anatomy.belly_wall.find_wall`.
    like : ndarray
        bool, shape (row, column): what is as dense as this patient's muscles.
    bone : ndarray
        bool, shape (row, column).
    canal_front_mm : float
        How far in front of the vertebral body's middle the canal is: negative.
    """
    psoas = tuple(_psoas(cut, like, bone, canal_front_mm, side) for side in (1, -1))
    behind = _behind_processes(cut, canal_front_mm)
    back = within_fascia & ~bone & ~(psoas[0] | psoas[1])
    both = back & behind & (np.abs(cut.left_mm) < _LATERAL_MM)
    quadratus = np.zeros_like(bone)
    for side in (1, -1):
        quadratus |= back & ~behind & _before_gutter(cut, like & ~bone, canal_front_mm, side)
    return BackMuscles(
        (psoas[0], psoas[1]), (both & (cut.left_mm > 0), both & (cut.left_mm <= 0)), quadratus
    )


def _line_mm(cut: Section, canal_front_mm: float, aside_mm: Grid) -> Grid:
    """Return where the fascia in front of the erector spinae is, mm to the front."""
    start = canal_front_mm - _BEHIND_CANAL_MM
    return np.asarray(start - _FALL * np.clip(aside_mm - 1.8 * cut.half_width_mm, 0, None))


def _behind_processes(cut: Section, canal_front_mm: float) -> Mask:
    aside = np.abs(cut.left_mm)
    # beside the spinous process multifidus reaches the laminae, in front of the processes' ends
    arch = 0.5 * np.clip(1.4 * cut.half_width_mm - aside, 0, _BEHIND_CANAL_MM)
    behind: Mask = cut.front_mm < _line_mm(cut, canal_front_mm, aside) + arch
    return behind


def _before_gutter(cut: Section, like: Mask, canal_front_mm: float, side: int) -> Mask:
    """Return what lies behind the front surface of quadratus lumborum, a height over the back."""
    aside = np.arange(cut.half_width_mm + 8, _LATERAL_MM, 2.0)
    base = _line_mm(cut, canal_front_mm, aside)
    height = np.arange(0.0, 34.0, _STEP_MM)
    places = np.broadcast_to(side * aside[:, None], (len(aside), len(height)))
    front = base[:, None] + height[None]
    soft = cut.at(like, places, front)
    fat = cut.at(cut.smooth_hu < _FAT_HU, places, front)
    # the nearer to the back, the likelier that what is dense as muscle is quadratus lumborum
    mine = soft * np.clip((_QUADRATUS_ENDS_MM - height) / _QUADRATUS_SURE_MM, 0, 1)
    mine *= np.clip((4.4 - aside / cut.half_width_mm) / 0.6, 0, 1)[:, None]
    ahead = mine.sum(axis=1, keepdims=True) - mine.cumsum(axis=1)
    cost = (_FAT_BEHIND * fat.cumsum(axis=1) + _LEFT_OUT * ahead) * _STEP_MM
    cost += 0.1 * soft.cumsum(axis=1) * _STEP_MM
    surface = cheapest_line(cost, 0.02, 10) * _STEP_MM
    here = np.abs(cut.left_mm)
    reach = np.interp(here, aside, surface, left=0.0, right=0.0)
    region: Mask = (cut.left_mm * side > 0) & (here > aside[0]) & (here < aside[-1])
    region &= cut.front_mm < _line_mm(cut, canal_front_mm, here) + reach
    return region


def _psoas(cut: Section, like: Mask, bone: Mask, canal_front_mm: float, side: int) -> Mask:
    """Return psoas major of one side; empty where none is beside the vertebral body."""
    start = _psoas_middle(cut, like & ~bone, canal_front_mm, side)
    found = np.zeros_like(bone)
    for _ in range(_ROUNDS):
        if start is None or not (like & ~bone).any():
            break
        found = _round_about(cut, like, bone, start)
        start = float(cut.left_mm[found].mean()), float(cut.front_mm[found].mean())
    return found


def _round_about(cut: Section, like: Mask, bone: Mask, start: tuple[float, float]) -> Mask:
    """Return what the best closed line about a place encloses."""
    turn, reach = angles(_RAYS)[:, None], np.arange(0.0, _WIDEST_MM, _STEP_MM)[None]
    left, front = start[0] + reach * np.cos(turn), start[1] + reach * np.sin(turn)
    soft, hard = cut.at(like & ~bone, left, front), cut.at(bone, left, front)
    inside = (1.2 * (1 - soft) + 2.0 * hard).cumsum(axis=1) * _STEP_MM
    prior = 0.5 * np.square(np.clip(reach - _USUAL_PSOAS_MM, 0, None) / _PSOAS_SPREAD_MM)
    cost = inside + _LEFT_OUT * _run_mm(soft) + prior
    cost[:, : round(3 / _STEP_MM)] += 20
    line = cheapest_line(cost, 0.25, 3, closed=True)
    off = cut.left_mm - start[0], cut.front_mm - start[1]
    found = within_radii(np.asarray((line + 0.5) * _STEP_MM, np.float64), *off) & ~bone
    return np.asarray(found, np.bool_)


def _run_mm(soft: Grid) -> Grid:
    """Return how far muscle goes on beyond each place of a ray without a gap, cut short, mm."""
    run = np.zeros_like(soft)
    for step in range(soft.shape[1] - 2, -1, -1):
        run[:, step] = np.where(soft[:, step + 1] > 0.5, run[:, step + 1] + _STEP_MM, 0)
    return np.minimum(run, _LONGEST_RUN_MM)


def _psoas_middle(
    cut: Section, soft: Mask, canal_front_mm: float, side: int
) -> tuple[float, float] | None:
    """Return the middle of the thickest muscle beside the vertebral body, (left, front) mm."""
    aside = cut.left_mm * side
    window = (aside > cut.half_width_mm) & (aside < cut.half_width_mm + 36)
    window &= cut.front_mm > canal_front_mm - 6
    window &= cut.front_mm < 0.7 * cut.half_depth_mm
    depth = ndimage.distance_transform_edt(soft & window, cut.spacing_mm)
    away = np.hypot(aside - cut.half_width_mm - 13, cut.front_mm - 0.4 * canal_front_mm)
    worth = np.where(soft & window, np.minimum(depth, 10) - 0.25 * away, -np.inf)
    best = np.unravel_index(int(worth.argmax()), worth.shape)
    if not np.isfinite(worth[best]) or depth[best] < _THINNEST_MM:
        return None
    return float(cut.left_mm[best]), float(cut.front_mm[best])
