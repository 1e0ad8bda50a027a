"""Hip bones and sacrum, in the pelvis' own frame: x to the left, y back, z up when standing.

The hip bone's shape was measured (:mod:`.measure_hip`) on the native CT of a man of 55 in
TotalSegmentator's test data (``example_ct.nii.gz``, Apache-2.0) and lies beside this file as
``hip_bone.npz``: signed distances on 1.5 mm, in quarters of a millimetre. Below that CT's field of
view (ischium and lower pubic ramus), and of the whole sacrum, the forms are ours.
"""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud, turned
from engines.phantoms.body.distance import blend, egg, limb, plate, within
from engines.phantoms.body.template import Template, cast, posed, template_of
from engines.phantoms.body.texture import coarseness, struts
from engines.phantoms.body.tubes import Tube, course, fill

Values = NDArray[np.float64]

#: How far that man's hip joints are from his middle, and the radius of the ball taken out, mm.
MEASURED_HALF_HIPS_MM = 87.0
SOCKET_MM = 26.0

#: Compact bone of a young adult, mm; spongy bone against L1's.
HIP_MM = 1.0
SACRUM_MM = 0.7
HIP_SPONGY = 0.75
SACRUM_SPONGY = 0.65

#: So near a foramen's surface the shell is its lining, mm.
_LINING_MM = 1.5

_STEP_MM = 0.25
_SEEN_BELOW_MM = -12.0

#: The table knows no distance above 3 mm; blocks of so many of its cells tell how far all else is.
_BLOCK = 4
_NEAR_MM = 2.5


@lru_cache(maxsize=1)
def _measured() -> tuple[Values, Values, Values]:
    with (files("engines") / "phantoms/body/hip_bone.npz").open("rb") as stored:
        table = np.load(stored)
        distance = table["distance"].astype(np.float64) * _STEP_MM
        return gaussian_filter(distance, 0.55), table["origin_mm"], table["step_mm"]


@lru_cache(maxsize=1)
def _far_mm() -> Values:
    """Return at most how far each block of cells is from the bone: float64, (block,) * 3, mm."""
    distance, _, step = _measured()
    padded = np.pad(distance, [(0, -size % _BLOCK) for size in distance.shape], mode="edge")
    i, j, k = (size // _BLOCK for size in padded.shape)
    least = padded.reshape(i, _BLOCK, j, _BLOCK, k, _BLOCK).min(axis=(1, 3, 5))
    side_mm = _BLOCK * step
    apart = distance_transform_edt(least > _NEAR_MM, sampling=side_mm)
    apart -= float(np.sqrt(np.square(side_mm).sum()))
    # near the bone the table knows better
    return np.where(apart > 0, apart, -np.inf)


def _hip_outline(points: Values) -> Values:
    """A left hip bone around the middle of its socket."""
    distance, origin, step = _measured()
    cells = (points - origin) / step
    above = map_coordinates(distance, cells.T, order=1, mode="nearest")
    far, size = _far_mm(), np.array(distance.shape)
    blocks = np.clip(cells, 0, size - 1).astype(np.intp) // _BLOCK
    above = np.maximum(above, far[blocks[:, 0], blocks[:, 1], blocks[:, 2]])
    box = np.maximum(np.maximum(-cells, cells - size + 1), 0)
    above = above + np.linalg.norm(box * step, axis=1)
    low = points[:, 2] < _SEEN_BELOW_MM
    joined = above
    joined[low] = blend([above[low], *_ischium(points[low])], 6.0)
    return within(joined, -egg(points, (0, 0, 0), (SOCKET_MM,) * 3), 1.0)


def _ischium(p: Values) -> list[Values]:
    """What lies below that CT's field of view: sitting bone, lower ramus, half the joint."""
    seat = limb(p, ((-24, 47, -38), (-27, 40, -62)), (8.0, 13.0), (0.95, 1.15, 1.0))
    ramus = limb(p, ((-29, 36, -66), (-60, 4, -60)), (9.0, 6.0), (0.75, 1.0, 1.0))
    joint = limb(p, ((-60, 4, -60), (-78, -22, -48)), (6.0, 7.0), (0.8, 1.0, 1.0))
    front = limb(p, ((-76, -32, -30), (-79, -22, -50)), (8.0, 7.5), (0.8, 1.0, 1.1))
    return [seat, blend([np.minimum(ramus, joint), front], 5.0)]


@lru_cache(maxsize=8)
def hip_template(spacing_mm: float) -> Template:
    """Return a left hip bone as measured."""
    low, high = np.array([-88.0, -70, -80]), np.array([66.0, 98, 156])
    return template_of(_hip_outline, low, high, spacing_mm)


def hip_bone(build: Build, side: str, spacing_mm: float) -> Cloud:
    """Return the hip bone 'L' or 'R' with its socket round the femoral head."""
    person, template = build.person, hip_template(spacing_mm)
    small = 0.95 if person.sex == "F" else 1.0
    across = adult.HALF_HIPS_MM * build.pelvis_width / MEASURED_HALF_HIPS_MM
    scale = np.array([across, small * build.stature, small * build.stature])
    roof, loaded = _loaded(spacing_mm)
    shell = HIP_MM * person.cortex * (1 + 0.9 * roof)
    number = 70 + (side == "L")
    grain = struts(template.core_mm, coarseness(person.trabecular_mg_cm3), (person.seed, number))
    spongy = HIP_SPONGY * person.trabecular_mg_cm3 * grain * loaded
    local = cast(template, scale, shell, spongy)
    mirror = np.array([1.0 if side == "L" else -1.0, 1, 1])
    axes, centre = build.pelvis_axes, build.femoral_head_mm(side)
    goal = (build.femoral_head_radius_mm + 2.2) / SOCKET_MM
    return local.moved(
        lambda points: turned(_round_head(points, scale, goal) * mirror, axes) + centre
    )


@lru_cache(maxsize=8)
def _loaded(spacing_mm: float) -> tuple[Values, Values]:
    """Return how much the joint's load thickens shell and core: (shell,), (core,)."""
    p, core = hip_template(spacing_mm).shell_mm, hip_template(spacing_mm).core_mm
    roof = np.exp(-np.square((np.linalg.norm(p, axis=1) - SOCKET_MM) / 2.5)) * (p[:, 2] > -4)
    near = np.exp(-np.square((np.linalg.norm(core, axis=1) - SOCKET_MM) / 14))
    return roof, 0.8 + 1.3 * near * (core[:, 2] > -8)


def _round_head(points_mm: Values, scale: Values, goal: float) -> Values:
    """Draw the socket in or out until the joint is as wide as a joint is, 2 mm and a bit."""
    points = points_mm / scale
    apart = np.linalg.norm(points, axis=1)
    near = np.clip((62 - apart) / (62 - SOCKET_MM), 0, 1)
    near = near * near * (3 - 2 * near)
    moved = points.T * (goal * near + scale[:, None] * (1 - near))
    return np.asarray(moved.T)


def _sacrum_outline(points: Values) -> Values:
    """A sacrum with coccyx around the middle of its first body."""
    p = points.copy()
    p[:, 0] = np.abs(p[:, 0])
    line = [(0, 0), (17, -22), (29, -45), (36, -67), (37, -86), (34, -101), (27, -113), (19, -121)]
    radii = [15.0, 12.5, 10.0, 8.0, 6.0, 5.0, 4.0, 2.6]
    wide = [1.75, 1.65, 1.6, 1.6, 1.6, 1.5, 1.2, 1.0]
    bodies = [
        limb(p, ((0, *a), (0, *b)), (r, s), (w, 1, 1))
        for a, b, r, s, w in zip(line, line[1:], radii, radii[1:], wide, strict=False)
    ]
    first = np.stack([p[:, 0], p @ _S1_BACK, 0 * p[:, 0]], axis=1)
    round_ = egg(first, (0, 0, 0), (26, 16.5, 30), 2.4)
    crown = within(round_, np.abs(p @ _S1_UP) - 14.0, 2.0)
    wings = [
        plate(p, ((14, 6, -2), (49, 17, -10), (40, 27, -36)), 18.0),
        plate(p, ((14, 6, -2), (40, 27, -36), (10, 26, -46)), 16.0),
        plate(p, ((10, 26, -46), (38, 27, -36), (17, 36, -74)), 11.0),
        limb(p, ((20, 20, 0), (21, 21, 15)), (6, 4.5)),
        limb(p, ((0, 32, 4), (0, 50, -58)), (4.5, 3.5)),
        limb(p, ((22, 26, -4), (14, 46, -60)), (6.0, 4.0)),
    ]
    whole = blend([*bodies, crown, *wings], 6.0)
    return within(whole, -_holes(p), 1.0)


def _holes(p: Values) -> Values:
    """Measure from the foramina and the canal of a sacrum; x counts from the middle."""
    holes = [
        limb(p, ((17, -10, -16), (21, 50, -6)), (5.2, 4.5)),
        limb(p, ((16, 0, -37), (18, 60, -26)), (4.8, 4.0)),
        limb(p, ((14, 10, -57), (15, 70, -48)), (4.2, 3.4)),
        limb(p, ((12, 15, -78), (13, 70, -70)), (3.6, 3.0)),
        limb(p, ((0, 24, 16), (0, 43, -66)), (8.0, 3.0), (1.4, 1, 1)),
    ]
    return np.asarray(np.minimum.reduce(holes))


#: The first body's own directions: it leans forward by the standing sacral slope.
_S1_UP = np.array([0.0, np.sin(np.deg2rad(-38.0)), np.cos(np.deg2rad(-38.0))])
_S1_BACK = np.array([0.0, _S1_UP[2], -_S1_UP[1]])


@lru_cache(maxsize=8)
def sacrum_template(spacing_mm: float) -> Template:
    """Return a sacrum and coccyx of the table's man."""
    low, high = np.array([-60.0, -20, -128]), np.array([60.0, 60, 28])
    return template_of(_sacrum_outline, low, high, spacing_mm)


@lru_cache(maxsize=8)
def _bare(spacing_mm: float) -> Values:
    """Return what of the shell is left if foramina have a rim above alone: float64, (shell,)."""
    template = sacrum_template(spacing_mm)
    p = template.shell_mm.copy()
    p[:, 0] = np.abs(p[:, 0])
    above = np.clip(-template.normals[:, 2], 0, 1)
    return np.where(np.abs(_holes(p)) < _LINING_MM, 0.1 + 0.5 * above, 1.0)


def sacrum(build: Build, spacing_mm: float, lined: bool = True) -> Cloud:
    """Return the sacrum with the coccyx, its foramina lined with compact bone or hardly."""
    person, template = build.person, sacrum_template(spacing_mm)
    small = 0.95 if person.sex == "F" else 1.0
    scale = np.array([build.pelvis_width, small * build.stature, build.stature])
    grain = struts(template.core_mm, coarseness(person.trabecular_mg_cm3), (person.seed, 72))
    spongy = SACRUM_SPONGY * person.trabecular_mg_cm3 * grain
    shell = SACRUM_MM * person.cortex * (1.0 if lined else _bare(spacing_mm))
    local = cast(template, scale, np.asarray(shell), spongy)
    return posed(local, build.pelvis_axes, build.vertebra_centre_mm("S1"))


def bridge(build: Build, side: str, spacing_mm: float) -> Cloud:
    """Return the broad process by which a sacralised L5 is fused to the sacrum's wing."""
    person, sign = build.person, 1.0 if side == "L" else -1.0
    width, depth, _ = build.intact_mm("L5")
    last, first = build.vertebra_centre_mm("L5"), build.vertebra_centre_mm("S1")
    root = build.vertebra_axes("L5") @ np.array([sign * width * 0.38, depth / 2 + 5, 1.0])
    wing = build.pelvis_axes @ np.array([sign * 35.0, 14.0, -4.0]) * build.stature
    middle = (last + root + first + wing) / 2 + np.array([sign * 2.5, 0.0, 2.0])
    path = course(np.array([last + root, middle, first + wing]), spacing_mm)
    ends = np.linspace(0, 1, len(path))
    wall = np.full(len(path), SACRUM_MM * person.cortex)
    back = np.tile([0.0, 1.0, 0.0], (len(path), 1))
    spongy = SACRUM_SPONGY * person.trabecular_mg_cm3
    tube = Tube(path, back, 9 + 4 * ends, 6 + 2 * ends, wall, spongy)
    return fill(tube, spacing_mm)
