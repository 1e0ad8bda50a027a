"""Osteonecrosis of a femoral head: one lesion for films, CT and MRI.

A ball round a point of the joint surface, above and in front where the head bears the load, with
waves in its outline, cuts a geographic area out of the head; its border is concave seen from the
joint. A band runs along the border on the inside, sclerotic without and granulation tissue within.
What is enclosed is dead: fat at first, fibrous after the surface has given way; then the head
flattens over it and the neck fills with oedema. The course follows what reviews describe; places
and sizes are ours.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.people.person import Person

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4130

#: Where in the head it lies: outwards, back, up.
LOADED = np.array([0.18, -0.42, 0.89]) / np.linalg.norm([0.18, -0.42, 0.89])

#: Thickness of the band; its outer half is sclerotic, its inner half granulation tissue.
BAND_MM = 2.4

#: Waves of the outline, against the head's radius.
_WAVES = 5
_WAVINESS = 0.055

#: What sclerosis adds about the border, mg/cm3, how far it reaches to both sides, mm, and what is
#: left of mineral in granulation tissue and in dead bone.
_SCLEROSIS_MG_CM3 = 330.0
_SCLEROSIS_MM = 1.6
_GRANULATION_LEFT, _DEAD_LEFT = 0.6, 0.88

#: From this collapse on, mm, all of the dead marrow is fibrous and the oedema is at its fullest.
_WORN_MM = 3.0


@dataclass(frozen=True)
class Zones:
    """What part of each place is what; float64 in [0, 1], of the places' shape."""

    necrotic: Values
    sclerotic: Values
    granulation: Values
    oedema: Values


@dataclass(frozen=True, eq=False)
class Necrosis:
    """One lesion at one visit.

    Attributes
    ----------
    centre_mm : ndarray
        float64, shape (3,): middle of the head, patient LPS.
    radius_mm : float
        Of the head.
    reach : float
        Radius of the ball round the joint surface, in radii of the head, before waves.
    collapse_mm : float
        How far the surface has sunk.
    seed : int
        Draws the outline, the same at every visit.
    left : bool
        Whose side.
    """

    centre_mm: Values
    radius_mm: float
    reach: float
    collapse_mm: float
    seed: int
    left: bool

    @property
    def worn(self) -> float:
        """How far the course has gone, 0 before collapse to 1."""
        return min(1.0, self.collapse_mm / _WORN_MM)

    def depth_mm(self, points_mm: Values) -> Values:
        """Return how deep places (..., 3) lie under the lesion's border; negative outside.

        Places are those before the collapse, in patient LPS, as for all but :meth:`before_mm`.
        """
        away = _away(self._own(points_mm), (self.seed, self.left))
        return np.asarray((self.reach - away) * self.radius_mm)

    def zones(self, points_mm: Values) -> Zones:
        """Tell what is made of places (..., 3) in and around the head."""
        distance = np.linalg.norm(points_mm - self.centre_mm, axis=-1)
        depth = self.depth_mm(points_mm)
        head = _within(distance - self.radius_mm)
        inside = head * _within(-depth)
        core = head * _within(BAND_MM - depth)
        outer = head * _within(BAND_MM / 2 - depth)
        off = np.clip(distance / self.radius_mm - 0.4, 0.0, None)
        return Zones(
            necrotic=core,
            sclerotic=np.clip(inside - outer, 0.0, 1.0),
            granulation=np.clip(outer - core, 0.0, 1.0),
            oedema=self.worn * np.exp(-np.square(off) / 0.8) * (1.0 - inside),
        )

    def after_mm(self, points_mm: Values) -> Values:
        """Return where places (..., 3) have sunk to: a flat facet over the lesion."""
        own = self._own(points_mm)
        apart = np.linalg.norm(own - LOADED, axis=-1) * self.radius_mm
        depth = self.collapse_mm - self._steepness * np.square(apart)
        return self._moved(points_mm, -np.clip(depth, 0.0, None))

    def before_mm(self, points_mm: Values) -> Values:
        """Return where places (..., 3) lay before the collapse."""
        if self.collapse_mm <= 0:
            return points_mm
        off = (self._own(points_mm) - LOADED) * self.radius_mm
        # sunk = collapse - steepness |off + sunk LOADED|^2, solved for what has sunk
        steep = self._steepness
        half = 0.5 + steep * (off @ LOADED)
        rest = steep * np.square(off).sum(axis=-1) - self.collapse_mm
        root = np.sqrt(np.clip(half * half - steep * rest, 0.0, None))
        return self._moved(points_mm, np.where(rest < 0, (root - half) / steep, 0.0))

    @property
    def _steepness(self) -> float:
        """How fast the dent fades, 1/mm: it ends with the ball, or where the head is flat."""
        flat = np.sqrt(2.0 * self.radius_mm * max(self.collapse_mm, 1e-9))
        return float(self.collapse_mm / min(flat, self.reach * self.radius_mm) ** 2)

    def _own(self, points_mm: Values) -> Values:
        """Return places in radii of the head from its middle; outwards, back, up."""
        return (points_mm - self.centre_mm) * self._mirror / self.radius_mm

    def _moved(self, points_mm: Values, by_mm: Values) -> Values:
        return np.asarray(points_mm + by_mm[..., None] * (LOADED * self._mirror))

    @property
    def _mirror(self) -> Values:
        return np.array([1.0 if self.left else -1.0, 1.0, 1.0])


def necrosis(build: Build, side: str, visit: int) -> Necrosis | None:
    """Return the lesion of the head 'L' or 'R' at a visit; None where there is none.

    The part of the head within the border is the person's extent.
    """
    ball = build.femoral_head_mm(side), build.femoral_head_radius_mm
    return lesion_in(build.person, side, visit, ball)


def lesion_in(person: Person, side: str, visit: int, ball: tuple[Values, float]) -> Necrosis | None:
    """Return a person's lesion in a head of that middle (LPS, mm) and radius; None for none."""
    found = next((one for one in person.osteonecroses if one.side == side), None)
    if found is None or found.extent[visit] <= 0:
        return None
    outline = (person.seed, side == "L")
    return Necrosis(
        centre_mm=ball[0],
        radius_mm=ball[1],
        reach=float(np.quantile(_of_head(*outline), found.extent[visit])),
        collapse_mm=found.collapse_mm[visit],
        seed=outline[0],
        left=outline[1],
    )


def diseased(cloud: Cloud, lesion: Necrosis) -> Cloud:
    """Return a femur with a lesion: its sclerotic border, its rarefied inside, its dent."""
    points = cloud.points_mm
    head = np.flatnonzero(
        np.linalg.norm(points - lesion.centre_mm, axis=1) < 1.04 * lesion.radius_mm
    )
    depth, zone = lesion.depth_mm(points[head]), lesion.zones(points[head])
    left = 1.0 - (1 - _DEAD_LEFT) * zone.necrotic - (1 - _GRANULATION_LEFT) * zone.granulation
    rim = np.exp(-np.square((depth - BAND_MM / 4) / _SCLEROSIS_MM)) * (1 - zone.granulation)
    mineral, moved = cloud.mineral_mg.copy(), points.copy()
    mineral[head] *= left
    mineral[head] += _SCLEROSIS_MG_CM3 / 1000 * rim * cloud.volume_mm3[head]
    moved[head] = lesion.after_mm(points[head])
    return Cloud(moved, cloud.volume_mm3, mineral)


def _away(own: Values, outline: tuple[int, bool]) -> Values:
    """Return the distance from the joint surface less what the outline waves, in head radii."""
    off = own - LOADED
    distance = np.linalg.norm(off, axis=-1)
    return np.asarray(distance - _waves(off / np.maximum(distance, 1e-6)[..., None], outline))


def _waves(direction: Values, outline: tuple[int, bool]) -> Values:
    rng = np.random.default_rng([outline[0], STREAM, outline[1]])
    waves = rng.normal(0.0, 4.4, (_WAVES, 3))
    phases = rng.uniform(0.0, 2 * np.pi, _WAVES)
    total = np.zeros(direction.shape[:-1])
    for wave, phase in zip(waves, phases, strict=True):
        total += np.sin(direction @ wave + phase)
    return np.asarray(_WAVINESS * total / np.sqrt(_WAVES / 2))


@lru_cache(maxsize=16)
def _of_head(seed: int, left: bool) -> Values:
    """Return that distance for places evenly in a head."""
    side = (np.arange(26) + 0.5) / 13 - 1
    places = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    return _away(places[np.linalg.norm(places, axis=1) <= 1.0], (seed, left))


def _within(outside_mm: Values) -> Values:
    """Smooth step: 1 well inside, 0 well outside, over half a millimetre."""
    return np.clip(0.5 - outside_mm / 0.5, 0.0, 1.0)
