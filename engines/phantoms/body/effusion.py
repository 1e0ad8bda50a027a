"""Fluid about the lungs: low in who stands, behind in who lies; it climbs where it meets ribs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.shapes import Common
from engines.phantoms.body.solids import Shape, Solid, Tissue

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4150

#: Above the top of the lungs' floor, mm; part of the chest's half depth when lying.
_LEVEL_MM = (-30.0, 25.0)
_LYING = (0.35, 0.65)
#: How far fluid climbs at the ribs, and how near it must be to do so, mm.
_CLIMBS_MM, _NEAR_MM = 44.0, 14.0
_FAR_MM = 1e4
_MIDDLE = ("mediastinal fat", "heart muscle", "aortic arch", "thoracic aorta")


@dataclass(frozen=True, eq=False)
class _Pool:
    """All that lies on one side of the body and under, or behind, the fluid's surface."""

    build: Build
    sign: int
    level_mm: float
    part: float

    def box(self) -> tuple[Values, Values]:
        return np.full(3, -_FAR_MM), np.full(3, _FAR_MM)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        half, deep, middle = self.build.cage_mm(np.asarray(z))
        round_ = np.sqrt(np.square(x / half) + np.square((y - middle) / deep))
        climbed = _CLIMBS_MM * np.exp(-np.clip(1 - round_, 0, None) * deep / _NEAR_MM)
        under = y - (middle + self.part * deep) if self.build.lying else self.level_mm - z
        return np.asarray(np.minimum(under + climbed, self.sign * x))


def effusion(build: Build, shapes: Mapping[str, Shape]) -> list[Solid]:
    """Return the fluid at one side or both, none where the body has no effusion.

    Parameters
    ----------
    build : Build
        Whose; sides and amount are drawn, whatever else is true of the person.
    shapes : mapping of str to Shape
        The soft parts by name: fluid is where ``lungs`` would be, and not in the mediastinum.
    """
    if Extra.EFFUSION not in build.extras:
        return []
    rng = np.random.default_rng([build.person.seed, STREAM])
    sides = ((-1,), (1,), (-1, 1))[int(rng.integers(3))]
    floor = float(build.vertebra_centre_mm("T9")[2])
    between = [cast(Deep, shapes[one]) for one in _MIDDLE if one in shapes]
    parts = []
    for sign in sides:
        level = floor + float(rng.uniform(*_LEVEL_MM)) * build.stature
        pool = _Pool(build, sign, level, float(rng.uniform(*_LYING)))
        whole = (cast(Deep, shapes["lungs"]), pool, *between)
        shape = Common(whole, (1, 1, *(-1 for _ in between)))
        parts.append(Solid("pleural effusion", shape, Tissue.FLUID, Tissue.LUNG))
    return parts
