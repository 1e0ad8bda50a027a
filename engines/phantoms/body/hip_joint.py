"""The hip joints: cartilage about the head, fluid in the capsule; sizes ours."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.femur import WAY, placed_mm
from engines.phantoms.body.necrosis import necrosis
from engines.phantoms.body.shapes import Ellipsoid
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: Over the bone: cartilage; fluid of a full capsule, there and around the neck.
_CARTILAGE_MM = 1.6
_FULL_MM = 3.6
#: Where the capsule is widest, from the head's middle along the neck, and half its length, mm.
_BAG_AT_MM, _BAG_HALF_MM = 20.0, 19.0


def hip_joints(build: Build, visit: int) -> list[Solid]:
    """Return both joints at a visit, to be painted over muscle and under bone.

    Fluid comes with a collapse of the head, or with an effusion.
    """
    parts: list[Solid] = []
    for side, replaced in (("L", Extra.HIP_LEFT), ("R", Extra.HIP_RIGHT)):
        if replaced not in build.extras:
            parts += _joint(build, side, visit)
    return parts


def _joint(build: Build, side: str, visit: int) -> list[Solid]:
    lesion = necrosis(build, side, visit)
    full = 1.0 if Extra.EFFUSION in build.extras else 0.75 * lesion.worn if lesion else 0.0
    head, radius = build.femoral_head_mm(side), build.femoral_head_radius_mm
    cartilage = Ellipsoid(head, np.full(3, radius + _CARTILAGE_MM), np.eye(3))
    parts = [Solid("hip joint cartilage", cartilage, Tissue.CARTILAGE, Tissue.MUSCLE)]
    if full <= 0:
        return parts
    size = build.stature * build.width
    ends = placed_mm(build, side, WAY[None] * [[0.0], [_BAG_AT_MM * size]])
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    across = np.cross(along, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    axes = np.stack([along, across, np.cross(along, across)], axis=1)
    wide = 15.0 * size + _FULL_MM * full
    bag = Ellipsoid(ends[1], np.array([_BAG_HALF_MM * size, wide + 2.0, wide]), axes)
    ring = Ellipsoid(head, np.full(3, radius + _CARTILAGE_MM + _FULL_MM * full * 0.5), np.eye(3))
    fluid = [Solid("hip joint fluid", one, Tissue.FLUID, Tissue.MUSCLE) for one in (bag, ring)]
    return [*fluid, *parts]
