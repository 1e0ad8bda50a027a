"""What a compressed image says of its own size, read without decoding it."""

import struct
from typing import Final

# SOC and SIZ, the first two markers of a JPEG 2000 codestream (ISO/IEC 15444-1 A.4, A.5)
_J2K_START: Final = b"\xff\x4f\xff\x51"
_SOI: Final = b"\xff\xd8"
# SOFn of JPEG (ISO/IEC 10918-1 table B.1; C4, C8 and CC are no frames) and SOF55 of JPEG-LS
_FRAMES: Final = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN: Final = 0xDA
# Some devices wrap the codestream in a JP2 file, whose boxes push it back by some way.
_JP2_START: Final = b"\0\0\0\x0cjP  "


def frame_size(stream: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Parameters
    ----------
    stream : bytes
        One frame, of any encapsulated transfer syntax.

    Returns
    -------
    (rows, columns) or None
        None where the stream does not say, as in RLE; a decoder will tell why.
    """
    try:
        return _jpeg_size(stream) if stream[:2] == _SOI else _j2k_size(stream)
    except (struct.error, IndexError):
        return None


def _j2k_size(stream: bytes) -> tuple[int, int] | None:
    start = stream.find(_J2K_START) if stream.startswith(_JP2_START) else 0
    if start < 0 or not stream.startswith(_J2K_START, start):
        return None
    # Lsiz and Rsiz stand between the marker and the extents of the reference grid
    right, bottom, left, top = struct.unpack_from(">4I", stream, start + len(_J2K_START) + 4)
    return bottom - top, right - left


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    """Walk the marker segments to the first frame header."""
    at = len(_SOI)
    while stream[at] == 0xFF and stream[at + 1] != _START_OF_SCAN:
        marker = stream[at + 1]
        if marker == 0xFF:
            # any number of fill bytes may come before a marker
            at += 1
            continue
        if marker in _FRAMES:
            rows, columns = struct.unpack_from(">2H", stream, at + 5)
            return rows, columns
        at += 2 + struct.unpack_from(">H", stream, at + 2)[0]
    return None
