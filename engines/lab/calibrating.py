"""How far scores are probabilities, and what makes them so on a site's own patients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import StratifiedGroupKFold

from engines.operating_points import ISOTONIC, PLATT, Calibration

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


def calibration_of(method: str, scores: Scores, labels: Labels) -> Calibration:
    """Fit a calibration.

    Parameters
    ----------
    method : {'platt', 'isotonic'}
        The second needs some hundred cases.
    scores, labels : ndarray
        float64 in [0, 1] and bool, shape (case,); both classes present.

    Raises
    ------
    ValueError
        If higher scores do not go with more positives, so that there is nothing to calibrate.
    """
    if method == PLATT:
        fitted = LogisticRegression(C=np.inf).fit(log_odds(scores)[:, None], labels)
        slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
        if slope <= 0:
            raise ValueError("higher scores do not go with more positives: nothing to calibrate")
        return Calibration(PLATT, ((slope, intercept),))
    steps = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    knots = zip(steps.X_thresholds_.tolist(), steps.y_thresholds_.tolist(), strict=True)
    return Calibration(ISOTONIC, tuple(knots))


def out_of_fold(method: str, scores: Scores, labels: Labels, whose: NDArray[np.object_]) -> Scores:
    """Return scores calibrated on other patients' alone, in five folds of patients.

    Parameters
    ----------
    method, scores, labels
        As for :func:`calibration_of`.
    whose : ndarray
        Shape (case,): the patient of each.
    """
    found = np.full(len(scores), np.nan)
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for others, held in splitter.split(scores, labels, whose):
        fitted = calibration_of(method, scores[others], labels[others])
        found[held] = [fitted(score) for score in scores[held]]
    return found
