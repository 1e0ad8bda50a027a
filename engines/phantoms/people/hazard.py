"""Time to the next vertebral fracture: a proportional hazard, constant over five years."""

from dataclasses import dataclass
from math import exp, log

import numpy as np

from engines.phantoms.people.density import Measured
from engines.phantoms.people.margins import REFERENCE_YEARS
from engines.phantoms.people.person import Person
from engines.phantoms.people.tissues import muscle_z

#: How long a cohort is followed (Kong 2025: five years).
FOLLOWED_YEARS = 5.0

#: Log hazard ratios. "Read" means that the figure was read in the source's abstract.
#: One SD of spine BMD below the mean of the age: 2.3 (1.9 to 2.8) for vertebral fractures by spine
#: BMD in women (Marshall 1996, read); taken for men too (ours).
PER_SD_OF_DENSITY = log(2.3)
#: A vertebral fracture before: "approximately 4 times" (Klotzbuecher 2000, read).
VERTEBRAL_FRACTURE = log(4.0)
#: Any other fracture before: "approximately 2" for other sites (Klotzbuecher 2000, read).
OTHER_FRACTURE = log(2.0)
#: A year of age: with the fractures that come with age, EPOS finds about eight times as many at
#: 75-79 as at 50-54 years in women (general knowledge, not read); the rest of it is ours.
PER_YEAR_OF_AGE = 0.06
#: Glucocorticoids: 2.43 in high users against none (Koh 2020, Koreans, read).
GLUCOCORTICOIDS = log(2.43)
#: Smoking: 1.13 for any fracture with BMD taken into account (Kanis 2005, read).
SMOKING = log(1.13)
#: One SD of muscle area below, and of fat in it above, the mean of sex, age and BMI: ours. Studies
#: disagree (Anand 2020: none in multivariate analysis); CT with muscle gains 0.02 to 0.03 in AUROC
#: over bone alone (Kong 2025).
PER_SD_OF_MUSCLE = log(1.2)
PER_SD_OF_MUSCLE_FAT = log(1.2)

#: A person of 65 years, average in all and without risk factors, per year. Ours, so that 10.7
#: women and 5.7 men in 1,000 fracture a year at 50 to 79 years, as in Europe (EPOS, Felsenberg
#: 2002; its figures are general knowledge, its abstract was read without them).
BASELINE_PER_YEAR = {"F": 0.0043, "M": 0.0022}

#: Lost to follow-up, per year (ours), and death at 65 years and its growth with age (Korea's life
#: tables; general knowledge): what ends observation before five years.
LOST_PER_YEAR = 0.03
_DEATH_PER_YEAR = {"F": 0.004, "M": 0.010}
_DEATH_PER_YEAR_OF_AGE = 0.10


@dataclass(frozen=True)
class Course:
    """What a person's risk of vertebral fracture depends on.

    Attributes
    ----------
    measured : Measured
        Sex, age, density.
    muscle_area_cm2, muscle_fat : float
        As in `Person`.
    vertebral_fracture, other_fracture : bool
        Whether there was one before; the other one is known to the person.
    smoking, glucocorticoids : bool
        Risk factors.
    """

    measured: Measured
    muscle_area_cm2: float
    muscle_fat: float
    vertebral_fracture: bool
    other_fracture: bool
    smoking: bool
    glucocorticoids: bool

    @property
    def hazard_per_year(self) -> float:
        """Return the hazard of a vertebral fracture, constant over five years."""
        area, fat = muscle_z(self.measured, self.muscle_area_cm2, self.muscle_fat)
        log_ratio = (
            -PER_SD_OF_DENSITY * self.measured.z("bmd_spine_g_cm2")
            + PER_YEAR_OF_AGE * (self.measured.age_years - REFERENCE_YEARS)
            - PER_SD_OF_MUSCLE * area
            + PER_SD_OF_MUSCLE_FAT * fat
            + SMOKING * self.smoking
            + GLUCOCORTICOIDS * self.glucocorticoids
            + self._before()
        )
        return BASELINE_PER_YEAR[self.measured.sex] * exp(log_ratio)

    def _before(self) -> float:
        """Return the larger of what a fracture before adds: of the same bones, not both."""
        if self.vertebral_fracture:
            return VERTEBRAL_FRACTURE
        return OTHER_FRACTURE * self.other_fracture

    @property
    def censored_per_year(self) -> float:
        """Return how often observation ends by death or loss."""
        years = self.measured.age_years - REFERENCE_YEARS
        return LOST_PER_YEAR + _DEATH_PER_YEAR[self.measured.sex] * exp(
            _DEATH_PER_YEAR_OF_AGE * years
        )


def course_of(person: Person) -> Course:
    """Return what the hazard of a finished person was drawn from."""
    fields = Measured.__dataclass_fields__
    return Course(
        measured=Measured(**{name: getattr(person, name) for name in fields}),
        muscle_area_cm2=person.muscle_area_cm2,
        muscle_fat=person.muscle_fat,
        vertebral_fracture=bool(person.vertebral_fractures),
        other_fracture=person.prior_fracture,
        smoking=person.smoking,
        glucocorticoids=person.glucocorticoids,
    )


def fracture_free(person: Person, years: float) -> float:
    """Return the true probability of no new vertebral fracture within some years, up to five."""
    return exp(-course_of(person).hazard_per_year * years)


def draw_follow_up(rng: np.random.Generator, course: Course) -> tuple[float, bool]:
    """Draw how long a person is followed, years, and whether a new fracture ended it."""
    fracture = float(rng.exponential()) / course.hazard_per_year
    censored = min(float(rng.exponential()) / course.censored_per_year, FOLLOWED_YEARS)
    return round(max(min(fracture, censored), 0.001), 3), fracture <= censored
