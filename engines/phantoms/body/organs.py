"""Solid organs of the belly and the pelvis, under the diaphragm; sizes ours, usual adult ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.deep import Deep
from engines.phantoms.body.shapes import Common, Ellipsoid, Inset
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.body.trunk import Layers

Values = NDArray[np.float64]
Number = float | Values

#: This module's random stream.
STREAM = 4301


@dataclass(frozen=True, eq=False)
class Dome:
    """All that lies under the diaphragm.

    Attributes
    ----------
    tops_mm : ndarray
        float64, shape (2,): heights of the right and the left dome.
    apart_mm, y_mm : float
        How far the domes' middles lie from the midline; their depth in the body.
    half_mm : tuple of float
        Across and along, where a dome has fallen by ``fall_mm``.
    fall_mm : float
        As above.
    """

    tops_mm: Values
    apart_mm: float
    y_mm: float
    half_mm: tuple[float, float]
    fall_mm: float

    def box(self) -> tuple[Values, Values]:
        """Return the lowest and the highest corner, mm LPS."""
        return np.array([-400.0, -400, -1000]), np.array([400.0, 400, self.tops_mm.max()])

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        """Return about how far under the diaphragm places lie."""
        v = (y - self.y_mm) / self.half_mm[1]
        # it falls steeply to the back, little to the front, and hardly between the domes
        v = np.square(np.where(v < 0, 0.62 * v, 1.15 * v))
        deep = []
        for top, sign in zip(self.tops_mm, (-1, 1), strict=True):
            u = (sign * x - self.apart_mm) / self.half_mm[0]
            u = np.square(np.where(u < 0, 0.5 * u, u))
            deep.append(top - self.fall_mm * (u + v) - z)
        return np.asarray(0.75 * np.maximum(deep[0], deep[1]))


def diaphragm(build: Build) -> Dome:
    """Return the diaphragm of this person at the breath of an image."""
    rng = np.random.default_rng([build.person.seed, STREAM, 0])
    # standing, a film is taken at full breath
    level = "T9" if build.lying else "T10"
    top = build.vertebra_centre_mm(level)[2] + rng.normal(0, 7) * build.stature
    half, deep, y = (float(v[0]) for v in build.cage_mm(np.array([top - 30])))
    tops = np.array([top, top - rng.uniform(6, 16)])
    return Dome(tops, 0.5 * half, y - 0.12 * deep, (0.6 * half, 1.0 * deep), 46 * build.stature)


def _tilted(sideways_deg: float, forward_deg: float) -> Values:
    """Return axes whose z leans to the left and forward."""
    a, b = np.deg2rad(sideways_deg), np.deg2rad(forward_deg)
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.asarray(about_y @ about_x)


class Room:
    """Places in the belly of one person: usual millimetres of a man of 1.70 m."""

    def __init__(self, build: Build, borders: Layers, dome: Dome) -> None:
        self.build, self.borders, self.dome = build, borders, dome
        cage = build.cage_mm(np.array([0.0]))
        self.across = float(cage[0][0]) / 125
        self.deep = float(cage[1][0]) / 78
        self.limits: Deep = Common((Inset(borders.cavity, 2.0), Inset(dome, 4.0)), (1, 1))

    def at(self, x: Number, y: Number, z: Number) -> Values:
        """Return a place, or several (place, 3): x and y from the spine at that height, mm."""
        height = np.multiply(z, self.build.stature)
        spine = self.build.spine_mm(height)[1]
        places = (np.multiply(x, self.across), spine + np.multiply(y, self.deep), height)
        return np.stack(places, axis=-1)

    def ball(
        self,
        place: tuple[float, float, float],
        half: tuple[float, float, float],
        lean: tuple[float, float] = (0, 0),
    ) -> Ellipsoid:
        """Return an ellipsoid at such a place."""
        s = self.build.stature
        size = np.array([half[0] * self.across, half[1] * self.deep, half[2] * s])
        return Ellipsoid(self.at(*place), size, _tilted(*lean))

    def pushed_in(self, path_mm: Values, radii_mm: Values) -> Values:
        """Return a path that has been moved towards the middle until its tube is in the cavity."""
        middle = self.build.trunk_mm(path_mm[:, 2])[2]
        off = path_mm[:, :2] - np.stack([np.zeros_like(middle), middle], axis=1)
        deep = self.borders.cavity.depth_mm(*path_mm.T)
        reach = np.linalg.norm(off, axis=1) + 1e-9
        back = np.clip((radii_mm + 2.5 - deep) / reach, 0, 0.95)[:, None] * off
        return np.asarray(path_mm - np.concatenate([back, 0 * back[:, :1]], axis=1))

    def kept(self, shape: Deep, *without: Deep) -> Common:
        """Return what of a shape lies in the cavity and not in others."""
        return Common((shape, self.limits, *without), (1, 1, *(-1 for _ in without)))


def organs(room: Room) -> list[Solid]:
    """Return liver, spleen, kidneys, pancreas, gall bladder, bladder and what is behind it."""
    rng = np.random.default_rng([room.build.person.seed, STREAM, 1])
    size = rng.normal(1.0, 0.06, 4)
    parts = [*_liver(room, float(size[0])), _spleen(room, float(size[1]))]
    for side, sign in (("right", -1), ("left", 1)):
        parts += _kidney(room, side, sign, float(size[2]) + rng.normal(0, 0.03))
    gland = Tube(
        np.array(
            [
                room.at(*p)
                for p in ((-28, -42, -22), (-22, -44, -4), (8, -50, 8), (45, -36, 22), (78, -8, 34))
            ]
        ),
        np.array([13.0, 12, 9, 9, 7]),
    )
    gland = Tube(
        curve(gland.path_mm, 18), np.interp(np.linspace(0, 4, 18), range(5), gland.radii_mm)
    )
    parts.append(Solid("pancreas", gland, Tissue.ORGAN, Tissue.FAT))
    return [*parts, *_pelvic(room, rng)]


def _liver(room: Room, size: float) -> list[Solid]:
    right = room.ball((-74, -22, 52), (92 * size, 94, 92 * size), (8, 0))
    left = room.ball((8, -62, 78), (78 * size, 48, 42 * size), (-20, 0))
    bed = room.ball((-46, -4, -30), (38, 40, 52), (-8, 0))
    spine = room.ball((5, 15, 60), (36, 38, 120))
    parts = [
        Solid("liver", room.kept(right, bed, spine), Tissue.ORGAN, Tissue.FAT),
        Solid("liver left lobe", room.kept(left, spine), Tissue.ORGAN, Tissue.FAT),
    ]
    bladder = room.ball((-52, -68, -12), (13, 17, 28), (-18, 20))
    parts.append(Solid("gall bladder fat", Inset(bladder, -3.0), Tissue.FAT, Tissue.ORGAN))
    parts.append(Solid("gall bladder", bladder, Tissue.FLUID, Tissue.FAT))
    return parts


def _spleen(room: Room, size: float) -> Solid:
    body = room.ball((94, 4, 50), (36 * size, 46 * size, 50 * size), (14, -18))
    hollow = room.ball((58, -22, 52), (32, 38, 50))
    return Solid("spleen", room.kept(body, hollow), Tissue.ORGAN, Tissue.FAT)


def _kidney(room: Room, side: str, sign: int, size: float) -> list[Solid]:
    place = (sign * 60.0, 3.0, -22.0 if sign < 0 else -10.0)
    lean = (-14.0 * sign, -12.0)
    whole = room.ball(place, (26 * size, 28 * size, 52 * size), lean)
    core = room.ball((place[0] - sign * 3, place[1] - 3, place[2]), (19, 18, 42), lean)
    sinus = room.ball((place[0] - sign * 15, place[1] - 7, place[2]), (14, 9, 24), lean)
    pelvis = room.ball((place[0] - sign * 17, place[1] - 8, place[2] - 6), (9, 4, 9), lean)
    return [
        Solid(f"perirenal fat {side}", room.kept(Inset(whole, -9.0)), Tissue.FAT, Tissue.ORGAN),
        Solid(f"kidney cortex {side}", whole, Tissue.ORGAN, Tissue.FAT),
        Solid(f"kidney medulla {side}", core, Tissue.ORGAN, Tissue.ORGAN),
        Solid(f"kidney sinus {side}", sinus, Tissue.FAT, Tissue.ORGAN),
        Solid(f"kidney pelvis {side}", pelvis, Tissue.FLUID, Tissue.FAT),
    ]


def _pelvic(room: Room, rng: np.random.Generator) -> list[Solid]:
    build = room.build
    hip = (build.femoral_head_mm("L") + build.femoral_head_mm("R")) / 2
    full = rng.uniform(0.7, 1.15)
    s = build.stature
    middle = hip + np.array([0, -16, 2 + 14 * full]) * s
    bladder = Ellipsoid(middle, np.array([41, 33, 30]) * s * full, np.eye(3))
    behind = hip + np.array([0.0, 24, 22]) * s
    size = (24.0, 17, 24) if build.person.sex == "F" else (26.0, 11, 9)
    if build.person.sex == "M":
        behind = hip + np.array([0.0, 4, -28]) * s
        size = (23.0, 18, 17)
    organ = Ellipsoid(behind, np.array(size) * s, np.eye(3))
    name = "uterus" if build.person.sex == "F" else "prostate"
    return [
        Solid(name, organ, Tissue.ORGAN, Tissue.FAT),
        Solid("bladder wall", bladder, Tissue.MUSCLE, Tissue.FAT),
        Solid("bladder", Inset(bladder, 3.0), Tissue.FLUID, Tissue.MUSCLE),
    ]
