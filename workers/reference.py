"""The header that our objects take patient and study from: a source's own, put right.

Headers of real modalities break the standard in small ways that make an object of ours illegal, or
make the library that writes it stop. What is broken and optional is left out, what is broken and
required by type 2 is left empty, and nothing is ever guessed.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.errors import BytesLengthException

from engines.errors import BadSeries, Reason
from workers.legal import written_value

# without these there is nowhere in the PACS that a result would belong to
REQUIRED: Final = (
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
)
# type 2 in the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1)
TYPE_2: Final = (
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
)
# Patient, General Study, Patient Study and Clinical Trial modules: PS3.3 wants the same values in
# every instance of a study, so all that are usable are copied
PATIENT_AND_STUDY: Final = (
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "PatientBirthTime",
    "EthnicGroup",
    "EthnicGroupCodeSequence",
    "PatientComments",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "QualityControlSubject",
    "StudyDescription",
    "ProcedureCodeSequence",
    "IssuerOfAccessionNumberSequence",
    "ConsultingPhysicianName",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "RequestingService",
    "ReferencedStudySequence",
    "ReferencedPatientSequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientBodyMassIndex",
    "MedicalAlerts",
    "Allergies",
    "Occupation",
    "SmokingStatus",
    "AdditionalPatientHistory",
    "PregnancyStatus",
    "LastMenstrualDate",
    "ReasonForVisit",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "ServiceEpisodeDescription",
    "PatientState",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
)
# what else an SR or a picture says of its source
SOURCE: Final = (
    "Modality",
    "BodyPartExamined",
    "Laterality",
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
    "StationName",
    "InstitutionName",
    "TimezoneOffsetFromUTC",
    "RequestAttributesSequence",
)
# what pydicom raises over a value that does not fit its VR
_UNREADABLE: Final = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    struct.error,
    BytesLengthException,
)
# enumerated values of PS3.3: any other is illegal, and nobody may guess what was meant
_ENUMERATED: Final[Mapping[str, frozenset[str | int]]] = MappingProxyType(
    {
        "PatientSex": frozenset({"M", "F", "O"}),
        "Laterality": frozenset({"R", "L"}),
        "PregnancyStatus": frozenset({1, 2, 3, 4}),
        "SmokingStatus": frozenset({"YES", "NO", "UNKNOWN"}),
        "PatientIdentityRemoved": frozenset({"YES", "NO"}),
        "QualityControlSubject": frozenset({"YES", "NO"}),
        "UniversalEntityIDType": frozenset({"DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500"}),
    }
)
# items without their type 1 attributes are of no use to a reader and illegal
_NEEDED_IN_ITEM: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "OtherPatientIDsSequence": ("PatientID", "TypeOfPatientID"),
        "ReferencedStudySequence": ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"),
        "ReferencedPatientSequence": ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"),
    }
)
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
# of the HL7v2 Hierarchic Designator Macro (PS3.3 table 10-17): each item names somebody
_DESIGNATORS: Final = frozenset(
    {
        "IssuerOfAccessionNumberSequence",
        "IssuerOfAdmissionIDSequence",
        "IssuerOfServiceEpisodeIDSequence",
        "AssigningFacilitySequence",
        "OrderPlacerIdentifierSequence",
        "OrderFillerIdentifierSequence",
    }
)
_TRIAL_TYPE_2: Final = (
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
)
_TIMEZONE: Final = re.compile(r"[+-](0\d|1[0-4])[0-5]\d")


def reference_header(source: Dataset) -> Dataset:
    """Copy the patient and the study from a source image, usable by every object of ours.

    Parameters
    ----------
    source : Dataset
        One image of the series, as received; it is not changed.

    Returns
    -------
    Dataset
        In Unicode (ISO_IR 192), every type 2 attribute of patient and study present, values that
        the standard does not allow left out or, where type 2, empty. No pixel data.

    Raises
    ------
    BadSeries
        If the source does not say whose study it is: such a result must never reach a PACS.
    """
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    labelled = _labelled(source, inherited=False)
    for keyword in (*REQUIRED, *TYPE_2, *PATIENT_AND_STUDY, *SOURCE):
        _copy(source, header, keyword, labelled)
    for keyword in REQUIRED:
        if not header.get(keyword):
            raise BadSeries(
                Reason.HEADER_UNREADABLE,
                f"the image has no usable {keyword}, so a result would belong to nobody",
            )
    _add_empty(header, TYPE_2)
    _put_right(header)
    _put_trial_right(header)
    return header


def _put_right(header: Dataset) -> None:
    """Apply the few rules that are about one attribute and not about its VR."""
    if not _TIMEZONE.fullmatch(str(header.get("TimezoneOffsetFromUTC", "+0000"))):
        del header.TimezoneOffsetFromUTC
    # type 1C, legal only in company (PS3.3 C.7.1.1)
    if header.get("PatientIdentityRemoved") == "YES" and not (
        header.get("DeidentificationMethod") or header.get("DeidentificationMethodCodeSequence")
    ):
        del header.PatientIdentityRemoved


def _put_trial_right(header: Dataset) -> None:
    """Keep a clinical trial only if it is named and its subject too (PS3.3 C.7.1.3, C.7.2.3)."""
    trial = [k for k in PATIENT_AND_STUDY if k.startswith("ClinicalTrial") and k in header]
    named = header.get("ClinicalTrialSponsorName") and header.get("ClinicalTrialProtocolID")
    subjects = ("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID")
    if not (named and any(header.get(keyword) for keyword in subjects)):
        for keyword in trial:
            delattr(header, keyword)
        return
    for keyword in subjects:
        if not header.get(keyword, "?"):
            delattr(header, keyword)
    _add_empty(header, _TRIAL_TYPE_2)
    if "ClinicalTrialTimePointDescription" in header:
        _add_empty(header, ("ClinicalTrialTimePointID",))


def _add_empty(header: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        if keyword not in header:
            setattr(header, keyword, "")


def _labelled(ds: Dataset, inherited: bool) -> bool:
    """Whether somebody said in which character set a data set or item is written."""
    if "SpecificCharacterSet" not in ds:
        return inherited
    # an empty first value of several is the default repertoire, and says what the others add
    return any(ds.get("SpecificCharacterSet") or ())


def _copy(source: Dataset, target: Dataset, keyword: str, labelled: bool) -> None:
    """Copy one attribute if the standard allows its VR and its value."""
    try:
        element = source[keyword]
        # else an item would take the place of a value, or a value that of items
        if (element.VR == "SQ") != (dictionary_VR(element.tag) == "SQ"):
            return
        if element.VR == "SQ":
            value: Any = list(_items(element, keyword, labelled))
        else:
            value = written_value(element, labelled)
        if value is None or value == [] or value not in _ENUMERATED.get(keyword, (value,)):
            return
        setattr(target, keyword, value)
    except _UNREADABLE:
        return


def _items(element: DataElement, keyword: str, labelled: bool) -> Iterator[Dataset]:
    """Yield the items of a sequence that are still whole after cleaning."""
    for item in element.value:
        clean = _clean(item, _labelled(item, labelled))
        if len(clean) and _is_whole(clean, keyword):
            yield clean


def _clean(item: Dataset, labelled: bool) -> Dataset:
    """Copy what is usable of an item; its text goes into the character set of our object."""
    clean = Dataset()
    for tag in item.keys():  # noqa: SIM118 - to go through the items would read them, and may raise
        keyword = keyword_for_tag(tag)
        if keyword and keyword != "SpecificCharacterSet":
            _copy(item, clean, keyword, labelled)
    # the sequences that we copy hold nothing of type 2, and nothing else has to be there empty
    for element in list(clean):
        if element.is_empty:
            del clean[element.tag]
    entity = ("UniversalEntityID", "UniversalEntityIDType")
    if not all(keyword in clean for keyword in entity):
        for keyword in entity:
            clean.pop(keyword, None)
    return clean


def _is_whole(item: Dataset, keyword: str) -> bool:
    if keyword in _DESIGNATORS:
        return "LocalNamespaceEntityID" in item or "UniversalEntityID" in item
    needed = _CODE if keyword.endswith("CodeSequence") else _NEEDED_IN_ITEM.get(keyword, ())
    return all(name in item for name in needed)
