"""How a CT is made; drawn from a stream of its own, so that nothing tells of bone density."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

#: This module's random stream.
STREAM = 4401


class Kernel(StrEnum):
    """How sharp a reconstruction is."""

    SOFT = "soft"
    STANDARD = "standard"
    BONE = "bone"


class Phase(StrEnum):
    """When after the contrast medium the scan was made; unknown if nothing tells when."""

    NONE = "none"
    ARTERIAL = "arterial"
    PORTAL_VENOUS = "portal venous"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CtProtocol:
    """One series.

    Attributes
    ----------
    kvp : int
        80 to 140.
    slice_thickness_mm, spacing_mm : float
        Width of the slice profile at half its height; from slice to slice.
    kernel : Kernel
        Of the reconstruction.
    noise_hu : float
        Standard deviation in the middle of a body of 300 mm of water; more in larger ones.
    phase : Phase
        Of the contrast medium.
    field_mm : float
        Diameter of the reconstruction, centred on the trunk at L3.
    matrix : int
        Rows and columns.
    tilt_deg : float
        Of the gantry: the back is lower (towards the feet) where positive.
    top, bottom : str
        Levels of the highest slice and of the lowest: vertebrae, or ``hips`` for the lesser
        trochanters.
    padding_hu : int or None
        What stands outside the circle of reconstruction; None: there is no circle.
    oral_contrast, table : bool
        Whether stomach and bowel are filled with contrast medium; whether the table is seen.
    """

    kvp: int = 120
    slice_thickness_mm: float = 2.5
    spacing_mm: float = 2.5
    kernel: Kernel = Kernel.STANDARD
    noise_hu: float = 12.0
    phase: Phase = Phase.NONE
    field_mm: float = 400.0
    matrix: int = 512
    tilt_deg: float = 0.0
    top: str = "T10"
    bottom: str = "hips"
    padding_hu: int | None = None
    oral_contrast: bool = False
    table: bool = True


def draw_ct_protocol(seed: int) -> CtProtocol:
    """Draw a series as sites make them (frequencies ours), independent of who is scanned."""
    rng = np.random.default_rng([seed, STREAM])
    thickness = float(
        rng.choice([1.0, 1.25, 2.0, 2.5, 3.0, 5.0], p=[0.1, 0.15, 0.15, 0.2, 0.2, 0.2])
    )
    overlap = rng.random() < 0.15 and thickness >= 2
    kernel = Kernel(str(rng.choice(["soft", "standard", "bone"], p=[0.35, 0.55, 0.10])))
    sharp = {Kernel.SOFT: 0.85, Kernel.STANDARD: 1.0, Kernel.BONE: 2.6}[kernel]
    dose = float(rng.lognormal(0.0, 0.25))
    return CtProtocol(
        kvp=int(rng.choice([80, 100, 120, 140], p=[0.05, 0.3, 0.6, 0.05])),
        slice_thickness_mm=thickness,
        spacing_mm=0.8 * thickness if overlap else thickness,
        kernel=kernel,
        noise_hu=float(np.clip(10.5 * sharp * np.sqrt(3 / thickness) / np.sqrt(dose), 5, 60)),
        phase=Phase(str(rng.choice([*Phase], p=[0.35, 0.15, 0.42, 0.08]))),
        field_mm=float(np.round(rng.uniform(360, 480))),
        top=str(rng.choice(["T9", "T10", "T11"])),
        bottom=str(rng.choice(["hips", "L5"], p=[0.8, 0.2])),
        padding_hu=-2000 if rng.random() < 0.3 else None,
        oral_contrast=bool(rng.random() < 0.2),
    )
