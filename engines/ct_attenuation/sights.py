"""What evaluation looks at of a CT: the number that is held against a threshold, read as served."""

from typing import Any, Final

import numpy as np

from engines.cases import Case
from engines.ct_attenuation import model, tables
from engines.ct_attenuation.corrections import correction
from engines.ct_attenuation.decision import deciding, deciding_first
from engines.ct_attenuation.measured import measured
from engines.lab.recipes import Array, Sight
from engines.rules import Measuring

ATTENUATION: Final = "trabecular attenuation"


def sights(case: Case) -> tuple[Sight]:
    """Return attenuation as measured (HU), tube voltage (kV), and which phase it is by number.

    The site is the level that decides; where none does, it is empty and the attenuation NaN.

    Raises
    ------
    NotEligible, BadSeries
        As in service.
    """
    model.eligible(case)
    found = measured(case)
    level = deciding(deciding_first(one for one in found.levels if one.region and not one.why))
    hu = level.region.mean_hu if level and level.region else float("nan")
    phase = tables.PHASES.index(found.facts["contrast_phase"])
    told = np.array([hu, found.facts.get("kvp") or 0, phase], np.float64)
    return (Sight(level.name if level else "", told),)


def attenuation_of(pixels: Array | None, measuring: Measuring) -> float:
    """Return attenuation as the site corrects it, HU; NaN where service applies no threshold."""
    if pixels is None or np.isnan(pixels[0]):
        return float("nan")
    hu, kvp, phase = float(pixels[0]), float(pixels[1]), tables.PHASES[int(pixels[2])]
    if phase in tables.NO_BAND:
        return float("nan")
    facts: dict[str, Any] = {"kvp": kvp, "contrast_phase": phase}
    return correction(measuring, facts).of(hu)
