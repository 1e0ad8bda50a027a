"""Where on a film something looks like a proximal femur: a drawing laid over it in many sizes.

Places are in head radii: x from the middle of the femoral head to the outer side of the hip, y
down. The drawing is made of formulas, its proportions are those of a neck of about 128 degrees
(ours); no patient's image is in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

Grey = NDArray[np.float32]

#: What is cut out of a film, in head radii: from the head's middle to the inner side and upwards,
#: and the side of the square.
INNER, ABOVE, SIDE = 1.6, 1.5, 5.5

# The head's radius in the reduced film, px; the drawing's pixels are as large.
_RADIUS_PX = 8.0
# Sizes and turns that are tried: radius against the film's longer side, where no pitch is known;
# radius at the detector, mm (a head of 19 to 29 mm, magnified by 1.0 to 1.35).
_PARTS: Final = (0.038, 0.18)
_RADII_MM: Final = (19.0, 39.0)
_NEEDED = 3.2
_STEP: Final = 1.08
_EDGE_PX = 0.8
_TURNS_DEG: Final = (-9.0, 0.0, 9.0)

# Outer outline of neck, trochanters and shaft, from below the head around to above it.
_OUTLINE: Final = (
    (0.35, -0.90), (1.02, 0.02), (1.35, 0.30), (1.60, 0.42), (1.80, 0.25), (2.00, 0.02),
    (2.20, 0.02), (2.40, 0.20), (2.60, 0.80), (2.78, 1.55), (2.62, 2.20), (2.50, 2.80),
    (2.35, 3.60), (2.20, 4.60), (0.95, 4.60), (0.92, 3.70), (0.75, 3.20), (0.75, 2.70),
    (0.90, 2.20), (0.90, 1.80), (0.70, 1.45), (0.30, 1.15), (-0.20, 0.90),
)  # fmt: skip


@dataclass(frozen=True)
class Match:
    """A place that looks like a proximal femur.

    Attributes
    ----------
    row, column, radius_px : float
        Middle and radius of the femoral head, in the film's pixels.
    outwards : {1, -1}
        Whether columns run to the outer side of the hip or to the inner one.
    score : float
        Weighted correlation with the drawing, at most 1.
    """

    row: float
    column: float
    radius_px: float
    outwards: int
    score: float


def matches(film: Grey, spacing_mm: float | None) -> list[Match]:
    """Return the best place of each kind of hip in each neighbourhood, the likeliest first.

    Parameters
    ----------
    film : ndarray
        float32, shape (row, column), range [0, 1], bone white.
    spacing_mm : float or None
        Pixel pitch at the detector.
    """
    found = [place for radius_px in _radii_px(film, spacing_mm) for place in _at(film, radius_px)]
    found.sort(key=lambda place: -place.score)
    kept: list[Match] = []
    for place in found:
        if all(_apart(place, other) for other in kept):
            kept.append(place)
    return kept


def _radii_px(film: Grey, spacing_mm: float | None) -> list[float]:
    longest = max(film.shape)
    low, high = (part * longest for part in _PARTS)
    if spacing_mm:
        low, high = (radius / spacing_mm for radius in _RADII_MM)
    steps = max(1, round(np.log(high / low) / np.log(_STEP)))
    return [float(radius) for radius in np.geomspace(low, high, steps + 1)]


def _apart(one: Match, other: Match) -> bool:
    off = np.hypot(one.row - other.row, one.column - other.column)
    return bool(off > 2.0 * max(one.radius_px, other.radius_px))


def _at(film: Grey, radius_px: float) -> Iterator[Match]:
    """Yield the best few places for one size of the head."""
    scale = _RADIUS_PX / radius_px
    shape = [max(8, round(n * scale)) for n in film.shape]
    resized = Image.fromarray(np.ascontiguousarray(film), mode="F").resize(
        (shape[1], shape[0]), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    )
    small = np.asarray(resized, dtype=np.float32)
    margin = round(2 * _RADIUS_PX)
    around = np.pad(small, margin, mode="edge")
    spectra = _Spectra.of(around)
    rows, columns = film.shape[0] / shape[0], film.shape[1] / shape[1]
    for outwards in (1, -1):
        best = np.maximum.reduce([spectra.laid(_drawn(turn, outwards)) for turn in _TURNS_DEG])
        best = best[margin : margin + shape[0], margin : margin + shape[1]]
        peaks = best == ndimage.maximum_filter(best, size=round(2 * _RADIUS_PX) + 1)
        for row, column in np.argwhere(peaks & (best > 0.2)):
            yield Match(
                (float(row) + 0.5) * rows - 0.5,
                (float(column) + 0.5) * columns - 0.5,
                radius_px,
                outwards,
                float(best[row, column]),
            )


@dataclass(frozen=True)
class _Drawing:
    """The edges of a drawing: brighter to the right, brighter below; the head at ``middle``."""

    edges: Grey
    weight: Grey
    middle: tuple[int, int]


@dataclass(frozen=True)
class _Spectra:
    """A film's edges and their squares, transformed once for all drawings."""

    edges: NDArray[np.complex64]
    square: NDArray[np.complex64]
    size: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, film: Grey) -> "_Spectra":
        drawing = _drawn(0.0, 1).weight.shape
        rows, columns = (
            fft.next_fast_len(n + m, real=True) for n, m in zip(film.shape, drawing, strict=True)
        )
        size = (rows, columns)
        edges = _edges(film)
        strength = np.square(edges).sum(0)
        return cls(fft.rfft2(edges, size), fft.rfft2(strength, size), size, film.shape)

    def laid(self, drawing: _Drawing) -> Grey:
        """Return the weighted correlation with the head's middle at each pixel."""
        by = np.conj(fft.rfft2(drawing.edges * drawing.weight, self.size))
        agreed = self._sums((self.edges * by).sum(0), drawing.middle)
        weight = np.conj(fft.rfft2(drawing.weight, self.size))
        square = self._sums(self.square * weight, drawing.middle)
        return np.asarray(agreed / np.sqrt(np.maximum(square, 1e-3)), dtype=np.float32)

    def _sums(self, spectrum: NDArray[np.complex64], middle: tuple[int, int]) -> Grey:
        sums = fft.irfft2(spectrum, self.size)
        # correlation at offset k puts the drawing's corner there; its middle lies further on
        rolled = np.roll(sums, middle, axis=(0, 1))
        return np.asarray(rolled[: self.shape[0], : self.shape[1]], dtype=np.float32)


def _edges(film: Grey) -> Grey:
    """Return how the film brightens to the right and downwards, whatever the contrast there."""
    smooth = ndimage.gaussian_filter(film, _EDGE_PX)
    edges: Any = np.stack([ndimage.sobel(smooth, axis=1), ndimage.sobel(smooth, axis=0)])
    strength = np.sqrt(np.square(edges).sum(0))
    around = ndimage.uniform_filter(strength**2, round(2 * _RADIUS_PX) + 1)
    around = np.sqrt(np.maximum(around, 0.0))
    edges = edges / np.maximum(np.maximum(around, strength), 0.02 * float(strength.max()) + 1e-6)
    return np.asarray(edges, dtype=np.float32)


@lru_cache(maxsize=8)
def _drawn(turn_deg: float, outwards: int) -> _Drawing:
    """Draw a femur: bone 1, what lies beside it 0; the socket and the seat bone say nothing."""
    fine = 4
    pixel = _RADIUS_PX * fine
    reach = (INNER + 0.4, ABOVE + 0.2)
    shape = (round((SIDE + 0.3) * pixel), round((SIDE + 0.6) * pixel))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    x, y = x / pixel - reach[0], y / pixel - reach[1]
    turn = np.deg2rad(turn_deg)
    x, y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    head = np.hypot(x, y) < 1.0
    bone = head | _inside(x, y)
    # the socket covers the head from within and above; below and within lies the seat bone
    socket = (np.hypot(x, y) > 1.0) & (x - 0.9 * y < 0.95) & (x < 1.0) & (y < 1.2)
    silent = (socket | (x < 0.25) & (y > 0.6)) & ~bone
    weight = np.where(silent, 0.0, 1.0) * np.where(y > 3.6, 0.5, 1.0) * (y < 4.2) * (x < 3.7)
    weight *= np.where((x > 3.2), 0.5, 1.0)
    wanted, weight = (_coarse(array, fine) for array in (bone.astype(np.float64), weight))
    if outwards < 0:
        wanted, weight = wanted[:, ::-1], weight[:, ::-1]
    smooth = ndimage.gaussian_filter(wanted, _EDGE_PX)
    edges = np.stack([ndimage.sobel(smooth, axis=1), ndimage.sobel(smooth, axis=0)])
    weight = weight / weight.sum()
    edges /= np.sqrt((weight * np.square(edges).sum(0)).sum())
    middle = [round(reach[1] * _RADIUS_PX), round(reach[0] * _RADIUS_PX)]
    if outwards < 0:
        middle[1] = weight.shape[1] - 1 - middle[1]
    return _Drawing(
        np.ascontiguousarray(edges, dtype=np.float32),
        np.ascontiguousarray(weight, dtype=np.float32),
        (middle[0], middle[1]),
    )


@lru_cache(maxsize=2)
def bone_drawn(radius_px: int) -> NDArray[np.bool_]:
    """Return what of a cut-out is femur, down to below the lesser trochanter: bool, (row, column).

    Parameters
    ----------
    radius_px : int
        Of the femoral head.
    """
    side = round(SIDE * radius_px)
    y, x = (np.mgrid[:side, :side] + 0.5) / radius_px
    x, y = x - INNER, y - ABOVE
    needed: NDArray[np.bool_] = (_inside(x, y) | (np.hypot(x, y) < 1.0)) & (y < _NEEDED)
    return needed


def _coarse(array: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    rows, columns = (n // factor * factor for n in array.shape)
    blocks = array[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _inside(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points lie within the outline (even-odd rule)."""
    inside = np.zeros(x.shape, dtype=np.bool_)
    for (ax, ay), (bx, by) in zip(_OUTLINE, (*_OUTLINE[1:], _OUTLINE[0]), strict=True):
        crosses = (ay > y) != (by > y)
        if ay != by:
            inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return inside
