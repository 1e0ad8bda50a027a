"""Draw a person: one seed, one person, the same on any machine."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np

from engines.phantoms.people.density import Measured, draw_measured
from engines.phantoms.people.hazard import Course, draw_follow_up
from engines.phantoms.people.osteonecrosis import draw_osteonecroses, draw_visits
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import SCREENING, Population
from engines.phantoms.people.risks import draw_risks, draw_vertebral_fractures
from engines.phantoms.people.tissues import draw_bone, draw_muscle

#: One stream a purpose, so that another population's hips leave the body as it was.
_MEASURES, _BONE, _MUSCLE, _SPINE, _RISKS, _FOLLOW_UP, _VISITS, _HIPS = range(1001, 1009)

#: Ages of those chosen for demos and known answers.
_SENIOR_WOMEN = Population(youngest_years=60, oldest_years=80, part_women=1.0)


@dataclass(frozen=True)
class _Streams:
    """One person's randomness; a further attempt at a chosen person begins all of it anew."""

    seed: int
    attempt: int = 0

    def rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, self.attempt])


def draw_person(seed: int, population: Population = SCREENING) -> Person:
    """Draw one person of a population.

    Parameters
    ----------
    seed : int
        The same seed gives the same person of a population.
    population : Population
        By default everybody who may be screened.
    """
    streams = _Streams(seed)
    return _person(streams, draw_measured(streams.rng(_MEASURES), population), population)


def low_density_person(seed: int) -> Person:
    """Draw a woman whose bones are far too thin at every site, for demos and known answers.

    All three T-scores are -2.5 or less, the lowest -3.5 or less, L1 below 80 mg/cm3.
    """
    return _chosen(seed, _is_low, lambda person: person.trabecular_mg_cm3 < 80)


def normal_density_person(seed: int) -> Person:
    """Draw a woman of normal density, for demos and known answers.

    All three T-scores are -0.5 or more, L1 above 110 mg/cm3, no vertebral fracture.
    """
    return _chosen(
        seed,
        _is_normal,
        lambda person: person.trabecular_mg_cm3 > 110 and not person.vertebral_fractures,
    )


def _is_low(measured: Measured) -> bool:
    scores = (measured.t_spine, measured.t_neck, measured.t_hip)
    return max(scores) <= -2.5 and min(scores) <= -3.5


def _is_normal(measured: Measured) -> bool:
    return min(measured.t_spine, measured.t_neck, measured.t_hip) >= -0.5


def _chosen(seed: int, first: Callable[[Measured], bool], then: Callable[[Person], bool]) -> Person:
    """Go through senior women in the seed's own order until one fits."""
    for streams in map(partial(_Streams, seed), count()):
        measured = draw_measured(streams.rng(_MEASURES), _SENIOR_WOMEN)
        if first(measured) and then(person := _person(streams, measured, _SENIOR_WOMEN)):
            return person
    raise AssertionError("there is always a further attempt")


def _person(streams: _Streams, measured: Measured, population: Population) -> Person:
    trabecular, cortex = draw_bone(streams.rng(_BONE), measured)
    area, fat = draw_muscle(streams.rng(_MUSCLE), measured)
    fractures = draw_vertebral_fractures(streams.rng(_SPINE), measured)
    visits = draw_visits(streams.rng(_VISITS), population.most_visits)
    hips = draw_osteonecroses(streams.rng(_HIPS), population, visits)
    prior, smoking, glucocorticoids = draw_risks(
        streams.rng(_RISKS), measured, bool(fractures), bool(hips)
    )
    course = Course(measured, area, fat, bool(fractures), prior, smoking, glucocorticoids)
    followed, fractured = draw_follow_up(streams.rng(_FOLLOW_UP), course)
    return Person(
        seed=streams.seed,
        **vars(measured),
        trabecular_mg_cm3=trabecular,
        cortex=cortex,
        muscle_area_cm2=area,
        muscle_fat=fat,
        prior_fracture=prior,
        smoking=smoking,
        glucocorticoids=glucocorticoids,
        vertebral_fractures=fractures,
        followed_years=followed,
        fractured=fractured,
        osteonecroses=hips,
        visits_years=visits,
    )
