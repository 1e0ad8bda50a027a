"""Metal in a cut-out of a film: a bright area whose whole edge is sharp, as bone's never is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Grey = NDArray[np.float32]

# How far below the brightest the edge of an implant is looked for, of the range from 0 to 1.
_DROPS: Final = np.geomspace(0.01, 0.36, 14)
# Less than this is a screw's tip or a marker, more is a bright film; in head radii squared.
_LEAST, _MOST = 0.15, 11.0
# What is thinner than this share of the head's radius on either side is left out: dense bone.
_THIN = 0.09
# An edge that rises less is none; and what is always uneven, so that nothing is divided by zero.
_LEAST_RISE, _GRAIN = 0.02, 5e-4


def edge_of_metal(cut_out: Grey, radius_px: float) -> float:
    """Return how much sharper the edge of a bright area is than what lies within, at the most.

    Each area that is brighter than some level is looked at, level by level. Metal ends within a
    pixel or two all around and is plain within; the dense bone of a shaft ends so outwards only,
    for inwards it fades, and a whole bone is uneven. So the first quartile of the steepness along
    the edge, against the third quartile within, tells the two apart, whatever a console's tones.

    Parameters
    ----------
    cut_out : ndarray
        float32, shape (row, column), range [0, 1], bone white.
    radius_px : float
        Radius of the femoral head in it.

    Returns
    -------
    float
        At least 0; 0 where no area is bright, or none ends sharply.
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
            best = max(best, _sharpness(areas[around] == number, steep[around], radius_px))
    return best


def _sharpness(area: NDArray[np.bool_], steep: Grey, radius_px: float) -> float:
    edge = area & ~ndimage.binary_erosion(area, border_value=1)
    inner = ndimage.binary_erosion(area, iterations=max(1, round(_THIN * radius_px)))
    rise = float(np.percentile(steep[edge], 25)) if inner.any() else 0.0
    if rise < _LEAST_RISE:
        return 0.0
    return rise / (float(np.percentile(steep[inner], 75)) + _GRAIN)
