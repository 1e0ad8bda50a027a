"""How much more or less compact bone a person has than their cortex says, so that DXA would agree.

A person's areal densities, trabecular density and cortex are drawn with their real scatter; a bone
of given size cannot hold all three. The spine's trabecular density is kept as it is; the compact
bone of all vertebrae, and all mineral of the femurs, take one factor per DXA region that brings the
projected mineral to the person's areal density (ours).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build
from engines.phantoms.body.femur import FOOT, WAY, Factors, femur_template, plain_femur
from engines.phantoms.body.spine import intact_vertebra
from engines.phantoms.body.vertebra import arch_template, body_template

Values = NDArray[np.float64]

#: Fineness at which areas, and then factors, are found; they serve every other.
AREA_SPACING_MM = 1.2
SPACING_MM = 2.0

#: Beyond these a factor would no longer be bone; such persons miss their areal density.
LEAST, MOST = 0.35, 2.5

#: DXA's edge beside vertebral bodies 45 mm wide, which cuts the transverse processes off, and above
#: and below bodies 27 mm high.
BESIDE_MM = 3.0
BETWEEN_MM = 5.0

#: The box across the neck, mm along it from the head's middle, and where the total hip ends below.
NECK_BOX_MM = (25.0, 40.0)
HIP_BELOW_MM = -95.0


def covered_cm2(points_mm: Values) -> float:
    """Return the area of the 1 mm squares, seen from in front, that hold any point."""
    cells = np.floor(points_mm[:, (0, 2)]).astype(np.int64)
    return len(np.unique(cells[:, 0] * 100_003 + cells[:, 1])) / 100


def lumbar_g_and_cm2(build: Build, compact: float) -> tuple[float, float]:
    """Return mineral and projected area of L1 to L4 as DXA takes them, fractures apart."""
    mineral = area = 0.0
    for level in ("L1", "L2", "L3", "L4"):
        whole = intact_vertebra(build, level, SPACING_MM, compact)
        size = build.intact_mm(level)
        mineral += float(whole.mineral_mg[_in_box(whole.points_mm, size)].sum()) / 1000
        table = adult.size_mm(level)
        area += _lumbar_cm2(level) * size[0] * size[2] / (table[0] * table[2])
    return mineral, area


def _in_box(points_mm: Values, size_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    x, _, z = np.abs(points_mm).T
    beside, between = (BESIDE_MM * size_mm[0] / 45, BETWEEN_MM * size_mm[2] / 27)
    return np.asarray((x < size_mm[0] / 2 + beside) & (z < size_mm[2] / 2 + between))


@lru_cache(maxsize=8)
def _lumbar_cm2(level: str) -> float:
    """Projected area of the adult table's vertebra."""
    outlines = (body_template(level, AREA_SPACING_MM), arch_template(level, AREA_SPACING_MM))
    points = np.concatenate([one.core_mm for one in outlines])
    return covered_cm2(points[_in_box(points, adult.size_mm(level))])


@lru_cache(maxsize=256)
def spine_factor(build: Build) -> float:
    """Return the factor of compact bone in this person's vertebrae."""
    (less, area), (more, _) = lumbar_g_and_cm2(build, 0.5), lumbar_g_and_cm2(build, 1.5)
    wanted = build.person.bmd_spine_g_cm2 * area
    return float(np.clip(0.5 + (wanted - less) / (more - less), LEAST, MOST))


def hip_regions(points_mm: Values, size: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which points of a femur in its own frame DXA takes as neck and as total hip."""
    along = points_mm @ WAY / size
    neck = (along > NECK_BOX_MM[0]) & (along < NECK_BOX_MM[1])
    neck &= points_mm[:, 2] > FOOT[2] * 1.7 * size
    hip = (along > NECK_BOX_MM[0]) & (points_mm[:, 2] > HIP_BELOW_MM * size)
    return neck, hip


@lru_cache(maxsize=1)
def _hip_cm2() -> tuple[float, float]:
    """Projected areas of the adult table's neck and total hip."""
    points = femur_template(AREA_SPACING_MM).core_mm
    neck, hip = (covered_cm2(points[part]) for part in hip_regions(points, 1.0))
    return neck, hip


@lru_cache(maxsize=256)
def hip_factors(build: Build) -> Factors:
    """Return the factors of mineral at the neck of the femur and in the rest of it."""
    size = build.stature * build.width
    wanted = (build.person.bmd_neck_g_cm2, build.person.bmd_hip_g_cm2)
    bones = [plain_femur(build, SPACING_MM, Factors(*one)) for one in ((1.0, 0.0), (0.0, 1.0))]
    parts = hip_regions(bones[0].points_mm, size)
    masses = np.array([[one.mineral_mg[part].sum() for one in bones] for part in parts]) / 1000
    areas = np.array(_hip_cm2()) * size**2
    neck, rest = np.linalg.solve(masses, areas * np.array(wanted))
    return Factors(float(np.clip(neck, LEAST, MOST)), float(np.clip(rest, LEAST, MOST)))
