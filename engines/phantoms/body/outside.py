"""What stands out from the trunk: breasts, shoulders and upper arms; sizes are ours."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.girdle import shoulder_mm
from engines.phantoms.body.shapes import Ellipsoid, Inset, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4304

#: A breast that hangs: height over the nipple, half width, how far it stands out, mm.
_BREAST_MM = np.array(
    [
        [-47, 8, 2],
        [-45, 20, 12],
        [-41, 34, 22],
        [-34, 46, 32],
        [-24, 55, 39],
        [-10, 62, 44],
        [8, 62, 42],
        [28, 57, 33],
        [50, 50, 21],
        [74, 38, 8],
        [96, 22, -3],
        [112, 6, -14],
    ]
)

#: An arm at the side with its shoulder, from the joint's middle: height, inner and outer border,
#: half depth, mm. The innermost ones lie within trunk and neck.
_HANGING_MM = np.array(
    [
        [-290, 56, 132, 42],
        [-200, 26, 102, 45],
        [-130, 2, 78, 48],
        [-95, -12, 70, 52],
        [-72, -44, 66, 58],
        [-40, -84, 58, 64],
        [-10, -110, 51, 66],
        [10, -118, 45, 65],
        [24, -124, 36, 61],
        [36, -128, 20, 56],
        [45, -130, -6, 52],
        [54, -132, -34, 50],
        [66, -134, -60, 50],
        [84, -136, -80, 52],
        [110, -138, -92, 54],
    ]
)
_RAISED_MM = np.array(
    [
        [-70, -90, -20, 40],
        [-45, -92, 6, 50],
        [-10, -96, 28, 55],
        [20, -96, 34, 52],
        [50, -80, 38, 48],
        [90, -52, 42, 43],
        [150, -36, 50, 40],
        [300, -10, 76, 38],
    ]
)


def breasts(build: Build) -> list[Solid]:
    """Return both breasts of a woman: skin, fat, and the gland that age leaves."""
    if build.person.sex != "F":
        return []
    rng = np.random.default_rng([build.person.seed, STREAM, 1])
    size = np.clip(0.8 + 0.03 * (build.person.bmi_kg_m2 - 22) + rng.normal(0, 0.12), 0.45, 1.6)
    old = np.clip((build.person.age_years - 45) / 40, 0, 1)
    level = place_of_nipple_mm(build) - 26 * old * size
    half = float(build.trunk_mm(np.array(level))[0])
    # lying, they spread to the sides
    flat, apart = (0.5, 0.57) if build.lying else (1.0, 0.52)
    rise, wide, out = (_BREAST_MM * np.array([1.0, 1.0, flat]) * size).T
    _, deep, middle = build.trunk_mm(level + rise)
    y = middle - 0.9 * deep + 16
    parts = []
    for side, sign in (("right", -1), ("left", 1)):
        x = sign * (apart * half + 0.06 * (rise.max() - rise))
        whole = Stack(
            level + rise,
            np.stack([x, y], axis=1),
            np.stack([wide, np.maximum(out + 16, 1.0)], axis=1),
        )
        centre = np.array([x[6], y[6] - 16 - 14 * size * flat, level - 4])
        gland = Ellipsoid(centre, np.array([30, 16 * flat, 26]) * size * 0.8, np.eye(3))
        parts.append(Solid(f"breast skin {side}", whole, Tissue.MUSCLE, Tissue.AIR))
        parts.append(Solid(f"breast {side}", Inset(whole, 2.0), Tissue.FAT, Tissue.MUSCLE))
        if rng.random() < 0.7:
            parts.append(Solid(f"breast gland {side}", gland, Tissue.ORGAN, Tissue.FAT))
    return parts


def place_of_nipple_mm(build: Build) -> float:
    """Return the height of a young woman's nipples."""
    return float(build.vertebra_centre_mm("T8")[2] - 4 * build.stature)


def arms(build: Build) -> list[Solid]:
    """Return shoulders and upper arms: skin, fat, muscle; at the side, or raised."""
    parts = []
    size = build.stature * (0.93 if build.person.sex == "F" else 1.0)
    rows = _RAISED_MM if build.arms_raised else _HANGING_MM
    up, inner, outer, deep = rows.T * size
    fat = 0.45 * build.fat_mm
    arm = np.clip(np.abs(up) / 60, 0.3, 1.0) * (up < 20)
    for side, sign in (("right", -1), ("left", 1)):
        joint = shoulder_mm(build, sign)
        x = joint[0] + sign * (inner + outer) / 2
        back = np.interp(up, [0, 60], [0, 20]) if not build.arms_raised else -0.6 * up.clip(0)
        wide = (outer - inner) / 2 + fat * arm
        centres = np.stack([x, joint[1] + 2 + back], axis=1)
        whole = Stack(joint[2] + up, centres, np.stack([wide, deep + fat * arm], axis=1), 2.3)
        under = Inset(whole, 2.0)
        for name, shape, tissue, instead_of in (
            ("skin", whole, Tissue.MUSCLE, Tissue.AIR),
            ("fat", under, Tissue.FAT, Tissue.MUSCLE),
            ("muscle", Inset(under, fat), Tissue.MUSCLE, Tissue.FAT),
        ):
            parts.append(Solid(f"arm {name} {side}", shape, tissue, instead_of))
    return parts
