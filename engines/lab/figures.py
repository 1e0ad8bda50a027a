"""How well scores separate: AUC, sensitivity, specificity, each with a 95 % interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]

_Z95 = 1.959964


@dataclass(frozen=True)
class Figure:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95 % {self.low:.3f} to {self.high:.3f})"


def auc(scores: Scores, labels: Labels) -> Figure:
    """Area under the ROC curve with DeLong's interval (DeLong 1988).

    Parameters
    ----------
    scores : ndarray
        float64, shape (case,); higher is more likely positive.
    labels : ndarray
        bool, shape (case,); both classes present.

    Raises
    ------
    ValueError
        If a class is missing.
    """
    positive, negative = scores[labels], scores[~labels]
    m, n = len(positive), len(negative)
    if not m or not n:
        raise ValueError("AUC needs cases of both classes")
    every = _midranks(np.concatenate([positive, negative]))
    above = (every[:m] - _midranks(positive)) / n
    below = 1 - (every[m:] - _midranks(negative)) / m
    area = float(above.mean())
    variance = float(above.var(ddof=min(1, m - 1)) / m + below.var(ddof=min(1, n - 1)) / n)
    reach = _Z95 * variance**0.5
    return Figure(area, max(0.0, area - reach), min(1.0, area + reach))


def sensitivity(scores: Scores, labels: Labels, threshold: float) -> Figure:
    """Share of positives at or above the threshold, with Wilson's interval."""
    return _share(scores[labels] >= threshold)


def specificity(scores: Scores, labels: Labels, threshold: float) -> Figure:
    """Share of negatives below the threshold, with Wilson's interval."""
    return _share(scores[~labels] < threshold)


def threshold_for_sensitivity(scores: Scores, labels: Labels, wanted: float) -> float:
    """Return the highest threshold that still finds the wanted share of the positives."""
    positive = np.sort(scores[labels])
    missed = int(np.floor((1 - wanted) * len(positive) + 1e-9))
    return float(positive[min(missed, len(positive) - 1)])


def youden_threshold(scores: Scores, labels: Labels) -> float:
    """Return the threshold with the largest sensitivity + specificity."""
    candidates = np.unique(scores)
    found = [np.mean(scores[labels] >= t) + np.mean(scores[~labels] < t) for t in candidates]
    return float(candidates[int(np.argmax(found))])


def _share(hits: Labels) -> Figure:
    n = len(hits)
    if not n:
        raise ValueError("no cases of this class")
    p = float(hits.mean())
    middle = (p + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    reach = _Z95 / (1 + _Z95**2 / n) * (p * (1 - p) / n + _Z95**2 / (4 * n**2)) ** 0.5
    return Figure(p, max(0.0, middle - reach), min(1.0, middle + reach))


def _midranks(values: Scores) -> Scores:
    """Rank from 1, ties sharing their mean rank."""
    order = np.argsort(values, kind="stable")
    _, first, inverse, counts = np.unique(
        values[order], return_index=True, return_inverse=True, return_counts=True
    )
    ranks = np.empty(len(values))
    ranks[order] = (first + (counts - 1) / 2 + 1)[inverse]
    return ranks
