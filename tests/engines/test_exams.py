"""A series is classified by its header; what is no acquisition is not classified at all."""

from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)
from radiographs import cr, shared

from engines.exams import Exam, classify, own_result
from engines.images import read_image
from engines.regions import Region, named_in


def region(code: str, meaning: str) -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "SCT", meaning
    return [item]


@pytest.mark.parametrize(
    "phrase",
    [
        *("CHEST", "CXR", "chest^PA", "Chest 2 views", "THORAX_PA", "Thorax p.a.", "Lunge"),
        *("Röntgen Thoraxaufnahme", "RX TÓRAX", "Radio pulmonaire", "poumons"),
    ],
)
def test_words_for_the_chest_are_known_in_four_languages(phrase: str) -> None:
    assert named_in((phrase,)) == {Region.CHEST}


@pytest.mark.parametrize("phrase", ["Thoracic spine AP", "BWS", "Brustwirbelsäule", "T-SPINE"])
def test_the_thoracic_spine_is_no_chest(phrase: str) -> None:
    assert named_in((phrase,)) == {Region.SPINE}


@pytest.mark.parametrize("phrase", ["Hüfte links", "HUEFTE", "Beckenübersicht", "PELVIS", "hanche"])
def test_words_for_hip_and_pelvis_are_known(phrase: str) -> None:
    assert named_in((phrase,)) == {Region.PELVIS}


@pytest.mark.parametrize("phrase", ["", "routine", "chip", "orchestra"])
def test_no_region_is_read_into_other_words(phrase: str) -> None:
    assert named_in((phrase,)) == frozenset()


@pytest.mark.parametrize(
    ("exam", "changes"),
    [
        (Exam.CHEST_XRAY, {}),
        (Exam.CHEST_XRAY, {"BodyPartExamined": None, "StudyDescription": "Thorax in 2 Ebenen"}),
        (Exam.CHEST_XRAY, {"BodyPartExamined": None, "ProtocolName": "W Chest PA"}),
        (Exam.CHEST_XRAY, {"SOPClassUID": DigitalXRayImageStorageForPresentation}),
        (Exam.CHEST_XRAY, {"SOPClassUID": DigitalXRayImageStorageForProcessing}),
        (Exam.CHEST_XRAY, {"SOPClassUID": None, "Modality": "DX"}),
        (Exam.CHEST_XRAY, {"Modality": "RG"}),
        (Exam.CHEST_XRAY, {"Modality": None}),
        (None, {"Modality": "MG"}),
        (None, {"Modality": "PX", "SOPClassUID": DigitalXRayImageStorageForPresentation}),
        (Exam.HIP_XRAY, {"BodyPartExamined": "HIP"}),
        (Exam.HIP_XRAY, {"BodyPartExamined": "PELVIS", "StudyDescription": "Chest and pelvis"}),
        (None, {"BodyPartExamined": "KNEE"}),
        (None, {"BodyPartExamined": "KNEE", "StudyDescription": "chest and knee"}),
        (None, {"BodyPartExamined": None}),
        (Exam.ABDOMEN_CT, {"SOPClassUID": CTImageStorage, "BodyPartExamined": "ABDOMEN"}),
        (Exam.ABDOMEN_CT, {"SOPClassUID": CTImageStorage, "BodyPartExamined": "CHESTABDPELVIS"}),
        (None, {"SOPClassUID": CTImageStorage, "BodyPartExamined": "CHEST"}),
        (Exam.HIP_MRI, {"SOPClassUID": MRImageStorage, "BodyPartExamined": "PELVIS"}),
        (None, {"SOPClassUID": MRImageStorage, "BodyPartExamined": "BRAIN"}),
    ],
)
def test_class_and_region_make_the_exam(exam: Exam | None, changes: dict[str, Any]) -> None:
    assert classify([cr(**changes)]) is exam


@pytest.mark.parametrize(
    "part", ["RIB", "RIBS", "STERNUM", "BREAST", "MAMMA", "SCAPULA", "CLAVICLE"]
)
def test_a_study_text_does_not_make_another_part_a_chest(part: str) -> None:
    assert classify([cr(BodyPartExamined=part, StudyDescription="Chest and ribs")]) is None


def test_the_thorax_by_its_newer_code_is_a_chest() -> None:
    coded = region("816094009", "")
    assert classify([cr(BodyPartExamined=None, AnatomicRegionSequence=coded)]) is Exam.CHEST_XRAY


def test_a_coded_region_counts() -> None:
    coded = region("51185008", "Chest")
    assert classify([cr(BodyPartExamined=None, AnatomicRegionSequence=coded)]) is Exam.CHEST_XRAY
    worded = region("X-1", "Pelvis and lower extremities")
    assert classify([cr(BodyPartExamined=None, AnatomicRegionSequence=worded)]) is Exam.HIP_XRAY


@pytest.mark.parametrize(
    "sop_class",
    [
        SecondaryCaptureImageStorage,
        ComprehensiveSRStorage,
        GrayscaleSoftcopyPresentationStateStorage,
        KeyObjectSelectionDocumentStorage,
        SegmentationStorage,
        "1.2.3.4",
    ],
)
def test_what_is_no_acquisition_is_no_exam_even_if_it_says_cr(sop_class: str) -> None:
    assert classify([cr(SOPClassUID=sop_class, Modality="CR")]) is None


def test_the_majority_of_a_series_decides() -> None:
    knee = cr(BodyPartExamined="KNEE")
    assert classify([knee, cr(), knee]) is Exam.CHEST_XRAY
    assert classify([cr(BodyPartExamined="HIP"), cr(), cr()]) is Exam.CHEST_XRAY
    assert classify([]) is None


def test_unreadable_values_are_as_absent() -> None:
    ds = cr(BodyPartExamined=None)
    ds.AnatomicRegionSequence = []
    assert classify([ds]) is None


def test_our_own_results_are_known_by_maker_or_equipment() -> None:
    equipment = Dataset()
    equipment.Manufacturer, equipment.ManufacturerModelName = "Someone", "osteoscreen"
    assert own_result(cr(Manufacturer="osteoscreen"))
    assert own_result(cr(Manufacturer="Other", ContributingEquipmentSequence=[equipment]))
    equipment.ManufacturerModelName = "a gateway"
    assert not own_result(cr(Manufacturer="Other", ContributingEquipmentSequence=[equipment]))


@pytest.mark.parametrize(
    ("path", "exam"),
    [
        ("cxr/dicom/RG1_J2KI.dcm", Exam.CHEST_XRAY),
        ("cxr/dicom/CR-MONO1-10-chest.part10.dcm", Exam.CHEST_XRAY),
        ("cxr/not-chest/RG3_J2KI.dcm", None),
        ("hip/paediatric/331_DDH_1.dcm", None),
        ("ct/CRLM-CT-1004/1-01.dcm", Exam.ABDOMEN_CT),
        ("mri/PROSTATEx-0000-t2-cor/1-01.dcm", None),
    ],
)
def test_real_headers_are_classified(path: str, exam: Exam | None) -> None:
    assert classify([read_image(shared(path), header_only=True)]) is exam
