"""The region in which spongy bone is measured: an oval cylinder in the front of a body. Ours.

It keeps clear of cortex and endplates, and lies before the vein that enters from behind. Its values
are the scan's own voxels, not interpolated ones, so that their spread is the scan's too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.vertebral_body import VertebralBody
from engines.sights import Contour
from engines.volume import Volume

Points = NDArray[np.float64]
WHAT = "trabecular bone"

# All ours: half the oval across, and where it begins and ends, as parts of the body's width and
# depth from its middle; half its height as a part of the body's.
_ACROSS, _BACK, _FRONT, _HIGH = 0.36, -0.2, 0.38, 0.28
#: It stays this far from the walls, and so far from endplates beyond one slice: half of that a
#: slice shows of its neighbours, and by half the place of a body that lies along it may be off.
CLEAR_MM = 3.5
_SMALLEST = 0.6
_POINTS = 48


@dataclass(frozen=True)
class Oval:
    """Where the region lies along a body's axes, mm.

    Attributes
    ----------
    front_mm : float
        Its middle, in front of the body's.
    deep_mm, across_mm, high_mm : float
        Half its sizes.
    """

    front_mm: float
    deep_mm: float
    across_mm: float
    high_mm: float

    def holds(self, along_mm: Points) -> NDArray[np.bool_]:
        """Tell of places along the body's axes, shape (..., 3), which lie in the cylinder."""
        up, front, left = np.moveaxis(along_mm, -1, 0)
        off = (front - self.front_mm) / self.deep_mm, left / self.across_mm
        within: NDArray[np.bool_] = (np.hypot(*off) <= 1) & (np.abs(up) <= self.high_mm)
        return within


@dataclass(frozen=True)
class Region:
    """What was measured there.

    Attributes
    ----------
    level : str
        Of the vertebra.
    oval : Oval
        Where.
    hu : ndarray
        float32, shape (n,): the voxels.
    voxel_mm3 : float
        Size of one.
    contour : Contour
        On the slice nearest to its middle.
    """

    level: str
    oval: Oval
    hu: NDArray[np.float32]
    voxel_mm3: float
    contour: Contour

    @property
    def mean_hu(self) -> float:
        """Uncorrected, as all that is measured."""
        return float(self.hu.mean(dtype=np.float64))

    @property
    def sd_hu(self) -> float:
        """Spread of the voxels."""
        return float(self.hu.std(dtype=np.float64))

    @property
    def area_cm2(self) -> float:
        """Of the oval."""
        return float(np.pi * self.oval.deep_mm * self.oval.across_mm / 100)

    @property
    def volume_cm3(self) -> float:
        """Of the voxels that were read."""
        return self.hu.size * self.voxel_mm3 / 1000


def oval_in(body: VertebralBody, slice_mm: float) -> Oval | None:
    """Place the oval in a body; None where there is no room for it.

    Parameters
    ----------
    body : VertebralBody
        Its walls and endplates.
    slice_mm : float
        How thick slices are.
    """
    depth, width = body.depth_mm, body.width_mm
    least_mm = float((body.upper_mm - body.lower_mm).min())
    room_mm = least_mm / 2 - CLEAR_MM - slice_mm
    high = max(min(_HIGH * least_mm, room_mm), slice_mm / 2)
    for shrink in np.arange(1.0, _SMALLEST - 0.01, -0.05):
        oval = Oval(
            front_mm=(_FRONT + _BACK) / 2 * depth,
            deep_mm=float(shrink) * (_FRONT - _BACK) / 2 * depth,
            across_mm=float(shrink) * _ACROSS * width,
            high_mm=high,
        )
        if _clear_mm(oval, body) >= CLEAR_MM:
            return oval
    return None


def measure(volume: Volume, body: VertebralBody, oval: Oval) -> Region:
    """Read the voxels of a region.

    Parameters
    ----------
    volume : Volume
        The CT.
    body : VertebralBody
        Whose axes the oval follows.
    oval : Oval
        Where.
    """
    box, places = _box(volume, body, oval)
    hu = volume.hu[box][oval.holds(body.axes.along_mm(places))]
    size = float(np.prod(volume.spacing_mm))
    return Region(body.level, oval, hu, size, _contour(volume, body, oval))


def outline_mm(oval: Oval) -> Points:
    """Return the oval's border as (front, left) from the body's middle: shape (n, 2)."""
    turn = np.arange(_POINTS) * 2 * np.pi / _POINTS
    border: Points = np.column_stack(
        [oval.front_mm + oval.deep_mm * np.cos(turn), oval.across_mm * np.sin(turn)]
    )
    return border


def border_mm(body: VertebralBody, oval: Oval) -> Points:
    """Return the oval's border in the plane of the slices, LPS: float64, shape (n, 3).

    The cylinder leans with the body; its border is where each line of its side meets the plane.
    """
    axes = body.axes
    middle = axes.place_mm(0.0, oval.front_mm, 0.0)
    places = [axes.place_mm(0.0, front, left) for front, left in outline_mm(oval)]
    rise = [(middle[2] - place[2]) / axes.up[2] for place in places]
    return np.array([place + by * axes.up for place, by in zip(places, rise, strict=True)])


def _clear_mm(oval: Oval, body: VertebralBody) -> float:
    """Return how near the oval comes to the walls, along the lines from the body's middle."""
    front, left = outline_mm(oval).T
    turn = np.arctan2(left, front) % (2 * np.pi)
    steps = np.arange(len(body.wall_mm) + 1) * 2 * np.pi / len(body.wall_mm)
    wall = np.interp(turn, steps, np.append(body.wall_mm, body.wall_mm[0]))
    return float((wall - np.hypot(front, left)).min())


def _box(volume: Volume, body: VertebralBody, oval: Oval) -> tuple[tuple[slice, ...], Points]:
    """Return the part of the volume that holds the region, and the places of its voxels."""
    middle = volume.voxel_of(body.axes.place_mm(0.0, oval.front_mm, 0.0))
    reach_mm = np.linalg.norm([oval.deep_mm, oval.across_mm, oval.high_mm]) + 1
    reach = reach_mm / np.array(volume.spacing_mm)
    low = np.clip(np.floor(middle - reach), 0, None).astype(int)
    high = np.minimum(np.ceil(middle + reach).astype(int) + 1, volume.hu.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    z, y, x = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij")
    return box, volume.origin_mm + np.stack([x, y, z], axis=-1) * volume.spacing_mm[::-1]


def _contour(volume: Volume, body: VertebralBody, oval: Oval) -> Contour:
    """Draw the border on the source slice nearest to the region's middle."""
    middle = body.axes.place_mm(0.0, oval.front_mm, 0.0)
    if not volume.planes:
        return Contour(body.level, WHAT, "", 0, np.empty((0, 2)))
    plane = min(volume.planes, key=lambda one: abs((middle - one.position_mm) @ one.normal))
    points = np.array([plane.pixel(place) for place in border_mm(body, oval)]) + 0.5
    return Contour(body.level, WHAT, plane.SOPInstanceUID, plane.frame, points)
