"""What leaves the column sideways: ribs, transverse processes, the sacrum's wings and hip bones.

Seen in the straightened CT, wider and coarser than the column. Ours.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label

from engines.anatomy.column import STEP_MM, Line, straightened
from engines.volume import Volume

Grid = NDArray[np.float32]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

# All ours. Every so many steps along the line; where it is sampled before and beside the canal.
_EVERY = 2
_FRONT_MM = np.arange(-70.0, 41.0, 2.5)
_LEFT_MM = np.arange(-112.0, 113.0, 2.0)
_BONE_HU = 180.0
# Ribs and transverse processes are behind this, and apart from each other outside of this.
_RIB_FRONT_MM, _ROOT_MM, _CONTACT_MM = 4.0, 26.0, 31.0
_LEAST_VOXELS = 8


@dataclass(frozen=True)
class Branch:
    """One piece of bone that leaves the column.

    Attributes
    ----------
    at_mm : float
        Where along the line it leaves.
    side : int
        1 on the patient's left, -1 on the right.
    reach_mm : float
        How far from the middle it gets.
    """

    at_mm: float
    side: int
    reach_mm: float


@dataclass(frozen=True)
class Flanks:
    """Bone beside the column.

    Attributes
    ----------
    bone : ndarray
        bool, shape (every second step, front, left).
    """

    bone: Mask

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """Pieces of bone behind the bodies that touch the column's side."""
        found = []
        behind = self.bone[:, _FRONT_MM < _RIB_FRONT_MM]
        for side in (-1, 1):
            outside = _LEFT_MM * side
            pieces, _ = label(behind & (outside >= _ROOT_MM))
            root = np.where((outside >= _ROOT_MM) & (outside <= _CONTACT_MM), pieces, 0)
            for number in np.unique(root[root > 0]):
                steps, _, _ = np.nonzero(root == number)
                _, _, reached = np.nonzero(pieces == number)
                if len(reached) >= _LEAST_VOXELS:
                    at = float(steps.mean()) * _EVERY * STEP_MM
                    found.append(Branch(at, side, float(outside[reached].max())))
        return tuple(found)

    @cached_property
    def wings(self) -> tuple[Values, Values]:
        """How many mm of bone there are far out at each side, by mm along the line."""
        both = []
        for side in (-1, 1):
            out = (_LEFT_MM * side > 40) & (_LEFT_MM * side < 110)
            wide = self.bone[:, :, out].any(axis=1).sum(axis=1) * 2.0
            both.append(np.repeat(wide.astype(np.float64), _EVERY))
        return both[0], both[1]


def flanks_of(volume: Volume, line: Line) -> Flanks:
    """Look beside the column."""
    every = Line(*(one[::_EVERY] for one in (line.at_mm, line.up, line.front, line.left)))
    wide = straightened(volume, every, _FRONT_MM, _LEFT_MM)
    return Flanks(gaussian_filter(wide, 0.7) > _BONE_HU)
