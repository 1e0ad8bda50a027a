"""What a reconstruction does to a slice: its sharpness, and noise of the same kernel's colour."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

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

    def slice_hu(self, exact: Values, white_hu: Values) -> Values:
        """Blur a slice, and add what the filters make of white noise, all (row, column), HU."""
        sharp, colour = self._filters
        seen = fft.rfft2(exact + 1000) * sharp + fft.rfft2(white_hu) * colour
        return np.asarray(fft.irfft2(seen, s=exact.shape)) - 1000


class WhiteNoise:
    """Normal values for each slice, in common where slices overlap.

    Each place along the body has values of its own, and a slice is their mean, weighted by its
    profile: a triangle as wide at half its height as the slice is thick. Slices that lie one beside
    the other share nothing.
    """

    def __init__(self, grid: Grid, seed: tuple[int, int]) -> None:
        protocol = grid.protocol
        self._seed, self._shape = seed, (protocol.matrix, protocol.matrix)
        step = protocol.spacing_mm / protocol.slice_thickness_mm
        reach = int(np.ceil(1 / step - 1e-9)) - 1
        weights = [1 - abs(i) * step for i in range(-reach, reach + 1)]
        norm = float(np.sqrt(sum(weight * weight for weight in weights)))
        self._weights = [weight / norm for weight in weights]
        self._places = lru_cache(maxsize=2 * len(weights) + 4)(self._place)

    def slice(self, k: int) -> Values:
        """Return the values of slice ``k``: float64, (row, column), mean 0, variance 1."""
        total = self._weights[0] * self._places(k)
        for i, weight in enumerate(self._weights[1:], start=1):
            total += weight * self._places(k + i)
        return np.asarray(total)

    def _place(self, i: int) -> Values:
        return np.random.default_rng([*self._seed, i]).standard_normal(self._shape)
