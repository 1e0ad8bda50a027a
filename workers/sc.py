"""The Secondary Capture: the one object of ours that nearly every viewer shows."""

from typing import Final

import highdicom
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from engines.exams import Exam
from engines.findings import Result
from engines.product import PRODUCT, VERSION
from workers import codes, wording
from workers.content import coded
from workers.ct_picture import ct_picture
from workers.phrases import phrases
from workers.picture import picture
from workers.prognosis_picture import prognosis_picture
from workers.reference import reference_header
from workers.report import Report
from workers.sr import local_time, model_equipment, pin
from workers.uids import secondary_capture_uid, series_instance_uid

SERIES_NUMBER: Final = 9902
# PS3.16 Annex L; without it the side of the body would have to be named (PS3.3 C.7.3.1)
BODY_PARTS: Final = {
    Exam.CHEST_XRAY: "CHEST",
    Exam.HIP_XRAY: "HIP",
    Exam.ABDOMEN_CT: "ABDOMEN",
    Exam.HIP_MRI: "HIP",
}


def secondary_capture(report: Report) -> Dataset:
    """Write a result as a picture that any viewer shows.

    Parameters
    ----------
    report : Report
        A result with a film; a verdict has no picture.

    Returns
    -------
    Dataset
        Secondary Capture, RGB, with file meta; Explicit VR Little Endian. Nobody may measure on
        it, so it has neither PixelSpacing nor FrameOfReferenceUID.

    Raises
    ------
    BadSeries
        If the source does not say whose study it is.
    ValueError
        If there is nothing to show.
    """
    header = reference_header(report.source)
    capture: Dataset = _capture(report, header, _drawn(report))
    capture.ConversionType = "WSD"
    capture.BurnedInAnnotation = "YES"
    capture.RecognizableVisualFeatures = "NO"
    capture.LossyImageCompression = "00"
    capture.BodyPartExamined = BODY_PARTS[report.card.exam]
    _refer(capture, report)
    at = local_time(report, header)
    capture.DateOfSecondaryCapture = at.strftime("%Y%m%d")
    capture.TimeOfSecondaryCapture = at.strftime("%H%M%S")
    pin(capture, report, header)
    return capture


def _drawn(report: Report) -> NDArray[np.uint8]:
    result = report.outcome
    if isinstance(result, Result) and result.views is not None and result.prognosis is not None:
        return prognosis_picture(report, result, result.views, result.prognosis)
    if isinstance(result, Result) and result.views is not None:
        return ct_picture(report, result, result.views)
    return picture(report)


def _capture(report: Report, header: Dataset, pixels: NDArray[np.uint8]) -> highdicom.sc.SCImage:
    at = local_time(report, header)
    capture = highdicom.sc.SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        # a montage has no one orientation, so PatientOrientation stays empty
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=header.StudyInstanceUID,
        series_instance_uid=series_instance_uid(report, "SC"),
        series_number=SERIES_NUMBER,
        series_description=wording.series(report, "SC"),
        sop_instance_uid=secondary_capture_uid(report),
        instance_number=1,
        manufacturer=PRODUCT,
        manufacturer_model_name=PRODUCT,
        software_versions=VERSION,
        device_serial_number=report.provenance.node,
        institution_name=header.get("InstitutionName") or None,
        patient_id=header.PatientID,
        patient_name=header.PatientName,
        patient_birth_date=header.PatientBirthDate,
        patient_sex=header.PatientSex,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        study_date=header.StudyDate,
        study_time=header.StudyTime,
        referring_physician_name=header.ReferringPhysicianName,
        specific_character_set=header.SpecificCharacterSet,
        content_date=at.date(),
        content_time=at.time(),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        contributing_equipment=[model_equipment(report)],
    )
    capture.copy_patient_and_study_information(header)
    return capture


def _refer(capture: Dataset, report: Report) -> None:
    """Say what the picture was made from, and how; copy the side of a paired body part."""
    capture.PatientOrientation = []
    source = Dataset()
    source.ReferencedSOPClassUID = report.source.SOPClassUID
    source.ReferencedSOPInstanceUID = report.source.SOPInstanceUID
    source.PurposeOfReferenceCodeSequence = [coded(codes.SOURCE_IMAGE)]
    capture.SourceImageSequence = [source]
    say = phrases(exam=report.card.exam)
    capture.DerivationDescription = say.derivation_measured if report.measured else say.derivation
    if isinstance(report.outcome, Result) and report.outcome.prognosis is not None:
        capture.DerivationDescription = say.derivation_prognosis
    capture.ImageComments = wording.sentence(report)
    sides = _sides(report.outcome) if isinstance(report.outcome, Result) else set()
    if len(sides) == 1:
        capture.Laterality = sides.pop()


def _sides(result: Result) -> set[str]:
    return {finding.laterality for finding in result.findings if finding.laterality}
