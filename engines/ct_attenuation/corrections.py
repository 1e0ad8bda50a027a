"""What a site has configured that attenuation is corrected for, before a threshold is applied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.rules import Measuring


@dataclass(frozen=True)
class Correction:
    """What a site has configured for this phase and tube voltage.

    Attributes
    ----------
    factor : float
        For the tube voltage, first.
    added_hu : float
        For the contrast phase, then.
    words : str
        What is corrected for; empty where nothing is.
    """

    factor: float = 1.0
    added_hu: float = 0.0
    words: str = ""

    def of(self, hu: float) -> float:
        """Return the corrected value, as it is told."""
        return round(hu * self.factor + self.added_hu, 1)


def correction(measuring: Measuring, facts: Mapping[str, Any]) -> Correction:
    """Look up what is configured for the facts of a scan; nothing by default."""
    kvp, phase = f"{facts.get('kvp') or 0:g}", str(facts["contrast_phase"])
    factor = measuring.kvp_correction.get(kvp, 1.0)
    added_hu = measuring.phase_correction_hu.get(phase, 0.0)
    said = [f"x {factor:g} for {kvp} kVp"] if factor != 1 else []
    said += [f"{added_hu:+g} HU for the {phase} phase"] if added_hu else []
    return Correction(factor, added_hu, ", ".join(said))
