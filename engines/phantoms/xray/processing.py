"""What a console makes of a raw film: logarithm, scales, window, look-up table.

Vendors do not publish theirs; this is a Laplacian pyramid whose fine details are lifted and whose
broad ones are flattened, as Vuylsteke and Schoeters (1994) describe.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
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

#: Of the body's pixels, which are darker than each of the tones that a look is used to.
TONE_RANKS = (0.25, 0.4, 0.55, 0.7, 0.85, 0.95)

#: Entries of the adaptive tone scale, and the least step between two tones.
_TONE_STEPS = 256
_LEAST_STEP = 0.004

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
    white : float
        Grey of the densest tissue.
    tones : tuple of float
        Where the body's pixels of each of :data:`TONE_RANKS` lie on a usual film, between black (0)
        and white (1).
    adapting : float
        How far each film's histogram is drawn to these, 0 to 1.
    """

    lift: float
    edges: float
    flatten: float
    low: float
    high: float
    toe: float
    slope: float
    air: float
    white: float = 1.0
    tones: tuple[float, ...] = ()
    adapting: float = 0.0


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
    low, high, *marks = np.quantile(
        few[some] if some.any() else few, [look.low, look.high, *TONE_RANKS]
    )
    span = max(high - low, 0.2)
    level = _adapted((shown - low) / span, (np.array(marks) - low) / span, look)
    film = _look_up(level, look)
    # lead is whiter than any tissue
    film = np.clip(look.white * np.minimum(film, 1.0) + np.maximum(film - 1.0, 0.0), 0.0, 1.0)
    covered = np.clip(depth / _SKIN - 0.2, 0.0, 1.0)
    film = look.air + (1 - look.air) * film * covered
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


def _adapted(level: Values, marks: Values, look: Look) -> Values:
    """Draw a film's histogram to that of a usual film, as consoles do that analyse it; how is ours.

    Parameters
    ----------
    level : ndarray
        float64, shape (row, column): 0 black, 1 white.
    marks : ndarray
        float64, shape (rank,): quantiles of the body's levels.
    look : Look
        Whose tones.
    """
    if not look.adapting:
        return level
    found = np.maximum.accumulate(np.clip(marks, 0.0, 1.0))
    steps = np.arange(1, len(found) + 1) * _LEAST_STEP
    found = (found + steps) / (1 + steps[-1] + _LEAST_STEP)
    wanted = (1 - look.adapting) * found + look.adapting * np.array(look.tones)
    tone = PchipInterpolator([0.0, *found, 1.0], [0.0, *wanted, 1.0])
    at = np.linspace(0.0, 1.0, _TONE_STEPS + 1)
    return np.asarray(np.interp(level, at, tone(at)) + np.maximum(level - 1.0, 0.0))


def _look_up(level: Values, look: Look) -> Values:
    """A sigmoid through (0, 0) and (1, 1) that goes on flatly outside."""
    if look.slope <= 1.01:
        return level

    def bend(x: Values | float) -> Values:
        return np.asarray(1 / (1 + np.exp(-look.slope * 2 * (np.asarray(x) - look.toe))))

    black, white = float(bend(0.0)), float(bend(1.0))
    return np.asarray((bend(level) - black) / (white - black), dtype=np.float64)
