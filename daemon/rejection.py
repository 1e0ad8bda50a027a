"""The note with which a PACS is told to put results of ours out of sight.

A Key Object Selection Document with a rejection title, as IHE's profile Imaging Object Change
Management (IOCM, RAD-66) has it: the objects stay where they are, and a PACS that knows the profile
no longer shows them. TID 2010 and the IOD of PS3.3 A.35.4.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from typing import Final, NamedTuple

from pydicom import Dataset, dcmwrite
from pydicom.uid import KeyObjectSelectionDocumentStorage

from daemon.file_meta import sign
from engines.product import PRODUCT, VERSION

SERIES_NUMBER: Final = 9909
WHY_MOST: Final = 500
STUDY: Final = (
    "SpecificCharacterSet",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName",
    "StudyDescription",
    "ProcedureCodeSequence",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "StudyInstanceUID",
    "StudyID",
    "InstitutionName",
    "TimezoneOffsetFromUTC",
)
"""The study's own elements outside of groups 0010 and 0012, equal in all of its instances."""


class Code(NamedTuple):
    """A coded concept; pydicom's own brings all its dictionaries along, 16 MB."""

    value: str
    scheme_designator: str
    meaning: str


class Ground(StrEnum):
    """Why results are rejected."""

    QUALITY = "quality"
    SAFETY = "patient safety"


# of the document titles of CID 7010, those that fit a wrong result
TITLES: Final = {
    Ground.QUALITY: Code("113001", "DCM", "Rejected for Quality Reasons"),
    Ground.SAFETY: Code("113037", "DCM", "Rejected for Patient Safety Reasons"),
}
DESCRIPTION: Final = Code("113012", "DCM", "Key Object Description")


@dataclass(frozen=True)
class Rejected:
    """One object of ours that is rejected."""

    SOPClassUID: str
    SOPInstanceUID: str
    SeriesInstanceUID: str
    is_document: bool


def uid_of(namespace: uuid.UUID, what: str, rejected: Iterable[Rejected]) -> str:
    """Derive a UID (PS3.5 B.2): of the same results always the same."""
    told = "\x1f".join([what, *sorted(one.SOPInstanceUID for one in rejected)])
    return f"2.25.{uuid.uuid5(namespace, told).int}"


def rejection_note(
    source: Dataset, rejected: Sequence[Rejected], ground: Ground, why: str, namespace: uuid.UUID
) -> Dataset:
    """Write a rejection note.

    Parameters
    ----------
    source : Dataset
        One of the rejected objects: patient and study are taken from it, ours and so legal.
    rejected : sequence of Rejected
        All of one study.
    ground : Ground
        The document's title.
    why : str
        In a person's words, cut after 500 characters.
    namespace : UUID
        Of the installation.

    Returns
    -------
    Dataset
        With file meta; Explicit VR Little Endian.
    """
    ds = _study(source)
    ds.SOPClassUID = KeyObjectSelectionDocumentStorage
    ds.SOPInstanceUID = uid_of(namespace, "KO", rejected)
    ds.SeriesInstanceUID = uid_of(namespace, "KO series", rejected)
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "KO", SERIES_NUMBER, 1
    ds.SeriesDescription = f"{PRODUCT} results withdrawn"
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.Manufacturer = ds.ManufacturerModelName = PRODUCT
    ds.SoftwareVersions = VERSION
    _date(ds, source)
    if source.get("ReferencedRequestSequence"):
        ds.ReferencedRequestSequence = source.ReferencedRequestSequence
    ds.CurrentRequestedProcedureEvidenceSequence = [_evidence(ds.StudyInstanceUID, rejected)]
    _content(ds, rejected, ground, why[:WHY_MOST])
    sign(ds)
    return ds


def part10_bytes(ds: Dataset) -> bytes:
    """Return a note as a file (PS3.10)."""
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def _study(source: Dataset) -> Dataset:
    ds = Dataset()
    for element in source:
        if element.tag.group in (0x0010, 0x0012) or element.keyword in STUDY:
            ds.add(element)
    return ds


def _date(ds: Dataset, source: Dataset) -> None:
    """Say when it was written, on the clock that the study's own times are told by."""
    offset = source.get("TimezoneOffsetFromUTC")
    at = datetime.now().astimezone(datetime.strptime(offset, "%z").tzinfo if offset else None)
    ds.ContentDate = ds.InstanceCreationDate = ds.SeriesDate = at.strftime("%Y%m%d")
    ds.ContentTime = ds.InstanceCreationTime = ds.SeriesTime = at.strftime("%H%M%S")


def _evidence(study_uid: str, rejected: Sequence[Rejected]) -> Dataset:
    """List what the content refers to, by series (PS3.3 C.17.2.1)."""
    study = Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = study_uid, []
    for series_uid in sorted({one.SeriesInstanceUID for one in rejected}):
        series = Dataset()
        series.SeriesInstanceUID = series_uid
        mine = [one for one in rejected if one.SeriesInstanceUID == series_uid]
        series.ReferencedSOPSequence = [_reference(one) for one in mine]
        study.ReferencedSeriesSequence.append(series)
    return study


def _reference(one: Rejected) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = one.SOPClassUID
    item.ReferencedSOPInstanceUID = one.SOPInstanceUID
    return item


def _content(ds: Dataset, rejected: Sequence[Rejected], ground: Ground, why: str) -> None:
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ContentTemplateSequence = [template]
    ds.ConceptNameCodeSequence = [_coded(TITLES[ground])]
    said = Dataset()
    said.RelationshipType, said.ValueType = "CONTAINS", "TEXT"
    said.ConceptNameCodeSequence = [_coded(DESCRIPTION)]
    said.TextValue = why
    ds.ContentSequence = [said, *map(_named, rejected)]


def _named(one: Rejected) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = "COMPOSITE" if one.is_document else "IMAGE"
    item.ReferencedSOPSequence = [_reference(one)]
    return item


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item
