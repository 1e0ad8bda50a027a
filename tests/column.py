"""A short spine of plain shapes: three bodies of known size, density and tilt, with their discs."""

from dataclasses import dataclass, field

import numpy as np

from engines.anatomy.canal import Canal
from engines.anatomy.spine import Spine, Vertebra
from engines.volume import Volume

WIDTH_MM, DEPTH_MM, HEIGHT_MM, DISC_MM = 44.0, 33.0, 27.0, 9.0
SPONGY_HU, DISC_HU, CORTEX_HU = 120.0, 85.0, 600.0
STEP_MM = HEIGHT_MM + DISC_MM
LEVELS = ("L2", "L1", "T12")


@dataclass(frozen=True)
class Column:
    """What of the three bodies is unusual, by level."""

    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    lean: float = 0.0
    aside: float = 0.0
    spongy_hu: dict[str, float] = field(default_factory=dict)
    front_lost: dict[str, float] = field(default_factory=dict)
    noise_hu: float = 0.0

    def volume(self) -> Volume:
        z_mm, y_mm, x_mm = self.spacing_mm
        z, y, x = np.meshgrid(
            np.arange(-58, 58, z_mm),
            np.arange(-40, 50, y_mm),
            np.arange(-42, 42, x_mm),
            indexing="ij",
        )
        hu = np.full(z.shape, 45.0)
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        up, front = cos * z - sin * y, -cos * y - sin * z
        cos, sin = np.cos(self.aside), np.sin(self.aside)
        up, left = cos * up + sin * x, cos * x - sin * up
        for i, level in enumerate(LEVELS):
            self._paint(hu, level, (up - (i - 1) * STEP_MM, front, left))
        hu += np.random.default_rng(1).normal(0, 1, hu.shape) * self.noise_hu
        return Volume(hu.astype(np.float32), self.spacing_mm, (-42.0, -40.0, -58.0), ())

    def _paint(self, hu, level, places):
        up, front, left = places
        ring = np.hypot(front / (DEPTH_MM / 2), left / (WIDTH_MM / 2))
        lost = self.front_lost.get(level, 0.0) * np.clip(front / DEPTH_MM + 0.5, 0, 1)
        top = HEIGHT_MM / 2 - lost * HEIGHT_MM
        inside = (ring < 1) & (up < top) & (up > -HEIGHT_MM / 2)
        deep = np.minimum((1 - ring) * DEPTH_MM / 2, np.minimum(top - up, up + HEIGHT_MM / 2))
        disc = (ring < 1) & (up >= top) & (up < HEIGHT_MM / 2 + DISC_MM)
        hu[disc] = DISC_HU
        hu[inside] = self.spongy_hu.get(level, SPONGY_HU)
        hu[inside & (deep < 1.2)] = CORTEX_HU
        canal = np.hypot(front + DEPTH_MM / 2 + 9, left)
        hu[(canal >= 9) & (canal < 13) & (np.abs(up) < 9) & ~inside] = CORTEX_HU


def vertebra(level: str, off_mm=(0.0, 0.0, 0.0)) -> Vertebra:
    """Return about where a level is."""
    middle = np.array([0.0, 0.0, (LEVELS.index(level) - 1) * STEP_MM]) + off_mm
    up, front = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    return Vertebra(level, middle, up, front, HEIGHT_MM - 2, DEPTH_MM + 2, WIDTH_MM - 3)


def spine(slices: int) -> Spine:
    """Return all three."""
    at = np.column_stack([np.full(slices, 65.0), np.full(slices, 42.0)])
    canal = Canal(at, np.ones(slices))
    return Spine(canal, tuple(vertebra(level) for level in LEVELS), 1.0, ("last rib", "sacrum"))
