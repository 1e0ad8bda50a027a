"""Every gate refuses what it is there for, with its reason, and lets a routine film pass."""

from dataclasses import replace
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)
from radiographs import case, cr, shared

from engines.eligibility import frontal_film, frontal_films, require_patient
from engines.errors import NotEligible, Reason
from engines.images import read_image
from engines.rules import Rules
from engines.views import view_of


def item(**values: Any) -> list[Dataset]:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return [ds]


def refusal(*images: Dataset, min_age_years: int = 50) -> NotEligible:
    found = case(*images, min_age_years=min_age_years)
    try:
        require_patient(found)
        film = frontal_film(found)
    except NotEligible as verdict:
        return verdict
    pytest.fail(f"{film.SOPInstanceUID} was let through")


def passes(**changes: Any) -> bool:
    ds = cr(**changes)
    require_patient(case(ds))
    return frontal_film(case(ds)) is ds


DERIVED: dict[str, Any] = {"ImageType": ["DERIVED", "PRIMARY"]}
DX: dict[str, Any] = {"SOPClassUID": DigitalXRayImageStorageForPresentation}
COMPRESSED = item(CodeValue="113040", CodingSchemeDesignator="DCM", CodeMeaning="Lossy Compression")
ENHANCED = item(CodeValue="113043", CodingSchemeDesignator="DCM", CodeMeaning="other processing")
HUMAN = item(CodeValue="337915000", CodingSchemeDesignator="SCT", CodeMeaning="homo sapiens")
DOG = item(CodeValue="448771007", CodingSchemeDesignator="SCT", CodeMeaning="Canis familiaris")
LATERAL = item(CodeValue="399067008", CodingSchemeDesignator="SCT", CodeMeaning="lateral")
PA = item(CodeValue="272479007", CodingSchemeDesignator="SCT", CodeMeaning="postero-anterior")
PA_WORDS = item(CodeValue="X", CodingSchemeDesignator="99X", CodeMeaning="Postero-Anterior")
OBLIQUE = item(CodeValue="Y", CodingSchemeDesignator="99X", CodeMeaning="postero-anterior oblique")


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        (Reason.AGE_MISSING, {"PatientAge": None}),
        (Reason.AGE_BELOW_MINIMUM, {"PatientAge": "049Y"}),
        (Reason.AGE_CONTRADICTORY, {"PatientBirthDate": "19800101"}),
        (Reason.SEX_MISSING, {"PatientSex": "O"}),
        (Reason.ANIMAL, {"PatientSpeciesDescription": "Canis lupus familiaris"}),
        (Reason.ANIMAL, {"PatientSpeciesCodeSequence": DOG}),
        (Reason.ANIMAL, {"PatientBreedDescription": "Beagle"}),
        (Reason.ANIMAL, {"PatientSexNeutered": "ALTERED"}),
        (Reason.ANIMAL, {"ResponsiblePersonRole": "OWNER"}),
        (Reason.ANIMAL, {"InstitutionName": "Tierklinik am See"}),
        (Reason.ANIMAL, {"PatientSpeciesDescription": "Non-human primate"}),
        (Reason.ANIMAL, {"PatientSpeciesDescription": "Not human"}),
        (Reason.ANIMAL, {"StudyDescription": "Dog thorax"}),
        (Reason.ANIMAL, {"SeriesDescription": "Thorax Hund"}),
        (Reason.ANIMAL, {"StudyDescription": "Chest, cat"}),
        (Reason.OWN_RESULT, {"Manufacturer": "osteoscreen"}),
        (Reason.SCREENSHOT, {"SOPClassUID": SecondaryCaptureImageStorage}),
        (Reason.SCREENSHOT, {"ConversionType": "WSD"}),
        (Reason.SCREENSHOT, {"ImageType": ["ORIGINAL", "SECONDARY"]}),
        (Reason.SCREENSHOT, {"ImageType": ["ORIGINAL", "PRIMARY", "SCREEN SAVE"]}),
        (Reason.SCREENSHOT, {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}),
        (Reason.SCREENSHOT, {"PhotometricInterpretation": "PALETTE COLOR"}),
        (Reason.NOT_FOR_PRESENTATION, {"SOPClassUID": DigitalXRayImageStorageForProcessing}),
        (Reason.NOT_FOR_PRESENTATION, {"PresentationIntentType": "FOR PROCESSING"}),
        (Reason.DERIVED_IMAGE, DERIVED),
        (Reason.DERIVED_IMAGE, {**DERIVED, "DerivationDescription": "edge enhancement"}),
        (Reason.DERIVED_IMAGE, {**DERIVED, "DerivationDescription": "edges enhanced, JPEG"}),
        (Reason.DERIVED_IMAGE, {**DERIVED, "LossyImageCompression": "01"}),
        (Reason.DERIVED_IMAGE, {**DERIVED, "DerivationCodeSequence": COMPRESSED + ENHANCED}),
        (Reason.DERIVED_IMAGE, {**DX, **DERIVED}),
        (Reason.DERIVED_IMAGE, {**DX, "ImageType": ["DERIVED"]}),
        (Reason.DERIVED_IMAGE, {**DX, **DERIVED, "SeriesDescription": "Chest bone suppression"}),
        (Reason.BODY_PART_MISMATCH, {"SeriesDescription": "Hand PA"}),
        (Reason.BODY_PART_MISMATCH, {"SeriesDescription": "Ribs PA"}),
        (Reason.BODY_PART_MISMATCH, {"AcquisitionDeviceProcessingDescription": "[LOWER LEG  ]"}),
        (Reason.VIEW_UNKNOWN, {"ViewPosition": None}),
        (Reason.VIEW_UNKNOWN, {"ViewPosition": "", "StudyDescription": "Chest PA and lateral"}),
        (Reason.VIEW_UNKNOWN, {"ViewPosition": "", "SeriesDescription": "Chest PA/LAT"}),
        (Reason.VIEW_NOT_FRONTAL, {"ViewPosition": "LL"}),
        (Reason.VIEW_NOT_FRONTAL, {"ViewPosition": "RLO"}),
        (Reason.VIEW_NOT_FRONTAL, {"ViewPosition": "AP OBLIQUE"}),
        (Reason.VIEW_NOT_FRONTAL, {"SeriesDescription": "Thorax seitlich"}),
        (Reason.VIEW_NOT_FRONTAL, {"ViewPosition": None, "ProtocolName": "Poumon profil"}),
        (Reason.VIEW_NOT_FRONTAL, {"ViewPosition": None, "ViewCodeSequence": LATERAL}),
        (Reason.VIEW_NOT_FRONTAL, {"ViewPosition": None, "ViewCodeSequence": OBLIQUE}),
        (Reason.VIEW_NOT_FRONTAL, {"PatientOrientation": ["A", "F"]}),
    ],
)
def test_a_gate_refuses_with_its_reason(reason: Reason, changes: dict[str, Any]) -> None:
    verdict = refusal(cr(**changes))
    assert verdict.reason is reason
    for keyword, value in changes.items():
        if isinstance(value, str) and value and keyword != "PresentationIntentType":
            assert value not in verdict.detail, "a detail must not quote the header"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"PatientAge": "050Y"},
        {"PatientSpeciesDescription": "Homo sapiens", "PatientSpeciesCodeSequence": HUMAN},
        {"ResponsiblePersonRole": "SPOUSE"},
        {"InstitutionName": "VA Vet Center"},
        {"StudyDescription": "Chest after dog bite"},
        {"ImageType": "ORIGINAL PRIMARY"},
        {"ImageType": None},
        {"ConversionType": "DI"},
        {"PresentationIntentType": "FOR PRESENTATION"},
        {**DERIVED, "DerivationCodeSequence": COMPRESSED},
        {**DERIVED, "DerivationDescription": "JPEG 2000 irreversible (lossy) 10:1"},
        {**DERIVED, "DerivationDescription": "Lossless JPEG-LS compression, ratio 2:1"},
        {"StudyDescription": "Chest and knee"},
        {"SeriesDescription": "Thorax de face"},
        {"ViewPosition": "AP"},
        {"ViewPosition": "PA", "SeriesDescription": "CHEST PA/LAT"},
        {"ViewPosition": None, "SeriesDescription": "Thorax p.a. stehend"},
        {"ViewPosition": None, "ViewCodeSequence": PA},
        {"ViewPosition": None, "ViewCodeSequence": PA_WORDS},
        {"PatientOrientation": ["L", "F"]},
    ],
)
def test_a_routine_film_passes(changes: dict[str, Any]) -> None:
    assert passes(**changes)


@pytest.mark.parametrize("device", [{}, DX])
def test_a_site_may_accept_its_devices_own_processing(device: dict[str, Any]) -> None:
    processed = cr(**device, **DERIVED)
    ours = Rules(accept_derived_primary=True)
    assert refusal(processed).reason is Reason.DERIVED_IMAGE
    assert frontal_film(replace(case(processed), rules=ours)) is processed
    suppressed = cr(**device, **DERIVED, SeriesDescription="Chest bone suppression")
    with pytest.raises(NotEligible, match=Reason.DERIVED_IMAGE):
        frontal_film(replace(case(suppressed), rules=ours))


def test_the_minimum_age_is_the_sites() -> None:
    assert refusal(cr(), min_age_years=65).reason is Reason.AGE_BELOW_MINIMUM
    require_patient(case(cr(PatientAge="040Y"), min_age_years=40))


def test_images_of_two_patients_are_in_doubt() -> None:
    assert refusal(cr(), cr(PatientSex="M")).reason is Reason.SEX_CONTRADICTORY
    assert refusal(cr(), cr(PatientID="SECRET-2")).reason is Reason.PATIENT_CONTRADICTORY
    require_patient(case(cr(), cr(PatientID=None)))


def test_the_frontal_film_is_found_among_the_others() -> None:
    film = cr()
    others = [cr(ViewPosition="LL"), cr(**DERIVED), cr(SOPClassUID=SecondaryCaptureImageStorage)]
    assert frontal_film(case(*others, film)) is film
    assert frontal_film(case(film, *others)) is film


def test_of_several_films_the_last_acquired_is_taken_in_any_order() -> None:
    day = "20261101"
    early = cr(AcquisitionDate=day, AcquisitionTime="101500", InstanceNumber=9)
    late = cr(AcquisitionDate=day, AcquisitionTime="101730", InstanceNumber=2)
    assert frontal_film(case(early, late)) is late
    assert frontal_film(case(late, early)) is late
    assert frontal_films(case(early, late)) == (late, early)
    first, second = cr(InstanceNumber=2), cr(InstanceNumber=10)
    assert frontal_film(case(second, first)) is second


def test_the_verdict_is_that_of_the_image_that_got_furthest() -> None:
    raw = cr(PresentationIntentType="FOR PROCESSING")
    lateral = cr(ViewPosition="LL")
    assert refusal(raw, lateral).reason is Reason.VIEW_NOT_FRONTAL
    assert refusal(lateral, raw).reason is Reason.VIEW_NOT_FRONTAL


def test_views_are_named() -> None:
    assert [view_of(cr(ViewPosition=view)) for view in ("PA", "AP", "LL", "")] == [
        "PA",
        "AP",
        "other",
        None,
    ]


def test_real_films_end_as_they_should() -> None:
    chest = case(read_image(shared("cxr/dicom/RG1_J2KI.dcm"), header_only=True))
    require_patient(chest)
    assert frontal_film(chest) is chest.images[0]
    assert chest.clinical.sex == "F" and int(chest.clinical.age_years or 0) == 64
    anonymous = read_image(shared("cxr/dicom/CR-MONO1-10-chest.part10.dcm"), header_only=True)
    assert refusal(anonymous).reason is Reason.AGE_MISSING
    assert frontal_film(case(anonymous)) is anonymous
    pelvis = read_image(shared("hip/paediatric/331_DDH_1.dcm"), header_only=True)
    with pytest.raises(NotEligible) as caught:
        frontal_film(case(pelvis))
    assert caught.value.reason is Reason.SCREENSHOT
