"""How sharp a CT was reconstructed, from the kernel's name that its scanner wrote."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydicom import Dataset

from engines.header import shared_macros, texts


class Sharpness(StrEnum):
    """What a kernel is made for, as coarse as choosing a series needs."""

    SOFT = "soft"
    SHARP = "sharp"
    UNKNOWN = "unknown"


# Siemens counts sharpness: B30s and B40s are the standard of body tissue, from B50s on sharpness is
# asked for (Somatom Sensation, operating instructions, body kernels); later names (I30f, Br40d,
# Qr36) keep the count. That 46 to 49 are still soft is ours.
_COUNTED: Final = re.compile(r"(?:[BDHIJQU][A-Z]?|T)(\d{2})[A-Z]?")
_SOFT_UP_TO: Final = 49

# Canon numbers families: body with and without beam hardening correction, head, then bone and lung.
# Where each begins is ours, from what studies say they used (FC08 and FC18 soft, FC30 bone, FC51 to
# FC56 lung, FC80 and more high resolution).
_CANON: Final = re.compile(r"FC(\d{2})")
_CANON_SOFT_UP_TO: Final = 29

# Philips' letters, ever sharper, and the adaptive ones; ours, as for Canon.
_LETTERS: Final = {
    **dict.fromkeys(("A", "B", "C", "UA", "UB"), Sharpness.SOFT),
    **dict.fromkeys(("D", "E", "L", "YB", "YC", "YD"), Sharpness.SHARP),
}

# GE's names, and the words that others use, too.
_SHARP_WORDS: Final = ("BONE", "LUNG", "EDGE", "ULTRA", "SHARP", "KNOCHEN")
_SOFT_WORDS: Final = ("SOFT", "STANDARD", "STND", "SMOOTH", "BODY", "ABDOM", "WEICH")


def sharpness(ds: Dataset) -> Sharpness:
    """Return what the kernel of a CT is made for; UNKNOWN where none is named, or none we know.

    Parameters
    ----------
    ds : Dataset
        A header with ConvolutionKernel (PS3.3 C.8.2.1), its own or that all its frames share
        (C.8.15.3.7). Several values, as Siemens writes the
        strength of its iterations beside the kernel, are all looked at; one that is sharp decides.
    """
    places = (ds, *shared_macros(ds))
    names = (name for place in places for name in texts(place, "ConvolutionKernel"))
    return _together(map(_of_name, names))


def _of_name(name: str) -> Sharpness:
    plain = name.upper().strip()
    if counted := _COUNTED.fullmatch(plain):
        return Sharpness.SOFT if int(counted[1]) <= _SOFT_UP_TO else Sharpness.SHARP
    if canon := _CANON.match(plain):
        return Sharpness.SOFT if int(canon[1]) <= _CANON_SOFT_UP_TO else Sharpness.SHARP
    if plain in _LETTERS:
        return _LETTERS[plain]
    if any(word in plain for word in _SHARP_WORDS):
        return Sharpness.SHARP
    return Sharpness.SOFT if any(word in plain for word in _SOFT_WORDS) else Sharpness.UNKNOWN


def _together(found: Iterable[Sharpness]) -> Sharpness:
    kinds = set(found)
    ranked = (Sharpness.SHARP, Sharpness.SOFT)
    return next((kind for kind in ranked if kind in kinds), Sharpness.UNKNOWN)
