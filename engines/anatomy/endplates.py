"""Both endplates of a vertebral body in one cut through its middle. Ours.

An endplate is the best smooth line of falling HU on the way out of the body; no threshold is
needed, so it is found in spongy bone darker than the disc and at any tube voltage. Each point of
the line is then put on the bright line's centre of mass, which thick slices blur but do not move.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.edges import best_line, falling

Grid = NDArray[np.float32]
Line = NDArray[np.float64]

# Where an endplate is sought, as parts of the height from the middle; a crushed one is near.
_NEAREST, _FARTHEST = 0.2, 0.78
#: What a step aside costs, HU.
_BOW_HU = 6.0
# HU fall steepest so far beyond the bright line's middle; where that is sought about it; and what
# it is held against, towards the middle of the body and away from it.
_BLUR_MM, _ABOUT_MM = 1.1, 4.0
_WITHIN_MM, _BEYOND_MM = (-7.7, -4.7), (3.3, 5.3)
#: With less brightness in a column, HU times voxels, the line has no middle.
_FAINT = 50.0
# From the middle of that line to its outer surface; and how near the walls, which are bright
# themselves, its ends are left out: both fitted on virtual patients.
_SURFACE_MM, _WALL_MM = 0.8, 2.5
_STEEPEST = 0.35


@dataclass(frozen=True)
class Endplates:
    """Outer surfaces along one axis, mm from the middle.

    Attributes
    ----------
    along, upper, lower : ndarray
        float64, shape (n,): places on the axis, and how high the endplates are there.
    """

    along: Line
    upper: Line
    lower: Line

    @property
    def slope(self) -> float:
        """How both rise together along the axis, at most 0.35."""
        both = np.polyfit(self.along, (self.upper + self.lower) / 2, 1)[0]
        return float(np.clip(both, -_STEEPEST, _STEEPEST))

    @property
    def middle_mm(self) -> float:
        """Half-way between both."""
        return float((self.upper + self.lower).mean() / 2)


def endplates(
    picture: Grid, step_mm: float, between: tuple[float, float], height_mm: float
) -> Endplates:
    """Follow both endplates in a picture.

    Parameters
    ----------
    picture : ndarray
        float32, HU, shape (up, along): the body's middle at the picture's.
    step_mm : float
        Between pixels.
    between : (float, float)
        From wall to wall, mm from the middle.
    height_mm : float
        About how high the body is.
    """
    up_mm, along_mm = (_offsets(count, step_mm) for count in picture.shape)
    chosen = (along_mm >= between[0]) & (along_mm <= between[1])
    columns, along = picture[:, chosen].T, along_mm[chosen]
    upper = _going_up(columns, up_mm, height_mm)
    lower = -_going_up(columns[:, ::-1], -up_mm[::-1], height_mm)
    return Endplates(along, _smooth(along, upper), _smooth(along, lower))


def _offsets(count: int, step_mm: float) -> Line:
    return np.asarray((np.arange(count) - count // 2) * step_mm, np.float64)


def _going_up(columns: Grid, up_mm: Line, height_mm: float) -> Line:
    """Return how high the endplate's outer surface is in each column, going up."""
    step_mm = float(up_mm[1] - up_mm[0])
    wanted = (up_mm > _NEAREST * height_mm) & (up_mm < _FARTHEST * height_mm)
    score = np.where(wanted, falling(columns, step_mm), np.float32(-1e3))
    line = best_line(score, _BOW_HU)
    edge = np.interp(line, np.arange(len(up_mm)), up_mm) + step_mm / 2
    middle = np.asarray(edge - _BLUR_MM, np.float64)
    surface: Line = _centred(columns, up_mm, middle) + _SURFACE_MM
    return surface


def _centred(columns: Grid, up_mm: Line, line: Line) -> Line:
    """Put each point of a line on the centre of mass of what is bright about it."""
    off = up_mm - line[:, None]
    hu = np.nan_to_num(columns, nan=0.0)

    def mean(between: tuple[float, float]) -> Line:
        part = (off >= between[0]) & (off <= between[1])
        return np.asarray((hu * part).sum(axis=1) / np.maximum(part.sum(axis=1), 1))

    beside = np.maximum(mean(_WITHIN_MM), mean(_BEYOND_MM))
    bright = np.clip(hu - beside[:, None], 0, None) * (np.abs(off) <= _ABOUT_MM)
    mass = bright.sum(axis=1)
    centre = (bright * up_mm).sum(axis=1) / np.maximum(mass, 1e-9)
    return np.asarray(np.where(mass > _FAINT, centre, line))


def _smooth(along: Line, line: Line) -> Line:
    """Fit a parabola to what is clear of the walls."""
    clear = (along > along[0] + _WALL_MM) & (along < along[-1] - _WALL_MM)
    return np.asarray(np.polynomial.Polynomial.fit(along[clear], line[clear], 2)(along))
