"""All bones that an exam shows, each with its name."""

from enum import StrEnum

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.density import hip_factors, spine_factor
from engines.phantoms.body.femur import femur
from engines.phantoms.body.girdle import breast_bone, collar_bone, neck, shoulder_blade, upper_arm
from engines.phantoms.body.hip_implants import made_room
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.pelvis import bridge, hip_bone, sacrum
from engines.phantoms.body.ribs import cartilage, rib
from engines.phantoms.body.spine import vertebra


class Region(StrEnum):
    """What part of the body an exam shows."""

    CHEST = "chest"
    ABDOMEN = "abdomen"
    PELVIS = "pelvis"


#: Vertebrae of each region, from above.
VERTEBRAE = {
    Region.CHEST: adult.LEVELS[: adult.LEVELS.index("L3")],
    Region.ABDOMEN: adult.LEVELS[adult.LEVELS.index("T10") : -1],
    Region.PELVIS: adult.LEVELS[adult.LEVELS.index("L2") : -1],
}

#: Which ribs each region shows.
RIBS = {Region.CHEST: range(1, 14), Region.ABDOMEN: range(6, 14), Region.PELVIS: range(0)}

_SIDES = {"right": -1, "left": 1}


def bones(build: Build, region: Region, spacing_mm: float, visit: int = 0) -> dict[str, Cloud]:
    """Return the bones of one region by name, e.g. ``vertebra L1``, ``rib 7 left``.

    Parameters
    ----------
    build : Build
        Whose.
    region : Region
        Which bones.
    spacing_mm : float
        Between lumps: about 1.2 for a film of 512 px, 0.7 for a CT.
    visit : int
        Which of the person's visits: osteonecrosis grows.
    """
    compact = spine_factor(build)
    parts = {
        f"vertebra {level}": vertebra(build, level, spacing_mm, compact)
        for level in VERTEBRAE[region]
    }
    for side, sign in _SIDES.items():
        for number in RIBS[region]:
            if number <= build.ribs:
                parts[f"rib {number} {side}"] = rib(build, number, sign, spacing_mm)
            if number <= min(10, build.ribs):
                name = f"cartilage {number} {side}"
                parts[name] = cartilage(build, number, sign, spacing_mm)
    if region is Region.CHEST:
        parts |= _girdle(build, spacing_mm)
    else:
        parts |= _hips(build, spacing_mm, visit)
    return made_room(build, parts, foreign_bodies(build)) if build.extras else parts


def _hips(build: Build, spacing_mm: float, visit: int) -> dict[str, Cloud]:
    factors = hip_factors(build)
    parts = {"sacrum": sacrum(build, spacing_mm)}
    for side in _SIDES:
        letter = side[0].upper()
        parts[f"hip bone {side}"] = hip_bone(build, letter, spacing_mm)
        if build.sacralised:
            parts[f"bridge L5 {side}"] = bridge(build, letter, spacing_mm)
        parts[f"femur {side}"] = femur(build, letter, spacing_mm, visit, factors)
    return parts


def _girdle(build: Build, spacing_mm: float) -> dict[str, Cloud]:
    parts = {"breast bone": breast_bone(build, spacing_mm)}
    parts |= neck(vertebra(build, "C7", spacing_mm, spine_factor(build)), build.stature)
    for side, sign in _SIDES.items():
        parts[f"collar bone {side}"] = collar_bone(build, sign, spacing_mm)
        parts[f"shoulder blade {side}"] = shoulder_blade(build, sign, spacing_mm)
        parts[f"upper arm {side}"] = upper_arm(build, sign, spacing_mm)
    return parts
