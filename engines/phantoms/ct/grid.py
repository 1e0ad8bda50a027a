"""Where the voxels of a series lie in the body."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.ct.protocol import CtProtocol

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """The voxels of one series, in the body's LPS millimetres.

    Attributes
    ----------
    protocol : CtProtocol
        Matrix, spacing, tilt.
    centre_mm : tuple of float
        x and y of the middle of the field.
    bottom_mm : float
        z of the lowest slice in its middle.
    count : int
        Slices.
    """

    protocol: CtProtocol
    centre_mm: tuple[float, float]
    bottom_mm: float
    count: int

    @property
    def pixel_mm(self) -> float:
        """Pitch of rows and columns."""
        return self.protocol.field_mm / self.protocol.matrix

    @cached_property
    def lean(self) -> tuple[float, float]:
        """Cosine and sine of the gantry's tilt."""
        angle = np.deg2rad(self.protocol.tilt_deg)
        return float(np.cos(angle)), float(np.sin(angle))

    def places(self, height_mm: float) -> tuple[Values, Values, Values]:
        """Return x (1, column), y (row, 1), z (row, 1) or () of a slice through a height."""
        n = self.protocol.matrix
        steps = (np.arange(n) - (n - 1) / 2) * self.pixel_mm
        cosine, sine = self.lean
        z: Values = np.asarray(height_mm - steps[:, None] * sine if sine else height_mm)
        x, y = self.centre_mm[0] + steps[None, :], self.centre_mm[1] + steps[:, None] * cosine
        return np.asarray(x), np.asarray(y), z

    def pixels(self, points_mm: Values) -> Values:
        """Return column and row (px) and height (mm, at the middle row) of points (point, 3)."""
        cosine, sine = self.lean
        half = (self.protocol.matrix - 1) / 2
        off = points_mm[:, 1] - self.centre_mm[1]
        column = (points_mm[:, 0] - self.centre_mm[0]) / self.pixel_mm + half
        height = points_mm[:, 2] + off * (sine / cosine)
        return np.stack([column, off / cosine / self.pixel_mm + half, height], axis=1)

    @property
    def affine(self) -> Values:
        """From (column, row, slice, 1) to body LPS mm: float64, shape (4, 4)."""
        x, y, z = self.places(self.bottom_mm)
        cosine, sine = self.lean
        p = self.pixel_mm
        matrix = np.eye(4)
        matrix[:3, 0] = (p, 0, 0)
        matrix[:3, 1] = (0, p * cosine, -p * sine)
        matrix[:3, 2] = (0, 0, self.protocol.spacing_mm)
        matrix[:3, 3] = (x[0, 0], y[0, 0], z[0, 0] if z.ndim else z)
        return matrix


def grid_of(build: Build, protocol: CtProtocol) -> Grid:
    """Return the voxels that a protocol asks for in one body."""
    top = float(build.vertebra_centre_mm(protocol.top)[2]) + 12
    if protocol.bottom == "hips":
        bottom = float(build.femoral_head_mm("L")[2]) - 60 * build.stature
    else:
        bottom = float(build.vertebra_centre_mm(protocol.bottom)[2]) - 20
    _, deep, middle = build.trunk_mm(build.vertebra_centre_mm("L3")[2:])
    centre = (0.0, float(middle[0]) + 0.08 * float(deep[0]))
    return Grid(protocol, centre, bottom, int((top - bottom) / protocol.spacing_mm) + 1)
