"""One axial slice of the belly in the frame of its vertebra: left and front of it, millimetres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.anatomy.spine import Vertebra
from engines.volume import Volume

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]

# All ours. Slices are averaged over so much height, and smoothed so much, against noise.
_SLAB_MM = 5.0
_SMOOTH_MM = 0.7
_AIR_HU = -1000.0
_BODY_HU = -250.0
# The table is a shell thinner than this, and so are sheets and tubes.
_SHELL_MM = 4.5
_BONE_HU = 170.0
_RIM_MM = 1.0
_MUSCLE_HU = (-29.0, 150.0)


@dataclass(frozen=True)
class Section:
    """The slice through the middle of a vertebra.

    Attributes
    ----------
    number : int
        Of the slice in the volume.
    hu : ndarray
        float64, shape (row, column): averaged over 5 mm of height; air where nothing was measured.
    smooth_hu : ndarray
        float64, shape (row, column): the same, smoothed to find borders.
    measured : ndarray
        bool, shape (row, column).
    spacing_mm : (row, column)
        Between rows and between columns.
    left_mm, front_mm : ndarray
        float64, shape (row, column): off the middle of the vertebral body, to the patient's left
        and to where the vertebra looks.
    half_width_mm, half_depth_mm : float
        Of the vertebral body.
    axes : ndarray
        float64, shape (2, 2): (row, column) mm of one mm to the left and of one to the front.
    middle : ndarray
        float64, shape (2,): row and column of the middle.
    """

    number: int
    hu: Grid
    smooth_hu: Grid
    measured: Mask
    spacing_mm: tuple[float, float]
    left_mm: Grid
    front_mm: Grid
    half_width_mm: float
    half_depth_mm: float
    axes: Grid
    middle: Grid

    @property
    def pixel_cm2(self) -> float:
        """Area of one pixel."""
        return self.spacing_mm[0] * self.spacing_mm[1] / 100

    def at(self, image: NDArray[np.generic], left_mm: Grid, front_mm: Grid) -> Grid:
        """Interpolate an image of this slice at places of any shape; its edge goes on outwards."""
        mm = np.stack([left_mm, front_mm], axis=-1) @ self.axes
        places = [mm[..., k] / self.spacing_mm[k] + self.middle[k] for k in (0, 1)]
        found: Grid = ndimage.map_coordinates(
            image.astype(np.float64), places, order=1, mode="nearest"
        )
        return found

    def pixels(self, radius_mm: float) -> Mask:
        """Return a disc of that radius, for morphology."""
        reach = [int(radius_mm / step) for step in self.spacing_mm]
        rows, columns = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
        off = np.hypot(rows * self.spacing_mm[0], columns * self.spacing_mm[1])
        disc: Mask = off <= max(radius_mm, 1e-6)
        return disc

    @property
    def soft(self) -> Mask:
        """Where muscle could be, by its HU."""
        low, high = _MUSCLE_HU
        return (self.smooth_hu >= low) & (self.smooth_hu <= high)


def section(volume: Volume, vertebra: Vertebra) -> Section | None:
    """Cut a volume through the middle of a vertebra; None where no slice is there."""
    slice_mm, row_mm, column_mm = volume.spacing_mm
    place = (vertebra.middle_mm - np.array(volume.origin_mm))[::-1] / np.array(volume.spacing_mm)
    number = round(float(place[0]))
    if not 0 <= number < len(volume.hu):
        return None
    reach = int(_SLAB_MM / 2 / slice_mm)
    slab = volume.hu[max(0, number - reach) : number + reach + 1].astype(np.float64)
    measured = np.asarray(np.isfinite(slab).all(axis=0), np.bool_)
    hu = np.where(measured, np.nan_to_num(slab, nan=_AIR_HU).mean(axis=0), _AIR_HU)
    ahead = np.array([vertebra.front[1], vertebra.front[0]])
    ahead /= np.linalg.norm(ahead)
    # row and column grow to the back and the left: a quarter turn from front is left
    left = np.array([ahead[1], -ahead[0]])
    rows, columns = np.indices(hu.shape, dtype=np.float64)
    off = np.stack([(rows - place[1]) * row_mm, (columns - place[2]) * column_mm], axis=-1)
    return Section(
        number=number,
        hu=hu,
        smooth_hu=ndimage.gaussian_filter(hu, [_SMOOTH_MM / row_mm, _SMOOTH_MM / column_mm]),
        measured=measured,
        spacing_mm=(row_mm, column_mm),
        left_mm=off @ left,
        front_mm=off @ ahead,
        half_width_mm=vertebra.width_mm / 2,
        half_depth_mm=vertebra.depth_mm / 2,
        axes=np.stack([left, ahead]),
        middle=np.array([place[1], place[2]], np.float64),
    )


def body_mask(cut: Section) -> Mask:
    """Return the body with all that is in it; table, clothes and arms that lie apart left out."""
    dense = cut.smooth_hu > _BODY_HU
    solid = ndimage.binary_opening(dense, cut.pixels(_SHELL_MM / 2))
    labels, _ = ndimage.label(solid)
    # gas in front of the spine, or the spine itself: whatever holds most of its surroundings
    near = labels[np.hypot(cut.left_mm, cut.front_mm) < 2 * cut.half_width_mm]
    near = near[near > 0]
    if not near.size:
        return np.zeros_like(dense)
    mine = labels == np.bincount(near).argmax()
    grown = ndimage.binary_dilation(mine, cut.pixels(_SHELL_MM / 2)) & dense
    return np.asarray(ndimage.binary_fill_holes(grown | mine), np.bool_)


def bone_mask(cut: Section, body: Mask) -> Mask:
    """Return the vertebra, its marrow and canal included, and other bone of the trunk's wall."""
    hard = (cut.smooth_hu > _BONE_HU) & body
    closed = ndimage.binary_closing(hard, cut.pixels(3.0))
    filled = ndimage.binary_fill_holes(closed | _body_ellipse(cut))
    labels, _ = ndimage.label(filled)
    last = np.array(labels.shape) - 1
    row, column = np.clip(np.round(cut.middle).astype(int), 0, last)
    # its rim is half bone, half muscle
    rim = ndimage.binary_dilation(hard, cut.pixels(_RIM_MM))
    return np.asarray((labels == labels[row, column]) | rim, np.bool_)


def _body_ellipse(cut: Section) -> Mask:
    """Return the vertebral body, as wide as it is known to be, less its border."""
    across = cut.left_mm / (0.92 * cut.half_width_mm)
    along = cut.front_mm / (0.92 * cut.half_depth_mm)
    inside: Mask = np.square(across) + np.square(along) < 1
    return inside
