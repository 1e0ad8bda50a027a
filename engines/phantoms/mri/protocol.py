"""How a series of the hips is taken; nothing of it follows from the patient."""

from dataclasses import dataclass

import numpy as np

from engines.phantoms.dicom.mr import TIMINGS, Contrast, Timing

DRAWS = 0x0F1

STIR_NOISE = 0.35
"""What is left of the noise: a series with so little signal is averaged longer (ours)."""


@dataclass(frozen=True)
class MriProtocol:
    """One coronal series.

    Attributes
    ----------
    contrast : Contrast
        T1 or STIR.
    field_t : float
        Of the scanner: 1.5 or 3.0.
    timing : Timing
        Of the pulses.
    matrix : int
        Rows and columns.
    field_of_view_mm : float
        Their extent.
    slices : int
        How many, front first.
    thickness_mm, gap_mm : float
        Of a slice, and between two.
    shift_mm : tuple of float
        Of the middle from that between the femoral heads; left, back, head.
    noise : float
        Standard deviation of each channel, against the signal of fat.
    shading : float
        How far the coils' sensitivity departs from even.
    """

    contrast: Contrast
    field_t: float
    timing: Timing
    matrix: int
    field_of_view_mm: float
    slices: int
    thickness_mm: float
    gap_mm: float
    shift_mm: tuple[float, float, float]
    noise: float
    shading: float

    @property
    def pixel_mm(self) -> float:
        """Distance of two pixels."""
        return self.field_of_view_mm / self.matrix

    @property
    def step_mm(self) -> float:
        """Distance of two slices' middles."""
        return self.thickness_mm + self.gap_mm


def draw_protocol(
    seed: int, contrast: Contrast, field_t: float = 1.5, visit: int = 0
) -> MriProtocol:
    """Draw a protocol; both series of one visit share the slices.

    Parameters
    ----------
    seed : int
        Of the patient; only the seed is used, nothing of what is true of them.
    contrast : Contrast
        T1 or STIR.
    field_t : float
        Of the scanner, 1.5 or 3.0.
    visit : int
        Another visit is planned anew.
    """
    rng = np.random.default_rng([seed, DRAWS, visit])
    usual, stretch = TIMINGS[contrast, field_t], rng.uniform(0.9, 1.15, 2)
    repetition_ms = float(round(usual.repetition_ms * stretch[0]))
    echo_ms = float(round(usual.echo_ms * stretch[1], 1))
    thickness_mm = float(rng.choice([3.0, 3.5, 4.0]))
    shift = rng.normal(0.0, [4.0, 4.0, 8.0])
    return MriProtocol(
        contrast=contrast,
        field_t=field_t,
        timing=Timing(repetition_ms, echo_ms, usual.inversion_ms),
        matrix=int(rng.choice([320, 384, 512])),
        field_of_view_mm=float(rng.choice([360.0, 380.0, 400.0])),
        slices=int(rng.integers(18, 25)),
        thickness_mm=thickness_mm,
        gap_mm=round(thickness_mm * 0.1, 2),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        noise=float(rng.uniform(0.015, 0.05)) * (1.0 if contrast is Contrast.T1 else STIR_NOISE),
        shading=float(rng.uniform(0.1, 0.35)),
    )
