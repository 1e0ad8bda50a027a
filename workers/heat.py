"""A heat map over a film: colours that rank by brightness, clear where the model did not look."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# From violet over magenta to yellow: lightness rises evenly, so the order survives a grey print
# and colour blindness. Anchors after plasma (Smith and van der Walt, CC0).
_ANCHORS: Final = (
    (65, 4, 157),
    (106, 0, 168),
    (143, 13, 164),
    (177, 42, 144),
    (204, 71, 120),
    (225, 100, 98),
    (242, 132, 75),
    (252, 166, 54),
    (252, 206, 37),
    (240, 249, 33),
)
# the film must stay readable under the hottest spot
_STRONGEST: Final = 0.5


def colours(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the colour of each heat, float32, shape (..., 3), range [0, 255]."""
    anchors = np.array(_ANCHORS, np.float32)
    steps = np.linspace(0, 1, len(anchors))
    channels = [np.interp(heat, steps, anchors[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def blend(grey: Image.Image, heat: NDArray[np.float32]) -> Image.Image:
    """Lay heat over a film.

    Parameters
    ----------
    grey : Image
        Mode L, the film in its final size.
    heat : ndarray
        float32, shape (row, column), range [0, 1], over the whole film; any size.

    Returns
    -------
    Image
        Mode RGB, the size of ``grey``.
    """
    fine = Image.fromarray(np.ascontiguousarray(heat, dtype=np.float32)).resize(
        grey.size, Image.Resampling.BICUBIC
    )
    hot = np.clip(np.asarray(fine), 0, 1)
    # 256 levels are more than an eye can tell apart and much faster than exact colours
    level = (hot * 255 + 0.5).astype(np.uint8)
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    opacity = _opacity(ramp)
    tint = colours(ramp) * opacity[:, None]
    film = np.asarray(grey, dtype=np.float32)
    mixed = film[..., None] * (1 - opacity)[level][..., None] + tint[level]
    return Image.fromarray((mixed + 0.5).astype(np.uint8))


def legend(width: int, height: int) -> Image.Image:
    """Draw the scale of :func:`blend` over mid grey, as it looks on a film."""
    ramp = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    return blend(Image.new("L", (width, height), 90), ramp)


def _opacity(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let colour fade in, so that weak heat does not veil the film."""
    risen: NDArray[np.float32] = np.clip(heat / 0.6, 0, 1).astype(np.float32)
    return _STRONGEST * risen**1.2
