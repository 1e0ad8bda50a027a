"""What the chest holds: lungs with vessels, heart, great vessels, airways; breasts and arms."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.organs import Dome, _tilted
from engines.phantoms.body.shapes import Common, Ellipsoid, Inset, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4304


def chest(build: Build, dome: Dome) -> list[Solid]:
    """Return lungs, then what of the mediastinum stands where lung would be."""
    rng = np.random.default_rng([build.person.seed, STREAM])
    z = np.linspace(-15 * build.stature, build.vertebra_centre_mm("T1")[2] + 6, 34)
    half, deep, middle = build.cage_mm(z)
    apex = np.clip((z[-1] - z) / 50, 0.02, 1)[:, None] ** 0.5
    size = np.maximum(np.stack([half, deep], axis=1) * apex - 1.5, 2.0)
    cage = Stack(z, np.stack([np.zeros_like(z), middle], axis=1), size, 2.2)
    air = Common((cage, dome), (1, -1))
    parts = [Solid("lungs", air, Tissue.LUNG, Tissue.FAT)]
    parts += _lung_vessels(build, rng)
    # what lies under the diaphragm was painted before and is not lung; vessels end at the hilum
    return [*parts, *_mediastinum(build, rng)]


def _level(build: Build, name: str, off: tuple[float, float, float]) -> Values:
    return np.asarray(build.vertebra_centre_mm(name) + np.array(off) * build.stature)


def _mediastinum(build: Build, rng: np.random.Generator) -> list[Solid]:
    s = build.stature
    names = ("L1", "T11", "T9", "T7", "T5", "T3", "T1")
    centres = np.array([_level(build, n, (0, 0, 0)) for n in names])
    half = np.array([[30, 30], [30, 30], [28, 30], [26, 34], [28, 46], [28, 48], [30, 44]]) * s
    ahead = np.array([0, 0, 2.0, 10, 24, 28, 22]) * s
    spine = Stack(centres[:, 2], centres[:, :2] - np.stack([0 * ahead, ahead], axis=1), half, 2.4)
    size = rng.normal(1.0, 0.05) * s * np.array([1.0, 1, 1])
    axes = _tilted(-38.0, -25.0)
    heart_at = _level(build, "T8", (22, -78, 2))
    outer = Ellipsoid(heart_at, np.array([52, 46, 62]) * size, axes)
    right = Ellipsoid(_level(build, "T8", (-14, -68, 6)), np.array([36, 38, 44]) * size, np.eye(3))
    pool = Ellipsoid(heart_at + np.array([8, 6, -4]), np.array([25, 22, 38]) * size, axes)
    front = Ellipsoid(heart_at + np.array([-14, -18, 0]), np.array([26, 20, 40]) * size, axes)
    parts = [
        Solid("mediastinal fat", spine, Tissue.FAT, Tissue.LUNG),
        Solid("pericardial fat", Inset(outer, -5.0), Tissue.FAT, Tissue.LUNG),
        Solid("heart atria", right, Tissue.BLOOD, Tissue.LUNG),
        Solid("heart muscle", outer, Tissue.MUSCLE, Tissue.LUNG),
        Solid("heart left ventricle", pool, Tissue.BLOOD, Tissue.MUSCLE),
        Solid("heart right ventricle", front, Tissue.BLOOD, Tissue.MUSCLE),
    ]
    tubes = {
        "aortic arch": (
            (("T7", 4, -66), ("T6", -12, -68), ("T4", -8, -58), ("T4", 10, -36), ("T5", 20, -24)),
            13.5,
        ),
        "pulmonary trunk": ((("T7", 18, -74), ("T6", 20, -60), ("T5", 22, -44)), 13.0),
        "pulmonary artery": (
            (("T6", -44, -36), ("T6", -20, -44), ("T5", 20, -44), ("T6", 44, -30)),
            9.5,
        ),
        "upper caval vein": ((("T7", -22, -62), ("T5", -24, -54), ("T3", -24, -46)), 9.0),
        "gullet": ((("T11", 8, -30), ("T8", 4, -28), ("T4", 2, -24), ("T1", 0, -22)), 7.0),
        "windpipe": ((("T5", 0, -34), ("T3", 0, -32), ("T1", 0, -28), ("C7", 0, -26)), 8.5),
        "bronchus left": ((("T5", 0, -34), ("T6", 22, -32), ("T6", 38, -28)), 6.0),
        "bronchus right": ((("T5", 0, -34), ("T6", -18, -33), ("T6", -34, -28)), 6.5),
    }
    for name, (rows, radius) in tubes.items():
        path = curve(np.array([_level(build, level, (x, y, 0)) for level, x, y in rows]), 20)
        tissue = Tissue.BLOOD
        if name.startswith(("windpipe", "bronchus")):
            tissue = Tissue.AIR
        elif name == "gullet":
            tissue = Tissue.MUSCLE
        parts.append(Solid(name, Tube(path, np.full(20, radius * s)), tissue, Tissue.LUNG))
    return parts


def _lung_vessels(build: Build, rng: np.random.Generator) -> list[Solid]:
    """Return stems from each hilum towards the pleura, with twigs."""
    found = []
    s = build.stature
    for sign in (-1, 1):
        hilum = _level(build, "T6", (sign * 36, -32, -6))
        half = float(build.cage_mm(hilum[2:])[0][0])
        for _ in range(26):
            angle = rng.uniform(-1.3, 1.35)
            out = np.array([sign * np.cos(angle), 0.0, -np.sin(angle) * 1.2])
            out[1] = rng.normal(0, 0.55)
            end = hilum + out * rng.uniform(0.55, 0.72) * half
            middle = (hilum + end) / 2 + rng.normal(0, 5, 3)
            stem = curve(np.array([hilum, middle, end]), 10)
            radius = rng.uniform(2.2, 3.8) * s
            found.append(Tube(stem, np.linspace(radius, 0.8, 10)))
            for start in (4, 6, 7):
                turn = out + rng.normal(0, 0.5, 3)
                twig = curve(np.array([stem[start], stem[start] + turn * rng.uniform(16, 34)]), 5)
                found.append(Tube(twig, np.linspace(radius * 0.5, 0.5, 5)))
    return [Solid("lung vessel", tube, Tissue.BLOOD, Tissue.LUNG) for tube in found]


def breasts(build: Build) -> list[Solid]:
    """Return both breasts of a woman: skin, fat, and the gland that age leaves."""
    if build.person.sex != "F":
        return []
    rng = np.random.default_rng([build.person.seed, STREAM, 1])
    size = np.clip(0.75 + 0.03 * (build.person.bmi_kg_m2 - 22) + rng.normal(0, 0.12), 0.4, 1.6)
    parts = []
    z = np.array([build.vertebra_centre_mm("T8")[2]])
    half, deep, middle = (float(v[0]) for v in build.trunk_mm(z))
    for side, sign in (("right", -1), ("left", 1)):
        centre = np.array([sign * 0.52 * half, middle - 0.86 * deep, z[0] + 4])
        whole = Ellipsoid(centre, np.array([60, 44, 58]) * size, np.eye(3))
        gland = Ellipsoid(centre - [0, 10, 0], np.array([30, 20, 28]) * size * 0.8, np.eye(3))
        parts.append(Solid(f"breast skin {side}", whole, Tissue.MUSCLE, Tissue.AIR))
        parts.append(Solid(f"breast {side}", Inset(whole, 2.0), Tissue.FAT, Tissue.MUSCLE))
        if rng.random() < 0.7:
            parts.append(Solid(f"breast gland {side}", gland, Tissue.ORGAN, Tissue.FAT))
    return parts


def arms(build: Build) -> list[Solid]:
    """Return the upper arms: skin, fat, muscle; beside the trunk, or raised out of the way."""
    parts = []
    top = build.vertebra_centre_mm("T3")[2]
    wide = float(build.cage_mm(np.array([top]))[0][0])
    size = build.stature
    out = 0.5 * (146 * size + wide + 54 * size) + 21 * size
    y = float(build.spine_mm(np.array([top]))[1][0]) - 34 * size
    for side, sign in (("right", -1), ("left", 1)):
        start = np.array([sign * out, y, top + (40 if build.arms_raised else -4)])
        way = np.array([sign * 0.35, -0.1, 1.0 if build.arms_raised else -1.0])
        path = np.linspace(start, start + way * 290 * size, 6)
        radius = (36 + 0.5 * build.fat_mm) * size
        for name, less, tissue, under in (
            ("skin", 0.0, Tissue.MUSCLE, Tissue.AIR),
            ("fat", 2.0, Tissue.FAT, Tissue.MUSCLE),
            ("muscle", 2.0 + 0.4 * build.fat_mm, Tissue.MUSCLE, Tissue.FAT),
        ):
            tube = Tube(path, np.full(6, radius - less))
            parts.append(Solid(f"arm {name} {side}", tube, tissue, under))
    return parts
