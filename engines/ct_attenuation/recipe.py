"""How measured CTs are held against a site's DXA, or against L1 as somebody else has read it.

Nothing is trained. The lower the attenuation, the likelier is low density: the score is the
negative of it, and the thresholds are those of the table that the site uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.ct_attenuation import tables
from engines.ct_attenuation.decision import FINDING
from engines.ct_attenuation.sights import ATTENUATION, attenuation_of
from engines.ct_attenuation.sights import sights as sights
from engines.lab.camera import known
from engines.lab.labels import lowest_t_score
from engines.lab.recipes import AS_SEEN, Array, Filming, Network, Outputs, Row, Target, fit_nothing
from engines.operating_points import OperatingPoint
from engines.phantoms.people.person import OSTEOPOROSIS_T
from engines.rules import Measuring

#: A column of a cohort: L1 trabecular attenuation of the same scan by other means, e.g. by a
#: reader's region; corrected where the site corrects ours.
REFERENCE: Final = "l1_reference_hu"
BY_DXA: Final = f"{FINDING}, osteoporosis by DXA being the truth"
BY_REFERENCE: Final = f"{FINDING}, {REFERENCE} being the truth"

_THRESHOLDS: Final = tuple(
    sorted({hu for one in tables.BANDS.values() for hu in (one.low_hu, one.high_hu)})
)


@dataclass(frozen=True)
class Measurement:
    """A recipe for a site's settings.

    Attributes
    ----------
    measuring : Measuring
        The site's.
    """

    measuring: Measuring = field(default_factory=Measuring)
    VERSION: str = ""
    CONFIGS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    FILMING: Filming = field(default_factory=Filming)
    HEAT: tuple[str, str] | None = None

    sights = staticmethod(sights)
    tune = staticmethod(fit_nothing)

    @property
    def bands(self) -> tables.Bands:
        """The table that the site uses."""
        return tables.BANDS[self.measuring.bands]

    @property
    def TARGETS(self) -> tuple[Target, ...]:
        """Against DXA, then against the reference; a cohort has the one, the other or both."""
        by_dxa = Target(BY_DXA, label=0, unit="HU", published=_THRESHOLDS)
        low = self.bands.low_hu
        return by_dxa, replace(by_dxa, finding=BY_REFERENCE, label=1, at_most=low)

    @property
    def points(self) -> Mapping[str, OperatingPoint]:
        """The lower threshold of the table, for scores."""
        source = f"table {self.bands.name} ({self.bands.source})"
        point = OperatingPoint(-self.bands.low_hu, source)
        return {one.finding: point for one in self.TARGETS}

    def prepare(
        self, pixels: Array | None, row: Row, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Return the attenuation that service would hold against the threshold, or NaN."""
        return {ATTENUATION: np.array([attenuation_of(pixels, self.measuring)])}

    def labels(self, row: Row, site: str) -> tuple[float, float]:
        """Return osteoporosis by DXA (1, 0 or NaN), and the reference in HU or NaN."""
        lowest = lowest_t_score(row)
        ill = lowest if np.isnan(lowest) else float(lowest <= OSTEOPOROSIS_T)
        # of another level it says nothing
        read = site == "L1" and known(row, REFERENCE)
        return ill, float(row[REFERENCE]) if read else float("nan")

    def networks(self, parameters: Mapping[str, Any]) -> tuple[Network, ...]:
        """Return none."""
        return ()

    def scores(
        self, outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """Return the negative of the attenuation, for each target."""
        hu = np.asarray(outputs[AS_SEEN][ATTENUATION], np.float64)
        return -np.repeat(hu.reshape(-1, 1), len(self.TARGETS), axis=1)


of = Measurement
