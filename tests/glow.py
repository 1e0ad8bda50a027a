"""The GLOW table as R saved it, read without R: just enough of the XDR form of ``save()``."""

import bz2
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SYMBOL, PAIRS, CHARACTERS, INTEGERS, REALS, STRINGS, LIST = 1, 2, 9, 13, 14, 16, 19
REFERENCE, NOTHING = 255, 254


class Value(NamedTuple):
    content: Any
    attributes: dict[str, Any]


class Reader:
    """One pass over the items of a saved workspace (R Internals, 1.8 Serialization Formats)."""

    def __init__(self, data: bytes):
        assert data.startswith(b"RDX2\nX\n")
        self.data, self.at, self.symbols = data, 7 + 12, []

    def integer(self) -> int:
        self.at += 4
        return struct.unpack_from(">i", self.data, self.at - 4)[0]

    def array(self, dtype: str) -> np.ndarray:
        size = self.integer()
        found = np.frombuffer(self.data, dtype, size, self.at)
        self.at += found.nbytes
        return found

    def pairs(self, flags: int) -> dict[str, Any]:
        found = {}
        while flags & 255 == PAIRS:
            assert not flags & 0x200
            name = self.item()
            found[name] = self.item()
            flags = self.integer()
        assert flags & 255 == NOTHING
        return found

    def item(self) -> Any:
        flags = self.integer()
        kind = flags & 255
        if kind == PAIRS:
            return self.pairs(flags)
        if kind == SYMBOL:
            self.symbols.append(self.item())
            return self.symbols[-1]
        if kind == REFERENCE:
            return self.symbols[(flags >> 8) - 1]
        if kind == NOTHING:
            return None
        if kind == CHARACTERS:
            return self.array("u1").tobytes().decode()
        if kind in (LIST, STRINGS):
            content: Any = [self.item() for _ in range(self.integer())]
        else:
            content = self.array({INTEGERS: ">i4", REALS: ">f8"}[kind])
        attributes = self.pairs(self.integer()) if flags & 0x200 else {}
        return Value(content, attributes)


def read_glow(path: Path) -> dict[str, np.ndarray]:
    """Return the columns; a factor as True for its second level, which is Yes."""
    (frame,) = Reader(bz2.decompress(path.read_bytes())).item().values()
    names = frame.attributes["names"].content
    columns = {}
    for name, column in zip(names, frame.content, strict=True):
        levels = column.attributes.get("levels")
        numbers = np.asarray(column.content, float)
        columns[name] = numbers == 2 if levels and levels.content == ["No", "Yes"] else numbers
    return columns
