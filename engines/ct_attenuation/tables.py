"""Published thresholds by name; a site says which it uses, and every result names it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Bands:
    """Two thresholds of L1 trabecular attenuation, native at 120 kV.

    Attributes
    ----------
    name : str
        As in the settings and in every result.
    low_hu : float
        Up to here density is low: the finding is flagged.
    high_hu : float
        Above, nothing in the number speaks of low density, which excludes nothing.
    source : str
        Who published them.
    """

    name: str
    low_hu: float
    high_hu: float
    source: str

    def band(self, hu: float) -> int:
        """Return 0 up to the lower threshold, 1 up to the upper, 2 above."""
        return int(hu > self.low_hu) + int(hu > self.high_hu)


_PICKHARDT = "Pickhardt 2013, 1,867 adults"

#: What a site may choose; the first is the default.
BANDS: Final = {
    one.name: one
    for one in (
        Bands("100-160", 100.0, 160.0, f"ours, after {_PICKHARDT}"),
        Bands("110-160", 110.0, 160.0, f"{_PICKHARDT}: 90 % specific, 90 % sensitive"),
        Bands("135-160", 135.0, 160.0, f"Anderson review; {_PICKHARDT}"),
    )
}
DEFAULT_BANDS: Final = "100-160"


@dataclass(frozen=True)
class MuscleCutoffs:
    """Below which muscle at L3 is little or fatty.

    Attributes
    ----------
    name : str
        As in the settings and in every result.
    index_cm2_m2 : (men, women)
        Of the skeletal muscle index.
    attenuation_hu : (men, women) or None
        Of its mean attenuation; None where the source gives none.
    source : str
        Who published them.
    """

    name: str
    index_cm2_m2: tuple[float, float]
    attenuation_hu: tuple[float, float] | None
    source: str


#: They disagree by a third: a site must choose. The first is the default.
MUSCLE_CUTOFFS: Final = {
    one.name: one
    for one in (
        MuscleCutoffs(
            "derstine-2018",
            (45.4, 34.4),
            (38.5, 34.3),
            "healthy US adults of 18 to 40 years, -2 SD",
        ),
        MuscleCutoffs("prado-2008", (52.4, 38.5), None, "the classic extrinsic cut-off"),
        MuscleCutoffs("yoon-donors", (39.33, 27.77), None, "Korean donors, -2 SD"),
        MuscleCutoffs("korea-11845", (39.8, 28.4), None, "11,845 Koreans, T-score below -2.0"),
    )
}

#: The words of the three bands. The highest reassures nobody.
WORDS: Final = (
    "low attenuation: bone densitometry (DXA) advised",
    "indeterminate: consider DXA by age and risk",
    "not flagged; does not exclude osteoporosis",
)

#: What the settings may name.
PHASES: Final[tuple[str, ...]] = ("native", "arterial", "portal venous", "delayed", "unknown")

#: In these phases contrast medium may add anything to spongy bone: no band is given.
NO_BAND: Final = frozenset({"arterial"})
