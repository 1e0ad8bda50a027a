"""The peers that the other tests lean on start, do their work and go."""

import os
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
import redis
import sqlalchemy
from peers import DcmtkStorescp, Orthanc, answers, dcmsend, echoscu, storescu
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Write the least image that a PACS takes."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID, ds.Modality = "Peer^Test", "PEER-1", "OT"
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = np.arange(256, dtype=np.uint8).tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    return tmp_path / "film.dcm"


def test_orthanc_stores_what_storescu_sends_and_gives_it_back_equal(orthanc, film):
    rc, said = storescu(orthanc.port, [film], called="ORTHANC")
    assert rc == 0, said
    (instance,) = orthanc.instances()
    (orthanc.folder / "back.dcm").write_bytes(orthanc.file(instance))
    assert pydicom.dcmread(orthanc.folder / "back.dcm") == pydicom.dcmread(film)
    assert orthanc.tags(instance)["PatientID"] == "PEER-1"
    assert orthanc.statistics()["CountInstances"] == 1
    orthanc.delete_all()
    assert orthanc.instances() == []


def test_orthanc_refuses_to_be_called_by_another_name(orthanc):
    assert echoscu(orthanc.port, called="ORTHANC")[0] == 0
    assert echoscu(orthanc.port, called="SOMEONE")[0] != 0


def test_storescp_keeps_what_dcmsend_sends(dcmtk_storescp, film):
    rc, said = dcmsend(dcmtk_storescp.port, [film], called="STORESCP")
    assert rc == 0, said
    (kept,) = dcmtk_storescp.files()
    assert pydicom.dcmread(kept) == pydicom.dcmread(film)


def test_a_sender_says_when_nobody_listens(film):
    rc, said = storescu(1, [film], called="NOBODY")
    assert rc != 0 and "Association Request Failed" in said


def test_redis_keeps_a_value(redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("doorbell", "rung")
        assert client.get("doorbell") == b"rung"


def test_postgres_gives_each_test_a_database_of_its_own(postgres_server):
    one, two = postgres_server.new_database(), postgres_server.new_database()
    for url in (one, two):
        engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+pg8000:"))
        with engine.begin() as connection:
            connection.exec_driver_sql("create table peer (aet text)")
        engine.dispose()
    assert one != two


@pytest.mark.parametrize("kind", [Orthanc, DcmtkStorescp])
def test_a_peer_is_gone_when_its_context_is_left(kind, tmp_path):
    with kind(tmp_path) as peer:
        pid, port = peer.process.pid, peer.port
        assert answers(port)
    assert not answers(port)
    # what it had forked may still wait to be collected by whoever adopted it
    assert any(no_group(pid) for _ in range(50))


def no_group(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    time.sleep(0.1)
    return False
