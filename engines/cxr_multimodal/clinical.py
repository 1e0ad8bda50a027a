"""What the clinical branch is told of a patient, what each value adds, and how scores are fused."""

from collections.abc import Callable
from itertools import product
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.cases import Clinical

#: The values, in order. Tang 2025 names no list; these are what a DICOM header can carry.
VALUES: Final = ("age", "sex", "height", "weight")
#: Mean and SD of each in 967 Koreans of 50 to 93: years, 1 for a woman, m, kg.
MEANS: Final = (65.7, 0.53, 1.597, 63.6)
SPREADS: Final = (9.3, 0.5, 0.091, 11.0)

Row = NDArray[np.float32]
Odds = NDArray[np.float64]


def encoded(clinical: Clinical) -> Row:
    """Write a patient as the branch reads one.

    Returns
    -------
    ndarray
        float32, shape (8,): age in years, 1 for a woman, height in m, weight in kg, each 0 where
        it is missing; then for each 1 if it is known, else 0.
    """
    female = None if clinical.sex is None else float(clinical.sex == "F")
    values = (clinical.age_years, female, clinical.height_m, clinical.weight_kg)
    given = [0.0 if value is None else value for value in values]
    return np.array([*given, *(float(value is not None) for value in values)], np.float32)


def missing(clinical: Clinical) -> bool:
    """Tell whether nothing is known beyond age and sex, so that the film alone counts.

    Ours: age and sex are asked of every patient; a clinical score without the body's size would
    add what everybody of that age and sex is given.
    """
    return clinical.height_m is None and clinical.weight_kg is None


def attributions(row: Row, log_odds: Callable[[NDArray[np.float32]], Odds]) -> dict[str, float]:
    """Share the log odds out among the values: exact Shapley values (Shapley 1953), ours.

    A value that takes no part is missing, as the branch was trained to meet it; so a value that is
    missing is given exactly 0, and the sum is the patient's log odds less those of a patient of
    whom nothing is known.

    Parameters
    ----------
    row : ndarray
        From :func:`encoded`.
    log_odds : callable
        Rows, float32, shape (16, 8) -> log odds, float64, shape (16,).

    Returns
    -------
    dict
        By name in ``VALUES``, in its order.
    """
    n = len(VALUES)
    subsets = list(product((0, 1), repeat=n))
    shown = np.array([np.multiply(row, subset * 2) for subset in subsets], np.float32)
    worth = dict(zip(subsets, log_odds(shown), strict=True))
    found = dict.fromkeys(VALUES, 0.0)
    for subset in subsets:
        for i, name in enumerate(VALUES):
            if not subset[i]:
                having = (*subset[:i], 1, *subset[i + 1 :])
                size = sum(subset)
                weight = factorial(size) * factorial(n - size - 1) / factorial(n)
                found[name] += weight * float(worth[having] - worth[subset])
    return found


def probability(log_odds: Odds) -> Odds:
    """Turn log odds into probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -60, 60))))


def fuse(image: Odds, clinical: Odds, weight: float) -> Odds:
    """Fuse two probabilities into one: ``w p_image + (1 - w) p_clinical``.

    Tang 2025 says "probability fusion"; the formula is ours.
    """
    return weight * image + (1 - weight) * clinical


def fitted_weight(image: Odds, clinical: Odds, ill: NDArray[np.bool_]) -> float:
    """Return the weight in [0, 1], to a hundredth, with the least cross-entropy; ours.

    Parameters
    ----------
    image, clinical : ndarray
        Probabilities of patients whom the networks that gave them never saw, shape (patient,).
    ill : ndarray
        bool, shape (patient,).
    """
    weights = np.linspace(0, 1, 101)
    fused = np.clip([fuse(image, clinical, weight) for weight in weights], 1e-6, 1 - 1e-6)
    loss = -np.where(ill, np.log(fused), np.log(1 - fused)).mean(axis=1)
    return round(float(weights[int(np.argmin(loss))]), 2)
