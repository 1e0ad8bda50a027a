"""What a site has decided about whom to screen and how to measure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: Kinds of MR series on which a site may have vessels measured, by their names in its settings.
VESSEL_SEQUENCES: Final = ("t1", "t2", "fluid")


def read_vessel_sequences(text: str) -> tuple[str, ...]:
    """Read kinds of MR series with commas between; raises ValueError for what is none of them."""
    found = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    for name in found:
        if name not in VESSEL_SEQUENCES:
            raise ValueError(f"{name} is none of {', '.join(VESSEL_SEQUENCES)}")
    return found


@dataclass(frozen=True)
class Measuring:
    """What a site has decided about what is measured on CT.

    Attributes
    ----------
    bands, muscle_cutoffs : str
        Names of published tables (:mod:`engines.ct_attenuation.tables`, ``.muscle_index``).
    phase_correction_hu : mapping of str to float
        What is added to trabecular attenuation in a contrast phase before it is held against the
        bands; the uncorrected value is always given too. None by default.
    kvp_correction : mapping of str to float
        What it is multiplied by at a tube voltage, likewise.
    """

    bands: str = "100-160"
    muscle_cutoffs: str = "derstine"
    phase_correction_hu: Mapping[str, float] = field(default_factory=dict)
    kvp_correction: Mapping[str, float] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, str]:
        """Return it by the names of a site's settings; equal texts measure alike."""
        return {
            "ct_bands": self.bands,
            "ct_muscle_cutoffs": self.muscle_cutoffs,
            "ct_phase_correction_hu": repr(sorted(self.phase_correction_hu.items())),
            "ct_kvp_correction": repr(sorted(self.kvp_correction.items())),
        }


@dataclass(frozen=True)
class Rules:
    """What a site has decided about eligibility.

    Attributes
    ----------
    min_age_years : int
        Youngest patient to screen.
    accept_derived_primary : bool
        Whether films that say DERIVED\\PRIMARY are screened: many devices write it for their own
        processing, others for images made from images.
    measuring : Measuring
        What is measured on CT.
    vessel_sequences : tuple of str
        On which MR series vessels are measured, of ``VESSEL_SEQUENCES``; none by default.
    """

    min_age_years: int = 50
    accept_derived_primary: bool = False
    measuring: Measuring = field(default_factory=Measuring)
    vessel_sequences: tuple[str, ...] = ()
