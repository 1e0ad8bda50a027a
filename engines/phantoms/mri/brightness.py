"""How bright a substance is in a spin echo or an inversion recovery.

Relaxation times of muscle, cartilage and joint fluid, and the T2 of fat, are those of Gold et al.
2004 (AJR 183:343, at 1.5 and 3 T), from general knowledge. The T1 of fat is ours, shorter than
theirs, so that the inversion times which scanners use null it. The others, and all proton
densities, are ours, chosen between these by what each looks like.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engines.phantoms.dicom.mr import Timing


class Substance(StrEnum):
    """What gives a signal of its own."""

    FAT = "fat"
    YELLOW_MARROW = "yellow marrow"
    RED_MARROW = "red marrow"
    MUSCLE = "muscle"
    ORGAN = "organ"
    FLUID = "fluid"
    CARTILAGE = "cartilage"
    DISC = "intervertebral disc"
    FIBROUS = "fibrous tissue"
    GRANULATION = "granulation tissue"
    OEDEMA = "oedema"


@dataclass(frozen=True)
class Relaxation:
    """Protons against water, and relaxation times at 1.5 and at 3 tesla, milliseconds."""

    protons: float
    t1_ms: tuple[float, float]
    t2_ms: tuple[float, float]


RELAXATION = {
    Substance.FAT: Relaxation(0.95, (225, 305), (165, 133)),
    Substance.YELLOW_MARROW: Relaxation(0.90, (225, 305), (165, 133)),
    Substance.RED_MARROW: Relaxation(0.80, (520, 600), (75, 65)),
    Substance.MUSCLE: Relaxation(0.80, (1130, 1420), (35, 32)),
    Substance.ORGAN: Relaxation(0.85, (850, 1000), (60, 52)),
    Substance.FLUID: Relaxation(1.00, (2850, 3620), (1210, 767)),
    Substance.CARTILAGE: Relaxation(0.75, (1060, 1240), (42, 37)),
    Substance.DISC: Relaxation(0.80, (1050, 1250), (70, 62)),
    Substance.FIBROUS: Relaxation(0.45, (900, 1050), (24, 22)),
    Substance.GRANULATION: Relaxation(0.90, (1250, 1450), (95, 85)),
    Substance.OEDEMA: Relaxation(0.92, (1300, 1500), (90, 80)),
}
"""Compact bone, gas and flowing blood give none."""


def signal(substance: Substance, timing: Timing, field_t: float) -> float:
    """Return the signal of one substance.

    Parameters
    ----------
    substance : Substance
        What fills the voxel.
    timing : Timing
        Repetition, echo and, for an inversion recovery, inversion time.
    field_t : float
        1.5 or 3.0; between and beyond them relaxation times are interpolated.

    Returns
    -------
    float
        Magnitude, against water fully relaxed: 0 to 1.
    """
    known = RELAXATION[substance]
    part = np.clip((field_t - 1.5) / 1.5, 0.0, 1.0)
    t1_ms = known.t1_ms[0] + part * (known.t1_ms[1] - known.t1_ms[0])
    t2_ms = known.t2_ms[0] + part * (known.t2_ms[1] - known.t2_ms[0])
    recovered = 1.0 - np.exp(-timing.repetition_ms / t1_ms)
    if timing.inversion_ms is not None:
        inverted = 2.0 * np.exp(-timing.inversion_ms / t1_ms)
        recovered = 1.0 - inverted + np.exp(-timing.repetition_ms / t1_ms)
    return float(abs(known.protons * recovered) * np.exp(-timing.echo_ms / t2_ms))
