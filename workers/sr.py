"""The structured report: one TID 1500 document for each model's look at a series."""

from datetime import datetime
from types import MappingProxyType
from typing import Final

import highdicom
from highdicom.sr import Comprehensive3DSR, ComprehensiveSR, EnhancedSR
from pydicom import Dataset
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from engines.errors import Verdict
from engines.findings import Result
from engines.product import PRODUCT, VERSION
from workers import codes, wording
from workers.reference import reference_header
from workers.report import Predecessor, Report
from workers.tid1500 import measurement_report
from workers.uids import (
    device_observer_uid,
    secondary_capture_uid,
    series_instance_uid,
    sop_instance_uid,
)

SERIES_NUMBER: Final = 9901
DOCUMENTS: Final = MappingProxyType(
    {
        Comprehensive3DSRStorage: Comprehensive3DSR,
        ComprehensiveSRStorage: ComprehensiveSR,
        EnhancedSRStorage: EnhancedSR,
    }
)


def structured_report(report: Report, sop_class: str = Comprehensive3DSRStorage) -> Dataset:
    """Write a report as a TID 1500 structured report.

    Parameters
    ----------
    report : Report
        A result, flagged or not, or a verdict.
    sop_class : str
        Comprehensive 3D, Comprehensive or Enhanced SR Storage. One result goes to one PACS in one
        of them only, else its findings count twice.

    Returns
    -------
    Dataset
        With file meta; Explicit VR Little Endian.

    Raises
    ------
    BadSeries
        If the source does not say whose study it is.
    """
    header = reference_header(report.source)
    at = local_time(report, header)
    document: Dataset = DOCUMENTS[highdicom.UID(sop_class)](
        evidence=_evidence(report, header),
        content=measurement_report(report),
        series_instance_uid=series_instance_uid(report, "SR"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=sop_instance_uid(report, "SR", sop_class),
        instance_number=1,
        manufacturer=PRODUCT,
        manufacturer_model_name=PRODUCT,
        software_versions=VERSION,
        device_serial_number=report.provenance.node,
        series_description=wording.series(report, "SR"),
        institution_name=header.get("InstitutionName") or None,
        is_complete=not isinstance(report.outcome, Verdict),
        content_date=at.date(),
        content_time=at.time(),
        content_qualification="RESEARCH" if report.research_only else "PRODUCT",
        requested_procedures=_requests(header),
        previous_versions=_previous(report.predecessor),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        contributing_equipment=[model_equipment(report)],
    )
    if _has_own_codes(report):
        document.CodingSchemeIdentificationSequence = [_own_codes()]
    pin(document, report, header)
    return document


def _has_own_codes(report: Report) -> bool:
    if report.measured:
        return True
    told = report.outcome.measurements if isinstance(report.outcome, Result) else ()
    return any(codes.MEASUREMENTS[one.name].scheme_designator == codes.OWN_SCHEME for one in told)


def _own_codes() -> Dataset:
    """Say whose a private code is (PS3.3 C.12.1)."""
    item = Dataset()
    item.CodingSchemeDesignator = codes.OWN_SCHEME
    item.CodingSchemeName = f"{PRODUCT} codes for what no standard names"
    item.CodingSchemeResponsibleOrganization = PRODUCT
    return item


def model_equipment(report: Report) -> highdicom.ContributingEquipment:
    """Describe the model as equipment that contributed, as IHE AIR asks.

    ``DeviceUID`` changes when the model does. No IOD lists it in this sequence yet, so dciodvfy
    warns of it.
    """
    weights = report.weights
    item = highdicom.ContributingEquipment(
        manufacturer=PRODUCT,
        purpose_of_reference=codes.PROCESSING_EQUIPMENT,
        manufacturer_model_name=weights.model,
        software_versions=[weights.version],
        contribution_description=_contribution(report),
    )
    item.DeviceUID = device_observer_uid(report.provenance.namespace, weights)
    return item


def _contribution(report: Report) -> str:
    weights, runtime = report.weights, report.provenance.runtime
    if report.measured:
        return f"Measured, not learned; settings sha256 {weights.sha256}; {runtime}"
    trained_on = weights.trained_on.value
    return f"AI model, trained on {trained_on}; weights sha256 {weights.sha256}; {runtime}"


def local_time(report: Report, header: Dataset) -> datetime:
    """Return when the analysis began, on the clock that the study's own times are told by."""
    at = report.provenance.analysed_at
    offset = header.get("TimezoneOffsetFromUTC")
    return at.astimezone(datetime.strptime(offset, "%z").tzinfo) if offset else at


def pin(document: Dataset, report: Report, header: Dataset) -> None:
    """Replace each time of writing by the time of analysis: equal results are equal files."""
    at = local_time(report, header)
    document.InstanceCreationDate = at.strftime("%Y%m%d")
    document.InstanceCreationTime = at.strftime("%H%M%S")
    for item in document.ContributingEquipmentSequence:
        item.ContributionDateTime = at.strftime("%Y%m%d%H%M%S%z")
    if "TimezoneOffsetFromUTC" in header:
        document.TimezoneOffsetFromUTC = header.TimezoneOffsetFromUTC


def _evidence(report: Report, header: Dataset) -> list[Dataset]:
    """List what the content refers to: source images and, if there is one, our picture."""
    sources = [header, *(_of_the_series(header, uid) for uid in report.images_referenced[1:])]
    if not (isinstance(report.outcome, Result) and report.outcome.shown):
        return sources
    picture = Dataset()
    picture.StudyInstanceUID = header.StudyInstanceUID
    picture.SeriesInstanceUID = series_instance_uid(report, "SC")
    picture.SOPClassUID = SecondaryCaptureImageStorage
    picture.SOPInstanceUID = secondary_capture_uid(report)
    return [*sources, picture]


def _of_the_series(header: Dataset, SOPInstanceUID: str) -> Dataset:
    """Name another image of the source's series, which are all of one class."""
    other = Dataset()
    other.StudyInstanceUID = header.StudyInstanceUID
    other.SeriesInstanceUID = header.SeriesInstanceUID
    other.SOPClassUID = header.SOPClassUID
    other.SOPInstanceUID = SOPInstanceUID
    return other


def _requests(header: Dataset) -> list[Dataset] | None:
    """Turn the source's requests into Referenced Requests (PS3.3 C.17.2, all of it type 1 or 2)."""
    requests = [_request(header, item) for item in header.get("RequestAttributesSequence", ())]
    return requests or None


def _request(header: Dataset, attributes: Dataset) -> Dataset:
    request = Dataset()
    request.StudyInstanceUID = header.StudyInstanceUID
    request.ReferencedStudySequence = []
    request.AccessionNumber = attributes.get("AccessionNumber") or header.AccessionNumber
    request.PlacerOrderNumberImagingServiceRequest = ""
    request.FillerOrderNumberImagingServiceRequest = ""
    request.RequestedProcedureID = attributes.get("RequestedProcedureID", "")
    request.RequestedProcedureDescription = attributes.get("RequestedProcedureDescription", "")
    request.RequestedProcedureCodeSequence = list(
        attributes.get("RequestedProcedureCodeSequence", ())
    )
    return request


def _previous(predecessor: Predecessor | None) -> list[Dataset] | None:
    if predecessor is None:
        return None
    previous = Dataset()
    previous.StudyInstanceUID = predecessor.StudyInstanceUID
    previous.SeriesInstanceUID = predecessor.SeriesInstanceUID
    previous.SOPClassUID = predecessor.SOPClassUID
    previous.SOPInstanceUID = predecessor.SOPInstanceUID
    return [previous]
