"""What metal does to an MR image: it shifts, piles up and loses signal around it.

A magnetised body in a field changes the field around it as a dipole does; what is excited at
another frequency is taken for another place along the read-out (here head to feet), or lies in no
slice at all. The field in k-space is that of Marques and Bowtell 2005 (general knowledge).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.mri.grid import Grid, Kinds

Values = NDArray[np.float64]

#: Volume susceptibility against tissue, ppm: titanium, and cobalt-chrome for what X-rays take for
#: steel (both as in Schenck 1996, general knowledge).
_PPM = {Tissue.TITANIUM: 190.0, Tissue.STEEL: 900.0}

#: Of the read-out, as the header says; half the width of what a pulse excites (ours).
_HZ_PER_PIXEL, _PULSE_HZ = 200.0, 2500.0
_MHZ_PER_TESLA = 42.577
_MOST_PIXELS = 60.0

#: Steps between two rows.
_FINER = 4


def off_resonance_hz(
    grid: Grid, kinds: Kinds, solids: Sequence[Solid], field_t: float
) -> Values | None:
    """Return by how much metal changes the frequency; None without metal.

    Parameters
    ----------
    grid : Grid
        The voxels.
    kinds : ndarray
        uint16, shape (slice, layer, row, column): which solid, counted from 1.
    solids : sequence of Solid
        Which they are.
    field_t : float
        Of the magnet, tesla, from feet to head.

    Returns
    -------
    ndarray or None
        float64, shape (slice, row, column), hertz.
    """
    ppm = np.array([0.0, *(_PPM.get(one.tissue, 0.0) for one in solids)])
    held = ppm[kinds].mean(axis=1)
    if not held.any():
        return None
    slices, rows, columns = held.shape
    # room before and behind, for the stack is thin and the transform goes round
    shape = (2 * slices, rows, columns)
    across, up = (
        fft.fftfreq(shape[0], grid.step_mm[0])[:, None, None],
        fft.fftfreq(rows, grid.step_mm[1])[None, :, None],
    )
    along = fft.rfftfreq(columns, grid.step_mm[2])[None, None, :]
    total = across**2 + up**2 + along**2
    total[0, 0, 0] = 1.0
    dipole = 1 / 3 - up**2 / total
    dipole[0, 0, 0] = 0.0
    changed = fft.irfftn(fft.rfftn(held, shape) * dipole, shape)[:slices]
    return np.asarray(changed * (_MHZ_PER_TESLA * field_t))


def distorted(shown: Values, hertz: Values) -> Values:
    """Return an image, float64 of shape (slice, row, column), as it is read out beside metal."""
    image = np.zeros(shown.size)
    for down in (np.arange(_FINER) + 0.5) / _FINER - 0.5:
        # between the rows too, for where the field is steep one row becomes many
        image += _moved(_between_rows(shown, down) / _FINER, _between_rows(hertz, down), down)
    return image.reshape(shown.shape)


def _between_rows(values: Values, down: float) -> Values:
    """Return values so many rows further down, between -1 and 1."""
    after = np.roll(values, -int(np.sign(down)), axis=1)
    return np.asarray(values + abs(down) * (after - values))


def _moved(shown: Values, hertz: Values, down: float) -> Values:
    """Put each signal where its frequency says: float64, flat."""
    slices, rows, columns = shown.shape
    shift = np.clip(hertz / _HZ_PER_PIXEL, -_MOST_PIXELS, _MOST_PIXELS)
    excited = shown * np.exp(-np.square(hertz / _PULSE_HZ))
    at = np.arange(rows)[None, :, None] + down + shift
    low = np.floor(at).astype(np.intp)
    part = at - low
    begin = (np.arange(slices) * rows * columns)[:, None, None] + np.arange(columns)
    image = np.zeros(shown.size)
    for row, weight in ((low, 1 - part), (low + 1, part)):
        seen = (row >= 0) & (row < rows)
        image += np.bincount((begin + row * columns)[seen], (excited * weight)[seen], shown.size)
    return image
