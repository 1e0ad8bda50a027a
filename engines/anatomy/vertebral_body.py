"""A vertebral body looked at closely: its walls, its endplates, its heights. Ours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from engines.anatomy.block import Axes, block_of
from engines.anatomy.edges import best_line, falling
from engines.anatomy.endplates import Endplates, endplates
from engines.anatomy.spine import Vertebra
from engines.volume import Volume

Line = NDArray[np.float64]

# All ours. First coarsely, as often as that moves what began a few millimetres off; then finely.
_COARSE_MM, _FINE_MM = 1.0, 0.5
_ROUNDS = 3
_ANGLES = 72
#: The slabs in which endplates are followed reach this far to both sides.
_SLAB_MM = 6.0
# Walls are sought about this part of the height from the middle, and so far to both sides: below
# the pedicles' roots and the vein.
_WAIST, _BELT = -0.1, 0.15
# Where a wall is sought, as parts of the expected radius; and how far back, as a part of half the
# expected depth: never round the canal.
_THINNEST, _WIDEST, _BACK = 0.6, 1.45, 1.25
# What a step aside costs, and a wall that is a tenth of its radius from where it was expected, HU.
_DENT_HU, _ELSEWHERE_HU = 12.0, 5.0
#: Heights are taken this far inside the front and back walls.
RIM_MM = 2.5


@dataclass(frozen=True)
class VertebralBody:
    """One body.

    Attributes
    ----------
    level : str
        As the vertebra's.
    axes : Axes
        About its middle; ``up`` at right angles to the mean of both endplates.
    upper_mm, lower_mm : ndarray
        float64, shape (n,): height of the endplates above the middle, from back to front.
    front_mm : ndarray
        float64, shape (n,): where those are, in front of the middle.
    wall_mm : ndarray
        float64, shape (72,): from the middle to the wall, every five degrees from the front
        towards the left.
    anterior_mm, middle_mm, posterior_mm : float
        Heights.
    """

    level: str
    axes: Axes
    upper_mm: Line
    lower_mm: Line
    front_mm: Line
    wall_mm: Line
    anterior_mm: float
    middle_mm: float
    posterior_mm: float

    @property
    def depth_mm(self) -> float:
        """From the back wall to the front wall."""
        return float(self.wall_mm[0] + self.wall_mm[_ANGLES // 2])

    @property
    def width_mm(self) -> float:
        """From wall to wall across."""
        return float(self.wall_mm[_ANGLES // 4] + self.wall_mm[3 * _ANGLES // 4])


def look_closely(volume: Volume, vertebra: Vertebra) -> VertebralBody:
    """Find the body of one vertebra.

    Parameters
    ----------
    volume : Volume
        The CT.
    vertebra : Vertebra
        Where about it is; a few millimetres and degrees off are mended.
    """
    axes = Axes(vertebra.middle_mm, vertebra.up, vertebra.front)
    for _ in range(_ROUNDS):
        axes = _settled(_Cuts(volume, axes, vertebra, _COARSE_MM))
    cuts = _Cuts(volume, axes, vertebra, _FINE_MM)
    wall = cuts.wall()
    back, front = -float(wall[_ANGLES // 2]), float(wall[0])
    seen = cuts.from_the_side((back, front))
    heights = seen.upper - seen.lower
    places = (front - RIM_MM, (front + back) / 2, back + RIM_MM)
    anterior, middle, posterior = (float(np.interp(at, seen.along, heights)) for at in places)
    return VertebralBody(
        level=vertebra.level,
        axes=axes,
        upper_mm=seen.upper,
        lower_mm=seen.lower,
        front_mm=seen.along,
        wall_mm=wall,
        anterior_mm=anterior,
        middle_mm=middle,
        posterior_mm=posterior,
    )


def boxed(vertebra: Vertebra) -> VertebralBody:
    """Return the body that a vertebra would have if it were as plain as what is known of it."""
    half_mm = vertebra.height_mm / 2
    turn = np.arange(_ANGLES) * 2 * np.pi / _ANGLES
    ahead, aside = np.cos(turn) * vertebra.width_mm, np.sin(turn) * vertebra.depth_mm
    return VertebralBody(
        level=vertebra.level,
        axes=Axes(vertebra.middle_mm, vertebra.up, vertebra.front),
        upper_mm=np.full(2, half_mm),
        lower_mm=np.full(2, -half_mm),
        front_mm=np.array([-vertebra.depth_mm, vertebra.depth_mm]) / 2,
        wall_mm=vertebra.depth_mm * vertebra.width_mm / 2 / np.hypot(ahead, aside),
        anterior_mm=vertebra.height_mm,
        middle_mm=vertebra.height_mm,
        posterior_mm=vertebra.height_mm,
    )


def _settled(cuts: "_Cuts") -> Axes:
    """Move the axes to the middle of what is found, and turn them with its endplates."""
    wall = cuts.wall()
    back, front = -float(wall[_ANGLES // 2]), float(wall[0])
    right, left = -float(wall[3 * _ANGLES // 4]), float(wall[_ANGLES // 4])
    side, across = cuts.from_the_side((back, front)), cuts.from_the_front((0.7 * right, 0.7 * left))
    moved = cuts.axes.moved(side.middle_mm, (back + front) / 2, (right + left) / 2)
    return moved.turned(-side.slope, -across.slope)


@dataclass(frozen=True)
class _Cuts:
    """Three cuts through a body, along its axes."""

    volume: Volume
    axes: Axes
    size: Vertebra
    step_mm: float

    @property
    def _reach_mm(self) -> tuple[float, float, float]:
        size = self.size
        return 0.85 * size.height_mm + 3, 0.75 * size.depth_mm + 4, 0.75 * size.width_mm + 4

    def from_the_side(self, between: tuple[float, float]) -> Endplates:
        """Return the endplates from back to front."""
        up, front, _ = self._reach_mm
        block = block_of(self.volume, self.axes, (up, front, _SLAB_MM), self.step_mm)
        return endplates(block.mean(2), self.step_mm, between, self.size.height_mm)

    def from_the_front(self, between: tuple[float, float]) -> Endplates:
        """Return the endplates from right to left."""
        up, _, left = self._reach_mm
        block = block_of(self.volume, self.axes, (up, _SLAB_MM, left), self.step_mm)
        return endplates(block.mean(1), self.step_mm, between, self.size.height_mm)

    def wall(self) -> Line:
        """Return the distance to the wall all around, from the front towards the left."""
        size, (_, front, left) = self.size, self._reach_mm
        waist = self.axes.moved(_WAIST * size.height_mm, 0.0, 0.0)
        belt = (_BELT * size.height_mm, front, left)
        picture = block_of(self.volume, waist, belt, self.step_mm).mean(0)
        angles = np.arange(_ANGLES)[:, None] * 2 * np.pi / _ANGLES
        radii_mm = np.arange(0, left, self.step_mm)
        ahead, aside = np.cos(angles) * radii_mm, np.sin(angles) * radii_mm
        at = [
            place / self.step_mm + count // 2
            for place, count in zip((ahead, aside), picture.shape, strict=True)
        ]
        rays = map_coordinates(picture, np.array(at), order=1, cval=np.nan)
        off = np.hypot(ahead / (size.depth_mm / 2), aside / (size.width_mm / 2))
        score = falling(rays, self.step_mm) - _ELSEWHERE_HU * np.square((off - 1) * 10)
        round_the_canal = -ahead > _BACK * size.depth_mm / 2
        score[(off < _THINNEST) | (off > _WIDEST) | round_the_canal] = -1e3
        line = best_line(score.astype(np.float32), _DENT_HU, closed=True)
        return np.asarray((line + 0.5) * self.step_mm)
