"""Find the wall of the belly in an axial slice: its outer fascia and its inner surface.

Along rays from the middle of the belly, subcutaneous fat ends where muscle begins: the smoothest
line around the body that leaves the least muscle outside and the least fat right inside is the
outer fascia. From it inwards the same is done for the inner surface, with how thick walls are as
a prior that holds where bowel, liver or kidney touch the wall. Ours.
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
_RAYS = 360
_STEP_MM = 0.75
_SKIN_MM = 2.5
_FAT_HU = -29.0
_INSIDE_MM = 7.0
_THICKEST_MM = 45.0
# Walls are so thick at the sides and in front where nothing shows their inner surface.
_USUAL_MM, _SPREAD_MM = (14.0, 9.0), (7.0, 4.0)
_THINNEST_MM = 6.0
_GAP_MM = 5.0
# Over so many directions thickness is much the same.
_NEAR_RAYS = 51


@dataclass(frozen=True)
class Wall:
    """The wall of the belly.

    Attributes
    ----------
    within_fascia : ndarray
        bool, shape (row, column): all inside of the outer fascia.
    within_wall : ndarray
        bool, shape (row, column): all inside of the wall; at the back, where muscles fill the space
        to the spine, it means nothing.
    body : ndarray
        bool, shape (row, column).
    """

    within_fascia: Mask
    within_wall: Mask
    body: Mask


@dataclass(frozen=True)
class _Rays:
    """What rays from the middle of the belly meet, shape (direction, step)."""

    middle: tuple[float, float]
    soft: Grid
    fat: Grid
    bright: Grid
    skin_mm: Grid


def find_wall(cut: Section, body: Mask, like: Mask) -> Wall:
    """Find outer fascia and inner surface.

    Parameters
    ----------
    cut : Section
        The slice.
    body : ndarray
        bool, shape (row, column), from :func:`~engines.anatomy.section.body_mask`.
    like : ndarray
        bool, shape (row, column): what is as dense as this patient's muscles.
    """
    rays = _rays(cut, body, like)
    fascia_mm = _fascia(rays)
    inner_mm = _inner(rays, fascia_mm)
    first, second = cut.left_mm - rays.middle[0], cut.front_mm - rays.middle[1]
    return Wall(
        within_radii(fascia_mm, first, second) & body,
        within_radii(inner_mm, first, second) & body,
        body,
    )


def _rays(cut: Section, body: Mask, like: Mask) -> _Rays:
    middle = (float(cut.left_mm[body].mean()), float(cut.front_mm[body].mean()))
    far = float(np.hypot(cut.left_mm - middle[0], cut.front_mm - middle[1])[body].max()) + 5
    turn, reach = angles(_RAYS)[:, None], np.arange(0, far, _STEP_MM)[None]
    left, front = middle[0] + reach * np.cos(turn), middle[1] + reach * np.sin(turn)
    inside = cut.at(body, left, front) > 0.5
    hu = cut.at(cut.smooth_hu, left, front)
    # the outermost place of the body on each ray
    skin = (inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)) * _STEP_MM
    smooth = ndimage.median_filter(skin, 9, mode="wrap")
    soft = cut.at(like, left, front)
    fat = (hu <= _FAT_HU).astype(np.float64)
    return _Rays(middle, soft, fat, (hu > _FAT_HU) - soft, np.minimum(skin, smooth + 4))


def _fascia(rays: _Rays) -> Grid:
    """Return the radius of the outer fascia in each direction, mm."""
    steps = np.arange(rays.soft.shape[1]) * _STEP_MM
    under_skin = steps[None] <= rays.skin_mm[:, None] - _SKIN_MM
    wrong = np.where(under_skin, rays.soft + rays.bright, 0.0)
    # muscle that would be left outside
    outside = wrong[:, ::-1].cumsum(axis=1)[:, ::-1] - wrong
    inside = _just_inside(rays.fat, round(_INSIDE_MM / _STEP_MM))
    cost = outside * _STEP_MM + 0.8 * inside * _INSIDE_MM
    cost = np.where(under_skin, cost, 1e3)
    # without any fat the fascia is right under the skin
    line = cheapest_line(cost, 0.25, 5, closed=True)
    return np.asarray((line + 0.5) * _STEP_MM)


def _just_inside(of: Grid, steps: int) -> Grid:
    """Return the mean of the last steps up to each one."""
    total = np.pad(of.cumsum(axis=1), ((0, 0), (steps, 0)))
    return np.asarray((total[:, steps:] - total[:, :-steps]) / steps)


def _inner(rays: _Rays, fascia_mm: Grid) -> Grid:
    """Return the radius of the wall's inner surface, mm, smooth in its depth under the fascia."""
    depth = np.arange(0, _THICKEST_MM, _STEP_MM)
    reach = np.clip((fascia_mm[:, None] - depth) / _STEP_MM, 0, rays.soft.shape[1] - 1)
    places = [np.broadcast_to(np.arange(_RAYS)[:, None], reach.shape), reach]
    soft, fat = (ndimage.map_coordinates(one, places, order=1) for one in (rays.soft, rays.fat))
    fat_in_wall = fat.cumsum(axis=1) * _STEP_MM
    gap = round(_GAP_MM / _STEP_MM)
    beyond = _just_inside(soft[:, ::-1], gap)[:, ::-1]
    beyond = np.concatenate([beyond[:, 1:], beyond[:, -1:]], axis=1)
    seen = 1.2 * fat_in_wall + _GAP_MM * beyond
    front = np.clip(np.sin(angles(_RAYS)), 0, 1)[:, None] ** 2
    likely = [side + front * (ahead - side) for side, ahead in (_USUAL_MM, _SPREAD_MM)]
    first = seen + 0.5 * np.square((depth - likely[0]) / likely[1])
    line = cheapest_line(first, 0.35, 3, closed=True)
    usual = _thickness_around(depth[line])[:, None]
    second = seen + 0.5 * np.square((depth - usual) / np.maximum(0.3 * usual, 2.5))
    line = cheapest_line(second, 0.35, 3, closed=True)
    return np.asarray(fascia_mm - (line + 0.5) * _STEP_MM)


def _thickness_around(depth_mm: Grid) -> Grid:
    """Return how thick the wall is near by, here and on the other side, where it is thinner."""
    # bowel that touches the wall makes it thicker than it is, hardly ever thinner
    around = ndimage.percentile_filter(depth_mm, 50, _NEAR_RAYS, mode="wrap")
    # direction 0 is left, a quarter turn front: the mirror image of k is half a turn less k
    mirror = (_RAYS // 2 - np.arange(_RAYS)) % _RAYS
    thin = np.maximum(np.minimum(around, 1.25 * around[mirror]), _THINNEST_MM)
    return np.asarray(ndimage.gaussian_filter1d(thin, 6.0, mode="wrap"))
