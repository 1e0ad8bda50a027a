"""What the standard allows a value to be (PS3.5 6.2), its text in the characters meant."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

_NUMBERS: Final = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FD", "FL"})
_TEXTS: Final = frozenset(
    "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split(),  # noqa: SIM905 - reads better
)
_MAX_CHARS: Final = MappingProxyType(
    {"SH": 16, "LO": 64, "PN": 64, "ST": 1024, "LT": 10240, "UC": 2**31, "UT": 2**31}
)
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_PATTERNS: Final = MappingProxyType(
    {
        "AS": re.compile(r"\d{3}[DWMY]"),
        "CS": re.compile(r"[A-Z0-9 _]{1,16}"),
        "DS": re.compile(r"(?=.{1,16}$)[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
        "IS": re.compile(r"[+-]?\d{1,10}"),
        "TM": _TIME,
        "UI": re.compile(r"(?=.{1,64}$)\d+(\.\d+)+"),
    }
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# pydicom decodes what follows the one of ISO 2022 IR 58, and leaves the sequence itself in
_ESCAPE_SEQUENCE: Final = re.compile(r"\x1b[\x20-\x2f]+[\x30-\x7e]")
_LINE_BREAKS_ALLOWED: Final = frozenset({"ST", "LT", "UT"})


def written_value(element: DataElement, labelled: bool) -> Any:
    """Return what to write for an element.

    Parameters
    ----------
    element : DataElement
        As received, not a sequence.
    labelled : bool
        Whether the source says in which character set its text is.

    Returns
    -------
    Any
        A number or text, or a list of several; None if the standard allows no such value, or no
        such VR: bytes made into text would be a value that nobody ever gave.
    """
    VR = dictionary_VR(element.tag)
    raw = element.value
    values = list(raw) if isinstance(raw, MultiValue | list) else [raw]
    if len(values) > 1 and dictionary_VM(element.tag) == "1":
        return None
    if VR in _NUMBERS:
        right = element.VR == VR and all(isinstance(v, int | float) for v in values)
        return raw if right and values else None
    if VR not in _TEXTS or element.VR not in _TEXTS or any(isinstance(v, bytes) for v in values):
        return None
    texts = ["" if v is None else _text(v, VR, labelled) for v in values] or [""]
    if not all(text == "" or _legal(text, VR) for text in texts):
        return None
    return texts if len(texts) > 1 else texts[0]


def _text(value: object, VR: str, labelled: bool) -> str:
    """Return a value as text, trimmed, and read as UTF-8 if nobody said what it is."""
    text = str(value.decode()) if isinstance(value, PersonName) else str(value)
    if not labelled and not text.isascii():
        text = _unlabelled(text)
    text = _ESCAPE_SEQUENCE.sub("", text).strip(" \0")
    return text if VR in _LINE_BREAKS_ALLOWED else _CONTROL.sub(" ", text).strip()


def _unlabelled(text: str) -> str:
    """Undo the reading of unlabelled UTF-8 as Latin-1; text that is not UTF-8 stays Latin-1."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _legal(text: str, VR: str) -> bool:
    if VR in _PATTERNS:
        return _PATTERNS[VR].fullmatch(text) is not None
    if VR == "PN":
        groups = text.split("=")
        return len(groups) <= 3 and all(_name(group) for group in groups)
    check = _CHECKS.get(VR)
    return check(text) if check else len(text) <= _MAX_CHARS.get(VR, 64)


def _name(group: str) -> bool:
    """Whether a component group of a person's name is legal (PS3.5 6.2.1)."""
    return len(group) <= _MAX_CHARS["PN"] and group.count("^") <= 4 and "\\" not in group


def _date(text: str) -> bool:
    if not re.fullmatch(r"\d{8}", text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - only asks whether the day exists
    except ValueError:
        return False
    return True


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType({"DA": _date})
