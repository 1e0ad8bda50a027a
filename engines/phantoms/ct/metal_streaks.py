"""Dark and bright streaks from metal: what the beam loses there is not a straight line's share."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: Coarse pixels and angles on which streaks are computed; they are smooth.
_COARSE = 256
_ANGLES = 240
#: From here on it is metal, HU.
METAL_HU = 2800.0
#: Signal lost to beam hardening and starvation, HU per (1000 HU x mm)^2, and its ceiling (ours).
_LOSS = 0.25
_MOST = 40000.0
#: Streaks are no stronger than this, HU.
_CEILING_HU = 500.0


def streaks_hu(exact: Values, pixel_mm: float) -> Values | float:
    """Return what metal adds to a slice: float64, shape (row, column), or 0 without metal.

    Parameters
    ----------
    exact : ndarray
        float64, shape (row, column), HU without artefacts.
    pixel_mm : float
        Pitch.
    """
    if exact.max() <= METAL_HU:
        return 0.0
    rows, columns = np.nonzero(exact > METAL_HU)
    size = exact.shape[0]
    scale = _COARSE / size
    x = (columns + 0.5 - size / 2) * scale
    y = (rows + 0.5 - size / 2) * scale
    mass = exact[rows, columns] / 1000 * pixel_mm * scale
    side = (np.arange(_COARSE) + 0.5 - _COARSE / 2)[None, :]
    down = side.T
    total = np.zeros((_COARSE, _COARSE))
    frequency = np.fft.rfftfreq(2 * _COARSE)
    # rolled off early: a real detector sees no edge as sharp as a pixel
    ramp = frequency * np.exp(-0.5 * np.square(frequency / 0.11))
    bins = np.arange(_COARSE) + 0.5 - _COARSE / 2
    for angle in np.pi * np.arange(_ANGLES) / _ANGLES:
        c, s = np.cos(angle), np.sin(angle)
        at = np.clip((x * c + y * s + _COARSE / 2).astype(np.intp), 0, _COARSE - 1)
        trace = np.bincount(at, mass, _COARSE)
        lost = -_MOST * (1 - np.exp(-_LOSS / _MOST * trace * trace))
        filtered = np.fft.irfft(np.fft.rfft(lost, 2 * _COARSE) * ramp)[:_COARSE]
        total += np.interp(side * c + down * s, bins, filtered)
    total = _CEILING_HU * np.tanh(total * (100 / _ANGLES / _CEILING_HU))
    step = (np.arange(size) + 0.5) * scale - 0.5
    first = np.clip(step.astype(np.intp), 0, _COARSE - 2)
    part = np.clip(step - first, 0, 1)
    across = total[:, first] * (1 - part) + total[:, first + 1] * part
    return np.asarray(across[first] * (1 - part[:, None]) + across[first + 1] * part[:, None])
