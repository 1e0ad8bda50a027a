"""Whom a cohort is drawn from."""

from dataclasses import dataclass
from enum import StrEnum

from engines.phantoms.people.fitted import PART_WOMEN

#: The ages of which the tables know enough.
YOUNGEST_YEARS, OLDEST_YEARS = 50, 90


@dataclass(frozen=True)
class Population:
    """A population; one seed gives the same body whatever is asked of hips and visits.

    Attributes
    ----------
    youngest_years, oldest_years : int
        Both included, within 50 to 90.
    part_women : float
        0 to 1; the Korean table's own by default.
    western : bool
        Height and weight of a western population (women: GLOW; men: ours) about the same bones.
    osteonecrosis : float
        Part of persons with osteonecrosis of a femoral head. By default 3 in 10,000, about what
        Korean claims show (28.9 per 100,000 in Kang 2009; general knowledge, not read).
    most_visits : int
        Hips are imaged at 1 to this many visits, sick or not.

    Raises
    ------
    ValueError
        If the ages are not an interval within 50 to 90, or a part is not one.
    """

    youngest_years: int = YOUNGEST_YEARS
    oldest_years: int = OLDEST_YEARS
    part_women: float = PART_WOMEN
    western: bool = False
    osteonecrosis: float = 0.0003
    most_visits: int = 1

    def __post_init__(self) -> None:
        if not YOUNGEST_YEARS <= self.youngest_years <= self.oldest_years <= OLDEST_YEARS:
            raise ValueError(
                f"ages {self.youngest_years} to {self.oldest_years} do not lie in order within "
                f"{YOUNGEST_YEARS} to {OLDEST_YEARS}"
            )
        if not (0 <= self.part_women <= 1 and 0 <= self.osteonecrosis <= 1):
            raise ValueError("a part of a population lies between 0 and 1")
        if self.most_visits < 1:
            raise ValueError("there is at least one visit")


#: Everybody who may be screened, as in the Korean table.
SCREENING = Population()

#: Hips for the MRI model: half of them sick, followed over up to four visits.
HIP_CLINIC = Population(osteonecrosis=0.5, most_visits=4)


class Clinic(StrEnum):
    """Where a cohort's patients come from, by name."""

    SCREENING = "screening"
    HIP = "hip-clinic"

    @property
    def population(self) -> Population:
        """Whom it sees."""
        return {Clinic.SCREENING: SCREENING, Clinic.HIP: HIP_CLINIC}[self]
