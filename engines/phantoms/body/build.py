"""One body's measures, drawn once, so that bones and soft tissue agree.

Nothing here depends on bone density but the fractures, which are the person's own: a wedge bends
the spine forward and every fracture shortens it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from engines.phantoms.body import adult
from engines.phantoms.body.extra import Extra
from engines.phantoms.people.person import FractureShape, Person, VertebralFracture

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4101

#: How much of a wedge its neighbours' discs take up, then the hips, so that the patient still looks
#: ahead; how much flatter a spine is lying (all ours).
DISC_GIVES = 0.35
LIFTED_DEG = -22.0
HIPS_GIVE = 0.3
LYING = 0.85


@dataclass(frozen=True)
class Build:
    """How one body differs from the adult tables.

    Attributes
    ----------
    person : Person
        Whose body.
    stature, width : float
        Factors of lengths along the body and of bones across it.
    cage_width, cage_depth : float
        Factors of the rib cage, beyond stature and sex.
    lordosis, kyphosis : float
        Factors of the spine's curves.
    scoliosis_mm, scoliosis_apex : float
        Sideways bow (to the left where positive) and where it is, 0 at S1 to 1 at C7.
    ribs : int
        Pairs, 11 to 13. Names of vertebrae stay: with 13, L1 bears the last.
    sacralised : bool
        L5 is fused to the sacrum at one or both sides.
    pelvis : float
        Factor of its width.
    rib_slope : float
        Factor of how far ribs fall from back to front.
    shoulders_mm : float
        How far the shoulders are raised.
    neck_shaft_deg, anteversion_deg : float
        Of the femoral necks.
    girth_mm : float
        What the belly adds at the waist's front and sides, beyond subcutaneous fat.
    fat_mm : float
        Subcutaneous thickness at the belly.
    arms_raised : bool
        As for a lateral chest film or a CT; use ``dataclasses.replace``.
    lying : bool
        On a table: the curves are flatter.
    extras : tuple of Extra
        What is in the body beyond its own parts; use ``dataclasses.replace``.
    """

    person: Person
    stature: float
    width: float
    cage_width: float
    cage_depth: float
    lordosis: float
    kyphosis: float
    scoliosis_mm: float
    scoliosis_apex: float
    ribs: int
    sacralised: bool
    pelvis: float
    rib_slope: float
    shoulders_mm: float
    neck_shaft_deg: float
    anteversion_deg: float
    girth_mm: float
    fat_mm: float
    arms_raised: bool = False
    lying: bool = False
    extras: tuple[Extra, ...] = ()

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the vertebrae, C7 to S1."""
        return adult.LEVELS

    def fracture(self, level: str) -> VertebralFracture | None:
        """Return the fracture of a vertebra, or None."""
        return next((f for f in self.person.vertebral_fractures if f.level == level), None)

    def intact_mm(self, level: str) -> tuple[float, float, float]:
        """Return width, depth and height of a vertebral body before any fracture, mm."""
        i = adult.LEVELS.index(level)
        across = self.width * self.stature
        height = float(adult.HEIGHTS_MM[i]) * self.stature
        return float(adult.WIDTHS_MM[i]) * across, float(adult.DEPTHS_MM[i]) * across, height

    def heights_mm(self, level: str) -> tuple[float, float, float]:
        """Return anterior, middle and posterior height of a vertebral body, mm, fractured or not.

        Losses are Genant's of the most reduced height (1993); how the others follow is ours.
        """
        height = self.intact_mm(level)[2]
        broken = self.fracture(level)
        if broken is None:
            return height, height, height
        front, middle, back = {
            FractureShape.WEDGE: (1.0, 0.55, 0.08),
            FractureShape.BICONCAVE: (0.25, 1.0, 0.10),
            FractureShape.CRUSH: (1.0, 0.95, 0.80),
        }[broken.shape]
        lost = broken.height_loss * height
        return height - front * lost, height - middle * lost, height - back * lost

    def vertebra_size_mm(self, level: str) -> tuple[float, float, float]:
        """Return width, depth and mean height of a vertebral body as it is, mm."""
        width, depth, _ = self.intact_mm(level)
        return width, depth, float(np.mean(self.heights_mm(level)))

    def vertebra_centre_mm(self, level: str) -> Values:
        """Return the middle of a vertebral body: float64, shape (3,), LPS mm."""
        return np.asarray(self._centres_mm[adult.LEVELS.index(level)])

    def vertebra_axes(self, level: str) -> Values:
        """Return its own x, y and z as columns: float64, shape (3, 3), a rotation."""
        i = adult.LEVELS.index(level)
        lean = np.deg2rad(self._leans_deg[i])
        rise = np.gradient(self._centres_mm[:, 0], self._centres_mm[:, 2])[i]
        turn = np.deg2rad(0.6 * self._bow_mm[i])
        sagittal = _about(0, -lean)
        return np.asarray(_about(1, float(np.arctan(rise))) @ sagittal @ _about(2, turn))

    def spine_mm(self, z: Values) -> tuple[Values, Values]:
        """Return x and y of the line through the vertebral bodies at heights ``z``, mm."""
        at = np.clip(z, self._centres_mm[-1, 2], self._centres_mm[0, 2])
        line = self._line(at)
        return np.asarray(line[..., 0]), np.asarray(line[..., 1])

    def cage_mm(self, z: Values) -> tuple[Values, Values, Values]:
        """Return half width, half depth and middle y of the inner rib cage at heights ``z``, mm.

        An ellipse around x = 0, from T1 to the costal margin at L3; held constant beyond.
        """
        at = self._cage_heights_mm
        size = self.stature * (0.95 if self.person.sex == "F" else 1.0)
        across = np.interp(z, at, adult.CAGE_HALF_WIDTHS_MM[::-1]) * size * self.cage_width
        spine = self.spine_mm(np.clip(z, at[0], at[-1]))[1]
        front = spine - np.interp(z, at, adult.CAGE_FRONTS_MM[::-1]) * size * self.cage_depth
        back = spine + np.interp(z, at, adult.CAGE_BACKS_MM[::-1]) * size
        return across, (back - front) / 2, (front + back) / 2

    def trunk_mm(self, z: Values) -> tuple[Values, Values, Values]:
        """Return half width, half depth and middle y of the skin at heights ``z``, mm.

        An ellipse around x = 0, neck to thighs, arms left out; never inside the rib cage's wall.
        """
        z = np.asarray(z, dtype=np.float64)
        at = adult.TRUNK_HEIGHTS_MM * self.stature
        waist = np.exp(-0.5 * np.square((z / self.stature + 80) / 130))
        chest = np.interp(z / self.stature, [150, 260], [1.0, 0.35])
        fat = self.fat_mm * chest
        across = (
            np.interp(z, at, adult.TRUNK_HALF_WIDTHS_MM) * self.stature * (0.5 + 0.5 * self.width)
        )
        deep = (
            np.interp(z, at, adult.TRUNK_HALF_DEPTHS_MM) * self.stature * (0.5 + 0.5 * self.width)
        )
        across = across + fat + 0.6 * self.girth_mm * waist
        deep = deep + 0.8 * fat + 0.6 * self.girth_mm * waist
        middle = np.interp(z, at, adult.TRUNK_MIDDLES_MM) * self.stature
        middle = middle - 0.5 * self.girth_mm * waist - 0.1 * fat
        wide, half, y = self.cage_mm(z)
        top, low = self.vertebra_centre_mm("T2")[2], self.vertebra_centre_mm("L3")[2]
        inside = (z > low) & (z < top)
        front = np.minimum(middle - deep, np.where(inside, y - half - 16 - fat * 0.7, np.inf))
        back = np.maximum(middle + deep, np.where(inside, y + half + 28 + fat * 0.5, -np.inf))
        across = np.maximum(across, np.where(inside, wide + 18 + fat * 0.8, 0.0))
        front, back = self._over_ribs_mm(z, front, back)
        return across, (back - front) / 2, (front + back) / 2

    def _over_ribs_mm(self, z: Values, front: Values, back: Values) -> tuple[Values, Values]:
        """Let the skin follow the ribs from T11 upwards, and the spine from T2 upwards."""
        names = ("T12", "T9", "T3", "T1")
        t12, t9, t3, t1 = (self.vertebra_centre_mm(name)[2] for name in names)
        _, half, y = self.cage_mm(np.minimum(z, t3))
        spine = self.spine_mm(z)[1]
        fat, s = self.fat_mm, self.stature
        ribs = np.interp(z, [t12, t9], [0.0, 1.0])
        neck = np.interp(z, [t3, t1], [0.0, 1.0])
        ribs, neck = (part * part * (3 - 2 * part) for part in (ribs, neck))
        # the muscles of the chest are thickest over the third rib
        over = y - half - (15 + 5 * s + 0.6 * fat)
        behind = np.maximum(y + half + 24 + 0.5 * fat, spine + 62 * s + 0.3 * fat)
        front = front + ribs * (over - front)
        back = back + ribs * (behind - back)
        front = front + neck * (spine - 66 * s - 0.2 * fat - front)
        back = back + neck * (spine + 66 * s + 0.2 * fat - back)
        return front, back

    @property
    def pelvis_axes(self) -> Values:
        """The pelvis' own x, y and z as columns, the identity when standing: float64, (3, 3)."""
        return _about(0, -np.deg2rad(self._leans_deg[-1] - adult.LEANS_DEG[-1]))

    @property
    def pelvis_width(self) -> float:
        """Factor of the pelvis' width in all."""
        return self.pelvis * self.stature * (adult.WOMAN_HIPS if self.person.sex == "F" else 1.0)

    def femoral_head_mm(self, side: str) -> Values:
        """Return the middle of the femoral head 'L' or 'R': float64, shape (3,), LPS mm."""
        middle = self.vertebra_centre_mm("S1") + self.pelvis_axes @ (
            adult.HIPS_FROM_S1_MM * self.stature
        )
        sideways = adult.HALF_HIPS_MM * self.pelvis_width * (1 if side == "L" else -1)
        return np.asarray(middle + np.array([sideways, 0.0, 0.0]))

    @property
    def femoral_head_radius_mm(self) -> float:
        """Radius of the femoral heads, bone without cartilage, mm."""
        return adult.HEAD_RADIUS_MM * self.width * self.stature

    @cached_property
    def _leans_deg(self) -> Values:
        """How far each body leans back, C7 to S1, degrees."""
        flat = LYING if self.lying else 1.0
        leans = adult.LEANS_DEG.copy()
        hinge = adult.LEVELS.index("T12")
        lumbar = leans[hinge:] * self.lordosis * flat
        thoracic = lumbar[0] + (leans[:hinge] - leans[hinge]) * self.kyphosis * flat
        all_ = np.concatenate([thoracic, lumbar]) - self._wedges_deg
        # who is bent lifts the neck to look ahead
        neck = all_[: adult.LEVELS.index("T4")]
        neck[:] = np.where(neck < LIFTED_DEG, LIFTED_DEG + 0.3 * (neck - LIFTED_DEG), neck)
        return all_

    @cached_property
    def _wedges_deg(self) -> Values:
        """How far fractures bend each body forward: half of its own, all of those below."""
        angles = np.zeros(len(adult.LEVELS))
        for i, level in enumerate(adult.LEVELS):
            front, _, back = self.heights_mm(level)
            angles[i] = np.rad2deg(np.arctan((back - front) / self.intact_mm(level)[1]))
        angles *= 1 - DISC_GIVES
        below = np.cumsum(angles[::-1])[::-1] - angles
        return np.asarray(below + 0.5 * angles - HIPS_GIVE * angles.sum())

    @cached_property
    def _bow_mm(self) -> Values:
        """Where scoliosis puts each body, mm to the left, before L1 is made the origin."""
        t = np.linspace(1, 0, len(adult.LEVELS))
        main = np.exp(-np.square((t - self.scoliosis_apex) / 0.22))
        counter = np.exp(-np.square((t - self.scoliosis_apex + 0.45) / 0.2))
        return np.asarray(self.scoliosis_mm * (main - 0.5 * counter))

    @cached_property
    def _centres_mm(self) -> Values:
        """Middles of the bodies, C7 to S1: float64, shape (level, 3)."""
        heights = np.array([self.vertebra_size_mm(level)[2] for level in adult.LEVELS])
        steps = (heights[:-1] + heights[1:]) / 2 + adult.DISCS_MM * self.stature
        lean = np.deg2rad((self._leans_deg[:-1] + self._leans_deg[1:]) / 2)
        y = np.concatenate([[0.0], -np.cumsum(steps * np.sin(lean))])
        z = np.concatenate([[0.0], -np.cumsum(steps * np.cos(lean))])
        centres = np.stack([self._bow_mm, y, z], axis=1)
        return np.asarray(centres - centres[adult.LEVELS.index("L1")])

    @cached_property
    def _cage_heights_mm(self) -> Values:
        """Heights at which the table tells the cage's sizes, from below."""
        return np.array([self.vertebra_centre_mm(level)[2] for level in adult.CAGE_LEVELS])[::-1]

    @cached_property
    def _line(self) -> PchipInterpolator:
        up = self._centres_mm[::-1]
        return PchipInterpolator(up[:, 2], up[:, :2])


def _about(axis: int, angle: float) -> Values:
    """Return a right-handed turn by ``angle`` (radians) about x, y or z."""
    c, s = np.cos(angle), np.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, -s, s, c
    return turn


def draw_build(person: Person, lying: bool = False) -> Build:
    """Draw a body of this person's size, sex and age, the same one each time.

    Frequencies are ours, rounded: 11 or 13 pairs of ribs in 4 % each, a sacralised L5 in 6 %, a
    scoliosis worth seeing in 8 %.
    """
    rng = np.random.default_rng([person.seed, STREAM])
    woman = person.sex == "F"
    old = max(person.age_years - 50, 0) / 30
    bow = float(rng.normal(0, 2.5))
    bent = float(rng.uniform(8, 22) * rng.choice([-1, 1])) * float(rng.random() < 0.08)
    girth = float(person.bmi_kg_m2 - 22 + rng.normal(0, 1.5))
    fat = (7 if woman else 4) + (1.7 if woman else 1.25) * (person.bmi_kg_m2 - 18)
    return Build(
        person=person,
        stature=person.height_m / adult.STATURE_M,
        width=float((adult.WOMAN_WIDTH if woman else 1.0) * rng.normal(1.0, 0.03)),
        cage_width=float(rng.normal(1.0, 0.04)),
        cage_depth=float(rng.normal(1.0 + 0.06 * old, 0.06)),
        lordosis=float(np.clip(rng.normal(1.0, 0.16), 0.5, 1.5)),
        kyphosis=float(np.clip(rng.normal(1.0 + 0.15 * old, 0.18), 0.4, 1.8)),
        scoliosis_mm=bow + bent,
        scoliosis_apex=float(rng.uniform(0.35, 0.75)),
        ribs=int(rng.choice([11, 12, 13], p=[0.04, 0.92, 0.04])),
        sacralised=bool(rng.random() < 0.06),
        pelvis=float(rng.normal(1.0, 0.035)),
        rib_slope=float(rng.normal(1.0, 0.09)),
        shoulders_mm=float(rng.normal(0, 9)),
        neck_shaft_deg=float(rng.normal(128, 4)),
        anteversion_deg=float(rng.normal(13, 4)),
        girth_mm=float(max(-10.0, 3.2 * girth)),
        fat_mm=float(max(4.0, fat * rng.normal(1.0, 0.12))),
        lying=lying,
    )
