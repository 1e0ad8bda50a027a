"""One film of whatever lies before the detector."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.xray.beam import primary_kev_mm2
from engines.phantoms.xray.detector import Raw, expose
from engines.phantoms.xray.exposure import Exposure
from engines.phantoms.xray.geometry import Geometry
from engines.phantoms.xray.marks import burn_in, lead
from engines.phantoms.xray.processing import process, quantised
from engines.phantoms.xray.projection import mineral_mg_mm2, paths

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4302


@dataclass(frozen=True)
class Scene:
    """What lies before the detector.

    Attributes
    ----------
    bones : Cloud
        All bones.
    solids : sequence of Solid
        All else, in painter's order.
    vessels : Cloud, optional
        Blood in the lungs; what takes the place of the mineral is the lumps' volume, mm3.
    """

    bones: Cloud
    solids: Sequence[Solid]
    vessels: Cloud | None = None


def take_raw(scene: Scene, geometry: Geometry, exposure: Exposure, seed: int) -> Raw:
    """Return what the detector measures; ``seed`` draws the noise alone."""
    rng = np.random.default_rng([seed, STREAM])
    ahead = paths(scene.bones, scene.solids, geometry)
    if scene.vessels is not None:
        blood_mm = mineral_mg_mm2(scene.vessels, geometry)
        for tissue, more_mm in ((Tissue.BLOOD, blood_mm), (Tissue.LUNG, -blood_mm)):
            ahead.tissues_mm[tissue] = ahead.tissues_mm.get(tissue, 0.0) + more_mm
    blocked = lead(exposure.letter, geometry.shape, geometry.pitch_mm)
    blocked *= np.maximum(exposure.shutters.opening(geometry.shape), 0.002)
    through = primary_kev_mm2(ahead, exposure.shot.quality)
    return expose(through, blocked, geometry, exposure.shot, rng)


def develop(raw: Raw, pitch_mm: float, exposure: Exposure, burnt_in: str = "") -> Values:
    """Return the film as the console shows it: float64, (row, column), [0, 1], bone white."""
    opened = exposure.shutters.opening((raw.dose_ugy.shape[0], raw.dose_ugy.shape[1]))
    film = process(raw, pitch_mm, exposure.look, opened > 0.99)
    if exposure.shutters.black:
        film = film * opened
    if burnt_in:
        film = burn_in(film, burnt_in, (0.05, 0.14))
    return quantised(film)
