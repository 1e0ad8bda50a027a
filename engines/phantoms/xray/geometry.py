"""Where the tube, the patient and the detector are; all in the body's own frame (LPS mm)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: Where rays go and how the film lies, for a patient who is not turned: beam, columns, rows.
#: A frontal film shows the patient's left on its right; a left lateral has the front on its left.
_DIRECTIONS = {
    "PA": ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "AP": ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "LL": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}


@dataclass(frozen=True)
class Geometry:
    """A point source and a flat detector.

    Attributes
    ----------
    source_mm : ndarray
        float64, shape (3,): the focal spot.
    middle_mm : ndarray
        float64, shape (3,): the detector's middle.
    across, down : ndarray
        float64, shape (3,): unit vectors along columns and along rows.
    pitch_mm : float
        Of the pixels, at the detector.
    shape : (rows, columns)
        Of the film.
    """

    source_mm: Values
    middle_mm: Values
    across: Values
    down: Values
    pitch_mm: float
    shape: tuple[int, int]

    @cached_property
    def normal(self) -> Values:
        """Unit vector from the tube's side to the detector."""
        return np.asarray(np.cross(self.down, self.across) * self._side)

    @property
    def _side(self) -> float:
        towards = self.middle_mm - self.source_mm
        return 1.0 if float(towards @ np.cross(self.down, self.across)) > 0 else -1.0

    @cached_property
    def distance_mm(self) -> float:
        """From the focal spot to the detector's plane (SID)."""
        return float((self.middle_mm - self.source_mm) @ self.normal)

    def targets_mm(self, rows: Values, columns: Values) -> Values:
        """Return where pixels lie: float64, shape of the two broadcast and 3."""
        height, width = self.shape
        u = (np.asarray(columns, dtype=np.float64) - (width - 1) / 2) * self.pitch_mm
        v = (np.asarray(rows, dtype=np.float64) - (height - 1) / 2) * self.pitch_mm
        axes = zip(self.middle_mm, self.across, self.down, strict=True)
        # each coordinate in one piece of memory: what follows is several times as quick
        return np.moveaxis(np.stack([middle + u * a + v * d for middle, a, d in axes]), 0, -1)

    def project(self, points_mm: Values) -> tuple[Values, Values, Values]:
        """Return row, column and magnification of points (point, 3): float64, (point,) each."""
        from_source = [points_mm[:, k] - self.source_mm[k] for k in range(3)]
        scale = self.distance_mm / _along(from_source, self.normal)
        # where the foot of the focal spot falls on the detector
        foot = self.source_mm - self.middle_mm
        height, width = self.shape
        across, down = self.across / self.pitch_mm, self.down / self.pitch_mm
        column, row = _along(from_source, across) * scale, _along(from_source, down) * scale
        column += _along(foot, across) + (width - 1) / 2
        row += _along(foot, down) + (height - 1) / 2
        return row, column, scale

    def window(self, low_mm: Values, high_mm: Values) -> tuple[int, int, int, int]:
        """Return first and last row, first and last column (half-open) that see a box."""
        corners = np.array(np.meshgrid(*zip(low_mm, high_mm, strict=True))).reshape(3, -1).T
        row, column, _ = self.project(corners)
        height, width = self.shape
        top, bottom = int(np.floor(row.min())), int(np.ceil(row.max())) + 1
        left, right = int(np.floor(column.min())), int(np.ceil(column.max())) + 1
        return max(top, 0), min(bottom, height), max(left, 0), min(right, width)

    def resampled(self, shape: tuple[int, int]) -> "Geometry":
        """Return the same film with other pixels; the columns fill the same width."""
        return replace(self, shape=shape, pitch_mm=self.pitch_mm * self.shape[1] / shape[1])


def _along(columns: Sequence[Values] | Values, axis: Values) -> Values:
    # sums in a fixed order, which a matrix product does not promise
    x, y, z = columns
    return np.asarray(x * axis[0] + y * axis[1] + z * axis[2])


@dataclass(frozen=True)
class Stand:
    """How the patient stands or lies before the detector.

    Attributes
    ----------
    view : {'PA', 'AP', 'LL'}
        Which side faces the detector: front, back, left.
    aim_mm : (x, y, z)
        The body's point that the central ray meets.
    detector_mm : float
        From that point to the detector, along the beam.
    distance_mm : float
        From the focal spot to the detector.
    turn_deg, tip_deg, tilt_deg : float
        Of the patient: about the long axis, towards the tube, and in the film's plane.
    shift_mm : (across, down)
        How far the detector's middle lies off the central ray.
    """

    view: str
    aim_mm: tuple[float, float, float]
    detector_mm: float
    distance_mm: float
    turn_deg: float = 0.0
    tip_deg: float = 0.0
    tilt_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)

    def geometry(self, field_mm: float, shape: tuple[int, int]) -> Geometry:
        """Return tube and detector; ``field_mm`` is the film's longer side."""
        beam, across, down = (np.array(v) for v in _DIRECTIONS[self.view])
        turn = _about(2, self.turn_deg) @ _turning(across, self.tip_deg)
        turn = turn @ _turning(beam, self.tilt_deg)
        beam, across, down = turn @ beam, turn @ across, turn @ down
        aim = np.array(self.aim_mm)
        middle = aim + beam * self.detector_mm
        source = middle - beam * self.distance_mm
        middle = middle + self.shift_mm[0] * across + self.shift_mm[1] * down
        return Geometry(source, middle, across, down, field_mm / max(shape), shape)


def _about(axis: int, deg: float) -> Values:
    unit = np.zeros(3)
    unit[axis] = 1.0
    return _turning(unit, deg)


def _turning(axis: Values, deg: float) -> Values:
    """Return the turn about a unit vector (Rodrigues): float64, shape (3, 3)."""
    angle = np.deg2rad(deg)
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross))
