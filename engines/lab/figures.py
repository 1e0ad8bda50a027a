"""How well scores separate: AUC, sensitivity, specificity and more, each with a 95 % interval."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

from engines.lab.delong import delong

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
#: Scores and labels of some cases -> a number.
Statistic = Callable[[Scores, Labels], float]

_Z95 = 1.959964
_DRAWS = 500
_LEAST_ODDS = 1e-6


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
    _, covariance = delong(scores[None], labels)
    area = float(roc_auc_score(labels, scores))
    reach = _Z95 * float(covariance[0, 0]) ** 0.5
    return Figure(area, max(0.0, area - reach), min(1.0, area + reach))


def area_by_ranks(scores: Scores, labels: Labels) -> float:
    """Return the AUC alone, twenty times as fast: bootstraps ask for it hundreds of times."""
    m = int(labels.sum())
    n = len(labels) - m
    return float((rankdata(scores)[labels].sum() - m * (m + 1) / 2) / (m * n))


def average_precision(scores: Scores, labels: Labels) -> float:
    """Area under the precision-recall curve; its baseline is the share of positives."""
    return float(average_precision_score(labels, scores))


def bootstrapped(
    statistic: Statistic, scores: Scores, labels: Labels, whose: NDArray[np.object_]
) -> Figure:
    """Return a statistic with its percentile interval over 500 draws of patients.

    Parameters
    ----------
    statistic : callable
        (scores, labels) -> number; draws on which it cannot be computed are left out.
    scores, labels : ndarray
        Shape (case,).
    whose : ndarray
        Shape (case,): the patient of each; all cases of a patient are drawn together.
    """
    people, member = np.unique(whose.astype(str), return_inverse=True)
    cases = [np.flatnonzero(member == i) for i in range(len(people))]
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([cases[i] for i in rng.integers(0, len(people), len(people))])
        if 0 < labels[drawn].sum() < len(drawn):
            found.append(statistic(scores[drawn], labels[drawn]))
    low, high = np.quantile(found, [0.025, 0.975]) if found else (np.nan, np.nan)
    return Figure(statistic(scores, labels), float(low), float(high))


def sensitivity(scores: Scores, labels: Labels, threshold: float) -> Figure:
    """Share of positives at or above the threshold, with Wilson's interval."""
    return share(scores[labels] >= threshold)


def specificity(scores: Scores, labels: Labels, threshold: float) -> Figure:
    """Share of negatives below the threshold, with Wilson's interval."""
    return share(scores[~labels] < threshold)


def predictive_values(sensitive: float, specific: float, prevalence: float) -> tuple[float, float]:
    """Return PPV and NPV at a prevalence in (0, 1); NaN where nobody is on that side."""
    found, alarmed = sensitive * prevalence, (1 - specific) * (1 - prevalence)
    missed, cleared = (1 - sensitive) * prevalence, specific * (1 - prevalence)
    ppv = found / (found + alarmed) if found + alarmed else float("nan")
    npv = cleared / (cleared + missed) if cleared + missed else float("nan")
    return ppv, npv


def threshold_for_sensitivity(scores: Scores, labels: Labels, wanted: float) -> float:
    """Return the highest threshold that still finds the wanted share of the positives.

    Raises
    ------
    ValueError
        If there are none.
    """
    positive = np.sort(scores[labels])
    if not len(positive):
        raise ValueError("no positive cases: nothing to set a threshold on")
    missed = int(np.floor((1 - wanted) * len(positive) + 1e-9))
    return float(positive[min(missed, len(positive) - 1)])


def amid_gap(threshold: float, scores: Scores) -> float:
    """Return the threshold half-way, in log odds, to the next score below: the same on these cases.

    Where few cases leave a wide gap, others fall on either side of its edge.

    Parameters
    ----------
    threshold : float
        Range [0, 1].
    scores : ndarray
        float64, shape (case,), range [0, 1]: of all cases, whatever their class.
    """
    below = scores[scores < threshold]
    if not len(below):
        return threshold
    odds = logit(np.clip([below.max(), threshold], _LEAST_ODDS, 1 - _LEAST_ODDS))
    return float(expit(odds.mean()))


def youden_threshold(scores: Scores, labels: Labels) -> float:
    """Return the threshold with the largest sensitivity + specificity."""
    candidates = np.unique(scores)
    found = [np.mean(scores[labels] >= t) + np.mean(scores[~labels] < t) for t in candidates]
    return float(candidates[int(np.argmax(found))])


def share(hits: Labels) -> Figure:
    """Return a share with Wilson's interval.

    Raises
    ------
    ValueError
        If there are no cases.
    """
    n = len(hits)
    if not n:
        raise ValueError("no cases of this class")
    p = float(hits.mean())
    middle = (p + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    reach = _Z95 / (1 + _Z95**2 / n) * (p * (1 - p) / n + _Z95**2 / (4 * n**2)) ** 0.5
    return Figure(p, max(0.0, middle - reach), min(1.0, middle + reach))
