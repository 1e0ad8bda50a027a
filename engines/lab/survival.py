"""How well a risk orders events in time, some of them not seen: c-index and time-dependent AUROC.

The c-index is Harrell's, from lifelines. lifelines has no AUROC at a time; ours counts who had the
event by then against who was seen without it beyond, each event weighted by the inverse probability
that it was not censored before (Uno 2007; Hung and Chiang 2010): lifelines' Kaplan-Meier estimate
of censoring just before the event.
"""

from collections.abc import Callable

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import concordance_index
from numpy.typing import NDArray

from engines.lab.figures import Figure

Numbers = NDArray[np.float64]
Seen = NDArray[np.bool_]
Statistic = Callable[[Numbers, Numbers, Seen], float]

_DRAWS = 300


def c_index(risks: Numbers, times_years: Numbers, events: Seen) -> float:
    """Return Harrell's concordance: of two who can be ordered, the riskier has the event first.

    Parameters
    ----------
    risks : ndarray
        float64, shape (patient,); higher is sooner.
    times_years : ndarray
        float64, shape (patient,): to the event or to the end of observation.
    events : ndarray
        bool, shape (patient,): whether it was the event.
    """
    return float(concordance_index(times_years, -risks, events))


def auroc_at(risks: Numbers, times_years: Numbers, events: Seen, year: float) -> float:
    """Return the cumulative/dynamic AUROC at a time.

    Parameters
    ----------
    risks, times_years, events : ndarray
        As for :func:`c_index`.
    year : float
        When.

    Raises
    ------
    ValueError
        If nobody had the event by then, or nobody was seen beyond.
    """
    cases, controls = events & (times_years <= year), times_years > year
    if not cases.any() or not controls.any():
        raise ValueError(f"AUROC at {year:g} years needs events before and patients beyond")
    weights = 1 / uncensored(times_years, events)[cases]
    later = np.sort(risks[controls])
    below = np.searchsorted(later, risks[cases], side="left")
    upto = np.searchsorted(later, risks[cases], side="right")
    ordered = (below + upto) / 2 / len(later)
    return float(np.sum(weights * ordered) / weights.sum())


def uncensored(times_years: Numbers, events: Seen) -> Numbers:
    """Return the probability of each patient not to be censored before their time."""
    censoring = KaplanMeierFitter().fit(times_years, ~events).survival_function_
    when, left = censoring.index.to_numpy(), censoring.iloc[:, 0].to_numpy()
    # the last step before the time: whoever is censored at the same moment was still seen
    found: Numbers = left[np.maximum(np.searchsorted(when, times_years, side="left") - 1, 0)]
    return found


def with_interval(
    statistic: Statistic, risks: Numbers, times_years: Numbers, events: Seen
) -> Figure:
    """Return a statistic of the three with its percentile interval over 300 draws of patients."""
    return _figure(lambda drawn: statistic(risks[drawn], times_years[drawn], events[drawn]), risks)


def gained(
    statistic: Statistic, risks: tuple[Numbers, Numbers], times_years: Numbers, events: Seen
) -> Figure:
    """Return by how much a statistic of the first risks is above that of the second.

    Parameters
    ----------
    statistic : callable
        Of risks, times and events.
    risks : (ndarray, ndarray)
        Of the same patients by two models, or by a model and a column such as FRAX.
    times_years, events : ndarray
        As for :func:`c_index`.

    Returns
    -------
    Figure
        With the percentile interval of the paired difference over 300 draws of patients.
    """

    def difference(drawn: NDArray[np.intp]) -> float:
        told = [statistic(one[drawn], times_years[drawn], events[drawn]) for one in risks]
        return told[0] - told[1]

    return _figure(difference, risks[0])


def _figure(of: Callable[[NDArray[np.intp]], float], risks: Numbers) -> Figure:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        try:
            found.append(of(rng.integers(0, len(risks), len(risks))))
        except (ValueError, ZeroDivisionError):
            continue
    low, high = np.quantile(found, [0.025, 0.975]) if found else (np.nan, np.nan)
    return Figure(of(np.arange(len(risks))), float(low), float(high))
