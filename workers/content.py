"""The content items of a structured report (PS3.3 C.17.3), one small function for each kind."""

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.sr.coding import Code

CONTAINS = "CONTAINS"
HAS_OBS_CONTEXT = "HAS OBS CONTEXT"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
SELECTED_FROM = "SELECTED FROM"


def coded(code: Code) -> Dataset:
    """Return a code as the item of a code sequence."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def container(
    concept: Code, children: Sequence[Dataset], template: str | None = None, root: bool = False
) -> Dataset:
    """Return a CONTAINER; SEPARATE, or dsr2html prints numbers without their names."""
    item = _item("" if root else CONTAINS, "CONTAINER", concept)
    item.ContinuityOfContent = "SEPARATE"
    if template is not None:
        identified = Dataset()
        identified.MappingResource = "DCMR"
        identified.TemplateIdentifier = template
        item.ContentTemplateSequence = [identified]
    return _with(item, children)


def code(relationship: str, concept: Code, value: Code, *children: Dataset) -> Dataset:
    """Return a CODE item."""
    item = _item(relationship, "CODE", concept)
    item.ConceptCodeSequence = [coded(value)]
    return _with(item, children)


def text(relationship: str, concept: Code, value: str) -> Dataset:
    """Return a TEXT item."""
    item = _item(relationship, "TEXT", concept)
    item.TextValue = value
    return item


def uidref(relationship: str, concept: Code, uid: str) -> Dataset:
    """Return a UIDREF item."""
    item = _item(relationship, "UIDREF", concept)
    item.UID = uid
    return item


def num(concept: Code, value: float, unit: Code) -> Dataset:
    """Return a NUM item; NumericValue is a DS of 16 characters at most (PS3.5 6.2)."""
    item = _item(CONTAINS, "NUM", concept)
    measured = Dataset()
    measured.NumericValue = f"{value:.8g}"
    measured.FloatingPointValue = float(value)
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    item.MeasuredValueSequence = [measured]
    return item


def image(
    relationship: str, concept: Code, SOPClassUID: str, SOPInstanceUID: str, frame: int = 0
) -> Dataset:
    """Return an IMAGE item; a frame's number counts from 1, and 0 is an image of one frame."""
    item = _item(relationship, "IMAGE", concept)
    referenced = Dataset()
    referenced.ReferencedSOPClassUID = SOPClassUID
    referenced.ReferencedSOPInstanceUID = SOPInstanceUID
    if frame:
        referenced.ReferencedFrameNumber = frame
    item.ReferencedSOPSequence = [referenced]
    return item


def polyline(concept: Code, points: Sequence[tuple[float, float]], selected: Dataset) -> Dataset:
    """Return an SCOORD item: (column, row) points on one image, first and last equal if closed."""
    item = _item(CONTAINS, "SCOORD", concept)
    item.GraphicType = "POLYLINE"
    item.GraphicData = [coordinate for point in points for coordinate in point]
    return _with(item, [selected])


def _item(relationship: str, value_type: str, concept: Code) -> Dataset:
    item = Dataset()
    if relationship:
        item.RelationshipType = relationship
    item.ValueType = value_type
    item.ConceptNameCodeSequence = [coded(concept)]
    return item


def _with(item: Dataset, children: Sequence[Dataset]) -> Dataset:
    if children:
        item.ContentSequence = list(children)
    return item
