"""The same object again, and other objects under its name: one copy, nothing overwritten."""

import threading

import pydicom
import pytest
from faults.taken import asides, at_rest, ct_slice, events, new_uid, send, taking
from peers import dcmsend
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from daemon.records import summary
from engines.errors import Reason


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    with taking(tmp_path_factory.mktemp("ours")) as running:
        yield running


@pytest.fixture
def aside(system):
    """Return what was set aside in this test, as reason and detail."""
    before = {row.file for row in asides(system)}

    def since():
        at_rest(system)
        return [(row.reason, row.detail) for row in asides(system) if row.file not in before]

    yield since
    assert system.audit() == []


def kept(system, ds):
    return system.home / "spool" / "kept" / ds.SeriesInstanceUID / f"{ds.SOPInstanceUID}.dcm"


def test_objects_sent_again_and_by_two_modalities_at_once_are_kept_once(system, aside):
    uid = new_uid()
    slices = [ct_slice(uid) for _ in range(20)]
    before = summary.status(system.ledger)["instances"]
    senders = [
        threading.Thread(target=send, args=(system, order, calling))
        for calling, order in (("CT1", slices), ("CT2", slices), ("CT1", slices[::-1]))
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    send(system, slices)
    assert aside() == []
    assert summary.status(system.ledger)["instances"] - before == len(slices)
    assert len(list(kept(system, slices[0]).parent.iterdir())) == len(slices)
    assert all(kept(system, one).exists() for one in slices)


def test_a_whole_study_sent_again_changes_nothing(system, aside):
    uid = new_uid()
    slices = [ct_slice(uid) for _ in range(5)]
    for _ in range(2):
        send(system, slices)
        at_rest(system)
    assert aside() == []
    assert events(system, uid) == ["skipped"]


def test_other_content_under_a_known_uid_is_kept_aside_and_overwrites_nothing(system, aside):
    first = ct_slice(new_uid())
    other = ct_slice(first.SeriesInstanceUID, SOPInstanceUID=first.SOPInstanceUID)
    send(system, [first])
    send(system, [other])
    [(reason, detail)] = aside()
    assert reason == Reason.UID_CONFLICT and first.SOPInstanceUID in detail
    assert kept(system, first).read_bytes().endswith(first.PixelData)
    lying = [path.read_bytes() for path in (system.home / "spool" / "aside").iterdir()]
    assert any(content.endswith(other.PixelData) for content in lying)


def test_a_sender_that_repeats_other_content_without_end_fills_no_disk(system, aside):
    first = ct_slice(new_uid())
    other, third = (
        ct_slice(first.SeriesInstanceUID, SOPInstanceUID=first.SOPInstanceUID) for _ in range(2)
    )
    before = set((system.home / "spool" / "aside").iterdir())
    send(system, [first])
    for _ in range(2):
        send(system, [other, other, third])
        assert [reason for reason, _ in aside()] == [Reason.UID_CONFLICT] * 2
    assert len(set((system.home / "spool" / "aside").iterdir()) - before) == 2


def test_an_object_that_comes_in_another_transfer_syntax_is_kept_aside_and_says_so(
    system, aside, tmp_path
):
    ds = ct_slice(new_uid(), SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    send(system, [ds])
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.save_as(tmp_path / "compressed.dcm", enforce_file_format=True)
    assert dcmsend(system.port, [tmp_path / "compressed.dcm"], system.aet, calling="CT1")[0] == 0
    [(reason, detail)] = aside()
    assert reason == Reason.TRANSFER_SYNTAX_CHANGED
    assert ExplicitVRLittleEndian in detail and RLELossless in detail


def test_a_series_that_claims_two_studies_stays_with_the_first(system, aside):
    first = ct_slice(new_uid())
    second = ct_slice(first.SeriesInstanceUID, study=new_uid())
    send(system, [first, second])
    [(reason, detail)] = aside()
    assert reason == Reason.SERIES_IN_TWO_STUDIES
    assert first.StudyInstanceUID in detail and second.StudyInstanceUID in detail
    assert system.show(second.StudyInstanceUID) is None
    assert events(system, first.SeriesInstanceUID) == ["skipped"]
