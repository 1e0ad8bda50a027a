"""Stomach, small and large bowel with gas and content; courses and calibres ours."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.organs import Room
from engines.phantoms.body.shapes import Box, Common, Ellipsoid, Inset
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]
#: Knots of a course: x, y and z each.
Rows = tuple[tuple[float, ...], ...] | Values

#: This module's random stream.
STREAM = 4302

#: x and y from the vertebral middle, height above L1, mm.
_STOMACH = ((52, -2, 98), (66, -20, 78), (68, -44, 50), (50, -72, 20), (14, -80, 4), (-16, -66, 2))
_STOMACH_MM = np.array([22.0, 31, 29, 25, 19, 11])
_DUODENUM = ((-24, -56, -2), (-34, -36, -18), (-34, -24, -50), (-8, -32, -66), (28, -34, -52))
_COLON = (
    (-80, -30, -160),
    (-94, -18, -130),
    (-100, -10, -85),
    (-98, -24, -42),
    (-70, -88, -40),
    (-20, -108, -64),
    (28, -108, -58),
    (70, -92, -20),
    (98, -40, 22),
    (106, 0, 10),
    (104, 12, -50),
    (100, 4, -110),
    (88, -22, -150),
)
_SIGMOID = ((88, -22, -150), (62, -24, -190), (20, -40, -205), (-14, -20, -205), (0, 6, -215))
_RECTUM = ((0, 6, -215), (0, 20, -245), (0, 10, -280), (0, 12, -318))
_LOOPS = 40


def bowel(room: Room) -> list[Solid]:
    """Return stomach and bowel from above down, walls first, then what is in them."""
    rng = np.random.default_rng([room.build.person.seed, STREAM])
    return [*_small(room, rng), *_stomach(room, rng), *_large(room, rng)]


def _course(room: Room, rows: Rows, steps: int) -> Values:
    x, y, z = np.array(rows).T
    return curve(room.at(x, y, z), steps)


def _stomach(room: Room, rng: np.random.Generator) -> list[Solid]:
    path = _course(room, _STOMACH, 24)
    radii = np.interp(np.linspace(0, 5, 24), range(6), _STOMACH_MM) * rng.uniform(0.75, 1.05)
    path = room.pushed_in(path, radii)
    wall = Tube(path, radii)
    part = rng.uniform(0.3, 0.75)
    # lying on the back, gas gathers in the front; standing, under the diaphragm
    gas = Tube(path[8:20] - np.array([0, 7.0, 0]), (radii[8:20] - 5) * part * _rounded(12))
    if not room.build.lying:
        return _standing(room, part)
    guts = Tube(_course(room, _DUODENUM, 20), np.full(20, 11.0))
    return [
        Solid("duodenum", guts, Tissue.ORGAN, Tissue.FAT),
        Solid("stomach wall", wall, Tissue.ORGAN, Tissue.FAT),
        Solid("stomach content", Tube(path, radii - 4), Tissue.FLUID, Tissue.ORGAN),
        Solid("stomach gas", gas, Tissue.AIR, Tissue.FLUID),
    ]


def _standing(room: Room, part: float) -> list[Solid]:
    """Return the upper stomach of who stands, gas over a level of fluid."""
    s = room.build.stature
    top = float(room.dome.tops_mm[1])
    x, y = room.at(62, -34, top / s)[:2]
    half = np.array([52.0, 40, 33]) * s * (0.35 + 0.75 * part)
    outer = Ellipsoid(np.array([x, y, top - 4 * s - half[2]]), half, np.eye(3))
    inner = Inset(outer, 3.5)
    level = outer.centre_mm[2] + half[2] * (0.75 - 1.2 * part)
    low = np.array([x - 200, y - 200, level])
    over = Box(low, low + np.array([400.0, 400, 400]))
    return [
        Solid("stomach wall", outer, Tissue.ORGAN, Tissue.FAT),
        Solid("stomach content", inner, Tissue.FLUID, Tissue.ORGAN),
        Solid("stomach gas", Common((inner, over), (1, 1)), Tissue.AIR, Tissue.ORGAN),
    ]


def _small(room: Room, rng: np.random.Generator) -> list[Solid]:
    parts = []
    girth = room.build.girth_mm / room.deep
    for loop in range(_LOOPS):
        row, column = divmod(loop, 5)
        start = np.array([-70 + 35 * column, -66 - 0.6 * girth, -44 - 19 * row])
        knots = start + np.cumsum(rng.normal(0, [14, 18, 9], (5, 3)), axis=0)
        low = np.array([-86, -120 - girth, -205])
        knots = np.clip(knots, low, [86, -30, -34])
        path = _course(room, knots, 22)
        radius = rng.uniform(8.0, 12.0)
        radii = radius * (1 + 0.1 * np.sin(np.arange(22) * 1.3 + rng.uniform(0, 6)))
        path = room.pushed_in(path, radii)
        parts.append(Solid("small bowel", Tube(path, radii), Tissue.ORGAN, Tissue.FAT))
        if rng.random() < 0.55:
            parts.append(
                Solid("small bowel content", Tube(path, radii - 2.6), Tissue.FLUID, Tissue.ORGAN)
            )
        if rng.random() < 0.22:
            gas = Tube(path[6:14] - np.array([0.0, 2, 0]), radii[6:14] * 0.5)
            parts.append(Solid("small bowel gas", gas, Tissue.AIR, Tissue.FLUID))
    return parts


def _large(room: Room, rng: np.random.Generator) -> list[Solid]:
    parts: list[Solid] = []
    girth = 0.8 * max(room.build.girth_mm, 0.0) / room.deep
    colon = tuple((x, y - girth * (y < -50), z) for x, y, z in _COLON)
    for rows, radius, steps in ((colon, 22.0, 110), (_SIGMOID, 14.0, 40), (_RECTUM, 16.0, 26)):
        path = _course(room, rows, steps)
        radii = radius * np.linspace(1.1, 0.8, steps) * rng.uniform(0.85, 1.15)
        # haustra
        radii = radii * (1 + 0.17 * np.cos(np.arange(steps) * 1.15 + rng.normal(0, 0.5, steps)))
        path = room.pushed_in(path, radii)
        parts.append(Solid("colon wall", Tube(path, radii), Tissue.MUSCLE, Tissue.FAT))
        lumen = Tube(path, radii - 2.2)
        parts.append(Solid("colon stool", lumen, Tissue.FLUID, Tissue.MUSCLE))
        parts += _gas(path, radii, rng)
    return parts


def _rounded(steps: int) -> Values:
    """Return what part of its radius gas has: its ends are round (float64, shape (steps,))."""
    from_end = np.minimum(np.arange(steps), np.arange(steps)[::-1])
    return np.interp(from_end, [0, 1, 2, 3], [0.3, 0.72, 0.93, 1.0])


def _gas(path: Values, radii: Values, rng: np.random.Generator) -> list[Solid]:
    """Return stretches of gas in front, and many small bubbles in the stool."""
    parts = []
    at, end = 2, len(path) - 8
    while at < end:
        length = int(rng.integers(5, 16))
        if rng.random() < 0.5:
            stretch = slice(at, at + length)
            lift = np.array([0.0, -0.8, 0])
            inner = np.maximum(radii[stretch] - 3.2, 2)
            gas = Tube(path[stretch] + lift, inner * _rounded(len(inner)))
            parts.append(Solid("colon gas", gas, Tissue.AIR, Tissue.FLUID))
        else:
            for step in rng.integers(at, at + length, 5 * length) % len(path):
                off = rng.normal(0, 0.38, 3) * (radii[step] - 5)
                size = rng.uniform(0.8, 2.6, 3)
                bubble = Ellipsoid(path[step] + off, size, np.eye(3))
                parts.append(Solid("stool gas", bubble, Tissue.AIR, Tissue.FLUID))
        at += length
    return parts
