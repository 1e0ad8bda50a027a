"""From the slices of one CT series to HU in the patient's own frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines.errors import BadSeries, Reason
from engines.header import text
from engines.hounsfield import hounsfield
from engines.pixels import Stored, pixel_hash, stored_frames
from engines.planes import Plane, planes_of
from engines.progress import moved_on
from engines.stack import Stack, stacked
from engines.straighten import in_the_patient

Grid = NDArray[np.float32]
Vector = NDArray[np.float64]
Key = tuple[str, int]
"""A plane: SOP Instance UID and frame."""


@dataclass(frozen=True)
class Volume:
    """A CT in the patient's frame.

    Attributes
    ----------
    hu : ndarray
        float32, shape (slice, row, column): slices from the feet to the head, rows from the front
        to the back, columns from the patient's right to the left. NaN where nothing was measured.
    spacing_mm : (slice, row, column)
        From one to the next.
    origin_mm : (x, y, z)
        Centre of voxel [0, 0, 0], LPS.
    planes : tuple of Plane
        The slices as they came, in any one order.
    remarks : tuple of str
        What was left out, interpolated or turned.
    """

    hu: Grid
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    planes: tuple[Plane, ...]
    remarks: tuple[str, ...] = ()

    def point_mm(self, at: Sequence[float]) -> Vector:
        """Return where in the patient (x, y, z; LPS) a (slice, row, column) is."""
        steps = np.array(at[::-1], np.float64) * np.array(self.spacing_mm[::-1])
        point: Vector = np.array(self.origin_mm) + steps
        return point

    def voxel_of(self, places_mm: Vector) -> Vector:
        """Return the (slice, row, column) of places in LPS, shape (..., 3), between voxels too."""
        steps = (places_mm - np.array(self.origin_mm)) / np.array(self.spacing_mm[::-1])
        voxels: Vector = steps[..., ::-1]
        return voxels

    def source(self, at: Sequence[float]) -> tuple[Plane, tuple[float, float]]:
        """Return the slice that shows a (slice, row, column), and its (column, row) there."""
        point = self.point_mm(at)
        nearest = min(self.planes, key=lambda one: abs((point - one.position_mm) @ one.normal))
        return nearest, nearest.pixel(point)


def read_volume(images: Sequence[Dataset]) -> Volume:
    """Read the one stack of a CT series, in any order, from classic slices or enhanced images.

    Padding is never a value; slices that came twice count once; a tilted gantry, an oblique stack
    and uneven steps are resampled linearly, and said so.

    Parameters
    ----------
    images : sequence of Dataset
        Of one series, pixel data included.

    Raises
    ------
    BadSeries
        GEOMETRY_MISSING, GEOMETRY_MIXED, TOO_FEW_SLICES, SLICES_MISSING; SLICES_CONTRADICTORY
        where two images at one place differ; SCAN_OBLIQUE where it is turned too far; what
        decoding says.
    """
    stack = stacked([plane for ds in images for plane in planes_of(ds)])
    hu = _decoded(images, stack)
    if not stack.even:
        hu = _evened(hu, stack)
    placed = in_the_patient(hu, _steps(stack), stack.planes[0].position_mm)
    remarks = (*stack.remarks, *placed.remarks)
    return Volume(placed.hu, placed.spacing_mm, placed.origin_mm, stack.planes, remarks)


def _decoded(images: Sequence[Dataset], stack: Stack) -> Grid:
    """Return the HU of a stack, decoded image by image into the one array that holds them all."""
    wanted: dict[str, list[tuple[Plane, int | None]]] = {}
    for at, plane in enumerate(stack.planes):
        wanted.setdefault(plane.SOPInstanceUID, []).append((plane, at))
    for _, twin in stack.twins:
        wanted.setdefault(twin.SOPInstanceUID, []).append((twin, None))
    twinned = {_key(plane) for both in stack.twins for plane in both}
    hashes: dict[Key, str] = {}
    hu = np.empty((len(stack.planes), *stack.planes[0].shape), np.float32)
    for ds in images:
        mine = wanted.pop(text(ds, "SOPInstanceUID"), [])
        frames = stored_frames(ds) if mine else None
        moved_on("decode")
        for plane, place in mine:
            assert frames is not None, "decoded for its planes"
            stored = _frame(frames, plane)
            if _key(plane) in twinned:
                hashes[_key(plane)] = pixel_hash(stored)
            if place is not None:
                hu[place] = hounsfield(ds, plane, stored)
    _require_true_twins(stack, hashes)
    return hu


def _key(plane: Plane) -> Key:
    return plane.SOPInstanceUID, plane.frame


def _frame(frames: Stored, plane: Plane) -> Stored:
    if not plane.frame <= len(frames) or frames.shape[1:] != plane.shape:
        raise BadSeries(Reason.PIXELS_UNDECODABLE, "fewer frames or pixels than the header says")
    stored: Stored = frames[max(0, plane.frame - 1)]
    return stored


def _require_true_twins(stack: Stack, hashes: Mapping[Key, str]) -> None:
    differ = sum(hashes[_key(one)] != hashes[_key(other)] for one, other in stack.twins)
    if differ:
        detail = f"{differ} places have two slices that differ: several phases in one series?"
        raise BadSeries(Reason.SLICES_CONTRADICTORY, detail)


def _evened(hu: Grid, stack: Stack) -> Grid:
    """Interpolate uneven slices to the usual step."""
    at_mm = np.arange(stack.at_mm[0], stack.at_mm[-1] + 1e-6, stack.step_mm)
    above = np.clip(np.searchsorted(stack.at_mm, at_mm, side="right"), 1, len(hu) - 1)
    below = above - 1
    share = (at_mm - stack.at_mm[below]) / (stack.at_mm[above] - stack.at_mm[below])
    weights = np.clip(share, 0, 1).astype(np.float32)
    evened = np.empty((len(at_mm), *hu.shape[1:]), np.float32)
    # slice by slice: a whole scan more than once is more than a worker has room for
    for n, weight in enumerate(weights):
        evened[n] = hu[below[n]] * (1 - weight) + hu[above[n]] * weight
    return evened


def _steps(stack: Stack) -> Vector:
    """Return one step of a slice, of a row and of a column in LPS, as the columns of a matrix."""
    first, last = stack.planes[0], stack.planes[-1]
    way = (last.position_mm - first.position_mm) / (stack.at_mm[-1] - stack.at_mm[0])
    # uneven slices were evened; even ones take up the last rounding of their positions
    each_mm = stack.step_mm
    if stack.even:
        each_mm = float(stack.at_mm[-1] - stack.at_mm[0]) / (len(stack.planes) - 1)
    rows, columns = first.spacing_mm
    steps: Vector = np.column_stack(
        [way * each_mm, first.down_column * rows, first.along_row * columns]
    )
    return steps
