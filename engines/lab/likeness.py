"""Learn what training images look like, so that service can refuse others."""

import math

import numpy as np
from numpy.typing import NDArray

from engines.lab.seeing import Seen
from engines.likeness import LEAST_SIDE_PX, Images, Likeness, Numbers, features, written

#: How images differ among each other is told along so many axes at most.
_COMPONENTS = 6
_FOLDS = 5
#: Images are refused this much further off than nine in ten training images are when held out. Set
#: so that real chest films pass weights made on virtual ones and nothing else does, as far as both
#: go together; how far is in the model cards.
_MARGIN = 2.4
#: Parts of images that are all alike still differ by so much of the range of ranks.
_LEAST_SPREAD = 0.05


def likeness_of(images: Images, whose: NDArray[np.object_], said: str) -> Likeness:
    """Learn a likeness.

    The limit is 2.4 times the distance within which nine in ten training images lie from those of
    other patients (in five folds of patients): other devices and other people are to pass.

    Parameters
    ----------
    images : ndarray
        Floating, shape (image, 1, side, side), range [0, 1].
    whose : ndarray
        Shape (image,): the patient of each.
    said : str
        Who they are, e.g. ``simulated patients``.
    """
    told = features(images)
    people, member = np.unique(whose.astype(str), return_inverse=True)
    folds = min(_FOLDS, len(people))
    away = np.zeros(len(told))
    for fold in range(folds):
        held = member % folds == fold
        away[held] = _fitted(told[~held]).distances(images[held])
    source = (
        f"{_MARGIN} times that of nine in ten of {len(people)} {said}, each held against others"
    )
    most = math.ceil(float(np.quantile(away, 0.9)) * _MARGIN * 100) / 100
    return _fitted(told, most, source)


def likeness_told(seen: Seen, said: str) -> dict[str, object]:
    """Return the manifest's parameter of a likeness of what was seen; nothing without films."""
    for name, array in seen.arrays.items():
        there = seen.there[name]
        is_film = array.ndim == 4 and array.shape[1] == 1 and array.shape[2] == array.shape[3]
        if is_film and array.shape[3] >= LEAST_SIDE_PX and there.sum() > 1:
            whose = seen.rows["PatientID"].to_numpy()[there]
            return written(likeness_of(array[there], whose, said))
    return {}


def _fitted(told: Numbers, most: float = math.inf, source: str = "") -> Likeness:
    mean, spread = told.mean(axis=0), told.std(axis=0) + _LEAST_SPREAD
    _, lengths, axes = np.linalg.svd((told - mean) / spread, full_matrices=False)
    variances = np.square(lengths) / len(told)
    kept = min(_COMPONENTS, len(told) // 3)
    count = told.shape[1]
    rest = max(float(variances[kept:].sum()) / max(count - kept, 1), 1e-3)
    return Likeness(mean, spread, axes[:kept], variances[:kept] + 1e-3, rest, most, source)
