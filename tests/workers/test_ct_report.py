"""A measured CT in SR and in words: a group for each thing in each place, and no reassurance."""

from dataclasses import replace

import ct_reports
import numpy as np
import pytest
import reports
from ct_reports import named, said
from pydicom import Dataset
from validators import dcentvfy, dciodvfy, dsrdump, pixelmed_all

from engines.errors import BadSeries, Reason
from engines.findings import Measurement
from workers import codes, wording
from workers.objects import part10_bytes, secondary_capture, structured_report
from workers.topics import MEASURED_OF, topics

FAILED = BadSeries(Reason.SLICES_MISSING, "two slices are missing")
REPORTS = {
    "flagged": lambda: ct_reports.report(),
    "not-flagged": lambda: ct_reports.report(172.0, findings=(ct_reports.low_attenuation(172.0),)),
    "not-judged": lambda: ct_reports.report(findings=()),
    "failed": lambda: ct_reports.report(verdict=FAILED),
}


def numbers(group: Dataset) -> dict[str, float]:
    return {
        i.ConceptNameCodeSequence[0].CodeMeaning: float(i.MeasuredValueSequence[0].NumericValue)
        for i in group.ContentSequence
        if i.ValueType == "NUM"
    }


@pytest.fixture(scope="module")
def groups() -> dict[str, Dataset]:
    """Return the groups of a flagged report by their tracking identifier."""
    found = named(structured_report(ct_reports.report()), "125007")
    return {said(group, "112039"): group for group in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the CT, and every report and picture."""
    folder = tmp_path_factory.mktemp("ct")
    for ds in ct_reports.slices(SpecificCharacterSet="ISO_IR 192"):
        ds.save_as(folder / f"{ds.SOPInstanceUID}.dcm", enforce_file_format=True)
    for name, report in REPORTS.items():
        path = folder / f"{name}.dcm"
        path.write_bytes(part10_bytes(structured_report(report())))
        if name != "failed":
            picture = secondary_capture(report())
            (folder / f"picture-{name}.dcm").write_bytes(part10_bytes(picture))
    return folder


@pytest.mark.parametrize("name", REPORTS)
def test_dciodvfy_and_dsrdump_find_nothing_wrong(folder, name):
    assert dciodvfy(folder / f"{name}.dcm") == [] == dsrdump(folder / f"{name}.dcm")
    if name != "failed":
        assert dciodvfy(folder / f"picture-{name}.dcm") == []


def test_pixelmed_finds_the_reports_true_to_their_template(folder):
    # its time grows with the square of the groups: one of each kind, here
    bone, height, muscle = (ct_reports.result().measurements[place] for place in (0, 8, -6))
    found = (ct_reports.low_attenuation(93.2), ct_reports.fracture("T12", 0.71))
    few = ct_reports.report(findings=found, measurements=(bone, height, muscle))
    path = folder / "few.dcm"
    path.write_bytes(part10_bytes(structured_report(few)))
    assert pixelmed_all([path]) == {path.name: []}


def test_report_picture_and_slices_are_one_study(folder):
    # the reports name the slices they were drawn on, and each must be there
    ours = [folder / "flagged.dcm", folder / "picture-flagged.dcm"]
    assert dcentvfy([*sorted(folder.glob("2.25*.dcm")), *ours]) == []


def test_each_thing_in_each_place_has_a_group_with_its_numbers(groups):
    assert list(groups) == [
        "trabecular bone: L1",
        "vertebral body: T12",
        "vertebral body: L1",
        "trabecular bone: T12",
        "skeletal muscle: L3",
        "intermuscular fat: L3",
        "visceral fat: L3",
        "subcutaneous fat: L3",
    ]
    assert numbers(groups["trabecular bone: L1"]) == {
        "Threshold Attenuation Coefficient": 100.0,
        "Mean Attenuation Coefficient": 93.2,
        "Standard Deviation of Attenuation Coefficient": 31.5,
        "Area": 3.1,
        "Volume": 2.4,
    }
    t12 = numbers(groups["vertebral body: T12"])
    assert t12["Lowest vertebral height ratio"] == 0.71 and t12["Threshold Value"] == 0.8
    assert numbers(groups["skeletal muscle: L3"])["Skeletal muscle index"] == 41.2


def test_only_a_flagged_group_is_about_the_finding(groups):
    assert said(groups["trabecular bone: L1"], "121071") == "Low trabecular attenuation"
    assert "fracture" in said(groups["vertebral body: T12"], "121071")
    assert said(groups["vertebral body: L1"], "121071") == "Bone"
    assert said(groups["skeletal muscle: L3"], "121071") == "Skeletal muscle"


def test_the_region_is_drawn_on_the_slice_that_it_was_measured_on(groups):
    [region] = named(groups["trabecular bone: L1"], "111030")
    points = np.array(region.GraphicData).reshape(-1, 2)
    [contour] = [one for one in ct_reports.result().contours if one.site == "L1"]
    np.testing.assert_allclose(points[:-1], contour.points, atol=1e-3)
    assert (points[0] == points[-1]).all()
    [seen] = region.ContentSequence
    assert seen.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == contour.SOPInstanceUID


def test_a_frame_of_an_enhanced_image_is_named_by_its_number():
    old = ct_reports.result()
    first = old.contours[0]
    framed = ct_reports.report(
        contours=(type(first)("L1", first.what, "2.25.2008", 7, first.points),)
    )
    [region, *_] = named(structured_report(framed), "111030")
    assert int(region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber) == 7


def test_what_was_not_learned_is_nowhere_called_ai(groups):
    report = ct_reports.report()
    for ds in (structured_report(report), secondary_capture(report)):
        shown = [e for e in ds.iterall() if e.VR in ("UT", "LO", "LT", "ST", "UC", "SH")]
        text = "\n".join(str(e.value) for e in shown)
        assert " AI" not in f" {text}" and "Artificial" not in text and "simulated" not in text
    parameters = [i.TextValue for i in named(groups["trabecular bone: L1"], "111002")]
    assert "trained on: nothing: measured" in parameters
    assert "set aside: L2, metal" in parameters
    assert "scan contrast_phase: portal venous" in parameters
    limit = "trabecular attenuation at most 100 [hnsf'U], Pickhardt 2013"
    assert f"threshold: {limit}; held against it: 93.2, low" in parameters


def test_the_sentence_names_number_table_phase_and_what_was_set_aside():
    sentence = wording.sentence(ct_reports.report())
    for part in (
        "FLAGGED: low trabecular attenuation, L1: 93 HU",
        "at or below 100 HU; table Pickhardt 2013",
        "FLAGGED: suspected vertebral fracture, T12: height ratio 0.71",
        "not flagged: suspected vertebral fracture, L1",
        "contrast: portal venous, 120 kVp",
        "L2 (metal)",
        "measured, not learned",
    ):
        assert part in sentence
    assert "arcopenia" not in sentence


def test_a_corrected_number_is_never_called_uncorrected():
    plain, corrected = (
        wording.conditions(ct_reports.result(findings=(ct_reports.low_attenuation(value),)))
        for value in (93.2, 104.4)
    )
    assert plain.startswith("Uncorrected HU, contrast: portal venous")
    assert "ncorrected" not in corrected and "as corrected by this site" in corrected


def test_a_number_is_not_rounded_over_its_threshold():
    assert wording.held(ct_reports.low_attenuation(100.3)) == "100.3"
    assert wording.held(ct_reports.low_attenuation(100.0)) == "100"
    assert wording.held(ct_reports.low_attenuation(93.2)) == "93"


def test_without_a_threshold_a_result_is_neither_flagged_nor_not():
    report = ct_reports.report(findings=())
    assert "flagged" not in wording.sentence(report).lower()
    assert wording.state(report.outcome) == "no threshold applied"


def test_levels_below_no_threshold_are_said_in_one_breath():
    report = ct_reports.report(145.0, ratio=0.94)
    sentence = wording.sentence(report)
    assert (
        "not flagged: suspected vertebral fracture, T12, L1: height ratio 0.94 to 0.96" in sentence
    )
    assert sentence.count("suspected vertebral fracture") == 1
    assert "cannot be used to rule out" in wording.advice(report, report.outcome)


def test_a_verdict_on_a_ct_says_that_nothing_was_measured():
    sentence = wording.sentence(REPORTS["failed"]())
    assert sentence.startswith("Not measured: two slices are missing (slices-missing)")
    assert "not a negative result" in sentence


def test_every_measurement_has_its_code_and_its_group():
    assert set(MEASURED_OF) <= set(codes.MEASUREMENTS)
    assert set(MEASURED_OF.values()) <= set(codes.STRUCTURES)


def test_two_findings_of_one_thing_have_a_group_each():
    index = ct_reports.fracture("L3", 0.7)
    muscle = [
        type(index)(
            "low skeletal muscle index", "L3", 30.0, 34.4, quantity="skeletal muscle index"
        ),
        type(index)(
            "low skeletal muscle attenuation",
            "L3",
            20.0,
            33.0,
            quantity="skeletal muscle attenuation",
        ),
    ]
    first, second = topics(ct_reports.result(findings=tuple(muscle)))[:2]
    assert (first.what, second.what) == ("skeletal muscle", "low skeletal muscle attenuation")
    assert second.measurements == (Measurement("skeletal muscle attenuation", "L3", 20.0, "1"),)


def test_the_same_result_is_the_same_bytes_and_other_slices_are_another_result():
    once, again = (reports.result_objects(ct_reports.report()) for _ in range(2))
    assert [part10_bytes(ds) for _, ds in once] == [part10_bytes(ds) for _, ds in again]
    old = ct_reports.result()
    other = ct_reports.report(scan=replace(old.scan, sha256="0" * 64))
    assert structured_report(other).SOPInstanceUID != once[0][1].SOPInstanceUID
