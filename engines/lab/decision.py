"""Decision curves: what acting on a score is worth against acting on all or on none (Vickers 2006).

Neither scikit-learn nor lifelines has them.
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


def net_benefit(scores: Scores, labels: Labels, thresholds: Scores) -> Scores:
    """Return true positives less false positives at the odds of the threshold, per case.

    Parameters
    ----------
    scores : ndarray
        float64, shape (case,), probabilities.
    labels : ndarray
        bool, shape (case,).
    thresholds : ndarray
        float64, shape (threshold,), [0, 1): the probability from which one would act.

    Returns
    -------
    ndarray
        float64, shape (threshold,); at most the share of positives.
    """
    acted = scores >= thresholds[:, None]
    true, false = (acted & labels).mean(axis=1), (acted & ~labels).mean(axis=1)
    worth: Scores = true - false * thresholds / (1 - thresholds)
    return worth


def net_benefit_of_all(labels: Labels, thresholds: Scores) -> Scores:
    """Return the same for acting on everybody; acting on nobody is worth 0."""
    return net_benefit(np.ones(len(labels)), labels, thresholds)
