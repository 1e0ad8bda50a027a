"""How far scores are probabilities, and what makes them so on a site's own patients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]

_EDGE = 1e-6


@dataclass(frozen=True)
class Agreement:
    """How scores agree with what was observed.

    Attributes
    ----------
    brier : float
        Mean square of the difference; 0 is perfect.
    slope, intercept : float
        Of the observed log odds over the score's: 1 and 0 where scores are probabilities; a slope
        below 1 says that they are too extreme.
    expected_to_observed : float
        Mean score by share of positives; above 1 scores are too high.
    """

    brier: float
    slope: float
    intercept: float
    expected_to_observed: float


def agreement(scores: Scores, labels: Labels) -> Agreement:
    """Measure how far scores in [0, 1] are probabilities; both classes present."""
    fitted = LogisticRegression(C=np.inf).fit(log_odds(scores)[:, None], labels)
    return Agreement(
        brier=float(brier_score_loss(labels, scores)),
        slope=float(fitted.coef_[0, 0]),
        intercept=float(fitted.intercept_[0]),
        expected_to_observed=float(scores.mean() / labels.mean()),
    )


def log_odds(scores: Scores) -> Scores:
    """Return the logarithm of the odds; scores of 0 and 1 are moved inwards by a millionth."""
    inside = np.clip(scores, _EDGE, 1 - _EDGE)
    found: Scores = np.log(inside / (1 - inside))
    return found
