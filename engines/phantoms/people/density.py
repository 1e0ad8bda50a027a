"""Age, sex, size and bone density of one person, drawn together as the real table has them."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from engines.phantoms.people.fitted import FITTED, WESTERN
from engines.phantoms.people.margins import AGE_EDGES
from engines.phantoms.people.population import Population

#: Beyond this normal score nobody is drawn: 1 in 5,000 on either side would be.
_FURTHEST_SCORE = 3.5

#: Nobody is thinner; the table's thinnest has 14.9 kg/m2.
_LEAST_BMI = 14.5


@dataclass(frozen=True)
class Measured:
    """What a clinic would have measured of one person; attributes as in `Person`."""

    sex: str
    age_years: int
    height_m: float
    weight_kg: float
    bmd_spine_g_cm2: float
    bmd_neck_g_cm2: float
    bmd_hip_g_cm2: float
    t_spine: float
    t_neck: float
    t_hip: float

    @property
    def bmi_kg_m2(self) -> float:
        """Body mass index."""
        return self.weight_kg / self.height_m**2

    def z(self, measure: str) -> float:
        """Return how far one of the `MEASURES` lies from the mean of this sex and age, in SD."""
        margin = FITTED[self.sex].margin(measure)
        return margin.z(self.age_years, float(getattr(self, measure)))


def draw_measured(rng: np.random.Generator, population: Population) -> Measured:
    """Draw one person's measures.

    Parameters
    ----------
    rng : numpy.random.Generator
        Eight numbers are taken from it, whatever the population.
    population : Population
        Ages, sexes and sizes.

    Returns
    -------
    Measured
        Rounded as such figures are kept: 0.001 m, 0.1 kg, 0.001 g/cm2, T-scores to 0.1.
    """
    sex = "F" if rng.random() < population.part_women else "M"
    age = _age(float(rng.random()), sex, population)
    fitted = FITTED[sex]
    scores = _together(sex, rng.standard_normal(len(fitted.margins)).tolist())
    margins = (*WESTERN[sex], *fitted.margins[2:]) if population.western else fitted.margins
    height, weight, spine, neck, hip, excess = (
        margin.at(age, score) for margin, score in zip(margins, scores, strict=True)
    )
    return Measured(
        sex=sex,
        age_years=age,
        height_m=round(height, 3),
        weight_kg=round(max(weight, _LEAST_BMI * height * height), 1),
        bmd_spine_g_cm2=round(spine, 3),
        bmd_neck_g_cm2=round(neck, 3),
        bmd_hip_g_cm2=round(hip, 3),
        t_spine=round(fitted.spine.t(spine), 1),
        # the neck's BMD in the table is another software's than its T-score, so they do not agree
        t_neck=round(fitted.neck.t(neck) + excess, 1),
        t_hip=round(fitted.hip.t(hip), 1),
    )


def _age(u: float, sex: str, population: Population) -> int:
    """Return the age at a quantile of those within the population's limits."""
    parts = np.cumsum([0, *FITTED[sex].age_counts]) / sum(FITTED[sex].age_counts)
    limits = (population.youngest_years, population.oldest_years + 1)
    low, high = (float(np.interp(limit, AGE_EDGES, parts)) for limit in limits)
    age = float(np.interp(low + u * (high - low), parts, AGE_EDGES))
    return min(max(int(age), population.youngest_years), population.oldest_years)


def _cholesky(matrix: tuple[tuple[float, ...], ...]) -> list[list[float]]:
    """Factor a correlation in a fixed order: libraries differ in the last bits."""
    lower: list[list[float]] = []
    for i, row in enumerate(matrix):
        new: list[float] = []
        for j in range(i):
            rest = row[j] - sum(new[k] * lower[j][k] for k in range(j))
            new.append(rest / lower[j][j])
        new.append(sqrt(row[i] - sum(value * value for value in new)))
        lower.append(new)
    return lower


_LOWER = {sex: _cholesky(fitted.correlation) for sex, fitted in FITTED.items()}


def _together(sex: str, independent: list[float]) -> list[float]:
    """Turn independent normal scores into scores that go together as the measures do."""
    # a row of the factor is as long as its place: zip leaves the later scores out
    mixed = (sum(a * b for a, b in zip(row, independent, strict=False)) for row in _LOWER[sex])
    return [min(max(score, -_FURTHEST_SCORE), _FURTHEST_SCORE) for score in mixed]
