"""The cheap look: is this a frontal chest film, the right way up, whatever its header says?"""

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engines.errors import NotEligible, Reason
from engines.images import Radiograph

Grid = NDArray[np.float32]

#: Films below this are refused; how it was found stands at :func:`look_like_frontal_chest`.
THRESHOLD: Final = 0.68

_TEMPLATE_PX = 24
_LOOK_PX = 96
_MARGIN_PX = 12
# Where a chest may lie: its width in the film's, its height in its width, its place.
_WIDTHS = (0.6, 0.7, 0.8, 0.9, 1.0)
_ASPECTS = (0.8, 0.95, 1.1, 1.25)
_SIDEWAYS = (-0.1, -0.05, 0.0, 0.05, 0.1)
_PLACES = 7
_TALLEST, _SHORTEST = 1.15, 0.45
# What a better match upside down costs, and what a missing step from lung to abdomen costs.
_UPSIDE_DOWN = 0.5
_LEAST_STEP = 0.1


def require_frontal_chest(radiograph: Radiograph) -> None:
    """Refuse a film that does not look like a frontal chest.

    Raises
    ------
    NotEligible
        UNLIKE_EXAM.
    """
    score = look_like_frontal_chest(radiograph)
    if score < THRESHOLD:
        raise NotEligible(
            Reason.UNLIKE_EXAM,
            f"the film looks unlike a frontal chest ({score:.2f}, at least {THRESHOLD} is asked)",
        )


def look_like_frontal_chest(radiograph: Radiograph) -> float:
    """Compare a film with a drawing of two dark lungs, a bright midline and a bright abdomen.

    The film is reduced and its grey values are replaced by their ranks, so that window, gamma and
    exposure do not matter. The drawing, symmetric and made of formulas (no patient's image), is
    laid over it in several sizes and places; the score is the best weighted correlation. A film
    that fits better upside down loses half of the difference, and one without a step from either
    lung to what lies below it loses in proportion.

    The threshold lies in the middle between the two groups as measured, and few films were there to
    measure on. Accepted: 30 real frontal films (14 NIH ChestX-ray14, 14 Hannover, RG1, one Fuji
    CR) score 0.744 to 0.913, 100 simulated PA films 0.731 to 0.907. Refused: the same 30 real
    films upside down at most 0.624, turned by 90 degrees 0.533, as negatives 0.431, cut in half
    0.623; 100 simulated lateral films 0.639; a tibia, five paediatric pelves and 98 CT and MR
    slices 0.535; noise and gradients 0.54. There was no real lateral film and no animal. Of 40
    pictures of smooth random blobs three reach 0.709 to 0.767: what is laid out like a chest is
    taken for one. A film with one lung gone white may be refused; none was among the 30.

    Returns
    -------
    float
        At most 1; negative where nothing fits.
    """
    places = _places(radiograph.pixels)
    if len(places) == 0:
        return -1.0
    upright = _correlations(places, _TEMPLATE, _WEIGHT)
    upside_down = _correlations(places, _TEMPLATE[::-1], _WEIGHT[::-1])
    best = int(np.argmax(upright))
    score = float(upright[best])
    score -= _UPSIDE_DOWN * max(0.0, float(upside_down.max()) - score)
    return score - max(0.0, _LEAST_STEP - _step_below_lungs(places[best]))


def _step_below_lungs(place: Grid) -> float:
    """Return how much brighter the abdomen is than the lung above it, on the side with less."""
    sides = (slice(0, _TEMPLATE_PX // 2), slice(_TEMPLATE_PX // 2, None))
    steps = [
        place[:, side][_BELOW[:, side]].mean() - place[:, side][_LUNGS[:, side]].mean()
        for side in sides
    ]
    return float(min(steps))


def _places(film: Grid) -> Grid:
    """Cut out where the chest may lie: float32, shape (place, 24, 24), ranks in [0, 1]."""
    scale = _LOOK_PX / max(film.shape)
    size = (max(8, round(film.shape[1] * scale)), max(8, round(film.shape[0] * scale)))
    small = Image.fromarray(np.ascontiguousarray(film), mode="F").resize(size, Image.Resampling.BOX)
    ranks = _ranks(np.asarray(small))
    # the film's edge is continued, for chests that the film cuts off
    around = Image.fromarray(np.pad(ranks, _MARGIN_PX, mode="edge"), mode="F")
    shape = (_TEMPLATE_PX, _TEMPLATE_PX)
    return np.array(
        [
            np.asarray(around.resize(shape, Image.Resampling.BILINEAR, box=box))
            for box in _boxes(*ranks.shape)
        ],
        dtype=np.float32,
    )


def _ranks(pixels: Grid) -> Grid:
    """Replace each value by its rank; equal values share one, else plain black were a ramp."""
    ordered = np.sort(pixels, axis=None)
    below = np.searchsorted(ordered, pixels, "left") + np.searchsorted(ordered, pixels, "right")
    ranks: Grid = (below / (2 * pixels.size)).astype(np.float32)
    return ranks


def _boxes(height: int, width: int) -> Iterator[tuple[float, float, float, float]]:
    """Yield left, top, right, bottom within the film and its margin."""
    for part, aspect in product(_WIDTHS, _ASPECTS):
        wide, high = part * width, part * width * aspect
        if not _SHORTEST * height <= high <= _TALLEST * height:
            continue
        for sideways, down in product(_SIDEWAYS, range(_PLACES)):
            left = (width - wide) / 2 + sideways * width
            top = down / (_PLACES - 1) * (height - high)
            yield _within(left, top, (wide, high), (width, height))


def _within(
    left: float, top: float, size: tuple[float, float], film: tuple[int, int]
) -> tuple[float, float, float, float]:
    return (
        max(0.0, left + _MARGIN_PX),
        max(0.0, top + _MARGIN_PX),
        min(film[0] + 2.0 * _MARGIN_PX, left + size[0] + _MARGIN_PX),
        min(film[1] + 2.0 * _MARGIN_PX, top + size[1] + _MARGIN_PX),
    )


def _correlations(places: Grid, template: Grid, weight: Grid) -> Grid:
    """Return the weighted correlation of each place with the template."""
    found: Grid = (weight * _normal(places, weight) * _normal(template, weight)).sum((-2, -1))
    return found


def _normal(grids: Grid, weight: Grid) -> Grid:
    mean = (weight * grids).sum((-2, -1), keepdims=True) / weight.sum()
    length = np.sqrt((weight * (grids - mean) ** 2).sum((-2, -1), keepdims=True))
    normal: Grid = (grids - mean) / np.maximum(length, 1e-6)
    return normal


def _rising(values: Grid, at: Grid | float, within: float) -> Grid:
    """Rise from 0 to 1 at a value."""
    risen: Grid = 1.0 / (1.0 + np.exp(np.clip((at - values) / within, -30.0, 30.0)))
    return risen


def _draw() -> tuple[Grid, Grid, Grid]:
    """Draw template, weight and lungs; x runs from -1 to 1, y from the apices (0) down to 1."""
    y, x = np.mgrid[0.0 : 1.0 : _TEMPLATE_PX * 1j, -1.0 : 1.0 : _TEMPLATE_PX * 1j]
    aside = np.abs(x)
    chest_wall = 0.60 + 0.22 * np.clip(y / 0.7, 0.0, 1.0)
    midline = 0.20 + 0.22 * np.clip((y - 0.25) / 0.5, 0.0, 1.0)
    apex = 0.02 + 0.5 * np.clip(aside - 0.40, 0.0, 1.0) ** 1.3
    lungs = _rising(-aside, -chest_wall, 0.05) * _rising(aside, midline, 0.05)
    lungs = lungs * _rising(-y, np.float64(-0.80), 0.05) * _rising(y, apex, 0.04)
    spine = _rising(-aside, -(0.22 + 0.15 * y), 0.06) * _rising(y, 0.1, 0.1)
    abdomen = _rising(y, 0.82, 0.04) * _rising(-aside, -0.9, 0.1)
    bright = np.minimum(0.4 + 0.9 * spine + 0.6 * abdomen, 1.4)
    # arms, air and collimation beside the chest say little, and so does the neck
    weight = np.where(aside > 0.86, 0.15, 1.0) * np.where(y < 0.06, 0.5, 1.0)
    template = bright * (1.0 - lungs) - 1.2 * lungs
    return template.astype(np.float32), weight.astype(np.float32), lungs.astype(np.float32)


_TEMPLATE, _WEIGHT, _DRAWN_LUNGS = _draw()
_LUNGS: Final = _DRAWN_LUNGS > 0.7
_BELOW: Final = np.zeros_like(_LUNGS)
_BELOW[-3:, 4:-4] = True
_BELOW[:, _TEMPLATE_PX // 2 - 4 : _TEMPLATE_PX // 2 + 4] = False
