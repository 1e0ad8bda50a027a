"""What one model says about one case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.images import Radiograph


@dataclass(frozen=True)
class Finding:
    """A probability held against a threshold.

    Attributes
    ----------
    name : str
        In plain terms, e.g. ``osteoporosis``.
    site : str
        Anatomy in plain terms, e.g. ``chest``, ``L1``.
    probability, threshold : float
        Both in [0, 1].
    laterality : {'L', 'R', None}
        Side, where the site is paired.
    """

    name: str
    site: str
    probability: float
    threshold: float
    laterality: str | None = None

    @property
    def flagged(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Measurement:
    """A number with a unit (UCUM, or ``[hnsf'U]`` for Hounsfield)."""

    name: str
    site: str
    value: float
    unit: str


@dataclass(frozen=True)
class Saliency:
    """Where the model looked.

    Attributes
    ----------
    heat : ndarray
        float32, shape (row, column), range [0, 1], over the whole film as displayed
        (coarse; scale it to the film).
    method : str
        E.g. ``Grad-CAM``.
    """

    heat: NDArray[np.float32]
    method: str


@dataclass(frozen=True)
class Result:
    """All that one model found in one case.

    Attributes
    ----------
    model, version : str
        As in the model's weights.
    findings, measurements : tuple
        In the order a reader should meet them.
    film : Radiograph or None
        The film that was scored; ``film.SOPInstanceUID`` names its source image.
    saliency : Saliency or None
        Where the model looked on that film.
    quality : mapping
        Facts a reader needs beside the number, e.g. ``{"view": "PA"}``; JSON values only.
    """

    model: str
    version: str
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    film: Radiograph | None = None
    saliency: Saliency | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)

    @property
    def flagged(self) -> bool:
        """Whether any finding reaches its threshold."""
        return any(finding.flagged for finding in self.findings)
