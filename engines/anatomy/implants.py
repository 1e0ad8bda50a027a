"""Metal in a cut-out of a film: a bright area whose whole edge is sharp, as bone's never is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Grey = NDArray[np.float32]

# How far below the brightest the edge of an implant is looked for, of the range from 0 to 1.
_DROPS: Final = np.geomspace(0.01, 0.36, 14)
# Less than this is a screw's tip or a marker, more is a bright film; in head radii squared.
_LEAST, _MOST = 0.15, 8.0
# What is thinner than this share of the head's radius on either side is left out: dense bone.
_THIN = 0.09
# Bone is uneven within, metal is plain: how much unevenness takes from an edge's sharpness.
_UNREST = 4.0


def edge_of_metal(cut_out: Grey, radius_px: float) -> float:
    """Return how sharp the edge of the sharpest bright area is.

    Each area that is brighter than some level is looked at, level by level. Metal ends within a
    pixel or two all around and is plain within; the dense bone of a shaft ends so outwards only,
    for inwards it fades, and a whole bone is uneven. So the first quartile of the steepness along
    the edge, less what there is within, tells the two apart.

    Parameters
    ----------
    cut_out : ndarray
        float32, shape (row, column), range [0, 1], bone white.
    radius_px : float
        Radius of the femoral head in it.

    Returns
    -------
    float
        Rise in grey from pixel to pixel, at the scale of 32 pixels for the head's radius; 0 where
        no area is bright.
    """
    steep = ndimage.gaussian_gradient_magnitude(cut_out, radius_px / 32) * (radius_px / 32)
    top = float(np.percentile(cut_out, 99.9))
    return max((_sharpest(cut_out >= top - drop, steep, radius_px) for drop in _DROPS), default=0.0)


def _sharpest(bright: NDArray[np.bool_], steep: Grey, radius_px: float) -> float:
    opened = ndimage.binary_opening(bright, iterations=max(1, round(_THIN * radius_px)))
    areas, _ = ndimage.label(opened)
    sizes = np.bincount(areas.ravel())[1:] / radius_px**2
    best = 0.0
    for number, place in enumerate(ndimage.find_objects(areas), 1):
        if _LEAST <= sizes[number - 1] <= _MOST:
            around = tuple(slice(max(0, one.start - 1), one.stop + 1) for one in place)
            area = areas[around] == number
            edge = area & ~ndimage.binary_erosion(area, border_value=1)
            inner = ndimage.binary_erosion(area, iterations=max(1, round(_THIN * radius_px)))
            if inner.any():
                unrest = float(np.percentile(steep[around][inner], 75))
                best = max(best, float(np.percentile(steep[around][edge], 25)) - _UNREST * unrest)
    return best
