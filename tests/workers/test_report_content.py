"""What a structured report says, row by row; the validators say whether it may."""

from collections.abc import Iterator

import numpy as np
import pytest
import reports
from pydicom import Dataset
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from engines.errors import BadSeries, Reason
from engines.findings import Finding, Measurement
from engines.product import IMPLEMENTATION_CLASS_UID, PRODUCT, VERSION
from workers.objects import part10_bytes, secondary_capture, structured_report
from workers.report import Predecessor
from workers.uids import secondary_capture_uid

FAILED = BadSeries(Reason.PIXELS_CONSTANT, "every pixel has the same value")
TWO_SIDES = (
    Finding("osteoporosis", "proximal femur", 0.7, 0.5, "L"),
    Finding("osteoporosis", "proximal femur", 0.3, 0.5, "R"),
)


def items(ds: Dataset) -> Iterator[Dataset]:
    """Walk the whole content tree, the root first."""
    yield ds
    for child in ds.get("ContentSequence", ()):
        yield from items(child)


def named(ds: Dataset, code_value: str) -> list[Dataset]:
    return [i for i in items(ds) if i.ConceptNameCodeSequence[0].CodeValue == code_value]


def code_of(item: Dataset) -> str:
    return str(item.ConceptCodeSequence[0].CodeValue)


@pytest.fixture(scope="module")
def flagged() -> Dataset:
    return structured_report(reports.report())


@pytest.fixture(scope="module")
def not_flagged() -> Dataset:
    return structured_report(reports.report(probability=0.12))


@pytest.fixture(scope="module")
def failed() -> Dataset:
    return structured_report(reports.report(verdict=FAILED))


def test_every_container_keeps_its_items_separate(flagged, failed):
    for ds in (flagged, failed):
        containers = [item for item in items(ds) if item.ValueType == "CONTAINER"]
        assert len(containers) > 2
        assert {item.ContinuityOfContent for item in containers} == {"SEPARATE"}


def test_every_item_has_a_name(flagged, not_flagged, failed):
    for ds in (flagged, not_flagged, failed):
        assert all(item.ConceptNameCodeSequence for item in items(ds))


def test_root_and_group_name_their_templates(flagged):
    assert flagged.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    [group] = named(flagged, "125007")
    assert group.ContentTemplateSequence[0].TemplateIdentifier == "1410"
    assert group.ContentTemplateSequence[0].MappingResource == "DCMR"


def test_each_group_has_one_tracking_uid_of_its_own_and_a_region_on_the_image():
    report = reports.with_result(reports.report(), findings=TWO_SIDES)
    groups = named(structured_report(report), "125007")
    assert len(groups) == 2
    uids = [named(group, "112040") for group in groups]
    assert all(len(found) == 1 for found in uids)
    assert len({found[0].UID for found in uids}) == 2
    for group in groups:
        [region] = named(group, "111030")
        points = list(region.GraphicData)
        assert points[:2] == points[-2:] == [0, 0] and max(points) == reports.ROWS
        [image] = region.ContentSequence
        referenced = image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        assert referenced == report.source.SOPInstanceUID
    sides = [code_of(named(group, "272741003")[0]) for group in groups]
    assert sides == ["7771000", "24028007"]


def test_number_threshold_and_picture_stand_in_the_group(flagged):
    [group] = named(flagged, "125007")
    [probability], [threshold] = named(group, "122157"), named(group, "122411")
    assert probability.MeasuredValueSequence[0].NumericValue == 0.83
    assert threshold.MeasuredValueSequence[0].NumericValue == 0.5
    [explanation] = named(group, "130401")
    referenced = explanation.ReferencedSOPSequence[0]
    assert referenced.ReferencedSOPClassUID == SecondaryCaptureImageStorage
    assert referenced.ReferencedSOPInstanceUID == secondary_capture_uid(reports.report())


def test_a_long_probability_fits_its_attribute():
    ds = structured_report(reports.report(probability=float(np.float32(1) / 3)))
    [probability] = named(ds, "122157")
    assert len(str(probability.MeasuredValueSequence[0].NumericValue)) <= 16


def test_the_summary_tells_flagged_not_flagged_and_failed_apart(flagged, not_flagged, failed):
    summaries = [code_of(named(ds, "111017")[0]) for ds in (flagged, not_flagged, failed)]
    assert summaries == ["111242", "111241", "111245"]


def test_only_a_flagged_finding_carries_the_code_of_the_disease(flagged, not_flagged):
    def found(ds: Dataset) -> str:
        [group] = named(ds, "125007")
        return next(code_of(i) for i in named(group, "121071"))

    assert found(flagged) == "64859006"
    assert found(not_flagged) == "272673000"


def test_a_failure_has_no_measurements_but_its_reason(failed):
    assert named(failed, "126010") == [] and named(failed, "125007") == []
    assert failed.CompletionFlag == "PARTIAL"
    [comment] = named(failed, "121106")
    assert "every pixel has the same value" in comment.TextValue
    assert "pixels-constant" in comment.TextValue
    assert [kind for kind, _ in reports.result_objects(reports.report(verdict=FAILED))] == ["SR"]


def test_a_result_without_findings_is_a_report_all_the_same():
    ds = structured_report(reports.with_result(reports.report(), findings=()))
    assert named(ds, "125007") == []
    assert code_of(named(ds, "111017")[0]) == "111241"


def test_measurements_stand_with_the_finding_of_their_site():
    measured = (
        Measurement("mean attenuation", "L1", 95.25, "[hnsf'U]"),
        Measurement("area", "L1", 3.5, "cm2"),
    )
    found = (Finding("osteoporosis", "L1", 0.7, 0.5),)
    ds = structured_report(
        reports.with_result(reports.report(), findings=found, measurements=measured)
    )
    [group] = named(ds, "125007")
    [mean] = named(group, "112181")
    assert mean.MeasuredValueSequence[0].NumericValue == 95.25
    assert mean.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "[hnsf'U]"
    assert len(named(group, "42798000")) == 1


def test_the_group_says_where_its_number_comes_from(flagged):
    said = {item.TextValue for item in named(flagged, "111002")}
    for text in (
        "weights sha256: " + "ab" * 32,
        "trained on: simulated patients",
        "training: 2000 simulated films, seed 7, 20 epochs",
        "threshold: 0.5, Youden on simulated films",
        "runtime: ONNX Runtime 1.31.1 CPU FP32",
        "stage: research",
        "film view: PA",
        "heat map: Grad-CAM",
        "configuration min_age_years: 50",
        "analysed at: 2026-11-20T09:30:15.250000+00:00",
    ):
        assert text in said
    assert any(text.startswith("film pixels sha256: ") for text in said)
    [name], [version] = named(flagged, "111001"), named(flagged, "111003")
    assert (name.TextValue, version.TextValue) == ("cxr_osporscreen", "0.1.0")


def test_product_and_model_are_named_as_equipment(flagged):
    assert (flagged.Manufacturer, flagged.SoftwareVersions) == (PRODUCT, VERSION)
    assert flagged.DeviceSerialNumber == "node-1"
    model = next(
        item
        for item in flagged.ContributingEquipmentSequence
        if item.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    )
    assert (model.ManufacturerModelName, model.SoftwareVersions) == ("cxr_osporscreen", "0.1.0")
    assert "ab" * 32 in model.ContributionDescription
    purposes = [
        item.PurposeOfReferenceCodeSequence[0].CodeValue
        for item in flagged.ContributingEquipmentSequence
    ]
    assert "109101" in purposes


def test_nobody_has_verified_it_and_it_is_research(flagged):
    flags = (flagged.PreliminaryFlag, flagged.CompletionFlag, flagged.VerificationFlag)
    assert flags == ("PRELIMINARY", "COMPLETE", "UNVERIFIED")
    assert flagged.ContentQualification == "RESEARCH"
    # simulated patients stay research whatever the stage
    live = structured_report(reports.report(stage="live"))
    assert live.ContentQualification == "RESEARCH"


@pytest.mark.parametrize(
    "sop_class", [Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage]
)
def test_the_class_is_the_receivers_choice_and_the_content_is_the_same(sop_class, flagged):
    ds = structured_report(reports.report(), sop_class)
    assert ds.SOPClassUID == sop_class
    assert ds.ContentSequence == flagged.ContentSequence
    assert (ds.SeriesNumber, ds.Modality) == (9901, "SR")
    assert ds.SeriesDescription.startswith("AI")


def test_a_class_that_is_no_report_is_refused():
    with pytest.raises(KeyError):
        structured_report(reports.report(), SecondaryCaptureImageStorage)


def test_a_revised_report_names_the_one_it_replaces():
    old = Predecessor("2.25.1002", "2.25.5", ComprehensiveSRStorage, "2.25.6")
    ds = structured_report(reports.report(predecessor=old))
    [study] = ds.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [instance] = series.ReferencedSOPSequence
    assert study.StudyInstanceUID == "2.25.1002"
    assert series.SeriesInstanceUID == "2.25.5"
    assert instance.ReferencedSOPInstanceUID == "2.25.6"
    assert instance.ReferencedSOPClassUID == ComprehensiveSRStorage


def test_a_request_of_the_source_is_answered():
    request = Dataset()
    request.RequestedProcedureID = "RP1"
    source = reports.dx_source(RequestAttributesSequence=[request])
    [answered] = structured_report(reports.report(source)).ReferencedRequestSequence
    assert (answered.RequestedProcedureID, answered.AccessionNumber) == ("RP1", "A-100")
    assert answered.StudyInstanceUID == source.StudyInstanceUID


def test_the_picture_cannot_be_measured_on_or_taken_for_a_film():
    ds = secondary_capture(reports.report())
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "FrameOfReferenceUID"):
        assert keyword not in ds
    assert list(ds.ImageType) == ["DERIVED", "SECONDARY", "OTHER"]
    assert (ds.Modality, ds.ConversionType, ds.BurnedInAnnotation) == ("OT", "WSD", "YES")
    assert (ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.BitsStored) == ("RGB", 3, 8)
    assert not ds.PatientOrientation
    assert ds.BodyPartExamined == "CHEST"
    [source] = ds.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == "2.25.1001"
    assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert (ds.SeriesNumber, ds.LossyImageCompression) == (9902, "00")


def test_the_picture_names_the_side_of_a_paired_part():
    one = reports.with_result(reports.report(), findings=TWO_SIDES[:1])
    assert secondary_capture(one).Laterality == "L"
    assert "Laterality" not in secondary_capture(reports.report())


def test_files_carry_our_own_implementation_and_explicit_little_endian(tmp_path):
    for kind, ds in reports.result_objects(reports.report()):
        path = tmp_path / kind
        path.write_bytes(part10_bytes(ds))
        again = reports.read(path)
        assert again.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert again.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
        assert len(again.file_meta.ImplementationVersionName) <= 16
        assert part10_bytes(again) == path.read_bytes()


def test_the_study_of_the_source_is_the_study_of_the_objects():
    report = reports.report()
    for _, ds in reports.result_objects(report):
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDescription"):
            assert ds[keyword].value == report.source[keyword].value
        assert ds.SeriesInstanceUID != report.source.SeriesInstanceUID
