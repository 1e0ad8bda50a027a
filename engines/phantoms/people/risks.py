"""Risk factors and the vertebral fractures a person has already had."""

from math import exp, log

import numpy as np

from engines.phantoms.people.density import Measured
from engines.phantoms.people.fitted import GLOW_PRIOR_FRACTURE, GLOW_SMOKING
from engines.phantoms.people.margins import REFERENCE_YEARS
from engines.phantoms.people.person import FractureShape, VertebralFracture

#: Prevalent vertebral fracture, log odds at 65 years and average density, and per year: so that 4,
#: 11 and 18 % of those about 55, 75 and 85 years have one, women and men alike (NHANES 2013-14,
#: PMC7422504: "<5 %" under 60, 11 % at 70-79, 18 % from 80).
_VERTEBRAL = (-2.86, 0.062)

#: For each SD below the mean of the age: odds ratio 1.80 by femoral neck BMD in white women (Study
#: of Osteoporotic Fractures, jbmr.080411).
_VERTEBRAL_PER_SD = log(1.80)

#: How many, of those who have any: two or more in about 30 % (Tromsø study, 1471-2474-13-3); how
#: many more is ours.
_NUMBERS = (1, 2, 3, 4, 5)
_NUMBER_PARTS = (0.70, 0.18, 0.07, 0.03, 0.02)

#: Where. Most at mid-thoracic spine and thoracolumbar junction (general knowledge); T5 to L4 seen,
#: most from T6 to L1 (Tromsø study). The weights are ours.
_LEVELS = ("T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4")
_LEVEL_WEIGHTS = (2, 3, 7, 11, 11, 7, 5, 9, 15, 15, 7, 5, 3)

#: Shapes: wedge is commonest in both sexes, and those with crushed vertebrae have the lowest
#: density (Tromsø study); parts, and how they move with a SD of density, are ours.
_SHAPES = tuple(FractureShape)
_SHAPE_PARTS = (0.65, 0.22, 0.13)
_CRUSH_PER_SD = 0.3

#: Genant's grades: about half are mild (34 of 64 men of the worst grade 1, 30 of grade 2 or 3:
#: El Maghraoui, studylib 7330673); the rest, and the change with density, are ours.
_GRADE_LOSS = ((0.20, 0.249), (0.25, 0.399), (0.40, 0.65))
_GRADE_PARTS = (0.53, 0.33, 0.14)
_GRADE_PER_SD = 0.3

#: Of those with a vertebral fracture 8 % know of it (NHANES 2013-14, PMC7422504).
_KNOWN = 0.08

#: A clinical fracture before: odds ratio for each SD of hip BMD below the mean of the age. 1.5 is
#: the relative risk of any later fracture (Marshall 1996); looking back it is ours.
_PRIOR_PER_SD = log(1.5)

#: Men break a bone before old age as often (ours); GLOW has women only.
#: Smoking men: 31.6 % at 65 and older (Korea 2008-10, tui.s9841); the change with age is ours.
_MEN_SMOKING = (-0.65, -0.035)

#: Glucocorticoids by mouth for long: 3 % of women and 2.5 % of men of 70-80 years (UK,
#: cortisone-info.com from van Staa 2000), 1.2 % of all adults (US, acr.21796); the line between,
#: part at 65 years and per year, is ours.
_GLUCOCORTICOIDS = {"F": (0.022, 0.0008), "M": (0.018, 0.0007)}

#: Of those with osteonecrosis 51 % had them (Japan 2004, s11999-010-1292-x).
_GLUCOCORTICOIDS_IN_OSTEONECROSIS = 0.51


def draw_vertebral_fractures(
    rng: np.random.Generator, measured: Measured
) -> tuple[VertebralFracture, ...]:
    """Draw the prevalent vertebral fractures, from above down; most persons have none."""
    z = measured.z("bmd_neck_g_cm2")
    u = float(rng.random())
    years = measured.age_years - REFERENCE_YEARS
    if u >= _probability(_VERTEBRAL[0] + _VERTEBRAL[1] * years - _VERTEBRAL_PER_SD * z):
        return ()
    number = int(rng.choice(_NUMBERS, p=_NUMBER_PARTS))
    weights = np.array(_LEVEL_WEIGHTS) / sum(_LEVEL_WEIGHTS)
    places = sorted(rng.choice(len(_LEVELS), number, replace=False, p=weights).tolist())
    return tuple(_fracture(rng, _LEVELS[place], z) for place in places)


def _fracture(rng: np.random.Generator, level: str, z: float) -> VertebralFracture:
    shape = _pick(rng, _SHAPE_PARTS, -_CRUSH_PER_SD * z)
    grade = _pick(rng, _GRADE_PARTS, -_GRADE_PER_SD * z)
    loss = float(rng.uniform(*_GRADE_LOSS[grade]))
    return VertebralFracture(level, _SHAPES[shape], round(loss, 3))


def _pick(rng: np.random.Generator, parts: tuple[float, ...], lean: float) -> int:
    """Draw a place, where each further one is favoured by a lean (log odds a step)."""
    weights = [part * exp(lean * step) for step, part in enumerate(parts)]
    return int(np.searchsorted(np.cumsum(weights) / sum(weights), rng.random(), side="right"))


def draw_risks(
    rng: np.random.Generator, measured: Measured, vertebral: bool, osteonecrosis: bool
) -> tuple[bool, bool, bool]:
    """Draw the risk factors.

    Parameters
    ----------
    rng : numpy.random.Generator
        Four numbers are taken from it.
    measured : Measured
        The person.
    vertebral, osteonecrosis : bool
        Whether there is a vertebral fracture, and a diseased hip.

    Returns
    -------
    prior_fracture, smoking, glucocorticoids : bool
        A prior fracture is one that the person knows of.
    """
    known, broken, smokes, takes = rng.random(4).tolist()
    years = measured.age_years - REFERENCE_YEARS
    before = _line(GLOW_PRIOR_FRACTURE, years) - _PRIOR_PER_SD * measured.z("bmd_hip_g_cm2")
    smoking = GLOW_SMOKING if measured.sex == "F" else _MEN_SMOKING
    part = _line(_GLUCOCORTICOIDS[measured.sex], years)
    if osteonecrosis:
        part = _GLUCOCORTICOIDS_IN_OSTEONECROSIS
    return (
        broken < _probability(before) or (vertebral and known < _KNOWN),
        smokes < _probability(_line(smoking, years)),
        takes < part,
    )


def _line(of: tuple[float, float], years: float) -> float:
    return of[0] + of[1] * years


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))
