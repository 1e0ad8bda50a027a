"""Read single values of a header that may hold anything: absent and unreadable are the same."""

import math
import re
import struct
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from pydicom import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue

# pydicom converts an element when it is first read, so a bad value raises here and not on reading
# the file; these are what its converters and the struct module raise for one.
VALUE_FAULTS = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def values(ds: Dataset, keyword: str) -> tuple[Any, ...]:
    """Return the values of an element; none where it is absent, empty or unreadable."""
    try:
        value = ds.get(keyword)
    except VALUE_FAULTS:
        return ()
    if value is None or (isinstance(value, Sequence) and len(value) == 0):
        return ()
    if isinstance(value, (MultiValue, list, tuple)):
        return tuple(value)
    return (value,)


def texts(ds: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values as stripped, non-empty text."""
    found = (str(value).strip(" \0\t\r\n") for value in values(ds, keyword))
    return tuple(text for text in found if text)


def text(ds: Dataset, keyword: str) -> str:
    """Return the first value as text; empty where there is none."""
    return next(iter(texts(ds, keyword)), "")


def terms(ds: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the defined terms of a code string, in capitals.

    Some devices part them with a space where the standard asks for a backslash.
    """
    return tuple(term for value in texts(ds, keyword) for term in value.upper().split())


def numbers(ds: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the values as finite numbers; none at all if one of them is not."""
    try:
        found = tuple(float(value) for value in values(ds, keyword))
    except VALUE_FAULTS:
        return ()
    return found if all(math.isfinite(number) for number in found) else ()


def number(ds: Dataset, keyword: str) -> float | None:
    """Return the first value as a finite number."""
    return next(iter(numbers(ds, keyword)), None)


def count(ds: Dataset, keyword: str, otherwise: int = 0) -> int:
    """Return the first value as a whole number."""
    found = number(ds, keyword)
    return otherwise if found is None else int(found)


def items(ds: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence."""
    try:
        sequence = ds.get(keyword)
        return tuple(item for item in sequence or () if isinstance(item, Dataset))
    except VALUE_FAULTS:
        return ()


def shared_macros(ds: Dataset) -> list[Dataset]:
    """Return what all frames of an enhanced image have in common (PS3.3 C.7.6.16.2)."""
    groups = items(ds, "SharedFunctionalGroupsSequence")
    return [item for group in groups for element in group for item in items(group, element.keyword)]


def codes(ds: Dataset, keyword: str) -> frozenset[str]:
    """Return the code values of a code sequence, whatever their scheme calls itself."""
    return frozenset(text(item, "CodeValue") for item in items(ds, keyword)) - {""}


def meanings(ds: Dataset, keyword: str) -> str:
    """Return the code meanings of a code sequence, for :func:`words`."""
    return " ".join(text(item, "CodeMeaning") for item in items(ds, keyword))


def words(found: Iterable[str]) -> frozenset[str]:
    """Return the words of some texts: capitals, no accents, parted at anything but letters."""
    plain = unicodedata.normalize("NFKD", " ".join(found)).upper()
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return frozenset(re.findall(r"[A-Z]+", letters))
