"""The neck, breast bone, collar bones, shoulder blades, upper arms; forms and places are ours."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.distance import blend, egg, limb, plate
from engines.phantoms.body.template import Template, cast, compact_part, posed, template_of
from engines.phantoms.body.texture import coarseness, struts
from engines.phantoms.body.tubes import Tube, course, fill

Values = NDArray[np.float64]

#: Compact bone of a young adult, mm.
BREAST_BONE_MM = 0.7
COLLAR_MM = 1.7
BLADE_MM = 0.85
HUMERUS_HEAD_MM = 0.9
HUMERUS_SHAFT_MM = 3.6


def neck(seventh: Cloud, stature: float) -> dict[str, Cloud]:
    """Return C6 to C3 as copies of C7 with less of its processes: a film's upper edge cuts them.

    They stand straight on C7, smaller from one to the next.
    """
    middle = np.median(seventh.points_mm, axis=0)
    found = {}
    for up in range(1, 5):
        size = np.array([0.80, 0.72, 0.94]) * (1 - 0.015 * up)
        off = seventh.points_mm - middle
        points = middle + off * size + np.array([0.0, -2.5 * up, 17.5 * up]) * stature
        part = float(size.prod())
        found[f"vertebra C{7 - up}"] = Cloud(
            points, seventh.volume_mm3 * part, seventh.mineral_mg * part
        )
    return found


def breast_bone(build: Build, spacing_mm: float) -> Cloud:
    """Return the sternum: manubrium, body and xiphoid."""
    top = build.vertebra_centre_mm("T3")[2] + 10 * build.stature
    bottom = top - 165 * build.stature
    z = np.linspace(top, bottom, 12)
    _, deep, middle = build.cage_mm(z)
    path = course(np.stack([0 * z, middle - deep - 5, z], axis=1), spacing_mm)
    t = np.linspace(0, 1, len(path))
    at = [0, 0.08, 0.22, 0.3, 0.4, 0.65, 0.82, 0.88, 1.0]
    half = np.interp(t, at, [19, 26, 20, 14, 14.5, 18, 15, 6, 3]) * build.width * build.stature
    thick = np.interp(t, at, [5, 6.5, 5.5, 4.5, 4.8, 4.8, 4.2, 2.6, 2])
    person = build.person
    wall = np.full(len(path), BREAST_BONE_MM * person.cortex)
    wall = wall * (1 + 1.2 * np.exp(-np.square((t - 0.29) / 0.012)))
    front = np.tile([0.0, -1.0, 0.0], (len(path), 1))
    tube = Tube(path, front, half, thick, wall, 0.75 * person.trabecular_mg_cm3)
    return fill(tube, spacing_mm)


def shoulder_mm(build: Build, side: int) -> Values:
    """Middle of the shoulder joint's socket."""
    size = build.stature * (0.96 if build.person.sex == "F" else 1.02)
    up = build.vertebra_centre_mm("T3")[2] + 2 * build.stature
    lift = build.shoulders_mm + (42 if build.arms_raised else 0)
    wide = build.cage_mm(np.array([up]))[0][0]
    out = 0.5 * (146 * size + wide + 54 * size) - (6 if build.arms_raised else 0)
    return np.array([side * out, build.spine_mm(np.array([up]))[1][0] - 30 * size, up + lift])


def collar_bone(build: Build, side: int, spacing_mm: float) -> Cloud:
    """Return one clavicle, S-shaped from the breast bone to the shoulder's top."""
    top = build.vertebra_centre_mm("T3")[2] + 8 * build.stature
    _, deep, middle = build.cage_mm(np.array([top]))
    start = np.array([side * 19.0, middle[0] - deep[0] - 6, top - 4])
    end = shoulder_mm(build, side) + np.array([side * 8.0, 16, 30]) * build.stature
    way = end - start
    bend = np.array([0.0, -1, -0.25]) * build.stature
    knots = [start + way * 0.0, start + way * 0.25 + bend * 9, start + way * 0.5 + bend * 6]
    knots += [start + way * 0.78 - bend * 9, end]
    path = course(np.array(knots), spacing_mm)
    t = np.linspace(0, 1, len(path))
    size = build.width * build.stature
    at = [0, 0.07, 0.3, 0.6, 0.85, 0.96, 1]
    high = np.interp(t, at, [9, 10.5, 7, 6.2, 6.2, 6.4, 5]) * size
    thick = np.interp(t, at, [9, 10.5, 6.4, 6.0, 8.5, 9.5, 7]) * size
    wall = (
        COLLAR_MM * build.person.cortex * np.interp(t, [0, 0.1, 0.3, 0.8, 1], [0.4, 0.5, 1, 1, 0.5])
    )
    front = np.tile([0.0, -1.0, 0.0], (len(path), 1))
    tube = Tube(path, front, high, thick, wall, 0.8 * build.person.trabecular_mg_cm3)
    return fill(tube, spacing_mm)


def _blade_outline(points: Values) -> Values:
    """A left shoulder blade around its socket: x out, y back, z up."""
    p = points.copy()
    p[:, 1] -= 7 * np.exp(-(np.square(p[:, 0] + 38) + np.square(p[:, 2] + 30)) / 45**2)
    top, root, low = (-58, 4, 42), (-70, 4, 16), (-52, -2, -108)
    ridge, corner, tip = (-22, 32, 27), (6, 40, 32), (38, 30, 24)
    parts = [
        plate(p, (top, low, (-9, 0, -4)), 2.4),
        plate(p, (top, root, low), 2.4),
        plate(p, ((-66, 6, 18), (-12, 4, 14), ridge), 2.6),
        plate(p, ((-12, 4, 14), ridge, corner), 2.6),
        limb(p, (top, root), (2.4, 2.2)),
        limb(p, (root, low), (2.2, 3.4)),
        limb(p, (low, (-36, -2, -62)), (4.2, 4.4)),
        limb(p, ((-36, -2, -62), (-12, 0, -12)), (4.4, 6.5)),
        limb(p, (top, (-14, 0, 20)), (1.9, 2.6)),
        limb(p, ((-68, 8, 18), ridge), (2.6, 3.6)),
        limb(p, (ridge, corner), (3.6, 5.0)),
        limb(p, (corner, tip), (6.2, 6.6), (1.25, 1.25, 0.7)),
        egg(p, (-6, 0, 0), (8.5, 12.5, 18.5)),
        limb(p, ((-12, -3, 16), (-6, -20, 30)), (6.5, 5.6)),
        limb(p, ((-6, -20, 30), (13, -31, 21)), (5.6, 4.8)),
    ]
    return blend(parts, 3.0)


@lru_cache(maxsize=8)
def blade_template(spacing_mm: float) -> Template:
    """Return a left shoulder blade of the table's man."""
    low, high = np.array([-80.0, -40, -118]), np.array([44.0, 50, 52])
    return template_of(_blade_outline, low, high, spacing_mm)


def shoulder_blade(build: Build, side: int, spacing_mm: float) -> Cloud:
    """Return one scapula; raised arms turn its lower end outwards."""
    template = blade_template(spacing_mm)
    size = np.full(3, build.stature * (0.9 if build.person.sex == "F" else 1.0))
    person = build.person
    spongy = 0.8 * person.trabecular_mg_cm3
    local = cast(template, size, np.asarray(BLADE_MM * person.cortex), np.asarray(spongy))
    forward = np.deg2rad(50.0 + (12 if build.arms_raised else 0))
    turn = np.deg2rad(14.0 + (38 if build.arms_raised else 0))
    out = np.array([np.cos(forward), -np.sin(forward), 0.0])
    back = np.array([np.sin(forward), np.cos(forward), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    x, z = out * np.cos(turn) + up * np.sin(turn), up * np.cos(turn) - out * np.sin(turn)
    z = z + 0.16 * np.array([0.0, -1.0, 0.0])
    z /= np.linalg.norm(z)
    axes = np.stack([x, back, z], axis=1)
    axes[:, 1] = np.cross(z, x)
    return _placed(local, axes, shoulder_mm(build, side), side)


def _placed(local: Cloud, axes: Values, centre: Values, side: int) -> Cloud:
    """Put a left bone on its side of the body; ``centre`` is that side's own."""
    mirror = np.array([float(side), 1.0, 1.0])
    there = posed(local, axes, centre * mirror)
    return Cloud(there.points_mm * mirror, there.volume_mm3, there.mineral_mg)


def _upper_arm_outline(points: Values) -> Values:
    """A left upper arm's head around its middle, to 70 mm down the shaft."""
    head = egg(points, (0, 0, 0), (23.0, 23.0, 23.0))
    greater = egg(points, (15, -2, 2), (12.0, 16.0, 17.0))
    shaft = limb(points, ((8, -1, -14), (11, -1, -46)), (18.0, 12.5))
    lower = limb(points, ((11, -1, -46), (11.5, -1, -90)), (12.5, 11.5))
    return blend([head, greater, np.minimum(shaft, lower)], 6.0)


@lru_cache(maxsize=8)
def upper_arm_template(spacing_mm: float) -> Template:
    """Return the upper end of a left humerus of the table's man."""
    low, high = np.array([-26.0, -28, -70]), np.array([32.0, 28, 27])
    return template_of(_upper_arm_outline, low, high, spacing_mm)


def upper_arm(build: Build, side: int, spacing_mm: float) -> Cloud:
    """Return one humerus from its head to above the elbow, hanging or raised."""
    person = build.person
    size = build.stature * (0.9 if person.sex == "F" else 1.0)
    template = upper_arm_template(spacing_mm)
    thick = np.interp(template.core_mm[:, 2], [-62, -15], [HUMERUS_SHAFT_MM, HUMERUS_HEAD_MM])
    shell = np.minimum(HUMERUS_HEAD_MM * person.cortex, 0.8)
    grain = struts(template.core_mm, coarseness(person.trabecular_mg_cm3), (person.seed, 60 + side))
    spongy = (
        person.trabecular_mg_cm3 * grain * np.interp(template.core_mm[:, 2], [-60, -5], [0.05, 1.0])
    )
    wall = compact_part(template, size, float(shell), thick * person.cortex)
    filling = spongy + (1150 - spongy) * wall
    local = cast(template, np.full(3, size), np.asarray(shell), filling)
    local = Cloud.together([local, _shaft(person.cortex, size, spacing_mm)])
    away = np.deg2rad(155.0 if build.arms_raised else 17.0)
    x, z = np.array([np.cos(away), 0, np.sin(away)]), np.array([-np.sin(away), 0, np.cos(away)])
    if build.arms_raised:
        x = -x
    axes = np.stack([x, np.cross(z, x), z], axis=1)
    centre = shoulder_mm(build, side) + np.array([side * 21.0, -4, 2]) * size
    return _placed(local, axes, centre, side)


def _shaft(cortex: float, size: float, spacing_mm: float) -> Cloud:
    knots = np.array([[11.2, -1, -70.5], [11.5, -1, -140], [11, 0, -200], [10, 2, -265]]) * size
    path = course(knots, spacing_mm)
    radius = np.linspace(12.0, 11.0, len(path)) * size
    wall = np.full(len(path), HUMERUS_SHAFT_MM * cortex)
    out = np.tile([0.0, -1.0, 0.0], (len(path), 1))
    return fill(Tube(path, out, radius, radius, wall, 5.0), spacing_mm)
