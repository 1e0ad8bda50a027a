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

#: The words of the three bands. The highest reassures nobody.
WORDS: Final = (
    "low attenuation: bone densitometry (DXA) advised",
    "indeterminate: consider DXA by age and risk",
    "not flagged; does not exclude osteoporosis",
)

#: What the settings may name.
PHASES: Final = ("native", "arterial", "portal venous", "delayed", "unknown")

#: In these phases contrast medium may add anything to spongy bone: no band is given.
NO_BAND: Final = frozenset({"arterial"})


def bands_in(phase: str, name: str) -> Bands | None:
    """Return the table of that name, None in a phase in which no band is given."""
    return None if phase in NO_BAND else BANDS[name]
