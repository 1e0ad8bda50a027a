"""A classifier and a regression as simple as they come, each judged on rows it has not seen."""

from dataclasses import dataclass

import numpy as np

_FOLDS = 10
#: How strongly weights are held down, as parts of the mean of the kernel's diagonal; the best on
#: rows left out of the training part is taken.
_RIDGES = (0.01, 0.1, 1.0, 10.0, 100.0)


def auc(score: np.ndarray, sick: np.ndarray) -> float:
    """Return the area under the ROC curve; ties count half."""
    order = np.unique(score, return_inverse=True)[1]
    counts = np.bincount(order)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[order]
    ill = int(sick.sum())
    return float((ranks[sick].sum() - ill * (ill + 1) / 2) / (ill * (len(sick) - ill)))


@dataclass(frozen=True)
class Spread:
    """A figure, and where it lies in 95 of 100 cohorts drawn again from this one."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def auc_spread(score: np.ndarray, sick: np.ndarray) -> Spread:
    """Return the area under the ROC curve with its bootstrap interval."""
    rng, drawn = np.random.default_rng(0), []
    ill, well = np.flatnonzero(sick), np.flatnonzero(~sick)
    for _ in range(1000):
        rows = np.concatenate([rng.choice(part, len(part)) for part in (ill, well)])
        drawn.append(auc(score[rows], sick[rows]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Spread(auc(score, sick), float(low), float(high))


def predicted(x: np.ndarray, y: np.ndarray, bent: bool = False) -> np.ndarray:
    """Return what ridge regression says of each row when it was fitted to the others.

    Rows 0 and 1, 2 and 3 and so on are left out together: where they are pairs of one sick and one
    well, both parts hold as many of each.

    Parameters
    ----------
    x : ndarray
        Shape (row, column).
    y : ndarray
        Shape (row,): 0 and 1, or numbers.
    bent : bool
        Whether rows are compared by a Gaussian of their distance instead of a line.
    """
    fold = (np.random.default_rng(0).permutation((len(y) + 1) // 2) % _FOLDS).repeat(2)[: len(y)]
    said = np.zeros(len(y))
    for number in range(_FOLDS):
        seen = fold != number
        said[~seen] = _fitted(x[seen], y[seen].astype(np.float64), x[~seen], bent)
    return said


def _fitted(x: np.ndarray, y: np.ndarray, new: np.ndarray, bent: bool) -> np.ndarray:
    middle, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, np.inf)
    # columns that lie in three rows must not decide for a fourth
    x, new = (np.clip((rows - middle) / scale, -5, 5) for rows in (x, new))
    kernel = _kernel(x, x, bent)
    best = min(_RIDGES, key=lambda ridge: _left_out(kernel, y, ridge))
    weights = np.linalg.solve(_held(kernel, best), y - y.mean())
    return y.mean() + _kernel(new, x, bent) @ weights


def _kernel(a: np.ndarray, b: np.ndarray, bent: bool) -> np.ndarray:
    products = a @ b.T / a.shape[1]
    if not bent:
        return products
    square = (a**2).mean(axis=1)[:, None] + (b**2).mean(axis=1) - 2 * products
    return np.exp(-square / 2)


def _held(kernel: np.ndarray, ridge: float) -> np.ndarray:
    return kernel + ridge * np.trace(kernel) / len(kernel) * np.eye(len(kernel))


def _left_out(kernel: np.ndarray, y: np.ndarray, ridge: float) -> float:
    """Return the mean square of what each row is missed by when it alone is left out."""
    inverse = np.linalg.inv(_held(kernel, ridge))
    return float(np.mean((inverse @ (y - y.mean()) / np.diag(inverse)) ** 2))


def best_auc(x: np.ndarray, sick: np.ndarray) -> Spread:
    """Return what the better of a line and a bent surface reaches on rows not seen."""
    spreads = [auc_spread(predicted(x, sick, bent), sick) for bent in (False, True)]
    return max(spreads, key=lambda spread: spread.value)
