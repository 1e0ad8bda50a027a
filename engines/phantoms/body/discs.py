"""The soft parts of the spine: its discs, and the sac in its canal.

Bone is laid over them, so both run through all levels.
"""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build
from engines.phantoms.body.shapes import Stack
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.body.vertebra import arch_of

Values = NDArray[np.float64]

#: Against the bodies' rims: half-way through a body, whose waist is narrow, and between two (ours).
_WAIST, _RIM = 0.84, 0.99
#: The sac against the canal, and half its width, mm (ours).
_SAC_DEEP, _SAC_HALF_MM = 0.86, 9.0


def spine_soft_parts(build: Build) -> tuple[Solid, ...]:
    """Return the discs of T1 to S1 as one column, and the sac behind them."""
    column = Solid("disc", _column(build), Tissue.FLUID, Tissue.FAT)
    sac = Solid("dural sac", _sac(build), Tissue.FLUID, Tissue.FAT)
    return column, sac


def _column(build: Build) -> Stack:
    """Lay level cross-sections through the bodies and half-way between them."""
    levels = adult.LEVELS[:0:-1]
    centres = np.stack([build.vertebra_centre_mm(level) for level in levels])
    halves = np.array([_half_mm(build, level) for level in levels])
    between = (centres[:-1] + centres[1:]) / 2
    wide = (halves[:-1] + halves[1:]) / 2
    z = np.concatenate([centres[:, 2], between[:, 2]])
    middle = np.concatenate([centres[:, :2], between[:, :2]])
    half = np.concatenate([_WAIST * halves, _RIM * wide])
    order = np.argsort(z)
    return Stack(z[order], middle[order], half[order], 2.4)


def _half_mm(build: Build, level: str) -> tuple[float, float]:
    """Return half the width and depth of a level cut through a body that leans."""
    width, depth, _ = build.intact_mm(level)
    upright = float(build.vertebra_axes(level)[2, 2])
    return width / 2, depth / 2 / max(upright, 0.7)


def _sac(build: Build) -> Stack:
    levels = [level for level in adult.LEVELS[:0:-1] if level != "S1"]
    size = build.stature * build.width
    deep = np.array([arch_of(level).canal for level in levels]) * size
    back = np.array([build.intact_mm(level)[1] / 2 for level in levels]) + deep / 2
    centres = np.stack(
        [
            build.vertebra_centre_mm(level) + build.vertebra_axes(level)[:, 1] * off
            for level, off in zip(levels, back, strict=True)
        ]
    )
    half = np.stack([np.full(len(levels), _SAC_HALF_MM * size), _SAC_DEEP * deep / 2], axis=1)
    return Stack(centres[:, 2], centres[:, :2], half)
