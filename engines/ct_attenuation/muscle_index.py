"""Skeletal muscle index and what published cut-offs call low; they disagree, so each has a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Cutoff:
    """A published limit of the skeletal muscle index at L3, cm2/m2; below it is low.

    Attributes
    ----------
    men, women : float
        The limits.
    source : str
        Whose.
    """

    men: float
    women: float
    source: str


#: By the name that settings choose.
CUTOFFS: Final[Mapping[str, Cutoff]] = MappingProxyType(
    {
        "prado": Cutoff(52.4, 38.5, "Prado, in patients with cancer and obesity"),
        "derstine": Cutoff(45.4, 34.4, "Derstine, US adults of 18 to 40 years, -2 SD"),
        "yoon-2sd": Cutoff(39.33, 27.77, "Yoon, Korean donors, -2 SD"),
        "yoon-p5": Cutoff(40.96, 30.60, "Yoon, Korean donors, 5th percentile"),
        "korean-t2": Cutoff(39.8, 28.4, "11,845 Koreans, T below -2.0"),
    }
)


def skeletal_muscle_index(muscle_cm2: float, height_m: float | None) -> float | None:
    """Return area over squared height, cm2/m2; None where the height is not known."""
    return None if height_m is None else muscle_cm2 / height_m**2


def low_by(cutoff: str, index: float | None, sex: str | None) -> bool | None:
    """Tell whether an index is low by a named cut-off; None where index or sex is not known.

    Raises
    ------
    KeyError
        Where no cut-off has that name.
    """
    limits = CUTOFFS[cutoff]
    if index is None or sex not in ("F", "M"):
        return None
    return index < (limits.men if sex == "M" else limits.women)
