"""Lead letters, shutters, and text burnt into the picture."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: Strokes on a grid of 5 columns and 7 rows, as runs of column and row digits.
_STROKES = {
    "A": "06 20 46, 14 34",
    "B": "00 06 36 45 44 33 03, 33 42 41 30 00",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 45 41 20 00",
    "E": "40 00 06 46, 03 33",
    "F": "40 00 06, 03 33",
    "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06, 40 46, 03 43",
    "I": "20 26",
    "L": "00 06 46",
    "N": "06 00 46 40",
    "O": "10 01 05 16 36 45 41 30 10",
    "P": "06 00 30 41 42 33 03",
    "R": "06 00 30 41 42 33 03, 23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05",
    "T": "00 40, 20 26",
    "U": "00 05 16 36 45 40",
    "X": "00 46, 40 06",
    "0": "10 01 05 16 36 45 41 30 10",
    "1": "11 20 26",
    "2": "01 10 30 41 42 06 46",
    "3": "01 10 30 41 42 33 44 45 36 16 05, 13 33",
    "4": "36 30 04 44",
    "5": "40 00 03 33 44 45 36 06",
    "6": "30 10 01 05 16 36 45 44 33 13 04",
    "7": "00 40 16",
    "8": "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33",
    "9": "16 36 45 41 30 10 01 02 13 43",
    "-": "13 33",
}


@dataclass(frozen=True)
class Letter:
    """A lead letter on the detector.

    Attributes
    ----------
    text : str
        ``L``, ``R``, perhaps with the technologist's number; empty for none.
    at_mm : (across, down)
        Its middle, from the film's middle.
    height_mm, turn_deg : float
        How large, and how it was stuck on.
    mirrored : bool
        Seen from behind.
    ring : bool
        A circle around it.
    """

    text: str
    at_mm: tuple[float, float]
    height_mm: float = 14.0
    turn_deg: float = 0.0
    mirrored: bool = False
    ring: bool = False


@dataclass(frozen=True)
class Shutters:
    """What the collimator covers.

    Attributes
    ----------
    borders : (top, bottom, left, right)
        Part of the film, 0 to 0.3.
    turn_deg : float
        How far they are turned against the detector.
    black : bool
        The console paints the borders black.
    """

    borders: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    turn_deg: float = 0.0
    black: bool = True

    def opening(self, shape: tuple[int, int]) -> Values:
        """Return what they let through, 0 to 1 in two pixels: float64, shape (row, column)."""
        if not any(self.borders):
            return np.ones(shape)
        height, width = shape
        top, bottom, left, right = self.borders
        v, u = (np.arange(n) - (n - 1) / 2 for n in shape)
        c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        across, down = c * u[None, :] + s * v[:, None], c * v[:, None] - s * u[None, :]
        sides = (
            down + height * (0.5 - top) if top else np.inf,
            height * (0.5 - bottom) - down if bottom else np.inf,
            across + width * (0.5 - left) if left else np.inf,
            width * (0.5 - right) - across if right else np.inf,
        )
        opened = np.ones(shape)
        for side in sides:
            opened = np.minimum(opened, np.clip(np.asarray(side) / 2 + 0.5, 0.0, 1.0))
        return opened


def _segments(text: str) -> Values:
    """Return strokes of a text, each letter 6 wide: float64, shape (segment, end, 2)."""
    found = []
    for place, letter in enumerate(text.upper()):
        for run in _STROKES.get(letter, "").split(","):
            dots = [(int(dot[0]) + 6.0 * place, float(dot[1])) for dot in run.split()]
            found += list(pairwise(dots))
    ends = np.array(found, dtype=np.float64).reshape(-1, 2, 2)
    ends[..., 0] -= (6 * len(text) - 2) / 2
    ends[..., 1] -= 3.0
    return ends


def _ink(ends: Values, u: Values, v: Values, width: float) -> Values:
    """Return how much of a stroke of this width covers places, 0 to 1."""
    nearest = np.full(np.broadcast_shapes(u.shape, v.shape), np.inf)
    for (u0, v0), (u1, v1) in ends:
        along = np.array([u1 - u0, v1 - v0])
        t = ((u - u0) * along[0] + (v - v0) * along[1]) / float(along @ along)
        t = np.clip(t, 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(u - u0 - t * along[0], v - v0 - t * along[1]))
    return np.asarray(np.clip((width / 2 - nearest) / (0.25 * width) + 0.5, 0.0, 1.0))


def lead(letter: Letter, shape: tuple[int, int], pitch_mm: float) -> Values:
    """Return what a lead letter lets through: float64, shape (row, column), 0.003 to 1."""
    film = np.ones(shape)
    if not letter.text:
        return film
    unit = letter.height_mm / 6
    reach = unit * (3.5 * len(letter.text) + 4)
    middle = [
        (size - 1) / 2 + off / pitch_mm for size, off in zip(shape, letter.at_mm[::-1], strict=True)
    ]
    place = tuple(
        slice(max(int(m - reach / pitch_mm), 0), max(int(m + reach / pitch_mm) + 1, 0))
        for m in middle
    )
    v, u = np.mgrid[place[0], place[1]].astype(np.float64)
    if u.size == 0:
        return film
    u, v = (u - middle[1]) * pitch_mm / unit, (v - middle[0]) * pitch_mm / unit
    c, s = np.cos(np.deg2rad(letter.turn_deg)), np.sin(np.deg2rad(letter.turn_deg))
    u, v = c * u + s * v, c * v - s * u
    cover = _ink(_segments(letter.text), -u if letter.mirrored else u, v, 1.15)
    if letter.ring:
        off = np.abs(np.hypot(u, v) - 5.2 * max(1.0, 0.6 * len(letter.text)))
        cover = np.maximum(cover, np.clip((0.35 - off) / 0.2 + 0.5, 0.0, 1.0))
    part = film[place]
    part *= 1 - 0.997 * cover[: part.shape[0], : part.shape[1]]
    return film


def burn_in(film: Values, text: str, at: tuple[float, float]) -> Values:
    """Write white text into a finished film; ``at`` is its middle as parts of height and width."""
    ends = _segments(text)
    unit = max(film.shape[0] / 512, 1.0) * 1.6
    reach = (5 * unit, unit * (3 * len(text) + 3))
    middle = (at[0] * film.shape[0], at[1] * film.shape[1])
    place = tuple(
        slice(max(int(m - r), 0), int(m + r) + 1) for m, r in zip(middle, reach, strict=True)
    )
    v, u = np.mgrid[place[0], place[1]].astype(np.float64)
    cover = _ink(ends, (u - middle[1]) / unit, (v - middle[0]) / unit, 1.1)
    film = film.copy()
    part = film[place]
    part += (1 - part) * cover[: part.shape[0], : part.shape[1]]
    return film
