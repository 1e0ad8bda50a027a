"""Walk the elements of a data set by their lengths alone, and copy the few that are wanted.

The layout is that of PS3.5 7.1 to 7.5, little endian. A walk ends in good order or raises: what is
odd is for a reader that knows the world's mistakes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Final

ReadAt = Callable[[int], bytes]
"""Give the bytes from an offset on: a window of more than LONGEST where there are as many."""

MOST_ELEMENTS: Final = 50_000
DEEPEST: Final = 16
LONGEST: Final = 1 << 14
"""Bytes of a wanted element: as a length it is less than any two letters would be."""

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
# PS3.5 7.1.2: a length of 32 bits after two reserved bytes, or one of 16 bits
_LONG: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT: Final = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_NESTING: Final = frozenset(b"SQ UN OB OW".split())
_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHL").unpack_from
_length = Struct("<L").unpack_from


class Odd(Exception):
    """Not plainly in order."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element as it stands; ``vr`` is empty where the encoding leaves it out."""

    vr: bytes
    raw: bytes
    value: bytes


class Walk:
    """One walk through a data set of a known size, from its beginning."""

    def __init__(self, read_at: ReadAt, size: int, implicit: bool) -> None:
        self._read_at = read_at
        self._size = size
        self._implicit = implicit
        self._elements = 0
        # the window on the data: where it begins, and where in it we are
        self._start = self._at = 0
        self._data = read_at(0)

    def find(self, wanted: frozenset[int], after: int = -1) -> dict[int, Element]:
        """Return the wanted elements that are there; every tag must follow the one ``after``.

        Raises
        ------
        Odd
            If anything on the way is not in order.
        """
        last = max(wanted)
        found: dict[int, Element] = {}
        while len(found) < len(wanted):
            after = self._hurry(wanted, after, last)
            if self._start + self._at == self._size:
                break
            tag, vr, value_at, length = self._begin()
            if tag <= after:
                raise Odd
            if tag > last:
                break
            after = tag
            if tag in wanted:
                if len(self._data) - self._at < LONGEST:
                    value_at -= self._at
                    self._move_window()
                found[tag] = self._copy(vr, value_at, length)
            else:
                self._skip(vr, value_at, length)
        return found

    def _hurry(self, wanted: frozenset[int], after: int, last: int) -> int:
        """Pass what most of a header is made of; return the last tag of it.

        Whatever is wanted, nested, odd or at the window's end is left to a closer look. This does
        nothing that the walk would not do without it, in a third of the time.
        """
        data, at = self._data, self._at
        enough, implicit = len(data) - 12, self._implicit
        while at <= enough:
            if implicit:
                group, element, length = _implicit(data, at)
            else:
                group, element, vr, length = _explicit(data, at)
                if vr not in _SHORT:
                    break
            tag = group << 16 | element
            if tag in wanted or not after < tag <= last or length == _UNDEFINED:
                break
            after = tag
            at += 8 + length
        self._at = at
        if self._start + at > self._size:
            raise Odd
        return after

    def _begin(self) -> tuple[int, bytes, int, int]:
        """Return tag, VR, where in the window the value begins, and its length."""
        if len(self._data) - self._at < 12:
            self._move_window()
        self._elements += 1
        data, at = self._data, self._at
        if len(data) - at < 8 or self._elements > MOST_ELEMENTS:
            raise Odd
        group, element, vr, length = _explicit(data, at)
        tag = group << 16 | element
        if self._implicit or group == 0xFFFE:
            return tag, b"", at + 8, _length(data, at + 4)[0]
        if vr in _SHORT:
            return tag, vr, at + 8, length
        if vr in _LONG and len(data) - at >= 12:
            return tag, vr, at + 12, _length(data, at + 8)[0]
        raise Odd

    def _copy(self, vr: bytes, value_at: int, length: int) -> Element:
        data, at = self._data, self._at
        self._skip(vr, value_at, length)
        if self._data is not data or self._at - at > LONGEST or self._at > len(data):
            raise Odd
        return Element(vr, data[at : self._at], data[value_at : self._at])

    def _skip(self, vr: bytes, value_at: int, length: int, depth: int = 0) -> None:
        """Go past a value."""
        if length != _UNDEFINED:
            self._at = value_at + length
            if self._start + self._at > self._size:
                raise Odd
            return
        if depth > DEEPEST or (vr not in _NESTING and not self._implicit):
            raise Odd
        self._at = value_at
        explicit_again = vr == b"UN" and not self._implicit
        # PS3.5 6.2.2: inside a value of unknown representation the encoding is implicit
        self._implicit = self._implicit or explicit_again
        self._skip_items(depth)
        self._implicit = self._implicit and not explicit_again

    def _skip_items(self, depth: int) -> None:
        while True:
            tag, _, value_at, length = self._begin()
            if tag == _SEQUENCE_END and length == 0:
                self._at = value_at
                return
            if tag != _ITEM:
                raise Odd
            if length == _UNDEFINED:
                self._at = value_at
                self._skip_elements(depth)
            else:
                self._skip(b"", value_at, length)

    def _skip_elements(self, depth: int) -> None:
        while True:
            tag, vr, value_at, length = self._begin()
            if tag == _ITEM_END and length == 0:
                self._at = value_at
                return
            if tag >= _ITEM:
                raise Odd
            self._skip(vr, value_at, length, depth + 1)

    def _move_window(self) -> None:
        self._start, self._at = self._start + self._at, 0
        self._data = self._read_at(self._start)
