"""What a client would take (PS3.18 8.7): one file or several, in which transfer syntax."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from pydicom.uid import ExplicitVRLittleEndian

DICOM, JSON, MULTIPART = "application/dicom", "application/dicom+json", "multipart/related"
ANY_SYNTAX = "*"


@dataclass(frozen=True)
class Taken:
    """One media type that a client takes; no transfer syntax named is Explicit VR Little Endian."""

    multipart: bool
    transfer_syntax: str = str(ExplicitVRLittleEndian)


def dicom(accept: str, single: bool) -> list[Taken]:
    """Return in which forms a client takes DICOM files, best first; none if in no form of ours.

    Parameters
    ----------
    accept : str
        The header; empty is anything.
    single : bool
        Whether one instance is asked for: that may come without parts around it.
    """
    found = []
    for kind, named in _ranges(accept or "*/*"):
        syntax = named.get("transfer-syntax", str(ExplicitVRLittleEndian))
        if kind in ("*/*", "multipart/*") or (
            kind == MULTIPART and named.get("type", DICOM) in (DICOM, "*/*")
        ):
            found.append(Taken(True, syntax))
        elif single and kind in (DICOM, "application/*"):
            found.append(Taken(False, syntax))
    return found


def json(accept: str) -> bool:
    """Tell whether a client takes the DICOM JSON model."""
    kinds = ("*/*", "application/*", "application/json", JSON)
    return any(kind in kinds for kind, _ in _ranges(accept or "*/*"))


def _ranges(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Give media types with their parameters, the most wanted first (RFC 9110 12.5.1)."""
    told = []
    for text in accept.split(","):
        message = Message()
        message["Content-Type"] = text.strip()
        named = {key.lower(): value for key, value in message.get_params([], unquote=True)[1:]}
        told.append((text.split(";")[0].strip().lower(), named))
    told.sort(key=lambda one: -_quality(one[1]))
    return (one for one in told if _quality(one[1]) > 0)


def _quality(named: dict[str, str]) -> float:
    try:
        return float(named.get("q", "1"))
    except ValueError:
        return 0.0
