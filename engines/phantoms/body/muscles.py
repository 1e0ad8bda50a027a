"""Muscles of the back and the hip, and how thick all muscles are in this person.

Sizes at each level are ours, for a man of 1.70 m with 150 cm2 of muscle at L3; the slice through L3
is measured and all are scaled until it has the person's area.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.shapes import Common, Inset, Stack
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.body.trunk import layers, trunk

Values = NDArray[np.float64]

#: Of the grid on which the slice through L3 is measured.
_PIXEL_MM = 2.5
_LEAST, _MOST = 0.35, 1.6
_USUAL = 0.7, 1.1
_CLOSE = 0.01

#: Beside and behind the vertebral middle (left side), half sizes, mm; heights above L1, mm.
_PSOAS = (
    (-315, 66, -12, 11, 12),
    (-268, 74, -34, 16, 14),
    (-225, 68, -36, 19, 18),
    (-150, 54, -22, 19, 22),
    (-115, 47, -8, 19, 23),
    (-78, 41, 2, 16, 21),
    (-38, 33, 5, 11, 16),
    (0, 26, 7, 6, 9),
    (25, 24, 8, 3, 4),
)
_QUADRATUS = ((-128, 74, 22, 13, 5), (-78, 66, 23, 18, 8), (-38, 56, 24, 15, 7), (10, 44, 25, 8, 4))
_ERECTOR = (
    (-190, 22, 52, 16, 7),
    (-150, 32, 52, 25, 15),
    (-115, 38, 54, 32, 21),
    (-78, 40, 52, 34, 23),
    (-38, 39, 50, 33, 22),
    (30, 36, 46, 28, 17),
    (130, 30, 42, 24, 12),
    (290, 24, 40, 18, 11),
)
_MULTIFIDUS = (
    (-190, 12, 42, 10, 12),
    (-150, 15, 44, 14, 17),
    (-115, 16, 46, 13, 16),
    (-78, 14, 45, 10, 14),
    (-38, 12, 43, 8, 11),
    (40, 10, 40, 6, 8),
)
_ILIACUS = ((-210, 78, -30, 18, 11), (-170, 88, -18, 22, 10), (-130, 96, 0, 16, 7))
_CRUS = ((-40, 9, -22, 5, 5), (10, 12, -18, 5, 7), (60, 14, -14, 4, 9))

_NAMED = (
    ("psoas", _PSOAS, 0.0),
    ("quadratus lumborum", _QUADRATUS, -16.0),
    ("erector spinae", _ERECTOR, -8.0),
    ("iliacus", _ILIACUS, 35.0),
    ("diaphragm crus", _CRUS, 0.0),
)


def beside_spine(
    build: Build, rows: tuple[tuple[float, ...], ...], sign: int
) -> tuple[Values, ...]:
    """Return heights, centres (level, 2) and half sizes (level, 2) of rows as above, mm."""
    table = np.array(rows) * build.stature
    x, y = build.spine_mm(table[:, 0])
    low = np.clip((-160 - np.array(rows)[:, 0]) / 40, 0, 1)
    hip = build.femoral_head_mm("L")[1] + 25 * build.stature
    y = (1 - low) * y + low * hip
    centres = np.stack([x + sign * table[:, 1], y + table[:, 2]], axis=1)
    return table[:, 0], centres, table[:, 3:5]


def _stack(
    build: Build, named: tuple[str, tuple[tuple[float, ...], ...], float], side: int, scale: float
) -> Stack:
    _, rows, turn = named
    z, centres, half = beside_spine(build, rows, side)
    return Stack(z, centres, half * scale, 2.4, turn * side)


def deep_muscles(build: Build, muscle: float) -> list[Solid]:
    """Return the muscles beside the spine and in the hip, kept within the fascia of the back."""
    wall: Deep = Inset(layers(build, muscle).wall, 1.0)
    scale = float(np.sqrt(muscle))
    parts = []
    for side, sign in (("right", -1), ("left", 1)):
        for named in _NAMED:
            shape = Common((_stack(build, named, sign, scale), wall), (1, 1))
            parts.append(Solid(f"{named[0]} {side}", shape, Tissue.MUSCLE, Tissue.FAT))
        many = _stack(build, ("", _MULTIFIDUS, 0.0), sign, scale)
        cleft = Common((Inset(many, -0.6), wall), (1, 1))
        parts.append(Solid(f"multifidus cleft {side}", cleft, Tissue.FAT, Tissue.MUSCLE))
        parts.append(
            Solid(f"multifidus {side}", Common((many, wall), (1, 1)), Tissue.MUSCLE, Tissue.FAT)
        )
    return parts


def area_l3_cm2(parts: list[Solid], build: Build) -> float:
    """Return the muscle in the slice through the middle of L3, skin and bone left out, cm2."""
    side = np.arange(-250.0, 250.0, _PIXEL_MM)
    z = np.float64(build.vertebra_centre_mm("L3")[2])
    painted = np.zeros((len(side), len(side)), dtype=bool)
    for part in parts:
        low, high = part.shape.box()
        if part.name != "skin" and low[2] <= z <= high[2]:
            columns, rows = (slice(*np.searchsorted(side, (low[k], high[k]))) for k in (0, 1))
            x, y = side[None, columns], side[rows, None]
            found = part.shape.depth_mm(x, y, z) >= 0  # type: ignore[attr-defined]
            painted[rows, columns][found] = part.tissue is Tissue.MUSCLE
    return float(painted.sum()) * _PIXEL_MM**2 / 100


@lru_cache(maxsize=8)
def muscle_scale(build: Build) -> float:
    """Return how thick muscles are, so that the slice through L3 has the person's area."""
    wanted = build.person.muscle_area_cm2

    def beyond(scale: float) -> float:
        parts = [*trunk(build, scale), *deep_muscles(build, scale)]
        return area_l3_cm2(parts, build) - wanted

    # the area is almost a line over the scale
    low, high = _USUAL
    less, more = beyond(low), beyond(high)
    for _ in range(2):
        slope = max((more - less) / (high - low), 1.0)
        found = float(np.clip(high - more / slope, _LEAST, _MOST))
        if abs(found - high) < _CLOSE:
            break
        low, less = high, more
        high, more = found, beyond(found)
    return found
