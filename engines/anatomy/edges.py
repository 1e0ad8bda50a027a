"""Where bone ends: the best smooth line of falling HU through a picture (dynamic programming)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Grid = NDArray[np.float32]
Line = NDArray[np.float64]

# All ours. HU are averaged over this on both sides of an edge.
_SIDE_MM = 2.0
# No edge counts for more: calcium, cement and contrast medium must not pull the line away.
_MOST_HU = 250.0


def falling(picture: Grid, step_mm: float) -> Grid:
    """Return by how much HU fall along the last axis at each place, at most 250.

    What was not measured neither falls nor rises.
    """
    side = max(1, round(_SIDE_MM / step_mm))
    known = np.nan_to_num(picture, nan=0.0)
    seen = np.isfinite(picture).astype(np.float32)
    total = np.cumsum(np.pad(known, [*[(0, 0)] * (picture.ndim - 1), (side, side)]), axis=-1)
    count = np.cumsum(np.pad(seen, [*[(0, 0)] * (picture.ndim - 1), (side, side)]), axis=-1)
    n = picture.shape[-1]
    inside = total[..., side : side + n] - total[..., :n]
    outside = total[..., 2 * side : 2 * side + n] - total[..., side : side + n]
    inside_n = count[..., side : side + n] - count[..., :n]
    outside_n = count[..., 2 * side : 2 * side + n] - count[..., side : side + n]
    enough = (inside_n > side / 2) & (outside_n > side / 2)
    fall = inside / np.maximum(inside_n, 1) - outside / np.maximum(outside_n, 1)
    found: Grid = np.where(enough, np.clip(fall, -_MOST_HU, _MOST_HU), 0).astype(np.float32)
    return found


def best_line(score: Grid, bend: float, closed: bool = False) -> Line:
    """Return the index on the last axis, row by row, whose scores sum up highest.

    Parameters
    ----------
    score : ndarray
        float32, shape (row, place).
    bend : float
        What a step of one place from row to row costs; two places are the most.
    closed : bool
        Whether the last row meets the first again.

    Returns
    -------
    ndarray
        float64, shape (row,), between places where the score's top lies between them.
    """
    if closed:
        # half a turn more on each side: the middle has forgotten where it began
        half = len(score) // 2
        turns = np.concatenate([score[-half:], score, score[:half]])
        return best_line(turns, bend)[half : half + len(score)]
    best, came = score[0].astype(np.float64), []
    moves, places = np.arange(-2, 3), np.arange(len(best))
    cost = bend * np.square(moves)[:, None]
    padded = np.full(len(best) + 4, -np.inf)
    before = sliding_window_view(padded, len(best))
    for row in score[1:]:
        padded[2:-2] = best
        options = before - cost
        chosen = options.argmax(axis=0)
        came.append(chosen)
        best = row + options[chosen, places]
    at = int(best.argmax())
    line = [at]
    for chosen in reversed(came):
        at += int(moves[chosen[at]])
        line.append(at)
    return _between(score, np.array(line[::-1]))


def _between(score: Grid, line: NDArray[np.int64]) -> Line:
    """Move each point to the top of the parabola through its score and its neighbours'."""
    rows = np.arange(len(line))
    inner = np.clip(line, 1, score.shape[1] - 2)
    low, mid, high = (score[rows, inner + off].astype(np.float64) for off in (-1, 0, 1))
    curve = low - 2 * mid + high
    shift = np.where(curve < 0, (low - high) / (2 * np.minimum(curve, -1e-9)), 0.0)
    moved: Line = np.where(inner == line, line + np.clip(shift, -0.5, 0.5), line)
    return moved
