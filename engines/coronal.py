"""From the slices of one coronal MR series to signal whose place in the patient is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from scipy import ndimage

from engines.errors import BadSeries, Reason
from engines.greyscale import modality_values
from engines.header import text
from engines.pixels import stored_frames
from engines.planes import Plane, planes_of
from engines.progress import moved_on
from engines.stack import Stack, stacked

Signal = NDArray[np.float32]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coronal:
    """A coronal stack as it was acquired, and the directions that it is looked at in.

    Attributes
    ----------
    signal : ndarray
        float32, shape (slice, row, column), 0 and more in no unit; slices from the front to the
        back, rows and columns as stored.
    planes : tuple of Plane
        One for each slice.
    remarks : tuple of str
        What was left out.
    """

    signal: Signal
    planes: tuple[Plane, ...]
    remarks: tuple[str, ...] = ()

    @cached_property
    def backwards(self) -> Vector:
        """Unit vector in LPS across the slices, towards the back."""
        normal = self.planes[0].normal
        return normal if normal[1] > 0 else -normal

    @cached_property
    def leftwards(self) -> Vector:
        """Unit vector in LPS within the slices, towards the patient's left."""
        left = np.array([1.0, 0.0, 0.0])
        within = left - (left @ self.backwards) * self.backwards
        return np.asarray(within / np.linalg.norm(within))

    @cached_property
    def downwards(self) -> Vector:
        """Unit vector in LPS within the slices, towards the feet."""
        # left x back is up in LPS
        return np.asarray(-np.cross(self.leftwards, self.backwards))

    @cached_property
    def at_mm(self) -> Vector:
        """How far back each slice lies, rising, shape (slice,)."""
        return np.array([float(plane.position_mm @ self.backwards) for plane in self.planes])

    @property
    def step_mm(self) -> float:
        """From slice to slice."""
        return float(np.median(np.diff(self.at_mm)))

    def own_mm(self, place_mm: Vector) -> Vector:
        """Return places in LPS, shape (..., 3), as (back, down, left) of this stack."""
        axes = np.stack([self.backwards, self.downwards, self.leftwards])
        return np.asarray(place_mm @ axes.T)

    def place_mm(self, own_mm: Vector) -> Vector:
        """Return (back, down, left) of this stack, shape (..., 3), as places in LPS."""
        axes = np.stack([self.backwards, self.downwards, self.leftwards])
        return np.asarray(own_mm @ axes)

    def field_mm(self) -> tuple[Vector, Vector]:
        """Return the lowest and highest (back, down, left) that the pixels reach."""
        corners = []
        for plane in (self.planes[0], self.planes[-1]):
            rows, columns = (
                (n - 1) * mm for n, mm in zip(plane.shape, plane.spacing_mm, strict=True)
            )
            for down in (0.0, rows):
                for along in (0.0, columns):
                    corners.append(
                        plane.position_mm + plane.down_column * down + plane.along_row * along
                    )
        own = self.own_mm(np.array(corners))
        return own.min(axis=0), own.max(axis=0)

    def slice_at(self, back_mm: float) -> int:
        """Return the number of the slice nearest to a depth."""
        return int(np.argmin(np.abs(self.at_mm - back_mm)))

    def sample(self, number: int, down_mm: Vector, left_mm: Vector, blur_mm: float = 0.0) -> Signal:
        """Return the signal of one slice at places of its plane.

        Parameters
        ----------
        number : int
            Of the slice.
        down_mm, left_mm : ndarray
            Of one shape, in this stack's own directions.
        blur_mm : float
            Standard deviation of a smoothing before, for places that lie farther apart than pixels.

        Returns
        -------
        ndarray
            float32, the places' shape; 0 beyond the slice.
        """
        plane = self.planes[number]
        back = np.full(np.shape(down_mm), self.at_mm[number])
        away = self.place_mm(np.stack([back, down_mm, left_mm], axis=-1)) - plane.position_mm
        row_mm, column_mm = plane.spacing_mm
        rows, columns = away @ plane.down_column / row_mm, away @ plane.along_row / column_mm
        image = self.signal[number]
        if blur_mm > 0:
            image = ndimage.gaussian_filter(image, (blur_mm / row_mm, blur_mm / column_mm))
        return np.asarray(ndimage.map_coordinates(image, [rows, columns], order=1), np.float32)


def read_coronal(images: Sequence[Dataset]) -> Coronal:
    """Read the one coronal stack of an MR series, classic slices or enhanced images, in any order.

    Raises
    ------
    BadSeries
        As :func:`engines.stack.stacked`, PIXELS_CONSTANT, and what decoding says.
    """
    stack = stacked([plane for ds in images for plane in planes_of(ds)])
    found = _decoded(images, stack)
    signal = np.stack([found[plane.SOPInstanceUID, plane.frame] for plane in stack.planes])
    if not float(np.ptp(signal)) > 0:
        raise BadSeries(Reason.PIXELS_CONSTANT, "all pixels of the series have one value")
    planes = stack.planes
    if planes[-1].position_mm[1] < planes[0].position_mm[1]:
        signal, planes = signal[::-1], planes[::-1]
    return Coronal(np.maximum(signal, 0.0), planes, stack.remarks)


def _decoded(images: Sequence[Dataset], stack: Stack) -> dict[tuple[str, int], Signal]:
    wanted: dict[str, list[Plane]] = {}
    for plane in stack.planes:
        wanted.setdefault(plane.SOPInstanceUID, []).append(plane)
    found: dict[tuple[str, int], Signal] = {}
    for ds in images:
        mine = wanted.get(text(ds, "SOPInstanceUID"), [])
        frames = stored_frames(ds) if mine else None
        moved_on("decode")
        for plane in mine:
            assert frames is not None, "decoded for its planes"
            if not plane.frame <= len(frames) or frames.shape[1:] != plane.shape:
                detail = "fewer frames or pixels than the header says"
                raise BadSeries(Reason.PIXELS_UNDECODABLE, detail)
            values = modality_values(ds, frames[max(0, plane.frame - 1)])
            found[plane.SOPInstanceUID, plane.frame] = values
    return found
