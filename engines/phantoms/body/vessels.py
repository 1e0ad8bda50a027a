"""Arteries and veins of the belly, with plaques that come with age; courses and calibres ours."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.organs import Room
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4303

#: Of calcified plaque, mg/cm3, and the part of lumps' volume of 1 mm3 each (ours).
_PLAQUE_MG_MM3 = 0.65


def aorta_path(build: Build) -> tuple[Values, Values]:
    """Return path (knot, 3), mm, and radii (knot,) of the aorta from the arch to L4."""
    top, low = build.vertebra_centre_mm("T5")[2], build.vertebra_centre_mm("L4")[2]
    z = np.linspace(top, low, 40)
    x, y = build.spine_mm(z)
    depth = np.interp(z, [low, top], [19.0, 13.0]) * build.stature
    old = max(build.person.age_years - 50, 0) / 30
    radii = np.linspace(11.5, 8.3, 40) * (1 + 0.08 * old) * np.sqrt(build.stature)
    wave = 3 * old * np.sin(np.linspace(0, 7, 40))
    side = np.interp(z, [low, 0, 60, top], [4.0, 9, 13, 20]) + wave
    return np.stack([x + side, y - depth - radii - 1, z], axis=1), radii


def _iliac(build: Build, start: Values, sign: int, off: tuple[float, float]) -> Values:
    """Return a path from where vessels part to the groin."""
    hip = build.femoral_head_mm("L" if sign > 0 else "R")
    s = build.stature
    rim = np.array([sign * (48 + off[0]), hip[1] + 4 + off[1], hip[2] + 66 * s])
    groin = np.array([hip[0] - sign * (20 - off[0]), hip[1] - 36 * s + off[1], hip[2] + 8])
    thigh = groin + np.array([sign * 6.0, 8, -75])
    return curve(np.array([start, (start + rim) / 2 + [sign * 4, -2, 0], rim, groin, thigh]), 26)


def vessels(room: Room) -> list[Solid]:
    """Return aorta, caval vein, their branches, and the vessels of gut and liver."""
    build = room.build
    rng = np.random.default_rng([build.person.seed, STREAM, 0])
    path, radii = aorta_path(build)
    parts = [("aorta", Tube(path, radii))]
    cava = path * np.array([-1.0, 1, 1]) + np.array([0, 3.0, 0])
    cava = cava[8:]
    mirror = build.spine_mm(cava[:, 2])[0]
    cava[:, 0] = 2 * mirror - path[8:, 0] - 8
    parts.append(("caval vein", Tube(cava, np.linspace(11.5, 10, len(cava)))))
    for sign, side in ((-1, "right"), (1, "left")):
        parts.append(
            (
                f"iliac artery {side}",
                Tube(_iliac(build, path[-1], sign, (0, 0)), np.linspace(6, 4.2, 26)),
            )
        )
        vein = Tube(_iliac(build, cava[-1], sign, (-7, 11)), np.linspace(7.5, 5.5, 26))
        parts.append((f"iliac vein {side}", vein))
        parts += _renal(room, sign, side)
    parts += _gut(room, rng)
    return [Solid(name, tube, Tissue.BLOOD, Tissue.FAT) for name, tube in parts]


def _renal(room: Room, sign: int, side: str) -> list[tuple[str, Tube]]:
    artery = curve(
        np.array([room.at(8, -34, -16), room.at(sign * 24, -14, -18), room.at(sign * 46, 10, -16)]),
        10,
    )
    vein = curve(
        np.array(
            [
                room.at(-16, -36, -20),
                room.at(sign * 22, -40 if sign > 0 else -22, -20),
                room.at(sign * 46, 6, -20),
            ]
        ),
        12,
    )
    return [
        (f"renal artery {side}", Tube(artery, np.full(10, 2.8))),
        (f"renal vein {side}", Tube(vein, np.full(12, 4.5))),
    ]


def _gut(room: Room, rng: np.random.Generator) -> list[tuple[str, Tube]]:
    """Return the mesenteric vessels, the portal vein and its branches in the liver."""
    found = []
    for name, shift, radius in (("mesenteric artery", 3.0, 3.6), ("mesenteric vein", -10.0, 5.2)):
        rows = ((shift, -50, -4), (shift, -58, -40), (shift - 6, -62, -90), (shift - 20, -60, -130))
        stem = curve(np.array([room.at(*r) for r in rows]), 20)
        found.append((name, Tube(stem, np.linspace(radius, 2.0, 20))))
        for step in range(3, 19):
            for sign in (-1, 1):
                out = np.array(
                    [sign * rng.uniform(30, 62), rng.normal(-8, 14), rng.uniform(-40, 4)]
                )
                bent = stem[step] + out / 2 + rng.normal(0, 5, 3)
                twig = curve(np.array([stem[step], bent, stem[step] + out]), 8)
                found.append((name, Tube(twig, np.linspace(rng.uniform(1.2, 2.2), 0.8, 8))))
    portal = curve(
        np.array([room.at(*r) for r in ((-8, -52, -4), (-22, -48, 18), (-44, -40, 38))]), 12
    )
    found.append(("portal vein", Tube(portal, np.full(12, 6.5))))
    spleen = curve(np.array([room.at(*r) for r in ((-8, -52, -4), (30, -42, 16), (82, 4, 38))]), 12)
    found.append(("splenic vein", Tube(spleen, np.full(12, 3.8))))
    for name, root, low in (
        ("portal vein", (-44, -40, 38), -60),
        ("hepatic vein", (-18, -20, 96), 0),
    ):
        for _ in range(9):
            end = np.array(
                [rng.uniform(-128, -20), rng.uniform(-90, 40), root[2] + rng.uniform(low, 50)]
            )
            if name == "hepatic vein":
                end[2] = root[2] - rng.uniform(20, 90)
            middle = (np.array(root) + end) / 2 + rng.normal(0, 6, 3)
            branch = curve(np.array([room.at(*root), room.at(*middle), room.at(*end)]), 12)
            found.append((name, Tube(branch, np.linspace(rng.uniform(3.0, 4.5), 1.0, 12))))
    return found


def calcifications(build: Build) -> Cloud:
    """Return the plaques of aorta and iliac arteries as lumps of mineral, none in the young.

    How many there are follows age, sex and smoking, never bone density (rates ours).
    """
    rng = np.random.default_rng([build.person.seed, STREAM, 1])
    person = build.person
    burden = (person.age_years - 48) / 12 - 0.8 * (person.sex == "F") + 1.2 * person.smoking
    path, radii = aorta_path(build)
    tubes = [Tube(path, radii)]
    tubes += [
        Tube(_iliac(build, path[-1], sign, (0, 0)), np.linspace(6, 4.2, 26)) for sign in (-1, 1)
    ]
    points = [np.empty((0, 3))]
    for tube, most in zip(tubes, (9, 3, 3), strict=True):
        for _ in range(int(rng.poisson(max(0.05, burden) * most / 2))):
            points.append(_plaque(tube, rng))
    cloud = np.concatenate(points)
    volume = np.full(len(cloud), 0.25)
    return Cloud(cloud, volume, volume * _PLAQUE_MG_MM3)


def _plaque(tube: Tube, rng: np.random.Generator) -> Values:
    """Return lumps on a patch of the wall, half a millimetre apart; more often low down."""
    last = len(tube.path_mm) - 1
    at = int(last * rng.beta(3.0, 1.2))
    at = min(max(at, 1), last - 1)
    radius, half = float(tube.radii_mm[at]), rng.uniform(0.15, 0.75)
    turn = rng.uniform(0, 2 * np.pi)
    ahead = tube.path_mm[at + 1] - tube.path_mm[at - 1]
    ahead /= np.linalg.norm(ahead)
    across = np.cross(ahead, [1.0, 0, 0])
    across /= np.linalg.norm(across)
    other = np.cross(ahead, across)
    count = int(rng.uniform(60, 420))
    angle = turn + half * rng.uniform(-1, 1, count)
    along = rng.uniform(-1, 1, count) * rng.uniform(1.5, 7)
    out = radius - rng.uniform(0, 1.4, count)
    ring = np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * other
    return np.asarray(tube.path_mm[at] + along[:, None] * ahead + out[:, None] * ring)
