"""What of bone and muscle only an image shows, as it follows from what a clinic measures."""

from math import sqrt

import numpy as np

from engines.phantoms.people.density import Measured
from engines.phantoms.people.fitted import FITTED
from engines.phantoms.people.margins import REFERENCE_YEARS

#: Trabecular density of L1: mean at 65 years, and per year, mg/cm3. L1's attenuation at 120 kVp
#: falls by 2.5 HU a year, 226 HU before 30 years to 89 HU at 90 and more (20,374 CTs; PubMed
#: 30912719), at about 0.75 mg/cm3 a HU for hydroxyapatite (ours). Women below men after the
#: menopause (ours): 46 % of 140 postmenopausal Koreans lay below 80 mg/cm3 (Int J Endocrinol
#: 2013:895474).
_TRABECULAR = {"F": (94.0, -2.1), "M": (104.0, -1.6)}

#: At one age: 38 to 44 HU in those CTs, at 0.75 mg/cm3 a HU, and a little less within one sex.
_TRABECULAR_SD = 27.0

#: Correlation's parts: how many SD of trabecular density go with one SD of areal density at the
#: spine and at the hip. Ours. Lower in men, whose spines' areal density rises with age by
#: osteophytes and calcified vessels (the table's men gain 0.0018 g/cm2 a year).
_SPINE_PART = {"F": 0.50, "M": 0.38}
_HIP_PART = {"F": 0.30, "M": 0.30}

#: Scatter of cortical thickness about what the neck's BMD implies, part of a young adult's. Ours.
_CORTEX_SD = 0.05

#: Skeletal muscle index at L3, cm2/m2: mean at 65 years and a BMI of 24.5; per year; per kg/m2; SD.
#: From the 5th percentiles by age and BMI of Dutch donors (s41430-017-0034-5, table 3: men 40.2,
#: 38.6, 36.9 and women 32.3, 30.7, 28.9 at 50-59, 60-69, 70-79 years), 1.645 SD above them. SD and,
#: for women, the change with BMI are ours.
_MUSCLE_INDEX = {"F": (37.0, -0.17, 0.6, 4.2), "M": (46.5, -0.165, 1.1, 5.0)}

#: Fat in that muscle, part: mean at 65 years and a BMI of 24.5; per year; per kg/m2; SD. Chinese
#: women at L3: 7 % at 20-29 and 26 % at 70-79 years (PMID 32742954). Men have 0.74 of that (14.0
#: and 10.3 % of fat signal, PMC10347357). Change with BMI and SD are ours.
_MUSCLE_FAT = {"F": (0.22, 0.0038, 0.006, 0.06), "M": (0.163, 0.0028, 0.004, 0.05)}

_REFERENCE_BMI = 24.5


def draw_bone(rng: np.random.Generator, measured: Measured) -> tuple[float, float]:
    """Draw what the bones are inside.

    Returns
    -------
    trabecular_mg_cm3, cortex : float
        As in `Person`.
    """
    spine = _SPINE_PART[measured.sex] * measured.z("bmd_spine_g_cm2")
    hip = _HIP_PART[measured.sex] * measured.z("bmd_hip_g_cm2")
    between = FITTED[measured.sex].correlation[2][4]
    a, b = _SPINE_PART[measured.sex], _HIP_PART[measured.sex]
    unexplained = sqrt(1 - a * a - b * b - 2 * a * b * between)
    score, scatter = rng.standard_normal(2).tolist()
    mean, per_year = _TRABECULAR[measured.sex]
    expected = mean + per_year * (measured.age_years - REFERENCE_YEARS)
    trabecular = expected + _TRABECULAR_SD * (spine + hip + unexplained * score)
    cortex = expected_cortex(measured) + _CORTEX_SD * scatter
    return round(max(trabecular, 12.0), 1), round(max(cortex, 0.3), 3)


def expected_cortex(measured: Measured) -> float:
    """Return the cortex that the neck's BMD implies, part of a young adult's (the table's own)."""
    fitted = FITTED[measured.sex]
    young = fitted.cortex_cm + fitted.cortex_cm_per_g_cm2 * fitted.neck.mean_g_cm2
    own = fitted.cortex_cm + fitted.cortex_cm_per_g_cm2 * measured.bmd_neck_g_cm2
    return own / young


def draw_muscle(rng: np.random.Generator, measured: Measured) -> tuple[float, float]:
    """Draw the muscle in the slice through L3.

    Returns
    -------
    muscle_area_cm2, muscle_fat : float
        As in `Person`.
    """
    area_score, fat_score = rng.standard_normal(2).tolist()
    index = _mean(_MUSCLE_INDEX[measured.sex], measured) + _sd(_MUSCLE_INDEX, measured) * area_score
    fat = _mean(_MUSCLE_FAT[measured.sex], measured) + _sd(_MUSCLE_FAT, measured) * fat_score
    return (
        round(max(index, 18.0) * measured.height_m**2, 1),
        round(min(max(fat, 0.02), 0.5), 3),
    )


def muscle_z(measured: Measured, area_cm2: float, fat: float) -> tuple[float, float]:
    """Return how far muscle area and its fat lie from the mean of sex, age and BMI, in SD."""
    index = area_cm2 / measured.height_m**2
    return (
        (index - _mean(_MUSCLE_INDEX[measured.sex], measured)) / _sd(_MUSCLE_INDEX, measured),
        (fat - _mean(_MUSCLE_FAT[measured.sex], measured)) / _sd(_MUSCLE_FAT, measured),
    )


def _mean(of: tuple[float, float, float, float], measured: Measured) -> float:
    mean, per_year, per_bmi, _ = of
    years = measured.age_years - REFERENCE_YEARS
    # heavier than that is fat, not muscle (ours)
    bmi = min(max(measured.bmi_kg_m2, 16.0), 36.0)
    return mean + per_year * years + per_bmi * (bmi - _REFERENCE_BMI)


def _sd(of: dict[str, tuple[float, float, float, float]], measured: Measured) -> float:
    return of[measured.sex][3]
