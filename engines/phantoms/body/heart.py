"""Heart, aorta and the large vessels beside it, as their borders lie on a chest film.

Borders are those that every textbook of chest radiology names: caval vein and right atrium on the
right; aortic knob, pulmonary trunk, atrial appendage, left ventricle and apex on the left. Sizes
are ours: a heart 45 % as wide as the chest in middle age, wider with age and weight.
"""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import curve
from engines.phantoms.body.organs import Dome, _tilted
from engines.phantoms.body.shapes import Ellipsoid, Inset, Stack
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.body.vessels import aorta_path

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4305

#: From the left dome (0) to the heart's upper end at T5 (1); its right and left border from the
#: midline, and how far it stays behind the ribs in front and before the spine's middle, mm.
_BORDERS = np.array(
    [
        [-0.22, -14, 46, 16, 46],
        [-0.10, -29, 73, 10, 36],
        [0.00, -37, 85, 8, 30],
        [0.10, -41, 88, 7, 27],
        [0.25, -43, 83, 7, 25],
        [0.42, -43, 70, 8, 24],
        [0.56, -40, 57, 10, 24],
        [0.68, -36, 49, 14, 25],
        [0.78, -32, 45, 18, 28],
        [0.88, -28, 41, 25, 32],
        [0.96, -22, 33, 32, 38],
        [1.00, -12, 18, 42, 48],
        [1.04, -1, 5, 48, 54],
    ]
)

#: How far the heart's long axis points to the front instead of to the left.
_TURN_DEG = -28.0


def place(build: Build, name: str, off: tuple[float, ...]) -> Values:
    """Return a point beside a vertebra: float64, shape (3,); ``off`` is that of a man of 1.70 m."""
    return np.asarray(build.vertebra_centre_mm(name) + np.array(off) * build.stature)


def heart_outline(build: Build, dome: Dome) -> Stack:
    """Return the heart with the roots of its vessels, in the pericardium."""
    rng = np.random.default_rng([build.person.seed, STREAM])
    person, s = build.person, build.stature
    stout = 0.012 * (person.bmi_kg_m2 - 23) + 0.0025 * (person.age_years - 60)
    wide = (0.95 if person.sex == "F" else 1.0) * np.exp(rng.normal(stout, 0.05)) * s
    height, right, left, front, back = _BORDERS.T
    low, top = float(dome.tops_mm[1]), float(place(build, "T5", (0, 0, 3))[2])
    z = low + height * (top - low)
    _, deep, middle = build.cage_mm(z)
    ahead = middle - deep + front * s
    behind = np.maximum(build.spine_mm(z)[1] - back * s, ahead + 30 * s)
    sideways = rng.normal(0, 3.0)
    centres = np.stack([(right + left) / 2 * wide + sideways, (ahead + behind) / 2], axis=1)
    half = np.stack([(left - right) / 2 * wide, (behind - ahead) / 2], axis=1)
    return Stack(z, centres, _turned(half), 2.0, _TURN_DEG)


def _turned(half: Values) -> Values:
    """Return the semi-axes of turned ellipses that reach as far along x and y as is asked."""
    total = np.square(half).sum(axis=1)
    apart = (np.square(half[:, 0]) - np.square(half[:, 1])) / np.cos(2 * np.deg2rad(_TURN_DEG))
    apart = np.clip(apart, -0.88 * total, 0.88 * total)
    return np.asarray(np.sqrt(np.stack([total + apart, total - apart], axis=1) / 2))


def heart(build: Build, dome: Dome) -> list[Solid]:
    """Return the heart and its chambers."""
    outer = heart_outline(build, dome)
    low, top = float(dome.tops_mm[1]), float(outer.z_mm[-1])
    s, axes = build.stature, _tilted(-50.0, -25.0)

    def chamber(up: float, across: float, along: float, half: tuple[float, ...]) -> Ellipsoid:
        z = low + up * (top - low)
        centre, size = (
            np.array([np.interp(z, outer.z_mm, column) for column in table.T])
            for table in (outer.centres_mm, outer.semi_axes_mm)
        )
        turn = np.deg2rad(_TURN_DEG)
        out = across * size[0] * np.array([np.cos(turn), np.sin(turn)])
        out = out + along * size[1] * np.array([-np.sin(turn), np.cos(turn)])
        return Ellipsoid(np.append(centre + out, z), np.array(half) * s, axes)

    parts = [
        ("heart left ventricle", chamber(0.16, 0.42, 0.12, (20, 19, 34))),
        ("heart right ventricle", chamber(0.14, 0.0, -0.42, (20, 15, 32))),
        ("heart atria", chamber(0.36, -0.62, 0.05, (19, 24, 22))),
        ("heart atria", chamber(0.52, 0.0, 0.42, (20, 15, 28))),
    ]
    return [
        Solid("pericardial fat", Inset(outer, -4.0), Tissue.FAT, Tissue.LUNG),
        Solid("heart muscle", outer, Tissue.MUSCLE, Tissue.LUNG),
        *(Solid(name, shape, Tissue.BLOOD, Tissue.MUSCLE) for name, shape in parts),
    ]


def great_vessels(build: Build) -> list[Solid]:
    """Return the thoracic aorta, the upper caval vein and what leaves and joins them."""
    person, s = build.person, build.stature
    rng = np.random.default_rng([person.seed, STREAM, 1])
    old = max(person.age_years - 50, 0) / 30
    path, radii = aorta_path(build)
    wide = float(radii[0]) + (0.8 + 1.2 * old) * s + rng.normal(0, 0.5)
    unfolded = 5 * old + rng.normal(0, 1.5)
    top = place(build, "T4", (10 + unfolded, -45, 1 + unfolded / 2))
    # a sausage that lies askew, its roof round: right and front to left and back
    height = np.linspace(-1.0, 1.0, 13)
    z = top[2] + np.where(height < 0, 2.1 * height, height) * wide
    roof = np.sqrt(np.clip(1 - np.square(np.clip(height, 0, 1)), 0.01, 1))
    floor = np.sqrt(np.clip(1 - np.square(np.clip(-2 * height - 1, 0, 1)), 0.01, 1))
    long = (24 * s + wide) * np.minimum(roof, floor)
    centres = np.tile(top[:2], (13, 1))
    arch = Stack(z, centres, np.stack([long, wide * roof], axis=1), 2.2, 42.0)
    chest = path[:, 2] > build.vertebra_centre_mm("L1")[2]
    # its upper end lies in the arch
    down = np.vstack([path[chest][::-1], path[0] + np.array([0.0, -4, 20]) * s])
    around = np.append(radii[chest][::-1], radii[0])
    return [
        Solid("aortic arch", arch, Tissue.BLOOD, Tissue.LUNG),
        Solid("thoracic aorta", _upright(down, around), Tissue.BLOOD, Tissue.LUNG),
        *_beside(build),
    ]


def _upright(path: Values, radii: Values) -> Stack:
    """Return a vessel that runs along the body as circles, whose chords are quick."""
    return Stack(path[:, 2], path[:, :2], np.stack([radii, radii], axis=1))


def _beside(build: Build) -> list[Solid]:
    courses = {
        "upper caval vein": (
            (("T7", -25, -52), ("T5", -26, -50), ("T3", -24, -44), ("T2", -26, -36)),
            (10.5, 10.5, 9.5, 2.0),
        ),
        "ascending aorta": (
            (("T8", -6, -62), ("T7", -12, -64), ("T5", -17, -62), ("T4", -12, -62)),
            (14.0, 15.5, 15.5, 12.0),
        ),
        "brachiocephalic": (
            (("T4", -10, -46), ("T3", -19, -40), ("T2", -26, -30), ("T1", -38, -22)),
            (7.0, 7.5, 7.0, 5.5),
        ),
        "subclavian artery left": (
            (("T4", 22, -26), ("T3", 25, -22), ("T2", 29, -17), ("T1", 40, -14)),
            (6.0, 6.0, 6.0, 5.0),
        ),
    }
    found = []
    for name, (rows, radii) in courses.items():
        knots = np.array([place(build, level, (x, y, 0)) for level, x, y in rows])
        path = curve(knots, 12)
        around = np.interp(np.linspace(0, 3, 12), range(4), radii) * build.stature
        found.append(Solid(name, _upright(path, around), Tissue.BLOOD, Tissue.LUNG))
    return found
