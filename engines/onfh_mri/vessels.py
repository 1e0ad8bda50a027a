"""Vessels of a hip as lines: mask, skeleton, length in millimetres, number of branches.

The paper counts vessel length and branches after bone grafting and does not say on which sequence.
Routine T1 or STIR shows no vessels that could be followed, so nothing is measured unless a site
names sequences of its own that do (``mri_vessel_sequences``). What is bright and thin is then taken
for a vessel, slice by slice: slices lie too far apart to follow one across. The thinning is that of
Palagyi and Kuba's idea in its simplest form: border voxels go, from six sides in turn, as long as
no line breaks (simple points, Bertrand and Malandain 1994); slow, and enough for a hip. All of it
is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.anatomy.heads_mri import HeadBall
from engines.coronal import Coronal
from engines.errors import NotEligible, Reason
from engines.mr_sequence import Weighting
from engines.onfh_mri.sides import CUT

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SIX: Final = ndimage.generate_binary_structure(3, 1)
_TWENTY_SIX: Final = np.ones((3, 3, 3), bool)
#: Neighbours that touch by a face or an edge: the background of a 26-connected line.
_EIGHTEEN: Final = ndimage.generate_binary_structure(3, 2)
_SIDES: Final = ((0, -1), (0, 1), (1, -1), (1, 1), (2, -1), (2, 1))
_STEPS = (-1, 0, 1)
# Half the widths of lines that are sought, mm; by how much of what is bright in the hip they stand
# out, somewhere and everywhere; shorter ones are none.
_HALF_WIDTHS_MM: Final = (0.7, 1.4)
_BRIGHT_PERCENT, _STRONG, _WEAK, _LEAST_MM = 97.0, 0.20, 0.08, 8.0
#: Of all ways to the 26 neighbours one of each pair.
_HALF: Final = [way for way in product(_STEPS, _STEPS, _STEPS) if way > (0, 0, 0)]


@dataclass(frozen=True)
class Vessels:
    """What was measured.

    Attributes
    ----------
    length_mm : float
        Of all lines of the skeleton.
    branches : int
        Places where three or more lines meet.
    """

    length_mm: float
    branches: int


def require_vessels(found: Weighting, vessel_sequences: Sequence[str]) -> None:
    """Refuse to measure vessels on a sequence that no site has named for it.

    Raises
    ------
    NotEligible
        SEQUENCE_UNSUITABLE.
    """
    if found.name.lower() not in vessel_sequences:
        detail = "vessels are measured on sequences that a site has named for it, and no others"
        raise NotEligible(Reason.SEQUENCE_UNSUITABLE, detail)


def in_hip(stack: Coronal, ball: HeadBall) -> Vessels:
    """Measure what looks like vessels in the square about a head that the network is shown.

    Parameters
    ----------
    stack : Coronal
        The series.
    ball : HeadBall
        One of its heads.
    """
    reach_mm = CUT / 2 * ball.radius_mm
    pixel_mm = min(stack.planes[0].spacing_mm)
    steps = np.arange(-reach_mm, reach_mm + pixel_mm, pixel_mm)
    back, down, left = ball.own_mm
    places = np.meshgrid(down + steps, left + steps, indexing="ij")
    numbers = np.flatnonzero(np.abs(stack.at_mm - back) <= reach_mm)
    signal = np.stack([stack.sample(int(n), *places) for n in numbers]).astype(np.float64)
    return measured(bright_lines(signal, pixel_mm), (stack.step_mm, pixel_mm, pixel_mm))


def bright_lines(signal: Values, pixel_mm: float) -> Mask:
    """Find what is thin and brighter than both its sides, in each slice by itself.

    Parameters
    ----------
    signal : ndarray
        float64, shape (slice, row, column), at least 0.
    pixel_mm : float
        Side of its square pixels.

    Returns
    -------
    ndarray
        bool, the same shape.
    """
    bright = max(float(np.percentile(signal, _BRIGHT_PERCENT)), 1e-6)
    each = [_ridge(signal / bright, half_mm / pixel_mm) for half_mm in _HALF_WIDTHS_MM]
    strength = np.max(each, axis=0)
    pieces, _ = ndimage.label(strength > _WEAK, _TWENTY_SIX)
    long = {
        number
        for number, box in enumerate(ndimage.find_objects(pieces), 1)
        if np.hypot(*(part.stop - part.start for part in box[1:])) * pixel_mm >= _LEAST_MM
    }
    strong = long & {int(number) for number in np.unique(pieces[strength > _STRONG])}
    return np.isin(pieces, sorted(strong))


def _ridge(signal: Values, half_px: float) -> Values:
    """Say how much brighter a line is than its sides; edges and spots are none (Hessian)."""
    down, across, both = (
        ndimage.gaussian_filter(signal, (0, half_px, half_px), order=order) * half_px**2
        for order in ((0, 2, 0), (0, 0, 2), (0, 1, 1))
    )
    mean, apart = (down + across) / 2, np.hypot((down - across) / 2, both)
    # the curvature across the line, less that along it
    return np.asarray(np.maximum(0.0, apart - mean - np.abs(mean + apart)))


def measured(mask: Mask, spacing_mm: tuple[float, float, float]) -> Vessels:
    """Measure a mask of vessels.

    Parameters
    ----------
    mask : ndarray
        bool, shape (slice, row, column).
    spacing_mm : tuple of float
        From one voxel to the next along each axis.
    """
    line = skeleton(mask)
    return Vessels(_length_mm(line, spacing_mm), _branches(line))


def skeleton(mask: Mask) -> Mask:
    """Thin a mask to lines of one voxel that hang together as the mask did.

    Parameters
    ----------
    mask : ndarray
        bool, shape (slice, row, column).

    Returns
    -------
    ndarray
        bool, the same shape. A ball becomes a voxel, a tube its axis, a ring a ring.
    """
    line = np.pad(np.asarray(mask, bool), 1)
    # all six sides in every round: what one side leaves the next may take
    while sum(_peel(line, axis, way) for axis, way in _SIDES):
        pass
    return line[1:-1, 1:-1, 1:-1]


def _peel(line: Mask, axis: int, way: int) -> int:
    """Take the border voxels of one side away that can go; return how many went."""
    gone = 0
    for at in np.argwhere(line & ~np.roll(line, -way, axis)):
        around = _around(line, at)
        # ends of lines stay: they are their length
        if around.sum() > 2 and _is_simple(around):
            line[tuple(at)] = False
            gone += 1
    return gone


def _around(line: Mask, at: NDArray[np.intp]) -> Mask:
    slices, rows, columns = (slice(one - 1, one + 2) for one in at)
    return line[slices, rows, columns]


def _is_simple(around: Mask) -> bool:
    """Tell whether a voxel can go and all that hangs together still does, holes included."""
    others = around.copy()
    others[1, 1, 1] = False
    if ndimage.label(others, _TWENTY_SIX)[1] != 1:
        return False
    beside, _ = ndimage.label(~around & _EIGHTEEN, _SIX)
    touching = {int(number) for number in beside[_SIX & ~around]}
    return len(touching) == 1


def _length_mm(line: Mask, spacing_mm: tuple[float, float, float]) -> float:
    """Add up the steps between neighbours; where steps form a triangle the longest is left out."""
    padded = np.pad(line, 1)
    total = 0.0
    for way in _HALF:
        moved = np.roll(padded, [-one for one in way], (0, 1, 2))
        direct = padded & moved & ~_shortcut(padded, way)
        total += float(direct.sum() * np.linalg.norm(np.multiply(way, spacing_mm)))
    return total


def _shortcut(padded: Mask, way: tuple[int, int, int]) -> Mask:
    """Say where a diagonal step has a voxel between its ends that shorter steps go over."""
    between = np.zeros_like(padded)
    parts = [np.eye(3, dtype=int)[axis] * one for axis, one in enumerate(way) if one]
    if len(parts) == 1:
        return between
    for size in range(1, len(parts)):
        for chosen in _chosen(parts, size):
            between |= np.roll(padded, [-int(one) for one in chosen], (0, 1, 2))
    return between


def _chosen(parts: list[NDArray[np.int_]], size: int) -> list[NDArray[np.int_]]:
    if size == 1:
        return parts
    return [a + b for n, a in enumerate(parts) for b in parts[n + 1 :]]


def _branches(line: Mask) -> int:
    """Count the places where more than two lines meet; neighbouring voxels are one place."""
    neighbours = ndimage.convolve(
        line.astype(np.uint8), _TWENTY_SIX.astype(np.uint8), mode="constant"
    )
    crossing = line & (neighbours - 1 >= 3)
    return int(ndimage.label(crossing, _TWENTY_SIX)[1])
