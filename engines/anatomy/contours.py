"""Trace a line through a strip of costs, one row a column, and turn radii into masks."""

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


def cheapest_line(cost: Grid, bend: float, steepest: int, closed: bool = False) -> Rows:
    """Find the line of the lowest sum through a strip (Viterbi 1967).

    Parameters
    ----------
    cost : ndarray
        float64, shape (column, row): what passing there costs.
    bend : float
        What each row up or down costs, squared, from one column to the next.
    steepest : int
        Most rows from one column to the next.
    closed : bool
        Whether the last column is beside the first.

    Returns
    -------
    ndarray
        int64, shape (column,): the row in each.
    """
    if closed:
        # half a turn before and after, so that where it was cut open does not matter
        half = len(cost) // 2
        whole = np.concatenate([cost[-half:], cost, cost[:half]])
        return cheapest_line(whole, bend, steepest)[half : half + len(cost)]
    count = cost.shape[1]
    moves = np.arange(-steepest, steepest + 1)
    price = (bend * np.square(moves.astype(np.float64)))[:, None]
    best, came = cost[0], np.empty(cost.shape, np.int64)
    for column in range(1, len(cost)):
        before = np.pad(best, steepest, constant_values=np.inf)
        options = np.stack([before[steepest + move :][:count] for move in moves]) + price
        chosen = options.argmin(axis=0)
        came[column] = chosen
        best = cost[column] + options[chosen, np.arange(count)]
    line = np.empty(len(cost), np.int64)
    line[-1] = int(best.argmin())
    for column in range(len(cost) - 1, 0, -1):
        line[column - 1] = line[column] + moves[came[column, line[column]]]
    return line


def angles(count: int) -> Grid:
    """Return directions all around, radians: 0 to the first axis, a quarter to the second."""
    return np.asarray(np.arange(count) * (2 * np.pi / count), np.float64)


def within_radii(radii: Grid, first_mm: Grid, second_mm: Grid) -> Mask:
    """Tell which places, off the middle of a closed line, lie within its radii.

    Parameters
    ----------
    radii : ndarray
        float64, shape (direction,), mm, in the directions of :func:`angles`.
    first_mm, second_mm : ndarray
        float64, of one shape: how far off the middle.
    """
    turn = np.asarray(np.arctan2(second_mm, first_mm) / (2 * np.pi) * len(radii), np.float64)
    wrapped = np.append(radii, radii[0])
    reach = np.interp(turn % len(radii), np.arange(len(wrapped)), wrapped)
    inside: Mask = np.hypot(first_mm, second_mm) <= reach
    return inside
