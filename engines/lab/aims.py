"""Thresholds for what a site wants: a sensitivity, a specificity, a PPV, a share flagged."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.lab.figures import threshold_for_sensitivity

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]

SENSITIVITY, SPECIFICITY, PPV, FLAG_RATE = "sensitivity", "specificity", "ppv", "flag-rate"
AIMS: Final = (SENSITIVITY, SPECIFICITY, PPV, FLAG_RATE)

#: Fewer flagged patients say nothing of a PPV.
_FEWEST_FLAGGED = 10


def threshold_for(aim: str, wanted: float, scores: Scores, labels: Labels) -> float:
    """Return the threshold that meets an aim and finds most.

    Parameters
    ----------
    aim : str
        One of ``AIMS``.
    wanted : float
        At least that sensitivity, specificity or PPV; at most that share flagged.
    scores, labels : ndarray
        float64 and bool, shape (case,).

    Raises
    ------
    ValueError
        If no threshold does, on these cases.
    """
    if aim == SENSITIVITY:
        return threshold_for_sensitivity(scores, labels, wanted)
    thresholds = np.unique(scores)
    flagged = scores >= thresholds[:, None]
    if aim == SPECIFICITY:
        meets = (~flagged & ~labels).sum(axis=1) >= wanted * (~labels).sum() - 1e-9
    elif aim == FLAG_RATE:
        meets = flagged.mean(axis=1) <= wanted + 1e-9
    else:
        many = flagged.sum(axis=1)
        meets = ((flagged & labels).sum(axis=1) >= wanted * many) & (many >= _FEWEST_FLAGGED)
    if not meets.any():
        raise ValueError(f"no threshold has a {aim} of {wanted:g} on these {len(scores)} cases")
    return float(thresholds[meets][0])
