"""How marrow and muscle vary from place to place: islands of red, streaks of fat."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.mri.grid import Grid

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 0x0F5

#: Steps of the lattices across, back and up, mm, and what they span around L1 and below it (ours).
_ISLANDS_MM, _STREAKS_MM = (7.0, 7.0, 9.0), (3.5, 3.5, 26.0)
_LOW_MM, _HIGH_MM = np.array([-260.0, -200.0, -520.0]), np.array([260.0, 200.0, 60.0])


@dataclass(frozen=True, eq=False)
class Texture:
    """Two fields about 0 that belong to a body, the same at every visit.

    Attributes
    ----------
    grid : Grid
        Where they are looked at.
    seed : int
        The person's.
    """

    grid: Grid
    seed: int

    @cached_property
    def islands(self) -> Values:
        """Return where marrow is redder: float64, shape (slice, row, column), SD about 0.6."""
        return self._field(0, _ISLANDS_MM)

    @cached_property
    def streaks(self) -> Values:
        """Return where muscle is fatter, along the body: as ``islands``."""
        return self._field(1, _STREAKS_MM)

    def _field(self, number: int, steps_mm: tuple[float, float, float]) -> Values:
        steps = np.array(steps_mm)
        count = np.ceil((_HIGH_MM - _LOW_MM) / steps).astype(np.intp) + 1
        rng = np.random.default_rng([self.seed, STREAM, number])
        field = rng.standard_normal(tuple(count))
        first, last = self.grid.points_mm(0)[0, 0], self.grid.points_mm(self.grid.shape[0] - 1)
        for axis, places in (
            (0, last[0, :, 0]),
            (1, np.linspace(first[1], last[0, 0, 1], self.grid.shape[0])),
            (2, last[:, 0, 2]),
        ):
            field = _along(field, axis, (places - _LOW_MM[axis]) / steps[axis])
        return np.ascontiguousarray(field.transpose(1, 2, 0))


def _along(field: Values, axis: int, places: Values) -> Values:
    """Interpolate linearly along one axis; beyond the ends the last values go on."""
    at = np.clip(places, 0.0, field.shape[axis] - 1 - 1e-9)
    low = at.astype(np.intp)
    shape = [1, 1, 1]
    shape[axis] = len(at)
    part = (at - low).reshape(shape)
    lower = np.take(field, low, axis)
    return np.asarray(lower + part * (np.take(field, low + 1, axis) - lower))
