"""From a network's answer about time to the probability of no fracture, year by year."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

#: The risks that the paper gives.
HORIZONS_YEARS: Final = (2, 3, 5)
#: Of a Cox head, in a manifest's parameters: the baseline's cumulative hazard by each year's end.
BASELINE: Final = "baseline_hazard"


def fracture_free(time: NDArray[np.floating], parameters: Mapping[str, Any]) -> Curve:
    """Return the probability of no new fracture by the end of each year.

    Parameters
    ----------
    time : ndarray
        The network's output ``time``: shape (N, 5), or of a Cox head (N, 1).
    parameters : mapping
        Of the weights; with ``baseline_hazard`` where the head is Cox's.

    Returns
    -------
    ndarray
        float64, shape (N, 5).
    """
    told = np.asarray(time, np.float64)
    if BASELINE not in parameters:
        return told
    baseline: Sequence[float] = parameters[BASELINE]
    free: Curve = np.exp(-np.asarray(baseline)[None, :] * np.exp(told))
    return free


def baseline_hazard(
    log_risks: NDArray[np.float64], years: NDArray[np.float64], events: NDArray[np.bool_]
) -> list[float]:
    """Return Breslow's estimate of the baseline's cumulative hazard at the end of years 1 to 5.

    Parameters
    ----------
    log_risks, years, events : ndarray
        Shape (patient,): the net's answer, time to the event or the end of observation, and which.
    """
    risks = np.exp(log_risks)
    when = np.unique(years[events])
    steps = [(events & (years == t)).sum() / risks[years >= t].sum() for t in when]
    return [round(float(np.sum(np.array(steps)[when <= end])), 8) for end in range(1, 6)]
