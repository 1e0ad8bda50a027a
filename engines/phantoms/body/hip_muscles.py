"""The muscles about the hip, each with fat around it, where other images show one mass.

Courses and sizes are ours, after atlases of sections, for a man of 1.70 m; what is fat between two
muscles is where neither reaches, or where both do equally far.
"""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.shapes import Common, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: Each muscle from below: height over the head's middle, place outwards and back of it, half sizes
#: across and along, mm.
_COURSES: dict[str, tuple[tuple[float, float, float, float, float], ...]] = {
    "gluteus maximus": (
        *((-125, 46, 34, 8, 5), (-95, 46, 44, 17, 11), (-55, 34, 58, 32, 17)),
        *(
            (-10, 18, 68, 42, 20),
            (40, -6, 78, 46, 22),
            (85, -26, 80, 34, 18),
            (115, -40, 78, 14, 8),
        ),
    ),
    "gluteus medius": (
        *((-26, 64, 14, 5, 8), (-5, 61, 12, 10, 16), (25, 53, 8, 15, 25), (65, 48, 2, 15, 34)),
        *((105, 46, -2, 12, 32), (130, 46, -4, 5, 16)),
    ),
    "gluteus minimus": (
        *((-18, 55, 0, 4, 7), (5, 45, -4, 9, 14), (35, 32, -6, 11, 20), (75, 30, -6, 7, 16)),
    ),
    "tensor fasciae latae": (
        *((-140, 66, -10, 3, 8), (-90, 66, -20, 7, 16), (-30, 64, -34, 11, 18)),
        *((30, 58, -44, 11, 15), (75, 48, -50, 7, 8)),
    ),
    "sartorius": (
        *((-290, -48, -34, 10, 9), (-220, -38, -50, 11, 9), (-130, -20, -66, 12, 8)),
        *((-50, 2, -74, 12, 7), (20, 22, -70, 11, 7), (70, 38, -58, 7, 6)),
    ),
    "rectus femoris": (
        *((-290, 16, -54, 20, 12), (-200, 22, -60, 23, 15), (-120, 26, -62, 22, 14)),
        *((-50, 26, -56, 17, 12), (0, 22, -46, 11, 9), (28, 20, -38, 6, 6)),
    ),
    "iliopsoas": (
        *((-78, 22, 10, 5, 6), (-45, 14, -8, 11, 12), (-12, 5, -32, 17, 14), (20, 0, -40, 22, 16)),
        *((70, -8, -40, 24, 18), (120, -20, -30, 18, 18)),
    ),
    "vastus lateralis": (
        *((-290, 48, -10, 22, 30), (-200, 54, -14, 22, 33), (-120, 60, -12, 17, 28)),
        *((-70, 65, -6, 12, 20), (-30, 64, -2, 6, 10)),
    ),
    "vastus medialis": (
        *((-290, -4, -24, 30, 24), (-200, 14, -26, 22, 20), (-120, 26, -26, 16, 15)),
        *((-70, 34, -22, 8, 9),),
    ),
    "pectineus": ((-100, 22, -4, 4, 6), (-65, 2, -22, 17, 10), (-20, -38, -40, 19, 9)),
    "adductor longus": (
        *((-250, 2, -2, 8, 7), (-180, -8, -16, 20, 11), (-110, -30, -30, 24, 12)),
        *((-60, -54, -38, 16, 10), (-28, -70, -42, 6, 6)),
    ),
    "adductor brevis": ((-150, 6, 0, 8, 6), (-100, -22, -8, 26, 9), (-50, -56, -18, 13, 9)),
    "adductor magnus": (
        *((-290, -28, 12, 18, 18), (-200, -22, 16, 32, 17), (-130, -28, 16, 36, 17)),
        *((-85, -34, 20, 26, 15), (-60, -42, 20, 12, 10)),
    ),
    "gracilis": (
        *((-290, -60, 6, 9, 15), (-200, -68, 0, 9, 20), (-110, -76, -12, 8, 22)),
        *((-45, -80, -22, 4, 12),),
    ),
    "obturator externus": ((-52, -38, -4, 22, 8), (-32, -22, -2, 38, 11), (-10, -24, -4, 30, 8)),
    "quadratus femoris": ((-82, 14, 26, 14, 6), (-55, 6, 29, 30, 9), (-28, 8, 28, 22, 7)),
    "hamstrings": (
        *((-290, -4, 44, 34, 22), (-200, -4, 44, 34, 20), (-130, -10, 44, 26, 16)),
        *((-70, -26, 40, 11, 8),),
    ),
}

#: Within the bony pelvis, beside the fat there.
_INTERNUS = ((-46, -30, 6, 6, 20), (-15, -34, 8, 8, 30), (20, -34, 14, 8, 32), (50, -30, 24, 4, 20))

#: Half the width of a plane of fat between two muscles that touch, mm; how far beyond its border a
#: muscle still is, with little fat and for each part of fat in it more, mm.
_PLANE_MM = 0.7
_SWOLLEN_MM, _WASTED_MM = 13.0, 16.0
#: From a muscle, mm: so far away it is as if it were not there.
_FAR_MM = 30.0


#: Where the trunk ends in the midline, above L1, and how its end rises to the sides.
_FOLD_MM, _FOLD_SLOPE = -342.0, 0.36
_TRUNK = ("skin", "subcutaneous fat", "body wall muscle", "visceral fat")


@dataclass(frozen=True, eq=False)
class _Between:
    """All that lies between the muscles of one side."""

    muscles: tuple[Stack, ...]
    swollen_mm: float
    sign: int

    def box(self) -> tuple[Values, Values]:
        boxes = [one.box() for one in self.muscles]
        low = np.min([box[0] for box in boxes], axis=0)
        high = np.max([box[1] for box in boxes], axis=0)
        around = np.array([_FAR_MM, _FAR_MM, 0])
        return low - around, high + around

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        shape = np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z))
        first, second = np.full(shape, -_FAR_MM), np.full(shape, -_FAR_MM)
        for one in self.muscles if first.size else ():
            low, high = one.box()
            if np.max(y) < low[1] - _FAR_MM or np.min(y) > high[1] + _FAR_MM:
                continue
            deep = np.maximum(one.depth_mm(x, y, z), -_FAR_MM)
            second = np.maximum(second, np.minimum(first, deep))
            first = np.maximum(first, deep)
        apart = _PLANE_MM - (first - second) / 2
        # near the rim two muscles may both be far: there is fat in any case
        fat = np.maximum(-self.swollen_mm - first, np.where(first > -_FAR_MM, apart, 1.0))
        return np.asarray(np.minimum(fat, self.sign * x))


@dataclass(frozen=True, eq=False)
class _AboveGroins:
    """All above the folds of both groins, where the thighs go on."""

    stature: float

    def box(self) -> tuple[Values, Values]:
        return np.full(3, -1e4), np.full(3, 1e4)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        fold = _FOLD_MM * self.stature + _FOLD_SLOPE * np.abs(x)
        return np.asarray((z - fold) / np.hypot(1.0, _FOLD_SLOPE))


def with_muscles_apart(build: Build, solids: tuple[Solid, ...]) -> tuple[Solid, ...]:
    """Return soft parts with fat between the muscles of hips and thighs.

    Parameters
    ----------
    build : Build
        Whose.
    solids : tuple of Solid
        Of :func:`~engines.phantoms.body.soft.soft_parts`.

    Returns
    -------
    tuple of Solid
        In painter's order; the fat follows the muscle that it lies in.
    """
    swollen = _SWOLLEN_MM - _WASTED_MM * min(build.person.muscle_fat, 0.5)
    fat = {
        side: _Between(
            tuple(_stack(build, rows, side) for rows in _COURSES.values()), swollen, sign
        )
        for side, sign in (("L", 1), ("R", -1))
    }
    found: list[Solid] = []
    for solid in solids:
        if solid.name in _TRUNK:
            above = Common((cast(Deep, solid.shape), _AboveGroins(build.stature)), (1, 1))
            solid = replace(solid, shape=above)
        if solid.name != "fat plane buttock":
            found.append(solid)
        if solid.name == "body wall muscle" or solid.name.startswith("thigh muscle"):
            found += [_within(solid, between) for between in fat.values()]
        if solid.name == "visceral fat":
            found += [
                Solid(
                    "obturator internus", _stack(build, _INTERNUS, side), Tissue.MUSCLE, Tissue.FAT
                )
                for side in ("L", "R")
            ]
    return tuple(found)


def _within(solid: Solid, between: _Between) -> Solid:
    shape = Common((cast(Deep, solid.shape), between), (1, 1))
    return replace(
        solid, name="fat between muscles", shape=shape, tissue=Tissue.FAT, instead_of=Tissue.MUSCLE
    )


def _stack(build: Build, rows: tuple[tuple[float, ...], ...], side: str) -> Stack:
    table = np.array(rows) * build.stature
    head, sign = build.femoral_head_mm(side), 1.0 if side == "L" else -1.0
    centres = np.stack([head[0] + sign * table[:, 1], head[1] + table[:, 2]], axis=1)
    return Stack(head[2] + table[:, 0], centres, table[:, 3:])
