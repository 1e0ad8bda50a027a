"""How a measure is spread at an age, and how measures go together: the form of a fitted table."""

from dataclasses import dataclass

#: The age at which the means are given.
REFERENCE_YEARS = 65

#: Standard normal scores at which the spread of a measure is kept.
SCORES = (-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5)

#: The measures that are drawn together, in the order of the margins and of the correlation.
MEASURES = (
    "height_m",
    "weight_kg",
    "bmd_spine_g_cm2",
    "bmd_neck_g_cm2",
    "bmd_hip_g_cm2",
    "t_neck_excess",
)

#: Ages at which the bands of the age distribution begin; the last one ends the last band.
AGE_EDGES = (50, 55, 60, 65, 70, 75, 80, 85, 91)


@dataclass(frozen=True)
class Margin:
    """One measure of one sex.

    Attributes
    ----------
    mean, per_year : float
        Mean at `REFERENCE_YEARS` and its change with each year of age, in the measure's unit.
    sd : float
        Of the residuals about that line.
    knots : tuple of float
        Residuals at the normal scores `SCORES`: the shape, where it is not a normal one.
    """

    mean: float
    per_year: float
    sd: float
    knots: tuple[float, ...]

    def expected(self, age_years: float) -> float:
        """Return the mean at an age."""
        return self.mean + self.per_year * (age_years - REFERENCE_YEARS)

    def z(self, age_years: float, value: float) -> float:
        """Return how many SD a value lies above the mean of its age."""
        return (value - self.expected(age_years)) / self.sd

    def at(self, age_years: float, score: float) -> float:
        """Return the value at an age and a normal score; beyond the knots with the slope of the SD.

        Plain arithmetic in a fixed order, so that every machine finds the same bits.
        """
        within = min(max(score, SCORES[0]), SCORES[-1])
        place = (within - SCORES[0]) / (SCORES[1] - SCORES[0])
        below = min(int(place), len(SCORES) - 2)
        part = place - below
        residual = self.knots[below] * (1 - part) + self.knots[below + 1] * part
        return self.expected(age_years) + residual + (score - within) * self.sd


@dataclass(frozen=True)
class Reference:
    """Young adults at one DXA site, as the table's own T-scores imply them.

    Attributes
    ----------
    mean_g_cm2, sd_g_cm2 : float
        T = (BMD - mean) / SD.
    """

    mean_g_cm2: float
    sd_g_cm2: float

    def t(self, bmd_g_cm2: float) -> float:
        """Return the T-score of a density."""
        return (bmd_g_cm2 - self.mean_g_cm2) / self.sd_g_cm2


@dataclass(frozen=True)
class Fitted:
    """All that is fitted for one sex.

    Attributes
    ----------
    age_counts : tuple of int
        Persons of the table in the bands of `AGE_EDGES`.
    margins : tuple of Margin
        In the order of `MEASURES`.
    correlation : tuple of tuple of float
        Of the normal scores of the residuals, in that order.
    spine, neck, hip : Reference
        Young adults at the three sites.
    cortex_cm_per_g_cm2, cortex_cm : float
        Cortical thickness of the femoral neck as a line over its BMD: slope, and value at none.
    """

    age_counts: tuple[int, ...]
    margins: tuple[Margin, ...]
    correlation: tuple[tuple[float, ...], ...]
    spine: Reference
    neck: Reference
    hip: Reference
    cortex_cm_per_g_cm2: float
    cortex_cm: float

    def margin(self, measure: str) -> Margin:
        """Return the margin of a measure by its name."""
        return self.margins[MEASURES.index(measure)]
