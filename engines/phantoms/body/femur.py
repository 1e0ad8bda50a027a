"""The upper femur in its own frame: the head's middle at 0, x outwards, y back, z up.

Sizes are a man's of 1.70 m. The trabecular groups are those that Singh (1970) reads: principal
compressive and tensile, secondary ones, and the empty triangle of Ward between them; they fade in
the order he describes. Their places and weights are ours.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud, rows_of
from engines.phantoms.body.distance import blend, egg, limb
from engines.phantoms.body.necrosis import diseased, necrosis
from engines.phantoms.body.template import (
    COMPACT_MG_MM3,
    Template,
    cast,
    compact_part,
    template_of,
)
from engines.phantoms.body.texture import coarseness, struts

Values = NDArray[np.float64]

#: The template's own angles, degrees; a person's differ by bending it at the foot of the neck.
NECK_SHAFT_DEG = 128.0
ANTEVERSION_DEG = 13.0
NECK_MM = 51.0

#: Compact bone of a young adult, mm: under the cartilage, along the shaft.
SHELL_MM = 0.8
SHAFT_MM = 6.5

#: How far down the femur is made, mm below the head's middle.
LENGTH_MM = 210.0


def _neck_way() -> Values:
    up, out = -np.cos(np.deg2rad(NECK_SHAFT_DEG)), np.sin(np.deg2rad(NECK_SHAFT_DEG))
    turn = np.deg2rad(ANTEVERSION_DEG)
    return np.array([out * np.cos(turn), out * np.sin(turn), -up])


#: From the head's middle along the neck, and where that meets the shaft.
WAY = _neck_way()
FOOT = WAY * NECK_MM


def _outline(points: Values) -> Values:
    p = points
    head = egg(p, (0, 0, 0), (adult.HEAD_RADIUS_MM,) * 3)
    neck = limb(p, (WAY * 6, FOOT * 0.98), (17.0, 18.0), (1.0, 0.86, 1.0))
    greater = limb(p, ((53, 17, -10), (57, 12, -40)), (10.0, 13.5), (0.9, 1.1, 1.0))
    between = limb(p, ((46, 12, -34), (44, 10, -62)), (20.0, 20.0), (1.0, 0.85, 1.0))
    lesser = egg(p, (28.5, 20, -70), (8.5, 9, 14))
    upper = limb(p, ((44, 10, -58), (42, 9, -98)), (20.5, 15.2), (1.0, 0.92, 1.0))
    shaft = limb(p, ((42, 9, -98), (31, 9, -260)), (15.2, 13.8))
    low = np.minimum(np.minimum(upper, shaft), between)
    return blend([head, neck, greater, low, lesser], 7.0)


@lru_cache(maxsize=8)
def femur_template(spacing_mm: float) -> Template:
    """Return a left upper femur of the table's man."""
    low, high = np.array([-27.0, -30, -LENGTH_MM]), np.array([76.0, 40, 27])
    return template_of(_outline, low, high, spacing_mm)


def _near(points: Values, knots: list[tuple[float, float]], half_mm: float) -> Values:
    """How near points are, seen from in front, to a line through knots (x, z): 1 on it."""
    best = np.full(len(points), np.inf)
    for (a, b), (c, d) in pairwise(knots):
        way = np.array([c - a, d - b])
        offset = points[:, (0, 2)] - np.array([a, b])
        t = np.clip(offset @ way / (way @ way), 0, 1)
        best = np.minimum(best, np.sum(np.square(offset - t[:, None] * way), axis=1))
    return np.asarray(np.exp(-0.5 * best / half_mm**2))


@dataclass(frozen=True)
class Groups:
    """How much each lump of a femur belongs to a trabecular group: float64, shape (core,) each."""

    compressive: Values
    tensile: Values
    secondary: Values
    head: Values
    neck: Values
    above_shaft: Values


@lru_cache(maxsize=8)
def groups(spacing_mm: float) -> Groups:
    """Return the groups of the template's lumps."""
    p = femur_template(spacing_mm).core_mm
    compressive = _near(p, [(24, -58), (14, -26), (-2, 20)], 6.5)
    tensile = _near(p, [(58, -62), (52, -26), (30, -1), (4, 4), (-16, -12)], 4.0)
    secondary = _near(p, [(30, -72), (46, -40), (57, -14)], 6.0)
    secondary = np.maximum(secondary, _near(p, [(62, -45), (58, -8)], 5.0))
    apart = np.linalg.norm(p, axis=1)
    head = np.clip((adult.HEAD_RADIUS_MM + 4 - apart) / 8, 0, 1)
    above_shaft = np.clip((p[:, 2] + 105) / 40, 0, 1)
    neck = _near(p, [(12, -10), (34, -26)], 10.0)
    return Groups(compressive, tensile, secondary, head, neck, above_shaft)


@lru_cache(maxsize=8)
def _lines(spacing_mm: float) -> Values:
    """Return the template's lumps in the directions of its struts: (core, 3)."""
    p = femur_template(spacing_mm).core_mm
    along = np.array([-0.36, 0.0, 0.93])
    return np.stack([p @ np.array([0.93, 0, 0.36]), p[:, 1], p @ along]).T


def _spongy(build: Build, spacing_mm: float, number: int) -> Values:
    """Mineral of each inner lump's spongy bone, mg/cm3."""
    group = groups(spacing_mm)
    person = build.person
    coarse = coarseness(person.trabecular_mg_cm3)
    # Singh: secondary groups go first, then the tensile from outside in, the compressive last
    secondary = np.clip(1.0 - 1.5 * coarse, 0, 1)
    tensile = np.clip(1.25 - 1.15 * coarse, 0, 1)
    rich = 0.42 * (1 - 0.5 * coarse) + 0.62 * group.head + 0.5 * group.neck
    rich = rich + (1.15 - 0.35 * coarse) * group.compressive + 1.15 * tensile * group.tensile
    rich = (rich + 0.5 * secondary * group.secondary) * group.above_shaft
    grain = struts(_lines(spacing_mm), coarse, (person.seed, number))
    return np.asarray(1.15 * person.trabecular_mg_cm3 * rich * grain + 4.0)


def _wall_mm(points: Values) -> Values:
    """How thick compact bone is near points of the template in a young adult, mm."""
    x, z = points[:, 0], points[:, 2]
    shaft = np.interp(z, [-115, -85, -62, -45], [SHAFT_MM, 4.2, 1.8, SHELL_MM])
    spur = 3.4 * _near(points, [(29, -82), (24, -58), (16, -34), (8, -24)], 6.0)
    spur = spur * (x < 32)
    lateral = 1.2 * _near(points, [(62, -52), (60, -80)], 8.0)
    shaft = np.where(points[:, 1] > 24, SHELL_MM, shaft)
    neck = 1.7 * _near(points, [(12, -10), (38, -29)], 16.0)
    return np.asarray(shaft + neck + spur * (z > -100) + lateral * (z > -95))


@lru_cache(maxsize=8)
def _walls_mm(spacing_mm: float) -> Values:
    """Return how thick compact bone is near the template's lumps."""
    return _wall_mm(femur_template(spacing_mm).core_mm)


@dataclass(frozen=True)
class Factors:
    """What mineral is multiplied by at the neck and in the rest of a femur."""

    neck: float = 1.0
    rest: float = 1.0


def plain_femur(build: Build, spacing_mm: float, factors: Factors, number: int = 0) -> Cloud:
    """Return a left upper femur in its own frame, with the template's angles and a whole head."""
    person, template = build.person, femur_template(spacing_mm)
    size = build.stature * build.width
    thick = _walls_mm(spacing_mm) * person.cortex
    shell = SHELL_MM * person.cortex
    spongy = _spongy(build, spacing_mm, 80 + number)
    wall = compact_part(template, size, shell, thick)
    filling = spongy + (COMPACT_MG_MM3 * 1000 - spongy) * wall
    local = cast(template, np.full(3, size), np.asarray(shell), filling)
    along = local.points_mm @ WAY / size
    neck = np.clip((along - 8) / 12, 0, 1) * np.clip((54 - along) / 14, 0, 1)
    neck = neck * np.clip((local.points_mm[:, 2] / size + 62) / 12, 0, 1)
    much = factors.rest + (factors.neck - factors.rest) * neck
    return Cloud(local.points_mm, local.volume_mm3, local.mineral_mg * much)


def femur(
    build: Build, side: str, spacing_mm: float, visit: int = 0, factors: Factors | None = None
) -> Cloud:
    """Return the upper femur 'L' or 'R' as it is at a visit.

    ``factors`` are those of :func:`~engines.phantoms.body.density.hip_factors`.
    """
    local = plain_femur(build, spacing_mm, factors or Factors(), int(side == "L"))
    whole = local.moved(lambda points_mm: placed_mm(build, side, points_mm))
    lesion = necrosis(build, side, visit)
    return whole if lesion is None else diseased(whole, lesion)


def placed_mm(build: Build, side: str, points_mm: Values) -> Values:
    """Return where places of a femur's own frame, of this person's size, lie in the body.

    Parameters
    ----------
    build : Build
        Whose.
    side : {'L', 'R'}
        Which femur.
    points_mm : ndarray
        float64, shape (point, 3): from the head's middle; outwards, back, up.

    Returns
    -------
    ndarray
        float64, shape (point, 3), patient LPS.
    """
    turned = _bent(points_mm, build) * np.array([1.0 if side == "L" else -1.0, 1, 1])
    return np.asarray(turned + build.femoral_head_mm(side))


def _bent(local_mm: Values, build: Build) -> Values:
    """Turn the neck against the shaft by what this person's angles differ from the template's."""
    size = build.stature * build.width
    steeper = np.deg2rad(build.neck_shaft_deg - NECK_SHAFT_DEG)
    forward = np.deg2rad(build.anteversion_deg - ANTEVERSION_DEG)
    foot = FOOT * size
    points = rows_of([local_mm, np.zeros((1, 3))]) - foot
    part = np.clip(-(points @ WAY) / (0.55 * NECK_MM * size), 0, 1)
    part = part * part * (3 - 2 * part)
    a, b = steeper * part, -forward * part
    x, y, z = points.T
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    x, y = x * np.cos(b) - y * np.sin(b), y * np.cos(b) + x * np.sin(b)
    turned = np.stack([x, y, z]).T
    return np.asarray(turned[:-1] - turned[-1])
