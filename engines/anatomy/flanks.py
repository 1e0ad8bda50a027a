"""What leaves the column sideways: ribs, transverse processes, the sacrum's wings and hip bones.

Seen in the straightened CT, wider and coarser than the column. Ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, gaussian_filter, label

from engines.anatomy.column import STEP_MM, Line, straightened
from engines.volume import Volume

Grid = NDArray[np.float32]
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

# All ours. Every so many steps along the line; where it is sampled before and beside the canal.
_EVERY = 2
_FRONT_STEP_MM, _LEFT_STEP_MM = 2.5, 2.0
_FRONT_MM = np.arange(-70.0, 41.0, _FRONT_STEP_MM)
_LEFT_MM = np.arange(-112.0, 113.0, _LEFT_STEP_MM)
# Bone, and where enhanced organs reach that: more.
_BONES_HU = (180.0, 260.0, 350.0)
# Ribs and transverse processes are behind this, and apart from each other outside of this.
_RIB_FRONT_MM, _ROOT_MM, _CONTACT_MM = 4.0, 26.0, 31.0
_LEAST_VOXELS = 8
# Cut across, no rib is larger; an organ that touches it is.
_MOST_RIB_MM2 = 400.0
# Where transverse processes are, and from where outwards they are followed.
_PROCESS_FRONT_MM, _PROCESS_ROOT_MM, _PROCESS_HU = (-28.0, 4.0), 18.0, 150.0
# Where hip bones are sought.
_HIP_LEFT_MM = (40.0, 110.0)


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
    hu : ndarray
        float32, shape (every second step, front, left).
    """

    hu: Grid

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """Pieces of bone behind the bodies that touch the column's side."""
        behind = self.hu[:, _FRONT_MM < _RIB_FRONT_MM]
        return tuple(
            one for hu in _BONES_HU for side in (-1, 1) for one in _branches(behind > hu, side)
        )

    def process_mm(self, low: float, high: float, side: int) -> float:
        """Return how far from the middle bone goes without a gap, between two places."""
        steps = slice(int(low / _EVERY / STEP_MM), int(high / _EVERY / STEP_MM) + 1)
        inside = (_PROCESS_FRONT_MM[0] < _FRONT_MM) & (_PROCESS_FRONT_MM[1] > _FRONT_MM)
        brightest = self.hu[steps][:, inside].max(axis=(0, 1))
        if side < 0:
            brightest = brightest[::-1]
        outwards = brightest[_LEFT_MM >= _PROCESS_ROOT_MM] > _PROCESS_HU
        return _PROCESS_ROOT_MM + 2.0 * int(np.argmin(np.append(outwards, False)))

    def wings_mm(self, above_hu: float) -> tuple[Values, Values]:
        """How many mm of hip bone, denser than this, there are at each side, by mm along the line.

        Hip bones are thicker than ribs.
        """
        both = []
        for side in (-1, 1):
            out = (_LEFT_MM * side > _HIP_LEFT_MM[0]) & (_LEFT_MM * side < _HIP_LEFT_MM[1])
            wide = (self.hu[:, :, out] > above_hu).any(axis=1).sum(axis=1) * _LEFT_STEP_MM
            both.append(np.repeat(wide.astype(np.float64), _EVERY))
        return both[0], both[1]


def _branches(bone: Mask, side: int) -> Iterator[Branch]:
    outside = _LEFT_MM * side
    bone = bone & (outside >= _ROOT_MM)
    pieces, _ = label(bone)
    root = np.where(outside <= _CONTACT_MM, pieces, 0)
    boxes = find_objects(pieces)
    for number in np.unique(root[root > 0]):
        box = boxes[number - 1]
        piece = pieces[box] == number
        if piece.sum() < _LEAST_VOXELS:
            continue
        steps = np.nonzero(root[box] == number)[0] + box[0].start
        across = piece.sum(axis=(0, 1)) * (_EVERY * STEP_MM * _FRONT_STEP_MM)
        order = np.argsort(outside[box[2]])
        thin = np.append(across[order] <= _MOST_RIB_MM2, False)
        reach = float(outside[box[2]][order][max(0, int(np.argmin(thin)) - 1)])
        yield Branch(float(steps.mean()) * _EVERY * STEP_MM, side, reach)


def flanks_of(volume: Volume, line: Line) -> Flanks:
    """Look beside the column."""
    every = Line(*(one[::_EVERY] for one in (line.at_mm, line.up, line.front, line.left)))
    wide = straightened(volume, every, _FRONT_MM, _LEFT_MM)
    return Flanks(gaussian_filter(wide, 0.7))
