"""Earlier studies are asked for by patient, fetched from the peer, and taken for nobody else's."""

import pytest
from peers import LOOPBACK, DcmtkStorescp
from pydicom.uid import MRImageStorage, generate_uid
from slices import ct_stack

from daemon import checks, config, get, schema, scu
from daemon.errors import DeliveryError
from daemon.records import peers
from daemon.records.tables import Peer
from daemon.scu import Address
from engines.cases import read_case
from engines.exams import Exam
from workers import earlier

MOST = 50
SR = "1.2.840.10008.5.1.4.1.1.88.34"


def at(peer):
    return Address(peer.aet, LOOPBACK, peer.port, "OSTEOSCREEN", timeout_s=10)


def study(patient, day, **changes):
    """Return a small MR series of a patient in a study of its own."""
    images = ct_stack(count=3)
    study_uid, series_uid = generate_uid(), generate_uid()
    for number, ds in enumerate(images, 1):
        ds.SOPClassUID, ds.Modality = MRImageStorage, "MR"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, series_uid
        ds.PatientID, ds.StudyDate, ds.InstanceNumber = patient, day, number
        ds.PatientName, ds.PatientBirthDate, ds.SeriesNumber = "Test", "19600102", 1
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
    return images


def stored(orthanc, *studies):
    answers = scu.store(at(orthanc), [ds for images in studies for ds in images])
    assert all(answer.stored for answer in answers)


def uids(images):
    return str(images[0].StudyInstanceUID), str(images[0].SeriesInstanceUID)


@pytest.fixture
def patient():
    return f"P{generate_uid()[-12:]}"


@pytest.fixture(scope="module")
def known(orthanc):
    orthanc.know("OSTEOSCREEN", 11112)
    return orthanc


def test_a_series_comes_as_it_was_stored(known, patient):
    images = study(patient, "20200301")
    stored(known, images)
    came = get.series(at(known), uids(images), MRImageStorage, MOST)
    assert {one.SOPInstanceUID: one.PixelData for one in came} == {
        one.SOPInstanceUID: one.PixelData for one in images
    }


def test_more_than_can_be_held_is_not_taken_for_the_series(known, patient):
    images = study(patient, "20200301")
    stored(known, images)
    with pytest.raises(DeliveryError, match="2 images came"):
        get.series(at(known), uids(images), MRImageStorage, 2)


def test_a_peer_that_only_stores_says_so(tmp_path):
    with DcmtkStorescp(tmp_path) as peer, pytest.raises(DeliveryError, match="answers no C-GET"):
        get.series(at(peer), ("1.2", "1.3"), MRImageStorage, MOST)


def test_the_latest_study_before_the_day_of_the_same_patient_comes_first(known, patient):
    old, older = study(patient, "20200301"), study(patient, "20190301")
    later, now = study(patient, "20220301"), study(patient, "20210301")
    same_number = study(patient, "20200401", PatientBirthDate="19700102")
    longer_number = study(f"{patient}0", "20200401")
    stored(known, old, older, later, same_number, longer_number)
    case = read_case(Exam.HIP_MRI, now)
    found = [one.StudyInstanceUID for one in earlier._studies(at(known), case)]
    assert found == [old[0].StudyInstanceUID, older[0].StudyInstanceUID]


@pytest.mark.parametrize("wild", ["*", "P?", ""])
def test_a_number_that_would_ask_for_others_asks_for_nobody(known, patient, wild):
    stored(known, study(patient, "20200301", PatientBirthDate=""))
    case = read_case(Exam.HIP_MRI, study(wild, "20210301", PatientBirthDate=""))
    assert earlier._studies(at(known), case) == ()


def test_a_check_before_the_start_asks_who_is_to_know_of_earlier_studies(
    known, tmp_path, monkeypatch
):
    def found(aet):
        monkeypatch.setenv("OSTEOSCREEN_EARLIER_FROM", aet)
        told = {one.what: one for one in checks.run(config.load(tmp_path))}
        return told["earlier studies"]

    schema.migrate(config.load(tmp_path))
    assert "there is no peer ORTHANC" in found("ORTHANC").words
    ledger = schema.ready_ledger(config.load(tmp_path))
    common = {"host": LOOPBACK, "sends": False, "results": "none", "role": "research"}
    with DcmtkStorescp(tmp_path / "store") as storing:
        for peer in (known, storing):
            peers.add(ledger, Peer(aet=peer.aet, port=peer.port, sr_class=SR, **common))
        assert found(known.aet).state == "ok"
        assert found(storing.aet).state == "fail"
