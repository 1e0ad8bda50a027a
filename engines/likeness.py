"""Is this image like those that the weights were trained on? One measure for all film models.

A network scores whatever it is shown. What is measured here is simple, and exported with the
weights: how bright each of 64 parts of the image is among the others, and how far that lies from
the training images, as probabilistic principal components see them (Tipping and Bishop 1999). It
sees what lies where, not how sharp or how noisy an image is. Ours; no paper has it.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.cards import Weights
from engines.errors import NotEligible, Reason

Images = NDArray[np.floating]
Numbers = NDArray[np.float64]

#: Where the manifest's parameters hold it.
KEY: Final = "likeness"

_PARTS, _FINER = 8, 2
#: A pixel for each cell.
LEAST_SIDE_PX: Final = _PARTS * _FINER


@dataclass(frozen=True)
class Likeness:
    """What training images look like, in numbers.

    Attributes
    ----------
    mean, spread : ndarray
        float64, shape (feature,).
    axes : ndarray
        float64, shape (component, feature), unit length: how images differ among each other.
    variances : ndarray
        float64, shape (component,); along them.
    rest : float
        Variance along each other axis.
    most : float
        Images further off are unlike the training data.
    source : str
        On whom ``most`` was set.
    """

    mean: Numbers
    spread: Numbers
    axes: Numbers
    variances: Numbers
    rest: float
    most: float
    source: str

    def distances(self, images: Images) -> Numbers:
        """Return how far images lie from the training images; about 1 where they are alike.

        Parameters
        ----------
        images : ndarray
            Floating, shape (image, 1, side, side), range [0, 1], as the network is shown them.
        """
        away = (features(images) - self.mean) / self.spread
        along = away @ self.axes.T
        beside = np.square(away).sum(axis=1) - np.square(along).sum(axis=1)
        whole = (np.square(along) / self.variances).sum(axis=1) + beside / self.rest
        return np.asarray(np.sqrt(whole / len(self.mean)))


def features(images: Images) -> Numbers:
    """Describe images: float64, shape (image, part), the rank of each part's grey in [0, 1]."""
    films = images[:, 0].astype(np.float64)
    count, cells = len(films), _PARTS * _FINER
    cell_px = films.shape[-1] // cells
    inner = films[:, : cells * cell_px, : cells * cell_px]
    means = inner.reshape(count, cells, cell_px, cells, cell_px).mean(axis=(2, 4))
    # ranks, so that exposure, window and gamma do not count
    ranks = means.reshape(count, -1).argsort(axis=1).argsort(axis=1) / cells**2
    parts = ranks.reshape(count, _PARTS, _FINER, _PARTS, _FINER).mean(axis=(2, 4))
    return np.asarray(parts.reshape(count, -1))


def unlike(images: Images, weights: Weights) -> NDArray[np.bool_]:
    """Tell which images are unlike the training data; none where the weights cannot tell.

    Parameters
    ----------
    images : ndarray
        As for :meth:`Likeness.distances`.
    weights : Weights
        Whose ``parameters`` may hold a likeness; those of before have none.
    """
    told = weights.parameters.get(KEY)
    if told is None:
        return np.zeros(len(images), bool)
    likeness = read_likeness(told)
    # written so that a distance that is no number is unlike
    return np.asarray(~(likeness.distances(images) <= likeness.most))


def require_like_training(image: Images, weights: Weights) -> None:
    """Refuse an image, shape (1, 1, side, side), that is unlike the training data.

    Raises
    ------
    NotEligible
        UNLIKE_TRAINING.
    """
    if unlike(image, weights)[0]:
        raise NotEligible(Reason.UNLIKE_TRAINING, "the image is unlike those the model was made on")


def read_likeness(told: Mapping[str, Any]) -> Likeness:
    """Read what :func:`written` wrote."""
    numbers = np.frombuffer(base64.b64decode(told["numbers"]), "<f4").astype(np.float64)
    count, components = int(told["features"]), int(told["components"])
    mean, spread, axes, variances, rest = np.split(
        numbers, np.cumsum([count, count, components * count, components])
    )
    return Likeness(
        mean,
        spread,
        axes.reshape(components, count),
        variances,
        float(rest[0]),
        float(told["most"]),
        str(told["source"]),
    )


def written(likeness: Likeness) -> dict[str, Any]:
    """Return a likeness as JSON values, its numbers as base64 of little-endian float32."""
    parts = (likeness.mean, likeness.spread, likeness.axes.ravel(), likeness.variances)
    numbers = np.concatenate([*parts, [likeness.rest]]).astype("<f4")
    return {
        "most": likeness.most,
        "source": likeness.source,
        "features": len(likeness.mean),
        "components": len(likeness.variances),
        "numbers": base64.b64encode(numbers.tobytes()).decode(),
    }
