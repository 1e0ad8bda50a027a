"""Osteonecrosis of a femoral head: where it lies, and what it is made of at a visit.

A geographic area under the joint surface, above and in front, bounded by a band: sclerotic on its
outside, granulation tissue on its inside, which STIR shows as a double line. What is enclosed looks
like fat at first and fibrous after the surface has given way; then the neck fills with oedema and
the joint with fluid. The course follows what reviews describe; numbers are ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.people.person import Osteonecrosis

Values = NDArray[np.float64]

BAND_MM = 2.4
"""Thickness of the band; half of it is sclerotic, half granulation tissue."""

UNDULATION_MM = 1.4
WAVES = 5
DRAWS = 0x0F2


@dataclass(frozen=True)
class Zones:
    """What part of each point is what; float64 in [0, 1], of the points' shape without the last."""

    necrotic: Values
    sclerotic: Values
    granulation: Values
    oedema: Values


def zones(
    points_mm: Values, centre_mm: Values, radius_mm: float, lesion: Osteonecrosis, visit: int
) -> Zones:
    """Tell what a lesion makes of points in and around its femoral head.

    Parameters
    ----------
    points_mm : ndarray
        float64, shape (..., 3), patient LPS.
    centre_mm : ndarray
        float64, shape (3,): of the head.
    radius_mm : float
        Of the head.
    lesion : Osteonecrosis
        Its side, and its extent and collapse at each visit.
    visit : int
        Which.
    """
    away = points_mm - centre_mm
    distance = np.linalg.norm(away, axis=-1)
    depth = away @ _outward(lesion.side) - height_of(lesion.extent[visit]) * radius_mm
    depth = depth + _undulation(away / np.maximum(distance, 1e-6)[..., None], lesion)
    head = _within(distance - radius_mm)
    inside = head * _within(-depth)
    core = head * _within(BAND_MM - depth)
    outer = head * _within(BAND_MM / 2 - depth)
    worn = np.clip(lesion.collapse_mm[visit] / 3.0, 0.0, 1.0)
    around = np.exp(-(np.clip(distance / radius_mm - 0.4, 0.0, None) ** 2) / 0.8)
    return Zones(
        necrotic=core,
        sclerotic=np.clip(inside - outer, 0.0, 1.0),
        granulation=np.clip(outer - core, 0.0, 1.0),
        oedema=worn * around * (1.0 - inside),
    )


def height_of(extent: float) -> float:
    """Return at which height, in radii from the centre, a plane cuts that part off a sphere.

    The cap above height h holds (1 - h)^2 (2 + h) / 4 of the sphere.
    """
    heights = np.linspace(1.0, -1.0, 2001)
    parts = (1.0 - heights) ** 2 * (2.0 + heights) / 4.0
    return float(np.interp(extent, parts, heights))


def _outward(side: str) -> Values:
    """Where in the head it lies: above, in front and a little to the outside."""
    out = 0.25 if side == "L" else -0.25
    direction = np.array([out, -0.5, 0.8])
    return np.asarray(direction / np.linalg.norm(direction))


def _undulation(direction: Values, lesion: Osteonecrosis) -> Values:
    """Displacement of the band, mm: the same lesion has the same outline at every visit."""
    rng = np.random.default_rng([DRAWS, lesion.side == "L", round(lesion.extent[0] * 1e6)])
    waves = rng.normal(0.0, 2.2, (WAVES, 3))
    phases = rng.uniform(0.0, 2 * np.pi, WAVES)
    total = np.zeros(direction.shape[:-1])
    for wave, phase in zip(waves, phases, strict=True):
        total += np.sin(direction @ wave * 2.0 + phase)
    return np.asarray(UNDULATION_MM * total / np.sqrt(WAVES / 2))


def _within(outside_mm: Values) -> Values:
    """Smooth step: 1 well inside, 0 well outside, over half a millimetre."""
    return np.clip(0.5 - outside_mm / 0.5, 0.0, 1.0)
