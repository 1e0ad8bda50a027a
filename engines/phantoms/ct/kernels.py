"""What a reconstruction does to a slice: its sharpness, and noise of the same kernel's colour."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engines.phantoms.ct.grid import Grid
from engines.phantoms.ct.protocol import Kernel

Values = NDArray[np.float64]

#: Blur, mm, and how much a kernel lifts the frequencies around its peak (ours; MTF 50 % at about
#: 0.30, 0.38 and 0.8 per mm).
_BLUR_MM = {Kernel.SOFT: 0.62, Kernel.STANDARD: 0.50, Kernel.BONE: 0.33}
_LIFT = {Kernel.SOFT: 0.0, Kernel.STANDARD: 0.1, Kernel.BONE: 0.55}
_LIFT_PER_MM = 0.55


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The filters of one series."""

    grid: Grid

    @cached_property
    def _filters(self) -> tuple[Values, Values]:
        """Transfer function, and noise amplitude for unit variance, on the half plane."""
        n, pixel = self.grid.protocol.matrix, self.grid.pixel_mm
        across = fft.rfftfreq(n, pixel)[None, :]
        down = fft.fftfreq(n, pixel)[:, None]
        frequency = np.sqrt(across * across + down * down)
        kernel = self.grid.protocol.kernel
        lift = 1 + _LIFT[kernel] * np.exp(-0.5 * np.square((frequency - _LIFT_PER_MM) / 0.22))
        sharp = np.exp(-2 * np.square(np.pi * _BLUR_MM[kernel] * frequency)) * lift
        sharp /= sharp[0, 0]
        colour = np.sqrt(frequency + 0.01) * sharp
        twice = np.full(across.shape, 2.0)
        twice[0, 0] = twice[0, -1] = 1.0
        colour /= np.sqrt((colour**2 * twice).sum() / (n * n))
        return sharp, colour

    def slice_hu(self, exact: Values, noise_hu: Values, rng: np.random.Generator) -> Values:
        """Blur a slice and add noise of a standard deviation by place, all (row, column)."""
        sharp, colour = self._filters
        white = rng.standard_normal(exact.shape) * noise_hu
        seen = fft.rfft2(exact + 1000) * sharp + fft.rfft2(white) * colour
        return np.asarray(fft.irfft2(seen, s=exact.shape)) - 1000
