"""Preamble and file meta information of a received object (PS3.10 7.1), without decoding it."""

import struct
from functools import lru_cache
from typing import NamedTuple

from engines.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

PREAMBLE = b"\x00" * 128 + b"DICM"
BEFORE_LENGTH = PREAMBLE + struct.pack("<HH2sH", 2, 0x0000, b"UL", 4)
UID_DIGITS = b"0123456789."


class Titles(NamedTuple):
    """Who called whom, by AE title."""

    calling: str
    called: str


def head(sop_class: bytes, sop_instance: bytes, transfer_syntax: str, titles: Titles) -> bytes:
    """Return what stands before the dataset in a Part 10 file.

    Parameters
    ----------
    sop_class, sop_instance : bytes
        The UIDs of the C-STORE request as they came; one that is none is left out, for the index
        takes its UIDs from the dataset.
    transfer_syntax : str
        Of the accepted presentation context.
    titles : Titles
        Who sent it, kept as SourceApplicationEntityTitle; and to which title of ours, kept as
        ReceivingApplicationEntityTitle.
    """
    instance = _uid(sop_instance)
    instance += b"\x00" * (len(instance) % 2)
    before, after = _around(len(instance), sop_class, transfer_syntax, titles)
    return b"".join((before, instance, after))


@lru_cache(maxsize=256)
def _around(
    length: int, sop_class: bytes, transfer_syntax: str, titles: Titles
) -> tuple[bytes, bytes]:
    """Encode what the objects of one series have in common, around UIDs of one length."""
    before = struct.pack("<HH2s2xL", 2, 0x0001, b"OB", 2) + b"\x00\x01"
    before += _short(0x0002, b"UI", _uid(sop_class))
    after = (
        _short(0x0010, b"UI", transfer_syntax.encode("ascii", "replace")),
        _short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
        _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode()),
        _short(0x0016, b"AE", titles.calling.encode("ascii", "replace")),
        _short(0x0018, b"AE", titles.called.encode("ascii", "replace")),
    )
    before += struct.pack("<HH2sH", 2, 0x0003, b"UI", length)
    rest = len(before) + length + sum(map(len, after))
    return b"".join((BEFORE_LENGTH, rest.to_bytes(4, "little"), before)), b"".join(after)


def _short(element: int, vr: bytes, value: bytes) -> bytes:
    """Encode one element of group 0002 whose length has two bytes (PS3.5 7.1.2)."""
    if len(value) % 2:
        value += b"\x00" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


def _uid(value: bytes) -> bytes:
    plain = value.rstrip(b"\x00 ")
    return plain if len(plain) <= 64 and not plain.strip(UID_DIGITS) else b""
