"""The spine pulled straight: what a CT shows round the canal, in millimetres along and beside it.

The canal's path is smoothed and walked in even steps; at each step a plane is cut across it. Ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from engines.anatomy.block import sampled
from engines.anatomy.canal import Canal
from engines.volume import Volume

Grid = NDArray[np.float32]
Values = NDArray[np.float64]

STEP_MM = 1.0
# A foramen lets the path swerve; the spine itself bends over longer ways. Ours.
_SMOOTH_MM = 12.0
# What an open ring weighs beside a closed one.
_LEAST_WEIGHT = 0.05
_AIR_HU = -1000.0


@dataclass(frozen=True)
class Line:
    """The canal's middle line, in even steps from the feet to the head.

    Attributes
    ----------
    at_mm : ndarray
        float64, shape (step, 3), LPS.
    up, front, left : ndarray
        float64, shape (step, 3), unit vectors at right angles: along the line, to the front of the
        body and to the patient's left.
    """

    at_mm: Values
    up: Values
    front: Values
    left: Values

    def point_mm(self, along: float, front: float, left: float) -> Values:
        """Return a place that is so many mm along the line, before it and to its left: LPS."""
        number = int(np.clip(round(along / STEP_MM), 0, len(self.at_mm) - 1))
        beyond = along - number * STEP_MM
        point: Values = (
            self.at_mm[number]
            + beyond * self.up[number]
            + front * self.front[number]
            + left * self.left[number]
        )
        return point

    def straight_below(self, step: int) -> "Line":
        """Return the line with no bend below a step: a sacral canal is not always followed."""
        below = np.arange(step, 0, -1.0)[:, None] * STEP_MM
        at_mm = np.concatenate([self.at_mm[step] - below * self.up[step], self.at_mm[step:]])
        same = (
            np.concatenate([np.repeat(one[step : step + 1], step, axis=0), one[step:]])
            for one in (self.up, self.front, self.left)
        )
        return Line(at_mm, *same)


def middle_line(volume: Volume, canal: Canal) -> Line:
    """Smooth the canal's path and walk it in even steps."""
    slices = np.arange(len(canal.at))
    steps = volume.spacing_mm
    raw_mm = np.column_stack([canal.at[:, 1] * steps[2], canal.at[:, 0] * steps[1]])
    weight = np.clip(canal.enclosed, _LEAST_WEIGHT, 1)[:, None]
    sigma = _SMOOTH_MM / steps[0]
    over = gaussian_filter1d(raw_mm * weight, sigma, axis=0, mode="nearest")
    smooth = over / gaussian_filter1d(weight, sigma, axis=0, mode="nearest")
    points = np.column_stack([smooth, slices * steps[0]]) + np.array(volume.origin_mm)
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    along = np.arange(0, walked[-1], STEP_MM)
    at_mm = np.column_stack([np.interp(along, walked, axis) for axis in points.T])
    up = _unit(np.gradient(gaussian_filter1d(at_mm, 6 / STEP_MM, axis=0, mode="nearest"), axis=0))
    front = np.array([0.0, -1.0, 0.0]) - up * -up[:, 1:2]
    front = _unit(front)
    return Line(at_mm, up, front, np.cross(front, up) * -1)


def _unit(vectors: Values) -> Values:
    unit: Values = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def straightened(volume: Volume, line: Line, front_mm: Values, left_mm: Values) -> Grid:
    """Sample a CT round its canal.

    Parameters
    ----------
    volume : Volume
        The CT.
    line : Line
        Its canal.
    front_mm, left_mm : ndarray
        float64: how far before the canal and to its left to sample.

    Returns
    -------
    ndarray
        float32, shape (step, front, left), HU; air where nothing was measured.
    """
    places = (
        line.at_mm[:, None, None]
        + line.front[:, None, None] * front_mm[None, :, None, None]
        + line.left[:, None, None] * left_mm[None, None, :, None]
    )
    return sampled(volume, places, _AIR_HU)
