"""A dark sheet to write and draw on, with Pillow's built-in font."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

BACKGROUND: Final[Colour] = (14, 17, 21)
BLACK: Final[Colour] = (0, 0, 0)
WHITE: Final[Colour] = (226, 230, 234)
MUTED: Final[Colour] = (150, 159, 169)
FAINT: Final[Colour] = (48, 54, 62)
AMBER: Final[Colour] = (244, 178, 76)
SAND: Final[Colour] = (214, 196, 156)
SLATE: Final[Colour] = (158, 182, 206)

# the built-in font has little beyond ASCII, and a box for a letter is worse than a plain sign
_PLAIN: Final = MappingProxyType(
    str.maketrans({"≥": ">=", "≤": "<=", "–": "-", "—": "-", "’": "'", "×": "x", "µ": "u"})
)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, ``x`` to the right and ``y`` down."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond."""
        return self.y + self.height

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, as Pillow draws them."""
        return self.x, self.y, self.right, self.bottom

    def at(self, fraction: float) -> int:
        """Return the column at a fraction of the width."""
        return self.x + round(min(max(fraction, 0.0), 1.0) * self.width)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _step(size: int) -> int:
    """The distance from line to line."""
    return round(size * 1.32)


class Sheet:
    """Something to write on.

    Parameters
    ----------
    width, height : int
        In pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), BACKGROUND)
        self.draw = ImageDraw.Draw(self.image)

    def pixels(self) -> NDArray[np.uint8]:
        """Return the sheet as uint8, shape (row, column, 3), RGB."""
        return np.asarray(self.image, dtype=np.uint8)

    def width(self, text: str, size: int) -> int:
        """Return the width of one line."""
        return round(self.draw.textlength(plain(text), font=_font(size)))

    def write(self, at: tuple[int, int], text: str, size: int, colour: Colour) -> None:
        """Write one line; ``at`` is its upper left corner."""
        self.draw.text(at, plain(text), fill=colour, font=_font(size))

    def centre(self, box: Box, text: str, size: int, colour: Colour) -> None:
        """Write one line in the middle of a box."""
        x = box.x + (box.width - self.width(text, size)) // 2
        self.write((x, box.y + box.height // 2 - size // 2), text, size, colour)

    def tag(self, at: tuple[int, int], text: str, size: int, colour: Colour) -> Box:
        """Write one line in a frame of its own and return the frame."""
        box = Box(at[0], at[1], self.width(text, size) + 24, size + 14)
        self.draw.rounded_rectangle(box.corners, 6, outline=colour, width=2)
        self.write((box.x + 12, box.y + 6), text, size, colour)
        return box

    def frame(self, box: Box, fill: Colour, outline: Colour) -> None:
        """Draw an empty tile."""
        corners = (box.x - 1, box.y - 1, box.right, box.bottom)
        self.draw.rectangle(corners, fill=fill, outline=outline)

    def paragraph(
        self, box: Box, text: str, size: int, colour: Colour, *, least: int | None = None
    ) -> int:
        """Write text broken into lines, smaller down to ``least`` if it does not fit, then cut.

        Return the row below the last line.
        """
        lines = self._lines(text, size, box.width)
        while least is not None and size > least and len(lines) > box.height // _step(size):
            size -= 2
            lines = self._lines(text, size, box.width)
        room = max(1, box.height // _step(size))
        if len(lines) > room:
            lines = [*lines[: room - 1], self.short(" ".join(lines[room - 1 :]), size, box.width)]
        for row, line in enumerate(lines):
            self.write((box.x, box.y + row * _step(size)), line, size, colour)
        return box.y + len(lines) * _step(size)

    def short(self, text: str, size: int, width: int) -> str:
        """Return text, cut with dots if it is wider than it may be."""
        if self.width(text, size) <= width:
            return text
        while text and self.width(text + "...", size) > width:
            text = text[:-1]
        return text.rstrip() + "..."

    def _lines(self, text: str, size: int, width: int) -> list[str]:
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines


def plain(text: str) -> str:
    """Return text in the letters that the built-in font has."""
    text = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(c if c.isascii() else "?" for c in text if not unicodedata.combining(c))
