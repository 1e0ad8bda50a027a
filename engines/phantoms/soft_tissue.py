"""Everything in the chest that is not bone, as millimetres of water."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.anatomy import RIB_DEPTHS, RIB_FALLS, RIB_TOPS, RIB_WIDTHS, Anatomy
from engines.phantoms.projector import (
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

#: Of inflated lung against water.
LUNG_DENSITY = 0.24

_NECK_Y = np.array([-140.0, -75, -50, -28, -8, 15, 45, 90, 150, 210, 290, 380, 460])
_TRUNK_WIDTHS = np.array([52.0, 52, 56, 90, 138, 160, 152, 141, 142, 144, 139, 134, 136])
_TRUNK_DEPTHS = np.array([55.0, 54, 54, 58, 66, 75, 84, 92, 98, 100, 98, 96, 98])


def soft_tissue(body: Anatomy, view: View, rng: np.random.Generator) -> Map:
    """Return the soft tissue in the beam: float32, shape (row, column), mm of water."""
    displaced = _heart_and_vessels(body, view, rng)
    gas = _gas(body, view, rng)
    # drawn last: its size is the film's, and the body must not change with the film's size
    grain = 1 + 0.035 * blur(rng.standard_normal(view.shape, dtype=np.float32), 1.0)
    air = np.maximum(_lungs(body, view) - displaced, 0) * (1 - LUNG_DENSITY) * grain
    water = _trunk(body, view) - air - gas
    if not view.lateral:
        # shoulders flow into the arms
        water = np.cbrt(np.maximum(water, 0) ** 3 + _arms(body, view) ** 3)
    return np.asarray(np.maximum(water, 0) + _breasts(body, view), dtype=np.float32)


def _trunk(body: Anatomy, view: View) -> Map:
    u, v = view.axes()
    y = v / body.stature
    width = np.interp(y, _NECK_Y, _TRUNK_WIDTHS) * body.width
    depth = np.interp(y, _NECK_Y, _TRUNK_DEPTHS) * body.depth
    # the neck grows less than the trunk
    wall = body.wall_mm * np.clip((y + 60) / 60, 0.25, 1) * 0.8
    width, depth = width + wall, depth + wall
    if view.lateral:
        width, depth, u = depth, width, u + 0.0
    inside = np.clip(1 - np.abs(u / width) ** 2.3, 0, None)
    return np.asarray(2 * depth * inside ** (1 / 2.3), dtype=np.float32)


def _cage(body: Anatomy, v: Map) -> tuple[NDArray[np.float64], ...]:
    """Inner half-width, half-depth and middle depth of the rib cage at each height."""
    y = v / body.stature
    lateral_y = np.concatenate([[-14.0], RIB_TOPS + RIB_FALLS * body.rib_slope / 2, [420.0]])
    widths = np.concatenate([[0.0], RIB_WIDTHS, [118.0]])
    depths = np.concatenate([[0.0], RIB_DEPTHS, [80.0]])
    width = np.interp(y, lateral_y, widths) * body.width - 3
    depth = np.interp(y, lateral_y, depths) * body.depth - 3
    middle = body.spine_z(y) - 22 + depth
    return np.maximum(width, 0.1), np.maximum(depth, 0.1), middle


def _lungs(body: Anatomy, view: View) -> Map:
    u, v = view.axes()
    width, depth, middle = _cage(body, v)
    if view.lateral:
        return _lateral_lungs(body, view, (width, depth, middle))
    turned = u - 0.6 * np.sin(np.deg2rad(view.rotation_deg)) * middle
    chord = 2 * depth * np.sqrt(np.clip(1 - (turned / width) ** 2, 0, None))
    inner = 12 + 18 * np.clip(v / body.stature / 220, 0, 1)
    edge = np.clip((np.abs(turned) - inner) / 26, 0, 1)
    chord = chord * edge**0.6
    return np.asarray(np.maximum(chord - _under_dome(body, turned, v, chord), 0), dtype=np.float32)


def _under_dome(body: Anatomy, u: Map, v: Map, chord: Map) -> Map:
    """Part of the chord that lies under the diaphragm."""
    y = v / body.stature - body.diaphragm_mm
    top = np.where(u < 0, 208.0, 220.0) + 34 * ((np.abs(u) / body.width - 62) / 62) ** 2
    rise = np.clip((y - top) / 58, 0, 1)
    return np.asarray(chord * np.sqrt(rise), dtype=np.float32)


def _lateral_lungs(body: Anatomy, view: View, cage: tuple[NDArray[np.float64], ...]) -> Map:
    u, v = view.axes()
    width, depth, middle = cage
    # the front is on the left of a left lateral film
    z = -u
    across = np.sqrt(np.clip(1 - ((z - middle) / depth) ** 2, 0, None))
    chord = np.maximum(2 * width * across - 44 * body.heart, 0)
    y = v / body.stature - body.diaphragm_mm
    top = 212 + 70 * ((z - middle - 15) / depth) ** 2
    return np.asarray(chord * np.clip(1 - (y - top) / 26, 0, 1), dtype=np.float32)


def _heart_and_vessels(body: Anatomy, view: View, rng: np.random.Generator) -> Map:
    """Soft tissue that stands where lung would be."""
    h, a, s = body.heart, body.aorta, body.stature
    shift = body.diaphragm_mm * 0.6
    organs = (
        Ellipsoid((24, (178 + shift) * s, 34), (64 * h, 45 * h, 46), 33),
        Ellipsoid((-6, (168 + shift) * s, 28), (46 * h, 47 * h, 40), 0),
        Ellipsoid((30, 112 * s, 22), (20 * h, 24, 26), 10),
        Ellipsoid((19 * a, 76 * s, -14), (19 * a, 22 * a, 30), 0),
        Ellipsoid((14 * a, 160 * s, -45), (14 * a, 110, 14 * a), 4),
        Ellipsoid((-20, 78 * s, 8), (13, 62, 16), 0),
    )
    heaps = [ellipsoid(view, organ) for organ in organs]
    together = np.sqrt(np.sum(np.square(heaps), axis=0))
    return np.asarray(together + _lung_vessels(body, view, rng), dtype=np.float32)


def _lung_vessels(body: Anatomy, view: View, rng: np.random.Generator) -> Map:
    paths: list[Points] = []
    radii: list[NDArray[np.float64]] = []
    for side in (-1, 1):
        hilum = np.array([side * 34.0, 122.0 - 6 * side, -8.0])
        for angle in np.linspace(-78, 84, 15) + rng.normal(0, 5, 15):
            _branch(paths, radii, (hilum, side, float(np.deg2rad(angle))), rng)
    path = np.array(paths) * np.array([body.width, body.stature, body.depth])
    offsets, steps = tube(path, (1.0, 1.0), 6)
    radius = np.array(radii)
    inside = path[:, :, None] + 0.65 * radius[..., None, None] * offsets
    volume = np.repeat((np.pi * radius**2 * steps / 6)[..., None], 6, axis=2)
    return splat(view, inside.reshape(-1, 3), volume.ravel())


def _branch(
    paths: list[Points],
    radii: list[NDArray[np.float64]],
    root: tuple[Points, int, float],
    rng: np.random.Generator,
) -> None:
    """Grow one vessel and its three twigs from the hilum towards the pleura."""
    hilum, side, angle = root
    out = np.array([side * np.cos(angle), np.sin(angle), rng.normal(0, 0.45)])
    length = rng.uniform(62, 84) * (1 - 0.2 * np.abs(np.sin(angle)))
    hilum = hilum + np.array(
        [side * rng.uniform(-4, 6), angle * 17 + rng.normal(0, 4), rng.normal(0, 9)]
    )
    stem = curve([hilum, hilum + out * length / 2 + rng.normal(0, 4, 3), hilum + out * length], 70)
    paths.append(stem)
    radii.append(np.linspace(rng.uniform(3.2, 4.6), 0.7, 70))
    for start in (18, 30, 44):
        turn = angle + rng.choice([-1, 1]) * rng.uniform(0.35, 0.8)
        twig = np.array([side * np.cos(turn), np.sin(turn), rng.normal(0, 0.4)])
        paths.append(curve([stem[start], stem[start] + twig * rng.uniform(24, 46)], 70))
        radii.append(np.linspace(1.9, 0.5, 70))


def _gas(body: Anatomy, view: View, rng: np.random.Generator) -> Map:
    """Windpipe, and the stomach's bubble in two of three."""
    s = body.stature
    windpipe = Ellipsoid((3, -22 * s, -10), (8.5, 112 * s, 8.5))
    gas = ellipsoid(view, windpipe)
    bubble = Ellipsoid((58, (262 + body.diaphragm_mm) * s, -12), (30, rng.uniform(9, 17), 26), 8)
    size = rng.uniform(0.6, 1.0) if rng.random() < 0.66 else 0.0
    return np.asarray(gas + size * ellipsoid(view, bubble), dtype=np.float32)


def _arms(body: Anatomy, view: View) -> Map:
    u, v = view.axes()
    shoulder = 158 * body.width + 0.6 * body.wall_mm
    total = np.zeros(view.shape, dtype=np.float32)
    for side in (-1, 1):
        start = (side * shoulder, 18 * body.stature - body.shoulders_mm)
        end = (side * (shoulder + 88), 300 * body.stature)
        radius = 36 + 0.55 * body.wall_mm
        along = np.clip(
            ((u - start[0]) * (end[0] - start[0]) + (v - start[1]) * (end[1] - start[1]))
            / ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2),
            0,
            1,
        )
        gap = np.hypot(
            u - start[0] - along * (end[0] - start[0]), v - start[1] - along * (end[1] - start[1])
        )
        total += 2 * np.sqrt(np.clip(radius**2 - gap**2, 0, None))
    return total


def _breasts(body: Anatomy, view: View) -> Map:
    size = body.breasts
    total = np.zeros(view.shape, dtype=np.float32)
    if size <= 0:
        return total
    _, v = view.axes()
    middle = (160 + 16 * size) * body.stature
    # they flow out of the chest wall above and end in a fold below
    hang = np.clip((v - middle + 62) / 96, 0, 1)
    for side in (-1, 1):
        centre = (side * 84 * body.width, middle, 92 * body.depth)
        half = Ellipsoid(centre, (60 * size**0.5, 56 * size**0.5, 36 * size), side * -12.0)
        chord = 0.5 * ellipsoid(view, half)
        total += hang * chord * np.sqrt(chord / (36 * size))
    return total
