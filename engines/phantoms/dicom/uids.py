"""Identifiers that follow from what they identify."""

import hashlib

from pydicom.uid import UID


def derived_uid(*of: object) -> UID:
    """Derive a UID (PS3.5 B.2: 2.25 and a UUID's integer) from plain values.

    Parameters
    ----------
    *of : object
        Numbers and texts, whose ``repr`` is the same on every machine.
    """
    digest = hashlib.sha256(repr(("osteoscreen phantom", *of)).encode()).digest()
    # version 4, variant 1: what a UUID of this form must show
    value = bytearray(digest[:16])
    value[6] = value[6] & 0x0F | 0x40
    value[8] = value[8] & 0x3F | 0x80
    return UID(f"2.25.{int.from_bytes(value, 'big')}")
