"""What the network is shown of a CT: five vertebral bodies from the side, and the back's muscles.

The paper says "bone and muscle images" and no more: levels, planes, sizes and windows are ours.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.anatomy.block import Axes, sampled
from engines.anatomy.composition import Composition
from engines.volume import Volume

Grey = NDArray[np.float32]

#: Of the bone views, from above; not stated by the paper.
LEVELS: Final = ("T12", "L1", "L2", "L3", "L4")
#: The one view of muscle, which comes last.
MUSCLE: Final = "muscle"
VIEWS: Final = (*LEVELS, MUSCLE)
SIDE_PX: Final = 48

# All ours. A bone view is the mean of five sagittal planes through the middle of a body.
_BONE_MM, _PLANES_MM = 1.0, (-5.0, -2.5, 0.0, 2.5, 5.0)
_BONE_HU = (-150.0, 600.0)
# A muscle view is axial, about a place behind the middle of the body.
_MUSCLE_MM, _BEHIND_MM = 4.0, 20.0
_MUSCLE_HU = (-190.0, 150.0)


def bone_view(volume: Volume, axes: Axes) -> Grey:
    """Cut a vertebral body from the side, along its own axes.

    Parameters
    ----------
    volume : Volume
        A CT.
    axes : Axes
        About the middle of the body.

    Returns
    -------
    ndarray
        float32, shape (48, 48), range [0, 1] for -150 to 600 HU, 1 mm a pixel: head up, front
        left. 0 where nothing was measured.
    """
    off = (np.arange(SIDE_PX) - (SIDE_PX - 1) / 2) * _BONE_MM
    places = (
        axes.middle_mm
        - off[:, None, None, None] * axes.up
        - off[None, :, None, None] * axes.front
        + np.array(_PLANES_MM)[None, None, :, None] * axes.left
    )
    return _windowed(sampled(volume, places, _BONE_HU[0]).mean(axis=2), _BONE_HU)


def muscle_view(volume: Volume, found: Composition, middle_mm: NDArray[np.float64]) -> Grey:
    """Show psoas and the muscles behind the spine in the slice through L3, and nothing else.

    Parameters
    ----------
    volume : Volume
        A CT.
    found : Composition
        Its muscles.
    middle_mm : ndarray
        float64, shape (3,): the middle of the body of L3, LPS.

    Returns
    -------
    ndarray
        float32, shape (48, 48), range [0, 1], 4 mm a pixel, front up, the patient's right left:
        how much of a pixel is muscle, times its brightness from -190 to 150 HU.
    """
    shown = np.any([*found.psoas, *found.paraspinal], axis=0)
    bright = shown * _windowed(volume.hu[found.slice], _MUSCLE_HU)
    row_mm, column_mm = volume.spacing_mm[1:]
    even = ndimage.uniform_filter(
        bright, [max(1, round(_MUSCLE_MM / s)) for s in (row_mm, column_mm)]
    )
    off = (np.arange(SIDE_PX) - (SIDE_PX - 1) / 2) * _MUSCLE_MM
    _, row, column = volume.voxel_of(middle_mm)
    rows, columns = np.meshgrid(
        row + (off + _BEHIND_MM) / row_mm, column + off / column_mm, indexing="ij"
    )
    view: Grey = ndimage.map_coordinates(even, [rows, columns], order=1, output=np.float32)
    return view


def _windowed(hu: NDArray[np.floating], window_hu: tuple[float, float]) -> Grey:
    low, high = window_hu
    known = np.nan_to_num(hu, nan=low)
    grey: Grey = np.clip((known - low) / (high - low), 0, 1).astype(np.float32)
    return grey


def prepared(views: NDArray[np.floating]) -> tuple[Grey, Grey]:
    """Part what was seen from what was not; training and service share this.

    Parameters
    ----------
    views : ndarray
        Floating, shape (6, 48, 48), in the order of ``VIEWS``; a view that there is not is NaN.

    Returns
    -------
    views : ndarray
        float32, the same with zeros for NaN.
    seen : ndarray
        float32, shape (6,): 1 for a view that there is.
    """
    there = np.isfinite(views).all(axis=(1, 2))
    return np.where(there[:, None, None], views, 0).astype(np.float32), there.astype(np.float32)
