"""The objects we made, as a person reads them: the SR as text, the SC as a picture."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from daemon.errors import HolderAway
from daemon.holdings import Holdings

LINES_MOST = 400


def objects_of(story: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of each object that was made of a study, by SOP Instance UID."""
    made = (
        one
        for series in story["series"]
        for result in series["results"]
        for one in result["objects"]
    )
    return {one["SOPInstanceUID"]: one["kind"] for one in made}


def _file(holdings: Holdings, uid: str) -> BytesIO:
    try:
        content = holdings.made(uid)
    except HolderAway as error:
        raise OSError(str(error)) from None
    if content is None:
        raise FileNotFoundError
    return BytesIO(content)


def report(holdings: Holdings, uid: str) -> list[tuple[int, str]]:
    """Return the lines of an SR, each with its depth; none if it is not kept any more.

    Parameters
    ----------
    holdings : Holdings
        Where the objects are.
    uid : str
        SOP Instance UID as the ledger has it, never as a browser sent it.
    """
    import pydicom

    try:
        ds = pydicom.dcmread(_file(holdings, uid))
    except OSError:
        return []
    lines = [(0, _concept(ds)), *_lines(ds, 1)]
    return lines[:LINES_MOST]


def _lines(item: Any, depth: int) -> Iterator[tuple[int, str]]:
    for child in item.get("ContentSequence", ()):
        words = ": ".join(filter(None, (_concept(child), _value(child))))
        if words:
            yield depth, words
        yield from _lines(child, depth + 1)


def _concept(item: Any) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeMeaning", "")) if names else ""


def _value(item: Any) -> str:
    """Return what one content item says (PS3.3 C.17.3)."""
    if "MeasuredValueSequence" in item and item.MeasuredValueSequence:
        measured = item.MeasuredValueSequence[0]
        units = measured.get("MeasurementUnitsCodeSequence")
        unit = str(units[0].get("CodeValue", "")) if units else ""
        return f"{measured.get('NumericValue', '')} {'' if unit == '1' else unit}".strip()
    if "ConceptCodeSequence" in item and item.ConceptCodeSequence:
        return str(item.ConceptCodeSequence[0].get("CodeMeaning", ""))
    for keyword in ("TextValue", "UID", "DateTime", "Date", "Time", "PersonName"):
        if keyword in item:
            return str(item[keyword].value)
    return ""


def picture(holdings: Holdings, uid: str) -> bytes | None:
    """Return a Secondary Capture of ours as PNG; None if it is not kept any more."""
    import pydicom
    from PIL import Image

    try:
        ds = pydicom.dcmread(_file(holdings, uid))
        image = Image.frombytes(
            "RGB", (ds.Columns, ds.Rows), ds.PixelData[: ds.Rows * ds.Columns * 3]
        )
    except (OSError, AttributeError, ValueError):
        return None
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
