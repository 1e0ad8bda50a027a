"""What a console makes of a raw film: logarithm, scales, window, look-up table.

Vendors do not publish theirs; this is a Laplacian pyramid whose fine details are lifted and whose
broad ones are flattened, as Vuylsteke and Schoeters (1994) describe.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engines.phantoms.xray.detector import Raw
from engines.phantoms.xray.scales import enlarge, shrink

Values = NDArray[np.float64]

#: Details finer than this are mostly noise and are lifted less, mm at the detector.
_NOISE_MM = 0.5

#: A contrast of this much (natural logarithm) counts as strong and is not lifted further.
_STRONG = 0.12

#: Logarithm above the open beam's where a body begins: about 20 mm of water.
_SKIN = 0.35

#: The same where quantiles are taken: beyond the thin rim under the skin.
_DEEP = 0.9

#: Grey levels of a finished film: its last bits must not hang on a processor's rounding.
LEVELS = 65535


@dataclass(frozen=True)
class Look:
    """A vendor's taste, or a site's.

    Attributes
    ----------
    lift, edges : float
        How much weak details are lifted: from 1 to 20 mm, and up to 1 mm.
    flatten : float
        How much of the contrast broader than 40 mm is taken away, 0 to 0.8.
    low, high : float
        Quantiles of the body that become black and white.
    toe, slope : float
        The look-up table: where its middle lies (0 to 1) and how steep it is (1 is a line).
    air : float
        Grey of what is not covered by the patient.
    """

    lift: float
    edges: float
    flatten: float
    low: float
    high: float
    toe: float
    slope: float
    air: float


def process(raw: Raw, pitch_mm: float, look: Look, field: NDArray[np.bool_]) -> Values:
    """Make a film for the screen.

    Parameters
    ----------
    raw : Raw
        The detector's signal.
    pitch_mm : float
        Of its pixels.
    look : Look
        How it shall look.
    field : ndarray
        bool, shape (row, column): what the shutters left open.

    Returns
    -------
    ndarray
        float64, shape (row, column), range [0, 1], bone white.
    """
    depth = np.log(raw.open_ugy / np.maximum(raw.dose_ugy, 1e-6 * raw.open_ugy))
    shown = _rescaled(depth, pitch_mm, look)
    step = max(1, min(depth.shape) // 256)
    inside = (depth > _DEEP) & field
    few, some = shown[::step, ::step], inside[::step, ::step]
    low, high = np.quantile(few[some] if some.any() else few, [look.low, look.high])
    level = (shown - low) / max(high - low, 0.2)
    film = _look_up(level, look)
    covered = np.clip(depth / _SKIN - 0.2, 0.0, 1.0)
    film = look.air + (1 - look.air) * np.clip(film, 0.0, 1.0) * covered
    return np.asarray(film, dtype=np.float64)


def quantised(film: Values) -> Values:
    """Round to :data:`LEVELS` steps; float64, range [0, 1]."""
    return np.asarray(np.rint(film * LEVELS) / LEVELS, dtype=np.float64)


def _rescaled(depth: Values, pitch_mm: float, look: Look) -> Values:
    """Take a film apart by scale and put it together again with other gains."""
    details, rest, scale_mm = [], depth, pitch_mm
    while min(rest.shape) > 12:
        smaller = shrink(gaussian_filter(rest, 0.9, mode="nearest", truncate=2.5), 2)
        detail = rest - enlarge(smaller, 2, (rest.shape[0], rest.shape[1]))
        details.append(_lifted(detail, scale_mm, look))
        rest, scale_mm = smaller, 2 * scale_mm
    middle = float(rest.mean())
    film = middle + (rest - middle) * (1 - look.flatten)
    for detail in reversed(details):
        film = detail + enlarge(film, 2, (detail.shape[0], detail.shape[1]))
    return film


def _lifted(detail: Values, scale_mm: float, look: Look) -> Values:
    if scale_mm > 30:
        return np.asarray(detail * (1 - look.flatten * min(1.0, scale_mm / 60)), dtype=np.float64)
    gain = look.lift if scale_mm > 0.9 else look.edges
    if scale_mm < _NOISE_MM:
        gain *= scale_mm / _NOISE_MM
    return np.asarray(detail * (1 + gain / (1 + np.abs(detail) / _STRONG)), dtype=np.float64)


def _look_up(level: Values, look: Look) -> Values:
    """A sigmoid through (0, 0) and (1, 1) that goes on flatly outside."""
    if look.slope <= 1.01:
        return level

    def bend(x: Values | float) -> Values:
        return np.asarray(1 / (1 + np.exp(-look.slope * 2 * (np.asarray(x) - look.toe))))

    black, white = float(bend(0.0)), float(bend(1.0))
    return np.asarray((bend(level) - black) / (white - black), dtype=np.float64)
