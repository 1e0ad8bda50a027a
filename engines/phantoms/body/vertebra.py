"""Outlines of single vertebrae in their own frame: the body's middle at 0, z up, y to the back.

Sizes are those of the adult table; proportions of arches and processes are ours, after common
anatomy: slender downward spinous processes and backward transverse ones in the chest, plates and
long sideways processes in the loins.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body import adult
from engines.phantoms.body.distance import blend, limb, within
from engines.phantoms.body.template import Template, template_of

Values = NDArray[np.float64]

#: How deep endplates are hollowed in health, mm.
HOLLOW_MM = 1.3


@dataclass(frozen=True)
class Arch:
    """What stands behind a vertebral body, mm.

    Attributes
    ----------
    pedicle_wide, pedicle_high : float
        Half sizes of a pedicle's cut surface.
    canal : float
        Depth of the canal.
    across, backward : float
        Where a transverse process ends, from the middle and behind the body's back.
    spine, fall : float
        How long the spinous process is and how much it falls.
    blade : float
        Half height of the spinous process.
    """

    pedicle_wide: float
    pedicle_high: float
    canal: float
    across: float
    backward: float
    spine: float
    fall: float
    blade: float


#: C7, T1, T6, T10, T12, L1, L3, L5; levels between are interpolated.
_AT = (0.0, 1.0, 6.0, 10.0, 12.0, 13.0, 15.0, 17.0)
_ARCHES = np.array(
    [
        [3.0, 3.6, 14.0, 33.0, 8.0, 33.0, 10.0, 4.0],
        [3.6, 4.6, 15.0, 36.0, 13.0, 31.0, 14.0, 4.2],
        [2.4, 5.6, 15.5, 30.0, 19.0, 29.0, 30.0, 3.6],
        [3.2, 7.0, 15.5, 27.0, 17.0, 26.0, 20.0, 5.0],
        [4.0, 7.8, 16.5, 22.0, 12.0, 25.0, 9.0, 8.5],
        [4.0, 7.6, 17.0, 36.0, 10.0, 29.0, 7.0, 10.0],
        [5.0, 7.2, 16.5, 46.0, 9.0, 31.0, 7.0, 11.0],
        [7.6, 6.8, 17.0, 43.0, 9.0, 24.0, 7.0, 8.0],
    ]
)


def arch_of(level: str) -> Arch:
    """Return the measures of a level's arch, C7 to L5."""
    i = adult.LEVELS.index(level)
    return Arch(*(float(np.interp(i, _AT, column)) for column in _ARCHES.T))


def body_outline(points: Values, size_mm: tuple[float, float, float]) -> Values:
    """Measure from a vertebral body: bean-shaped across, waisted, endplates hollowed."""
    width, depth, height = size_mm
    x, y, z = points.T
    level = np.clip(2 * z / height, -1.05, 1.05)
    waist = 0.90 + 0.10 * level**2
    notch = 0.09 * depth * np.exp(-np.square(x / (0.22 * width)))
    back = y + notch * (y > -0.2 * depth)
    a, b = width / 2 * waist, depth / 2 * waist
    q = ((np.abs(x) / a) ** 2.4 + (np.abs(back) / b) ** 2.4) ** (1 / 2.4)
    hollow = HOLLOW_MM * np.clip(1 - q**2, 0, 1)
    plates = np.abs(z) + hollow - height / 2
    return within((q - 1) * depth / 2, plates, 1.6)


def arch_outline(points: Values, level: str) -> Values:
    """Measure from the arch and its processes."""
    i = adult.LEVELS.index(level)
    width, depth, height = (
        float(t[i]) for t in (adult.WIDTHS_MM, adult.DEPTHS_MM, adult.HEIGHTS_MM)
    )
    arch = arch_of(level)
    p = points * np.array([1.0, 1.0, 1.0])
    p[:, 0] = np.abs(p[:, 0])
    lumbar = float(np.clip((i - 11) / 2, 0, 1))
    root = width / 2 * (0.68 - 0.06 * lumbar)
    top, back = height * 0.16, depth / 2
    wide, high = arch.pedicle_wide, arch.pedicle_high
    rear = back + arch.canal
    pedicle = limb(
        p, ((root, back - 5, top), (root + 1, back + 9, top)), (wide, wide), (1, 1, high / wide)
    )
    plate_high = 1.9 + 0.9 * lumbar
    lamina = limb(p, ((root - 1, back + 10, -1), (2, rear + 3, -5)), (3.4, 3.2), (1, 1, plate_high))
    facet_x = root * (0.96 + 0.06 * lumbar)
    upper = limb(
        p, ((facet_x, back + 9, 0), (facet_x + 1.5, back + 11, height / 2 + 5)), (4.6, 3.6)
    )
    lower = limb(
        p, ((facet_x - 3, back + 12, -3), (facet_x - 2, back + 15, -height / 2 - 7)), (4.4, 3.6)
    )
    tip = (arch.across, back + arch.backward, top + 1 + 3 * (1 - lumbar))
    thick = 4.6 - 1.8 * lumbar
    flat = 1.35 + 0.55 * lumbar
    transverse = limb(p, ((root, back + 7, top - 1), tip), (thick, thick * 0.62), (1, 1, flat))
    blade = arch.blade / 3.2
    end = (0, rear + arch.spine, -6 - arch.fall)
    taper = 1.6 * (1 - lumbar)
    radii = (2.8 + taper / 2, 3.2 - taper)
    spinous = limb(p, ((0, rear + 2, -6), end), radii, (1, 1, blade))
    return blend([pedicle, lamina, upper, lower, transverse, spinous], 2.5)


@lru_cache(maxsize=128)
def body_template(level: str, spacing_mm: float) -> Template:
    """Return a vertebral body of the table's size."""
    size = adult.size_mm(level)
    half = np.array(size) / 2 + 2 * spacing_mm
    return template_of(lambda p: body_outline(p, size), -half, half, spacing_mm)


@lru_cache(maxsize=128)
def arch_template(level: str, spacing_mm: float) -> Template:
    """Return a level's arch with its processes, what lies in the body left out."""
    size = adult.size_mm(level)
    arch = arch_of(level)
    reach = arch.across + 6
    low = np.array([-reach, size[1] / 2 - 8, -size[2] / 2 - 14 - arch.fall])
    high = np.array([reach, size[1] / 2 + arch.canal + arch.spine + 6, size[2] / 2 + 11])

    def outline(points: Values) -> Values:
        return within(arch_outline(points, level), -body_outline(points, size), 0.8)

    return template_of(outline, low, high, spacing_mm)
