"""Height ratios of vertebral bodies, and the grade that they suggest after Genant (1993)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.anatomy.spine import readings
from engines.anatomy.vertebral_body import VertebralBody

#: Genant's semiquantitative grades begin at a loss of 20, 25 and 40 % of height.
GRADES: Final = ((0.40, 3), (0.25, 2), (0.20, 1))
#: L5 is lower behind than in front in health, so it is compared with itself only (ours).
_UNLIKE_NEIGHBOURS: Final = frozenset({"L5"})


@dataclass(frozen=True)
class Ratios:
    """Of one vertebral body.

    Attributes
    ----------
    anterior, middle : float
        To its posterior height.
    neighbours : float or None
        Its posterior height to the mean of its neighbours'; None where it has none to compare.
    """

    anterior: float
    middle: float
    neighbours: float | None

    @property
    def lowest(self) -> float:
        """Of all that are there."""
        return min(each for each in (self.anterior, self.middle, self.neighbours) if each)

    @property
    def grade(self) -> int:
        """The grade that the lowest suggests, 0 to 3: suspected only, to be seen by a reader."""
        lost = 1 - self.lowest
        return next((grade for least, grade in GRADES if lost >= least), 0)


def ratios_of(bodies: Sequence[VertebralBody]) -> Mapping[str, Ratios]:
    """Return the ratios of each body by its level.

    Parameters
    ----------
    bodies : sequence of VertebralBody
        From the feet to the head, without gaps.
    """
    found = {}
    for i, body in enumerate(bodies):
        beside = [*bodies[max(0, i - 1) : i], *bodies[i + 1 : i + 2]]
        beside = [one for one in beside if not readings(one.level) & _UNLIKE_NEIGHBOURS]
        usual = float(np.mean([one.posterior_mm for one in beside])) if beside else None
        alone = usual is None or bool(readings(body.level) & _UNLIKE_NEIGHBOURS)
        found[body.level] = Ratios(
            anterior=body.anterior_mm / body.posterior_mm,
            middle=body.middle_mm / body.posterior_mm,
            neighbours=None if alone or usual is None else body.posterior_mm / usual,
        )
    return found
