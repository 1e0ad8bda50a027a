"""A real CT comes in by C-STORE; report, picture and regions go back and satisfy the judges."""

import pytest
from line import running_line
from peers import dcmsend
from pydicom import dcmread
from radiographs import write
from real_ct import as_series, example
from validators import dcentvfy, dciodvfy, dsrdump

MODEL = "ct_attenuation"


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    """Start the embedded default, regions switched on, beside an Orthanc."""
    folder = tmp_path_factory.mktemp("ours")
    with running_line(folder, orthanc, segmentation=True) as running:
        running.system.cli("models", "stage", MODEL, "research")
        yield running


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
