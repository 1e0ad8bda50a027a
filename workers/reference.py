"""The header that our objects take patient and study from: a source's own, put right.

Headers of real modalities break the standard in small ways that make an object of ours illegal, or
make the library that writes it stop. What is broken and optional is left out, what is broken and
required by type 2 is left empty, and nothing is ever guessed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from pydicom import Dataset
from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from engines.errors import BadSeries, Reason

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
# items without their type 1 attributes are of no use to a reader and illegal
_NEEDED_IN_ITEM: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "OtherPatientIDsSequence": ("PatientID", "TypeOfPatientID"),
        "ReferencedStudySequence": ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"),
        "ReferencedPatientSequence": ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"),
    }
)
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_SEXES: Final = frozenset({"M", "F", "O"})
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
_LINE_BREAKS_ALLOWED: Final = frozenset({"ST", "LT", "UT"})
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
    for keyword in (*REQUIRED, *TYPE_2, *PATIENT_AND_STUDY, *SOURCE):
        _copy(source, header, keyword)
    for keyword in REQUIRED:
        if not header.get(keyword):
            raise BadSeries(
                Reason.HEADER_UNREADABLE,
                f"the image has no usable {keyword}, so a result would belong to nobody",
            )
    for keyword in TYPE_2:
        if keyword not in header:
            setattr(header, keyword, "")
    _put_right(header)
    return header


def _put_right(header: Dataset) -> None:
    """Apply the few rules that are about one attribute and not about its VR."""
    if header.PatientSex not in _SEXES:
        header.PatientSex = ""
    if not _TIMEZONE.fullmatch(str(header.get("TimezoneOffsetFromUTC", "+0000"))):
        del header.TimezoneOffsetFromUTC
    if header.get("Laterality", "R") not in ("R", "L"):
        del header.Laterality
    # type 1C, legal only in company (PS3.3 C.7.1.1)
    if header.get("PatientIdentityRemoved") == "YES" and not (
        header.get("DeidentificationMethod") or header.get("DeidentificationMethodCodeSequence")
    ):
        del header.PatientIdentityRemoved


def _copy(source: Dataset, header: Dataset, keyword: str) -> None:
    """Copy one attribute if the standard allows its value."""
    try:
        element = source[keyword]
        unicode = "SpecificCharacterSet" in source
    except (KeyError, ValueError, NotImplementedError):
        return
    if element.VR == "SQ":
        items = list(_items(element, keyword, unicode))
        if items:
            setattr(header, keyword, items)
        return
    value = _value(element, unicode)
    if value is not None:
        setattr(header, keyword, value)


def _items(element: DataElement, keyword: str, unicode: bool) -> Iterable[Dataset]:
    """Yield the items of a sequence that are still whole after cleaning."""
    needed = _CODE if keyword.endswith("CodeSequence") else _NEEDED_IN_ITEM.get(keyword, ())
    for item in element.value:
        clean = Dataset()
        for child in item:
            if child.keyword and not child.tag.is_private:
                _copy_child(child, clean, unicode)
        if len(clean) and all(clean.get(name) for name in needed):
            yield clean


def _copy_child(child: DataElement, clean: Dataset, unicode: bool) -> None:
    if child.VR == "SQ":
        setattr(clean, child.keyword, list(_items(child, child.keyword, unicode)))
        return
    value = _value(child, unicode)
    if value is not None:
        setattr(clean, child.keyword, value)


def _value(element: DataElement, unicode: bool) -> Any:
    """Return what to write for an element, or None to leave it out."""
    VR = dictionary_VR(element.tag)
    raw = element.value
    values = list(raw) if isinstance(raw, MultiValue) else [raw]
    if VR in ("US", "SS", "UL", "FD", "FL"):
        return raw if all(isinstance(v, int | float) for v in values) else None
    texts = ["" if v is None else _text(v, VR, unicode) for v in values]
    if not all(text == "" or _legal(text, VR) for text in texts):
        return None
    single = dictionary_VM(element.tag) == "1"
    if single and len(texts) > 1:
        return None
    return texts if len(texts) > 1 else texts[0]


def _text(value: object, VR: str, unicode: bool) -> str:
    """Return a value as text, trimmed, and read as UTF-8 if nobody said what it is."""
    text = str(value.decode()) if isinstance(value, PersonName) else str(value)
    if not unicode and not text.isascii():
        text = _unlabelled(text)
    text = text.strip(" \0")
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
