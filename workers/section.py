"""A cut through a CT on a sheet: windowed, to scale, with lines and shaded pixels on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engines.sights import Section
from workers.sheet import BLACK, FAINT, Box, Colour, Sheet

# lines are drawn so many times larger and made smaller, for Pillow's have steps
_FINER = 4
_AIR_HU, _AROUND_PX = -300, 2

#: (top, left), (bottom, right): what of a section must be seen, as rows and columns.
Shown = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Window:
    """The HU shown black and white."""

    black: float
    white: float


BONE = Window(-150.0, 450.0)
SOFT_TISSUE = Window(-160.0, 240.0)


@dataclass(frozen=True)
class Hung:
    """Where on a sheet a section hangs.

    Attributes
    ----------
    box : Box
        Its tile.
    spacing_mm, centre : (row, column)
        Of the section, and the place in it that is in the middle of the tile.
    px_per_mm : float
        Its scale.
    """

    box: Box
    spacing_mm: tuple[float, float]
    centre: tuple[float, float]
    px_per_mm: float

    def at(self, row: float, column: float) -> tuple[float, float]:
        """Return where in the tile a place of the section is, in pixels from its corner."""
        x = self.box.width / 2 + (column - self.centre[1]) * self.spacing_mm[1] * self.px_per_mm
        y = self.box.height / 2 + (row - self.centre[0]) * self.spacing_mm[0] * self.px_per_mm
        return x, y

    def _affine(self) -> tuple[float, float, float, float, float, float]:
        """From a place in the tile to one in the section, both from their upper left corner."""
        row_step, column_step = (1 / (mm * self.px_per_mm) for mm in self.spacing_mm)
        left = self.centre[1] + 0.5 - self.box.width / 2 * column_step
        top = self.centre[0] + 0.5 - self.box.height / 2 * row_step
        return column_step, 0.0, left, 0.0, row_step, top

    def resampled(self, pixels: NDArray[np.uint8], how: Image.Resampling) -> Image.Image:
        """Return pixels of the section as the tile shows them, black beyond."""
        size = (self.box.width, self.box.height)
        grey = Image.fromarray(pixels)
        return grey.transform(size, Image.Transform.AFFINE, self._affine(), resample=how)


def hang(
    sheet: Sheet,
    section: Section,
    box: Box,
    window: Window,
    shown: Shown | None = None,
) -> Hung:
    """Put a section in a tile.

    Parameters
    ----------
    sheet, section, box, window
        What goes where, and how bright.
    shown : ((top, left), (bottom, right)), optional
        What of the section must be seen, as rows and columns; by default all of it.
    """
    rows, columns = section.hu.shape
    (top, left), (bottom, right) = shown or ((-0.5, -0.5), (rows - 0.5, columns - 0.5))
    height_mm = max(1.0, (bottom - top) * section.spacing_mm[0])
    width_mm = max(1.0, (right - left) * section.spacing_mm[1])
    scale = min(box.width / width_mm, box.height / height_mm)
    hung = Hung(box, section.spacing_mm, ((top + bottom) / 2, (left + right) / 2), scale)
    hu = np.nan_to_num(section.hu, nan=window.black)
    grey = (hu - window.black) / (window.white - window.black)
    grey = (np.clip(grey, 0, 1) * 255 + 0.5).astype(np.uint8)
    sheet.frame(box, BLACK, FAINT)
    sheet.image.paste(hung.resampled(grey, Image.Resampling.BICUBIC), (box.x, box.y))
    return hung


def body_of(section: Section) -> Shown | None:
    """Return what of an axial slice holds the body or a mask, None where it holds neither."""
    body = np.logical_or.reduce([section.hu > _AIR_HU, *section.masks.values()])
    rows, columns = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    if not rows.size:
        return None
    top, left = float(rows[0]) - _AROUND_PX, float(columns[0]) - _AROUND_PX
    return (top, left), (float(rows[-1]) + _AROUND_PX, float(columns[-1]) + _AROUND_PX)


def shade(
    sheet: Sheet, hung: Hung, mask: NDArray[np.bool_], colour: Colour, opacity: float
) -> None:
    """Lay a colour over some pixels of a section; the grey below stays readable."""
    pixels = (mask * (255 * opacity)).astype(np.uint8)
    veil = hung.resampled(pixels, Image.Resampling.BILINEAR)
    sheet.image.paste(colour, (hung.box.x, hung.box.y), veil)


def lines(
    sheet: Sheet,
    hung: Hung,
    paths: Sequence[NDArray[np.float64]],
    colour: Colour,
    width: int = 2,
) -> None:
    """Draw smooth lines along (row, column) points of a section."""
    box = hung.box
    ink = Image.new("L", (box.width * _FINER, box.height * _FINER))
    draw = ImageDraw.Draw(ink)
    for path in paths:
        points = [hung.at(float(row), float(column)) for row, column in path]
        draw.line(
            [(x * _FINER, y * _FINER) for x, y in points],
            fill=255,
            width=width * _FINER,
            joint="curve",
        )
    stencil = ink.resize((box.width, box.height), Image.Resampling.LANCZOS)
    sheet.image.paste(colour, (box.x, box.y), stencil)
