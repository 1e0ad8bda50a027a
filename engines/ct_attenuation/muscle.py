"""Muscle and fat of the slice through L3, as numbers, pixels and a picture."""

from collections.abc import Iterator

import numpy as np

from engines.anatomy.composition import Composition
from engines.cases import Clinical
from engines.ct_attenuation.masks import on_source
from engines.ct_attenuation.muscle_index import CUTOFFS, low_by, skeletal_muscle_index
from engines.findings import HOUNSFIELD, Measurement
from engines.sights import Mask, Section
from engines.volume import Volume

LEVEL = "L3"


def measurements(found: Composition, clinical: Clinical) -> Iterator[Measurement]:
    """Return the areas, the mean HU, and the index where the height is known.

    Parameters
    ----------
    found : Composition
        Of the slice.
    clinical : Clinical
        Of the patient.
    """
    yield Measurement("skeletal muscle area", LEVEL, round(found.muscle_cm2, 1), "cm2")
    yield Measurement("skeletal muscle attenuation", LEVEL, round(found.muscle_hu, 1), HOUNSFIELD)
    areas = {
        "intermuscular fat area": found.intermuscular_fat_cm2,
        "visceral fat area": found.visceral_fat_cm2,
        "subcutaneous fat area": found.subcutaneous_fat_cm2,
    }
    for name, area in areas.items():
        if area is not None:
            yield Measurement(name, LEVEL, round(area, 1), "cm2")
    index = skeletal_muscle_index(found.muscle_cm2, clinical.height_m)
    if index is not None:
        yield Measurement("skeletal muscle index", LEVEL, round(index, 1), "cm2/m2")


def judged(found: Composition, clinical: Clinical, cutoff: str) -> str:
    """Say what a named cut-off makes of the index; empty where height or sex is not known."""
    index = skeletal_muscle_index(found.muscle_cm2, clinical.height_m)
    low = low_by(cutoff, index, clinical.sex)
    if low is None:
        return ""
    side = "low" if low else "not low"
    return f"muscle area {side} by {cutoff} ({CUTOFFS[cutoff].source})"


def masks(volume: Volume, found: Composition) -> Iterator[Mask]:
    """Return muscle, psoas and paraspinal muscles on the source slice."""
    yield Mask(LEVEL, "skeletal muscle", on_source(volume, found.slice, found.muscle))
    for what, pair in (("psoas muscle", found.psoas), ("paraspinal muscle", found.paraspinal)):
        for side, pixels in zip("LR", pair, strict=True):
            yield Mask(LEVEL, what, on_source(volume, found.slice, pixels), side)


def section(volume: Volume, found: Composition) -> Section:
    """Cut the slice, what was counted as masks."""
    shaded = {
        "skeletal muscle": found.muscle,
        "intermuscular fat": found.intermuscular_fat,
        "visceral fat": found.visceral_fat,
        "subcutaneous fat": found.subcutaneous_fat,
    }
    return Section(
        hu=np.ascontiguousarray(volume.hu[found.slice]),
        spacing_mm=volume.spacing_mm[1:],
        site=LEVEL,
        masks={name: mask for name, mask in shaded.items() if mask is not None},
    )
