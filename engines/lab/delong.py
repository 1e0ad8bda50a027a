"""DeLong's variance of AUCs and his test between two on the same patients (DeLong 1988).

scikit-learn has the area and neither its variance nor the test. The fast form by midranks is that
of Sun and Xu 2014.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """First minus second, with its 95 % interval and the two-sided p."""

    value: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} (95 % {self.low:+.3f} to {self.high:+.3f}, P = {self.p:.3g})"


def delong(scores: Scores, labels: Labels) -> tuple[Scores, Scores]:
    """Return areas and their covariance.

    Parameters
    ----------
    scores : ndarray
        float64, shape (score, case): several scores of the same cases; higher is more likely
        positive.
    labels : ndarray
        bool, shape (case,); both classes present.

    Returns
    -------
    areas : ndarray
        float64, shape (score,).
    covariance : ndarray
        float64, shape (score, score).

    Raises
    ------
    ValueError
        If a class is missing.
    """
    positive, negative = scores[:, labels], scores[:, ~labels]
    m, n = positive.shape[1], negative.shape[1]
    if not m or not n:
        raise ValueError("AUC needs cases of both classes")
    every = rankdata(np.hstack([positive, negative]), axis=1)
    above = (every[:, :m] - rankdata(positive, axis=1)) / n
    below = 1 - (every[:, m:] - rankdata(negative, axis=1)) / m
    spread = _covariance(above) / m + _covariance(below) / n
    return above.mean(axis=1), spread


def difference(first: Scores, second: Scores, labels: Labels) -> Difference:
    """Test whether two scores of the same cases have different areas.

    Parameters
    ----------
    first, second : ndarray
        float64, shape (case,).
    labels : ndarray
        bool, shape (case,).

    Raises
    ------
    ValueError
        If a class is missing.
    """
    areas, covariance = delong(np.stack([first, second]), labels)
    value = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    spread = max(variance, 0.0) ** 0.5
    reach = float(norm.isf(0.025)) * spread
    # two scores that order all cases alike do not differ, and have no spread either
    p = float(2 * norm.sf(abs(value) / spread)) if spread > 1e-12 else 1.0
    return Difference(value, value - reach, value + reach, p)


def _covariance(parts: Scores) -> Scores:
    ddof = min(1, parts.shape[1] - 1)
    return np.atleast_2d(np.cov(parts, ddof=ddof))
