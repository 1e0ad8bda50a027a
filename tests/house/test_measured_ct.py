"""A real CT comes in by C-STORE; report, picture and regions go back and satisfy the judges."""

import pytest
from clumsy_pacs import ClumsyPacs
from enhanced import enhanced
from line import running_line
from ours import deliveries
from peers import LOOPBACK, dcmsend, wait_for
from pydicom import dcmread
from pydicom.uid import (
    Comprehensive3DSRStorage,
    SecondaryCaptureImageStorage,
)
from radiographs import write
from real_ct import as_series, example
from validators import dcentvfy, dciodvfy, dsrdump

MODEL, SCORED = "ct_attenuation", "ct_multitask"


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    """Start the embedded default, regions switched on, beside an Orthanc."""
    folder = tmp_path_factory.mktemp("ours")
    hurried = {"delivery_backoff_s": 0.1, "sweep_s": 0.5}
    with running_line(folder, orthanc, segmentation=True, **hurried) as running:
        running.system.cli("models", "stage", MODEL, "research")
        running.system.cli("models", "stage", SCORED, "off")
        yield running


@pytest.fixture(scope="module")
def sparse_pacs(line):
    """Add a PACS that takes reports and pictures, and no segmentations."""
    with ClumsyPacs.accepting_only(Comprehensive3DSRStorage, SecondaryCaptureImageStorage) as pacs:
        place = [pacs.aet, LOOPBACK, str(pacs.port), "--no-sends"]
        line.system.cli("peers", "add", *place, "--results", "all", "--role", "research")
        yield pacs


def test_what_the_pacs_received_of_a_measured_ct_satisfies_every_judge(line, tmp_path):
    images = as_series(example())
    for ds in images:
        ds.StudyTime = "101500"
    (tmp_path / "sent").mkdir()
    sent = [write(tmp_path / "sent", ds) for ds in images]
    line.send(dcmsend, *sent)
    line.system.delivered(images[0].StudyInstanceUID)
    received = {}
    for uid, content in line.stored(images[0].StudyInstanceUID).items():
        path = tmp_path / f"{uid}.dcm"
        path.write_bytes(content)
        received[str(dcmread(path, stop_before_pixels=True).Modality)] = path
    assert set(received) == {"SR", "OT", "SEG"}
    said = [words for path in received.values() for words in dciodvfy(path)]
    assert said + dsrdump(received["SR"]) + dcentvfy([*sent, *received.values()]) == []
    regions = dcmread(received["SEG"])
    names = [segment.TrackingID for segment in regions.SegmentSequence]
    report = dcmread(received["SR"])
    [groups] = [
        one.ContentSequence
        for one in report.ContentSequence
        if one.ConceptNameCodeSequence[0].CodeValue == "126010"
    ]
    told = [group.ContentSequence[0].TextValue for group in groups]
    assert {"trabecular bone: L2", "skeletal muscle: L3"} <= set(names) & set(told)
    assert "psoas muscle: L3, left" in names


def test_an_enhanced_image_is_chosen_by_its_frames_measured_and_told_of(
    line, sparse_pacs, tmp_path
):
    whole = enhanced(as_series(example(), "enhanced"))
    whole.StudyTime = "101500"
    line.send(dcmsend, write(tmp_path, whole))

    def results():
        series = line.system.ended(whole.StudyInstanceUID)
        states = {one["state"] for _, one in deliveries(series)}
        return series if states == {"sent", "parked"} else None

    series = wait_for("its results", results)
    assert any("mm long" in point for point in series["appraisal"]["points"])
    made = {one["kind"]: one for one in series["results"][0]["objects"]}
    assert set(made) == {"SR", "SC", "SEG"}
    told = {
        (kind, one["aet"]): (one["state"], one["detail"])
        for kind, each in made.items()
        for one in each["deliveries"]
    }
    refused = told.pop(("SEG", sparse_pacs.aet))
    assert refused[0] == "parked"
    assert "does not accept Segmentation Storage" in refused[1]
    assert {state for state, _ in told.values()} == {"sent"}
    assert set(sparse_pacs.stored) == {made["SR"]["SOPInstanceUID"], made["SC"]["SOPInstanceUID"]}
    received = []
    for uid, content in line.stored(whole.StudyInstanceUID).items():
        received.append(tmp_path / f"{uid}.received.dcm")
        received[-1].write_bytes(content)
    assert [words for path in received for words in dciodvfy(path)] == []


def test_a_second_model_scores_what_was_measured_and_both_report(line, tmp_path):
    line.system.cli("models", "stage", SCORED, "research")
    images = as_series(example(), "scored")
    for ds in images:
        ds.StudyTime = "101500"
    (tmp_path / "sent").mkdir()
    line.send(dcmsend, *[write(tmp_path / "sent", ds) for ds in images])

    def results():
        # a PACS beside it may refuse the regions of the other model
        found = line.system.ended(images[0].StudyInstanceUID)
        states = {one["state"] for _, one in deliveries(found)}
        return found if states and states <= {"sent", "parked"} else None

    measured, scored = wait_for("its results", results)["results"]
    line.system.cli("models", "stage", SCORED, "off")
    assert (measured["model"], scored["model"]) == (MODEL, SCORED)
    assert scored["state"] == "screened"
    assert {one["name"] for one in scored["findings"]} == {
        "vertebral fracture",
        "vertebral fracture within 5 years",
    }
    assert {one["kind"] for one in scored["objects"]} == {"SR", "SC"}
    stored = line.stored(images[0].StudyInstanceUID)
    received = tmp_path / "received.dcm"
    for one in scored["objects"]:
        received.write_bytes(stored[one["SOPInstanceUID"]])
        assert dciodvfy(received) == []
        if one["kind"] == "SR":
            assert dsrdump(received) == []
