"""Osteonecrosis of the femoral head: who has it, how large, and how it goes on over the visits."""

from math import log

import numpy as np

from engines.phantoms.people.person import Osteonecrosis
from engines.phantoms.people.population import Population

#: Both hips in 195 of 310 patients (Kuroda 2019, PMC6825048: 390 hips bilateral, 115 not).
_BOTH = 195 / 310

#: Types A, B, C1, C2 of the Japanese committee among 505 hips (Kuroda 2019).
_TYPE_PARTS = (21 / 505, 34 / 505, 173 / 505, 277 / 505)

#: Of the head enclosed, by type. Ours: a type is a place on the weight-bearing surface, not a size.
_TYPE_EXTENT = ((0.04, 0.12), (0.10, 0.22), (0.18, 0.36), (0.28, 0.56))

#: Collapse within two years of hips not yet collapsed, by type (Kuroda 2019), as a yearly hazard.
_COLLAPSE_PER_YEAR = tuple(-log(1 - part) / 2 for part in (0.0, 0.079, 0.232, 0.578))

#: Hips that have collapsed at the first visit: 47 % over all types (Kuroda 2019); by type ours.
_COLLAPSED_AT_FIRST = (0.0, 0.1, 0.35, 0.62)

#: How the surface sinks: at first a step, then by the year, mm; never further than the limit. Ours.
_FIRST_STEP_MM, _SINKS_MM_PER_YEAR, _DEEPEST_MM = (0.5, 2.0), (0.5, 2.5), 8.0

#: How the band lesion grows, part of the head by the year, up to the limit. Ours.
_GROWS_PER_YEAR, _LARGEST = (0.0, 0.04), 0.6

#: Between visits, years; the same for sick and healthy hips. Ours.
_BETWEEN_YEARS = (0.25, 1.25)


def draw_visits(rng: np.random.Generator, most: int) -> tuple[float, ...]:
    """Draw when the hips are imaged, years, first at 0; nothing about the hips is in it."""
    number = int(rng.integers(1, most + 1))
    gaps = rng.uniform(*_BETWEEN_YEARS, number - 1)
    return tuple(round(float(when), 2) for when in np.cumsum([0.0, *gaps]))


def draw_osteonecroses(
    rng: np.random.Generator, population: Population, visits_years: tuple[float, ...]
) -> tuple[Osteonecrosis, ...]:
    """Draw the diseased hips of one person: none, one or both, left first."""
    if rng.random() >= population.osteonecrosis:
        return ()
    both, right = bool(rng.random() < _BOTH), bool(rng.random() < 0.5)
    sides = ("L", "R") if both else ("R",) if right else ("L",)
    return tuple(_hip(rng, side, visits_years) for side in sides)


def _hip(rng: np.random.Generator, side: str, visits_years: tuple[float, ...]) -> Osteonecrosis:
    kind = int(rng.choice(len(_TYPE_PARTS), p=_TYPE_PARTS))
    extent, growth = float(rng.uniform(*_TYPE_EXTENT[kind])), float(rng.uniform(*_GROWS_PER_YEAR))
    first, rate = float(rng.uniform(*_FIRST_STEP_MM)), float(rng.uniform(*_SINKS_MM_PER_YEAR))
    begun = _collapse_begins(rng, kind)
    depths = (first + rate * (when - begun) if when >= begun else 0.0 for when in visits_years)
    return Osteonecrosis(
        side=side,
        extent=tuple(round(min(extent + growth * when, _LARGEST), 3) for when in visits_years),
        collapse_mm=tuple(round(min(depth, _DEEPEST_MM), 1) for depth in depths),
    )


def _collapse_begins(rng: np.random.Generator, kind: int) -> float:
    """Draw when the surface gives way, years after the first visit; before it as a negative one."""
    already, wait = bool(rng.random() < _COLLAPSED_AT_FIRST[kind]), float(rng.exponential())
    if already:
        return -min(wait, 3.0)
    hazard = _COLLAPSE_PER_YEAR[kind]
    return wait / hazard if hazard else float("inf")
