"""The bones of the chest, as millimetres of compact bone beyond the soft tissue they displace.

Density acts three ways: cortices thin, spongy bone empties, and its texture grows coarse with the
horizontal struts going first. Coefficients are ours, in the range that QCT reports per T-score.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.anatomy import (
    DEPTHS,
    HEIGHTS,
    RIB_DEPTHS,
    RIB_FALLS,
    RIB_REACH,
    RIB_TOPS,
    RIB_WIDTHS,
    TOPS,
    WIDTHS,
    Anatomy,
)
from engines.phantoms.projector import (
    SOURCE_MM,
    Ellipsoid,
    Map,
    Points,
    View,
    blur,
    curve,
    ellipsoid,
    splat,
    tube,
)

#: What spongy bone of normal density adds, against compact bone; marrow and water are about equal.
SPONGY = 0.16

#: Where the ring lies that stands for a tube's inside.
_FILLING = 0.55


@dataclass(frozen=True)
class Bone:
    """How much bone there is in this skeleton.

    Attributes
    ----------
    cortex : float
        Cortical thickness against a T-score of 0.
    spongy : float
        Density of spongy bone against compact bone.
    coarse : float
        0 for even texture, 1 for the few thick vertical struts of severe loss.
    """

    cortex: float
    spongy: float
    coarse: float


def bone_of(skeleton_t: float, own: float = 1.0) -> Bone:
    """Return what a T-score means for cortex, spongy bone and texture."""
    return Bone(
        cortex=own * max(0.45, 1 + 0.105 * skeleton_t),
        spongy=SPONGY * own * max(0.25, 1 + 0.14 * skeleton_t),
        coarse=float(np.clip(0.3 - 0.17 * skeleton_t, 0.05, 1.0)),
    )


def bones(body: Anatomy, bone: Bone, view: View, rng: np.random.Generator) -> Map:
    """Return all bone in the beam: float32, shape (row, column), mm of compact bone."""
    step = max(1.2 * view.spacing_mm, 0.8)
    total = _ribs(body, bone, view, step) + _girdle(body, bone, view, step)
    total += _spine(body, bone, view, rng)
    total += _posterior_elements(body, bone, view)
    return np.asarray(total, dtype=np.float32)


def _limb(
    view: View, path: Points, radii_mm: tuple[float, float], wall_mm: float, bone: Bone
) -> Map:
    """Hollow tubes with spongy bone inside; ``path``: float64, shape (tube, step, 3), mm."""
    # points hardly further apart than the film's pixels, or the tube shows stripes
    ring = max(8, int(2 * np.pi * max(radii_mm) / max(1.5 * view.spacing_mm, 1.0)))
    offsets, steps = tube(path, radii_mm, ring)
    wall = wall_mm * bone.cortex
    mid = 1 - wall / (2 * min(radii_mm))
    rim = 2 * np.pi * np.sqrt((radii_mm[0] ** 2 + radii_mm[1] ** 2) / 2) * wall
    core = np.pi * (radii_mm[0] - wall) * (radii_mm[1] - wall) * bone.spongy
    film = _fill(view, path, offsets * mid, rim * steps / ring)
    inner = offsets[:, :, ::2]
    return film + _fill(view, path, inner * _FILLING, core * steps / inner.shape[2])


def _fill(view: View, path: Points, offsets: Points, volume: NDArray[np.float64]) -> Map:
    points = (path[:, :, None] + offsets).reshape(-1, 3)
    return splat(view, points, np.repeat(volume[..., None], offsets.shape[2], axis=2).ravel())


def _ribs(body: Anatomy, bone: Bone, view: View, step_mm: float) -> Map:
    steps = int(330 / step_mm)
    angle = np.deg2rad(np.linspace(np.full(12, 10.0), RIB_REACH, steps, axis=1))
    fall = (RIB_FALLS * body.rib_slope)[:, None]
    y = (RIB_TOPS[:, None] + 3 + fall * (0.5 - 0.5 * np.cos(angle)) ** 0.9) * body.stature
    depth = RIB_DEPTHS[:, None] * body.depth
    z = body.spine_z(RIB_TOPS * body.stature)[:, None] - 22 + depth - depth * np.cos(angle)
    film = np.zeros(view.shape, dtype=np.float32)
    for side in (-1, 1):
        x = side * RIB_WIDTHS[:, None] * body.width * np.sin(angle)
        x = x + body.spine_x(RIB_TOPS)[:, None] * np.cos(angle / 2)
        path = np.stack([x, y, z], axis=2)
        film += _limb(view, path[1:10], (6.6 * body.rib_size, 3.8 * body.rib_size), 0.95, bone)
        film += _limb(view, path[[0, 10, 11]], (5.2 * body.rib_size, 3.2), 0.8, bone)
    return film


def _girdle(body: Anatomy, bone: Bone, view: View, step_mm: float) -> Map:
    """Collar bones, shoulder blades, upper arms, breast bone."""
    size = np.array([body.width, body.stature, body.depth])
    lift = np.array([0.0, -body.shoulders_mm, 0.0])
    film = np.zeros(view.shape, dtype=np.float32)
    steps = int(170 / step_mm)

    def draw(knots: list[list[float]], radii: tuple[float, float], wall: float) -> Map:
        weights = np.linspace(0.2, 1, len(knots))[:, None]
        path = np.array(knots) * size + lift * weights
        return _limb(view, curve(path.tolist(), steps)[None], radii, wall, bone)

    for side in (-1, 1):
        film += _one_side(draw, side, upper_arm=not view.lateral)
        if not view.lateral:
            film += _upper_arm_head(body, bone, view, side)
    blade = Ellipsoid((0, 105 * body.stature, 88 * body.depth), (19, 78, 6))
    return film + (0.18 + 0.5 * bone.spongy) * ellipsoid(view, blade)


def _upper_arm_head(body: Anatomy, bone: Bone, view: View, side: int) -> Map:
    centre = (side * 164 * body.width, 24 * body.stature - body.shoulders_mm, -12 * body.depth)
    outer = ellipsoid(view, Ellipsoid(centre, (23, 25, 23)))
    r = 1.1 * bone.cortex
    inner = ellipsoid(view, Ellipsoid(centre, (23 - r, 25 - r, 23 - r)))
    return outer - inner + bone.spongy * inner


def _one_side(
    draw: Callable[[list[list[float]], tuple[float, float], float], Map],
    side: int,
    upper_arm: bool,
) -> Map:
    def mirrored(*knots: tuple[float, float, float]) -> list[list[float]]:
        return [[side * x, y, z] for x, y, z in knots]

    collar = mirrored((14, 52, 52), (48, 34, 58), (92, 12, 38), (132, 2, 8), (150, 4, -4))
    film = draw(collar, (5.4, 5.4), 1.5)
    medial = mirrored((100, 34, -78), (92, 60, -88), (92, 100, -92), (104, 148, -88))
    film = film + draw(medial, (3.0, 2.2), 0.8)
    lateral_border = mirrored((104, 148, -88), (122, 100, -72), (138, 56, -48), (146, 34, -30))
    film = film + draw(lateral_border, (4.4, 3.2), 1.1)
    spine = mirrored((96, 58, -90), (122, 34, -86), (148, 8, -66), (160, 0, -30))
    film = film + draw(spine, (5.0, 3.4), 0.9)
    if not upper_arm:
        return film
    shaft = mirrored((163, 30, -12), (178, 90, -10), (204, 170, -8), (236, 290, -6))
    return film + draw(shaft, (11.0, 11.0), 3.0)


def _posterior_elements(body: Anatomy, bone: Bone, view: View) -> Map:
    """Pedicles, transverse and spinous processes, laminae."""
    y = TOPS * body.stature
    x, z = body.spine_x(TOPS), body.spine_z(TOPS)
    paths: dict[str, list[Points]] = {"pedicle": [], "lamina": [], "spinous": []}
    for i in range(len(TOPS)):
        top, half, back = y[i] + 0.3 * HEIGHTS[i], WIDTHS[i] / 2, z[i] - DEPTHS[i] / 2
        for side in (-1, 1):
            root = np.array([x[i] + side * half * 0.72, top, back])
            paths["pedicle"].append(np.linspace(root, root + np.array([0, 1, -9]), 12))
            tip = root + np.array([side * (half * 0.95), 2, -18])
            paths["lamina"].append(np.linspace(root + np.array([-side * 9, 6, -14]), tip, 40))
        crest = np.array([x[i], top + 6, back - 16])
        paths["spinous"].append(np.linspace(crest, crest + np.array([0, 15, -22]), 24))
    film = _limb(view, np.array(paths["pedicle"]), (5.0, 3.6), 0.9, bone)
    film = film + _limb(view, np.array(paths["lamina"]), (4.6, 3.2), 0.8, bone)
    return film + _limb(view, np.array(paths["spinous"]), (5.5, 2.6), 0.7, bone)


def _spine(body: Anatomy, bone: Bone, view: View, rng: np.random.Generator) -> Map:
    film = np.zeros(view.shape, dtype=np.float32)
    texture = _texture(view, bone, rng)
    for i in range(len(TOPS)):
        window = _window(body, view, i)
        if window is not None:
            film[window] += _vertebra(body, bone, view, (i, window)) * texture[window]
    return film


def _place(body: Anatomy, view: View, i: int) -> tuple[float, float, float]:
    """Middle of a vertebral body on the film, mm, and its magnification."""
    y = np.array(TOPS[i])
    centre = view.turn() @ np.array(
        [body.spine_x(y), (TOPS[i] + HEIGHTS[i] / 2) * body.stature, body.spine_z(y)]
    )
    scale = SOURCE_MM / (SOURCE_MM + centre[2])
    return float(centre[0] * scale), float(centre[1] * scale), float(scale)


def _window(body: Anatomy, view: View, i: int) -> tuple[slice, slice] | None:
    u, v, scale = _place(body, view, i)
    rows, columns = view.shape
    row = (v - view.centre_mm[1]) / view.spacing_mm + rows / 2
    column = (u - view.centre_mm[0]) / view.spacing_mm + columns / 2
    high = HEIGHTS[i] * scale / view.spacing_mm * 0.8 + 2
    wide = WIDTHS[i] * scale / view.spacing_mm * 0.8 + 2
    top, bottom = max(int(row - high), 0), min(int(row + high), rows)
    left, right = max(int(column - wide), 0), min(int(column + wide), columns)
    if bottom - top < 2 or right - left < 2:
        return None
    return slice(top, bottom), slice(left, right)


def _vertebra(
    body: Anatomy, bone: Bone, view: View, at: tuple[int, tuple[slice, slice]]
) -> NDArray[np.float64]:
    """One vertebral body: shell, endplates and core, mm of compact bone."""
    i, window = at
    u0, v0, scale = _place(body, view, i)
    half_width, half_depth = WIDTHS[i] / 2 * body.rib_size, DEPTHS[i] / 2 * body.rib_size
    if view.lateral:
        half_width, half_depth = half_depth, half_width
    half_height = HEIGHTS[i] / 2 * body.stature
    u, v = view.axes()
    b = (v[window[0]] - v0) / (half_height * scale)
    waist = half_width * scale * (0.9 + 0.1 * b**2)
    a = (u[:, window[1]] - u0) / waist
    pixel = view.spacing_mm / scale
    inside = np.clip((1 - np.abs(a)) * half_width / pixel + 0.5, 0, 1)
    # endplates are hollowed a little, more as bone is lost
    limit = 1 - (0.06 + 0.08 * bone.coarse) * (1 - np.clip(a**2, 0, 1))
    inside = inside * np.clip((limit - np.abs(b)) * half_height / pixel + 0.5, 0, 1)
    round_ = np.sqrt(np.clip(1 - np.abs(a) ** 2.4, 0.03, 1))
    shell = 2 * 0.5 * bone.cortex / np.maximum(round_, 0.3)
    plate = np.exp(-0.5 * np.square((limit - np.abs(b)) * half_height / max(0.9, 0.6 * pixel)))
    plate *= 0.9 / max(0.9, 0.6 * pixel) * 0.30 * bone.cortex
    return np.asarray(inside * (shell + 2 * half_depth * round_ * (bone.spongy + plate)))


def _texture(view: View, bone: Bone, rng: np.random.Generator) -> Map:
    """Spongy bone's struts: a factor around 1; vertical ones stay longest."""
    px = view.spacing_mm
    fine = blur(rng.standard_normal(view.shape, dtype=np.float32), 0.5 / px)
    struts = rng.standard_normal((max(2, int(view.shape[0] * px / 14)), view.shape[1]))
    rows = np.linspace(0, len(struts) - 1, view.shape[0])
    low = rows.astype(np.intp).clip(max=len(struts) - 2)
    part = (rows - low)[:, None]
    vertical = struts[low] * (1 - part) + struts[low + 1] * part
    even = fine / max(float(fine.std()), 1e-6)
    upright = vertical / float(vertical.std())
    spread = 0.05 * (1 - bone.coarse) * even + (0.03 + 0.14 * bone.coarse) * upright
    return np.asarray(np.clip(1 + spread, 0.4, 1.8), dtype=np.float32)
