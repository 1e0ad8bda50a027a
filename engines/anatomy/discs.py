"""Split the column into vertebrae: discs lie between bright endplates, pedicles above their middle.

In front of the canal the column is bright at endplates and darker between them, in discs as in
spongy bone; beside the canal pedicles alternate with foramina. A chain of discs that explains both
is found by dynamic programming. Ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    gaussian_filter1d,
    maximum_filter1d,
    minimum_filter1d,
    percentile_filter,
    uniform_filter1d,
)

Grid = NDArray[np.float32]
Values = NDArray[np.float64]

#: Where the straightened column is sampled, mm before the canal and to its left.
FRONT_MM = np.arange(-12.0, 58.0, 1.5)
LEFT_MM = np.arange(-66.0, 66.5, 1.5)

# All lengths ours. What of a body tells endplates from discs: before the canal, beside its middle.
_CORE_MM, _CORE_HALF_MM, _CORE_MIDDLE_MM = (13.0, 36.0), 13.0, 24.0
_TILTS_DEG = (-24, -16, -8, 0, 8, 16, 24)
_SIDE_TILTS_DEG = (-12, -6, 0, 6, 12)
_DISC_HALVES_MM = (2, 3, 4, 5, 6)
_PLATE_MM = 3
# What less contrast than this is noise; air and the ends of the view are no column.
_LEAST_CONTRAST_HU, _AIR_HU, _EDGE_MM = 25.0, -200.0, 3
_PEDICLE_FRONT_MM, _PEDICLE_LEFT_MM = (1.0, 9.0), (9.0, 24.0)
# One vertebra and its disc, from the least to the most, and the usual one.
SHORTEST_MM, LONGEST_MM, _USUAL_MM, _SPREAD = 17, 48, 33.0, 0.25
# Parts of a vertebra, from the disc below to the one above, that are foramen and pedicle.
_FORAMEN, _PEDICLE = ((0.0, 0.30), (0.92, 1.0)), ((0.48, 0.80),)
# How much neighbours may differ in height before it costs more no longer: fractures do.
_UNLIKE, _MOST_UNLIKE = 1.6, 0.7
_PER_VERTEBRA = 0.7
# What the lowest disc is worth: less than others, so that a chain does not go on for its sake.
_FIRST = 0.4
_LOCAL_MM = 80
# A lowest piece with less of the signs than these belongs to the sacrum.
_LEAST_FIT, _CLEAR_FIT, _CLEAR_DISC, _SURE_DISC = 0.05, 0.65, 0.3, 0.9
# So near the end of the view a disc is not seen for want of the plate below it; then less will do.
_VIEW_ENDS_MM, _FIT_AT_THE_END = 20, 0.3
# So many pieces of the sacrum may be taken for vertebrae.
_PIECES = 5


@dataclass(frozen=True)
class Signs:
    """What is seen along the column.

    Attributes
    ----------
    disc : ndarray
        float64, shape (step,): how much darker the column is than endplates on both sides.
    pedicle : ndarray
        float64, shape (step,), range [0, 1]: how much bone stands beside the canal.
    """

    disc: Values
    pedicle: Values


def signs_of(column: Grid) -> Signs:
    """Look for endplates and pedicles in the straightened column (step, front, left)."""
    return Signs(_disc_sign(column), _pedicle_sign(column))


def _disc_sign(column: Grid) -> Values:
    best = np.full(len(column), -np.inf)
    for tilt in _TILTS_DEG:
        for side in _SIDE_TILTS_DEG:
            best = np.maximum(best, _dark_between(tilted_profile(column, (tilt, side))))
    straight = tilted_profile(column, (0, 0))
    unseen = minimum_filter1d(straight, 2 * _EDGE_MM + 1, mode="constant", cval=-1000.0) < _AIR_HU
    best = np.where(unseen, 0, best)
    scale = percentile_filter(best, 93, size=2 * _LOCAL_MM, mode="nearest")
    sign = best / np.maximum(scale, _LEAST_CONTRAST_HU)
    return np.asarray(np.where(unseen, -1, np.clip(sign, -1, 1.3)))


def tilted_profile(column: Grid, tilts_deg: tuple[float, float]) -> Values:
    """Average the bodies' middle over planes that rise to the front and to the left."""
    front = np.flatnonzero((_CORE_MM[0] <= FRONT_MM) & (_CORE_MM[1] >= FRONT_MM))
    left = np.flatnonzero(np.abs(LEFT_MM) <= _CORE_HALF_MM)
    rise_front, rise_left = np.tan(np.deg2rad(tilts_deg))
    rise = rise_front * (FRONT_MM[front, None] - _CORE_MIDDLE_MM) + rise_left * LEFT_MM[None, left]
    core = column[:, front[0] : front[-1] + 1, left[0] : left[-1] + 1]
    total, count = np.zeros(len(column)), 0
    shifts = np.rint(rise).astype(int)
    for shift in np.unique(shifts):
        mine = shifts == shift
        part = core[:, mine].sum(axis=1, dtype=np.float64)
        total += part[np.clip(np.arange(len(part)) + shift, 0, len(part) - 1)]
        count += int(mine.sum())
    return total / count


def _dark_between(profile: Values) -> Values:
    """Return how much darker each place is than the plates on both its sides."""
    best = np.full(len(profile), -np.inf)
    for half in _DISC_HALVES_MM:
        inside = uniform_filter1d(profile, 2 * half - 1, mode="nearest")
        plate = maximum_filter1d(profile, _PLATE_MM, mode="nearest")
        away = half + 1
        below = np.concatenate([np.full(away, plate[0]), plate[:-away]])
        above = np.concatenate([plate[away:], np.full(away, plate[-1])])
        best = np.maximum(best, np.minimum(below, above) - inside)
    return best


def _pedicle_sign(column: Grid) -> Values:
    low, high = _PEDICLE_FRONT_MM
    beside = column[:, (low <= FRONT_MM) & (high >= FRONT_MM)].mean(axis=1)
    beside = uniform_filter1d(beside, 3, axis=1)
    sides = []
    for sign in (-1, 1):
        at = sign * LEFT_MM
        wall = np.sort(beside[:, (at > _PEDICLE_LEFT_MM[0]) & (at < _PEDICLE_LEFT_MM[1])], axis=1)
        sides.append(gaussian_filter1d(wall[:, -3:].mean(axis=1, dtype=np.float64), 1.5))
    both = np.minimum(sides[0], sides[1]) / 2 + np.maximum(sides[0], sides[1]) / 2
    least = gaussian_filter1d(minimum_filter1d(both, _LOCAL_MM, mode="nearest"), 15)
    most = gaussian_filter1d(maximum_filter1d(both, _LOCAL_MM, mode="nearest"), 15)
    part: Values = np.clip((both - least) / np.maximum(most - least, 100), 0, 1)
    return part


def chain(signs: Signs) -> list[int]:
    """Return the discs' places, steps along the line from below, that explain the signs best.

    Pieces of the sacrum may be the lowest of them: :func:`above_sacrum` tells.
    """
    lengths = np.arange(SHORTEST_MM, LONGEST_MM + 1)
    worth = _intervals(signs, lengths)
    unlike = np.abs(np.log(lengths[:, None] / lengths[None, :]))
    cost = _UNLIKE * np.minimum(unlike, _MOST_UNLIKE)
    count = len(signs.disc)
    best = np.full((count, len(lengths)), -np.inf)
    came = np.full((count, len(lengths)), -1)
    for end in range(SHORTEST_MM, count):
        starts = end - lengths
        known = starts >= 0
        before = best[np.where(known, starts, 0)] - cost
        chosen = before.argmax(axis=1)
        follow = before[np.arange(len(lengths)), chosen]
        first = _FIRST * signs.disc[np.where(known, starts, 0)]
        came[end] = np.where(follow > first, chosen, -1)
        best[end] = np.where(known, np.maximum(follow, first) + worth[end], -np.inf)
    return _traced(best, came, lengths)


def above_sacrum(signs: Signs, discs: list[int]) -> list[list[int]]:
    """Leave out what belongs to the sacrum at the lower end of a chain.

    Returns
    -------
    list of list of int
        What is left, the likeliest first. Others follow: with the last piece that was left out,
        where that may be a vertebra after all; without pieces that may be the sacrum's after all.
    """
    found, doubtful = discs, False
    while len(found) > 2 and not _is_vertebra(signs, found):
        doubtful = _fit(signs, found) >= _LEAST_FIT
        found = found[1:]
    fewer = range(1, _first_plain(signs, found) + 1)
    # a sixth vertebra of the loins is one unless it looks like the sacrum, a seventh never is
    cut = [found[n:] for n in fewer if n > 1 or _fit(signs, found) < _LEAST_FIT]
    return [found, *([discs[-len(found) - 1 :]] if doubtful else []), *cut]


def _first_plain(signs: Signs, discs: list[int]) -> int:
    """Return which piece above the lowest is a vertebra for certain: no more than it can be cut.

    The lowest may look like one by chance.
    """
    most = min(_PIECES, len(discs) - 2)
    for number in range(1, most):
        above = discs[number:]
        if _fit(signs, above) >= _CLEAR_FIT and signs.disc[above[0]] >= _SURE_DISC:
            return number
    return most


def _is_vertebra(signs: Signs, discs: list[int]) -> bool:
    """Tell whether the lowest piece is one: the sacrum's have neither pedicles nor a disc below."""
    fit, disc = _fit(signs, discs), float(signs.disc[discs[0]])
    clear = fit >= _LEAST_FIT and (disc >= _CLEAR_DISC or has_clear_pedicles(signs, discs))
    return clear or (disc >= _SURE_DISC and fit >= -_LEAST_FIT)


def has_clear_pedicles(signs: Signs, discs: list[int]) -> bool:
    """Tell whether the lowest piece has pedicles as the sacrum has none."""
    enough = _FIT_AT_THE_END if discs[0] < _VIEW_ENDS_MM else _CLEAR_FIT
    return _fit(signs, discs) >= enough


def _fit(signs: Signs, discs: list[int]) -> float:
    """Return how alike a vertebra's the pedicles of the lowest piece are."""
    low, length = discs[0], discs[1] - discs[0]

    def mean(part: tuple[float, float]) -> float:
        first, last = (int(low + one * length) for one in part)
        return float(signs.pedicle[first : max(last, first + 1)].mean())

    return mean(_PEDICLE[0]) - mean(_FORAMEN[0])


def _traced(best: Values, came: NDArray[np.intp], lengths: NDArray[np.intp]) -> list[int]:
    end, length = (int(one) for one in np.unravel_index(int(best.argmax()), best.shape))
    if not np.isfinite(best[end, length]):
        return []
    found = [end]
    while True:
        before = end - int(lengths[length])
        found.append(before)
        if came[end, length] < 0:
            return found[::-1]
        end, length = before, int(came[end, length])


def _intervals(signs: Signs, lengths: NDArray[np.intp]) -> Values:
    """Return what a vertebra of each length is worth that ends at each place: (step, length)."""
    count = len(signs.disc)
    summed = np.concatenate([[0], np.cumsum(signs.pedicle)])
    ends = np.arange(count)[:, None]
    starts = ends - lengths

    def mean(parts: tuple[tuple[float, float], ...]) -> Values:
        total, size = np.zeros(starts.shape), np.zeros(starts.shape)
        for low, high in parts:
            first = np.clip(np.rint(starts + low * lengths), 0, count).astype(int)
            last = np.clip(np.rint(starts + high * lengths), 0, count).astype(int)
            last = np.maximum(last, first + 1).clip(0, count)
            total += summed[last] - summed[first]
            size += last - first
        return total / np.maximum(size, 1)

    fit = mean(_PEDICLE) - mean(_FORAMEN)
    usual = np.square(np.log(lengths / _USUAL_MM) / _SPREAD) / 2
    worth: Values = signs.disc[:, None] + 1.5 * fit - 0.6 * usual - _PER_VERTEBRA
    return worth
