"""One body's measures: the adult thorax in millimetres and how this patient differs from it.

The tables are round figures of adult anatomy chosen by us so that the films look right; they are
not fitted to anyone. What is drawn here is independent of bone density.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.person import ChestPatient

Values = NDArray[np.float64]

#: Tops of the vertebrae C5 to L3 and the height of each body; y in mm, T1 at 0.
TOPS = np.array(
    [-55, -37, -19, 0, 20.5, 42, 64, 87, 110, 135, 160, 186, 213, 241, 271, 303, 337, 373]
)
HEIGHTS = np.array(
    [14, 14, 15, 17, 18, 18.5, 19, 19.5, 20, 20.5, 21, 21.5, 22, 23.5, 25, 26, 27, 27.5]
)
WIDTHS = np.array([24, 25, 28, 30, 29, 28, 28, 28, 29, 30, 31, 32, 34, 37, 40, 42, 44, 46])
DEPTHS = np.array([16, 16, 17, 17, 18, 20, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 34, 34])

#: Ribs 1 to 12: half-width, half-depth, fall from back to front, reach around the chest (degrees).
RIB_WIDTHS = np.array([60.0, 90, 110, 122, 129, 134, 137, 139, 139, 136, 124, 104])
RIB_DEPTHS = np.array([36.0, 54, 68, 79, 87, 93, 97, 99, 99, 97, 92, 86])
RIB_FALLS = np.array([28.0, 46, 60, 71, 80, 87, 92, 95, 95, 88, 66, 48])
RIB_REACH = np.array([152.0, 152, 150, 148, 146, 143, 139, 132, 124, 114, 88, 62])
RIB_TOPS = TOPS[3:15]


@dataclass(frozen=True)
class Anatomy:
    """How one body differs from the table; factors and millimetres, density apart.

    Attributes
    ----------
    stature, width, depth : float
        Factors of the thorax in y, x and z.
    wall_mm : float
        Soft tissue outside the ribs.
    breasts : float
        Size; 0 for none.
    heart, aorta : float
        Factors.
    diaphragm_mm : float
        How much deeper than usual the breath was.
    scoliosis_mm, kyphosis : float
        Sideways bow of the spine; factor of its forward curve.
    shoulders_mm : float
        How far the shoulders are raised.
    rib_slope, rib_size, cortex : float
        Factors; ``cortex`` is this skeleton's own deviation that density does not explain.
    """

    stature: float
    width: float
    depth: float
    wall_mm: float
    breasts: float
    heart: float
    aorta: float
    diaphragm_mm: float
    scoliosis_mm: float
    kyphosis: float
    shoulders_mm: float
    rib_slope: float
    rib_size: float
    cortex: float

    def spine_x(self, y: NDArray[np.floating[Any]]) -> Values:
        """Return where the spine's middle is, mm to the left."""
        return np.asarray(self.scoliosis_mm * np.sin(np.asarray(y) / 300 * np.pi * 1.3))

    def spine_z(self, y: NDArray[np.floating[Any]]) -> Values:
        """Return the depth of the vertebral bodies' middle, mm."""
        bow = np.sin(np.clip((np.asarray(y) + 60) / 400, 0, 1) * np.pi)
        return np.asarray((-30 - 26 * self.kyphosis * bow) * self.depth)


def draw_anatomy(patient: ChestPatient, rng: np.random.Generator) -> Anatomy:
    """Draw a body of this patient's size and sex."""
    small = 0.95 if patient.sex == "F" else 1.0
    return Anatomy(
        stature=patient.height_m / 1.66,
        width=small * (0.72 + 0.28 * patient.girth) * rng.normal(1.02, 0.03),
        depth=small * (0.65 + 0.35 * patient.girth) * rng.normal(1.0, 0.04),
        wall_mm=float(14 + 75 * (patient.girth - 0.92) + rng.uniform(0, 8)),
        breasts=float(rng.uniform(0.5, 1.3)) if patient.sex == "F" else 0.0,
        heart=float(rng.normal(1.0, 0.07)),
        aorta=float(rng.normal(1.0, 0.12)),
        diaphragm_mm=float(rng.normal(0, 11)),
        scoliosis_mm=float(rng.normal(0, 4)),
        kyphosis=float(rng.normal(1.0, 0.2)),
        shoulders_mm=float(rng.normal(0, 9)),
        rib_slope=float(rng.normal(1.0, 0.09)),
        rib_size=float(rng.normal(1.0, 0.05)),
        cortex=float(rng.normal(1.0, 0.03)),
    )
