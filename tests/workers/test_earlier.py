"""Earlier studies are asked for by patient, fetched from the peer, and taken for nobody else's."""

import socket
from dataclasses import replace

import pytest
from peers import LOOPBACK, DcmtkQrscp, DcmtkStorescp, free_port
from pydicom.uid import MRImageStorage, generate_uid
from slices import ct_stack

from daemon import checks, config, get, move, schema, scu
from daemon.archive import Archive
from daemon.arriving import NOT_AUTHORISED, Arriving
from daemon.errors import DeliveryError
from daemon.move import Destination
from daemon.records import own_titles, peers
from daemon.records.decision_tables import OwnTitle
from daemon.records.tables import Peer
from daemon.scu import Address
from engines.cases import read_case
from engines.exams import Exam
from engines.progress import heard_by
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


def arriving(images, most=MOST):
    return Arriving(*uids(images), most, lambda: None)


def uids(images):
    return str(images[0].StudyInstanceUID), str(images[0].SeriesInstanceUID)


@pytest.fixture
def patient():
    return f"P{generate_uid()[-12:]}"


@pytest.fixture(scope="module")
def destination():
    return Destination("PRIORS", LOOPBACK, free_port())


@pytest.fixture(scope="module")
def known(orthanc, destination):
    orthanc.know("OSTEOSCREEN", 11112)
    orthanc.know(destination.aet, destination.port)
    return orthanc


@pytest.fixture(scope="module")
def qrscp(tmp_path_factory, destination):
    told = {destination.aet: destination.port, "ELSEWHERE": free_port()}
    with DcmtkQrscp(tmp_path_factory.mktemp("qrscp"), told) as peer:
        yield peer


@pytest.mark.parametrize("way", ["get", "move"])
@pytest.mark.parametrize("whose", ["known", "qrscp"])
def test_a_series_comes_as_it_was_stored(request, patient, destination, whose, way):
    images, peer = study(patient, "20200301"), request.getfixturevalue(whose)
    stored(peer, images, study(patient, "20200301"))
    archive = Archive(at(peer), destination if way == "move" else None)
    came = archive.series(uids(images), MRImageStorage)
    assert {one.SOPInstanceUID: one.PixelData for one in came} == {
        one.SOPInstanceUID: one.PixelData for one in images
    }


@pytest.mark.parametrize("way", ["get", "move"])
def test_each_image_that_comes_is_a_step_of_the_case_that_waits(known, patient, destination, way):
    images = study(patient, "20200301")
    stored(known, images)
    archive = Archive(at(known), destination if way == "move" else None)
    case = read_case(Exam.HIP_MRI, study(patient, "20210301"))
    told = earlier._Study(images[0].StudyInstanceUID, "20200301")
    steps = []
    with heard_by(steps.append):
        [came] = earlier._series(archive, told, case)
    assert steps.count("fetch") >= len(came) == len(images)


def test_more_than_can_be_held_is_not_taken_for_the_series(known, patient, destination):
    images = study(patient, "20200301")
    stored(known, images)
    with pytest.raises(DeliveryError, match="2 images came"):
        get.series(at(known), MRImageStorage, arriving(images, most=2))
    with pytest.raises(DeliveryError, match="2 images came"):
        move.series(at(known), MRImageStorage, arriving(images, most=2), destination)


def test_a_destination_that_a_peer_does_not_know_or_does_not_reach_is_told(qrscp, patient):
    images = study(patient, "20200301")
    stored(qrscp, images)
    for aet, why in (("NOBODY", "does not know NOBODY: enter it"), ("ELSEWHERE", "0 images came")):
        astray = Destination(aet, LOOPBACK, free_port())
        with pytest.raises(DeliveryError, match=rf"QRSCP .*{why}.*port {astray.port}"):
            move.series(at(qrscp), MRImageStorage, arriving(images), astray)


def test_a_title_that_leads_to_somebody_else_is_told(known, patient, tmp_path):
    images = study(patient, "20200301")
    stored(known, images)
    with DcmtkStorescp(tmp_path, "ASTRAY") as other:
        known.know("ASTRAY", other.port)
        ours = Destination("ASTRAY", LOOPBACK, free_port())
        with pytest.raises(DeliveryError, match="sent 3 images, 0 came"):
            move.series(at(known), MRImageStorage, arriving(images), ours)
        assert len(other.files()) == 3


def test_the_destination_takes_the_series_alone_and_under_its_title_alone(patient, destination):
    wanted, other = study(patient, "20200301"), study(patient, "20200301")
    coming = arriving(wanted)
    with move._waiting(destination, MRImageStorage, coming):
        there = Address(destination.aet, LOOPBACK, destination.port, "PACS", timeout_s=10)
        assert [one.status for one in scu.store(there, other)] == [NOT_AUTHORISED] * len(other)
        assert all(one.stored for one in scu.store(there, wanted))
        with pytest.raises(DeliveryError, match="refused us"):
            scu.store(replace(there, aet="OSTEOSCREEN"), wanted)
    assert [one.SOPInstanceUID for one in coming.images] == [one.SOPInstanceUID for one in wanted]
    assert coming.is_whole


def test_workers_of_a_host_take_turns_at_the_destination(known, patient, destination):
    images = study(patient, "20200301")
    stored(known, images)
    waited = []
    holding = socket.create_server((LOOPBACK, destination.port))

    def gets_on():
        # who is asked whether it still moves, gives way at the third time
        waited.append(len(waited))
        if len(waited) == 3:
            holding.close()

    came = Archive(at(known), destination).series(uids(images), MRImageStorage, gets_on)
    assert len(came) == len(images) and len(waited) > 3


def test_a_destination_that_another_program_keeps_is_told(monkeypatch, known, destination):
    monkeypatch.setattr(move, "TAKEN_S", 0.5)
    with (
        socket.create_server((LOOPBACK, destination.port)),
        pytest.raises(DeliveryError, match=f"{destination.port}: another program"),
    ):
        Archive(at(known), destination).series(("1.2", "1.3"), MRImageStorage)


def test_a_peer_that_only_stores_says_so(tmp_path):
    with DcmtkStorescp(tmp_path) as peer, pytest.raises(DeliveryError, match="answers no C-GET"):
        Archive(at(peer)).series(("1.2", "1.3"), MRImageStorage)


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


def test_the_check_looks_at_where_a_c_move_would_send(known, tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_EARLIER_FROM", known.aet)
    monkeypatch.setenv("OSTEOSCREEN_EARLIER_MOVE_AET", "PRIORS")
    monkeypatch.setenv("OSTEOSCREEN_EARLIER_MOVE_PORT", str(free_port()))
    settings = config.load(tmp_path)
    schema.migrate(settings)

    def found():
        told = {one.what: one for one in checks.run(settings)}
        return told["earlier studies, C-MOVE"]

    assert found().state == "ok" and "ORTHANC must know it" in found().words
    with socket.create_server((LOOPBACK, settings.earlier_move_port)):
        assert found().state == "warn" and "a worker waits there now" in found().words
    title = OwnTitle(aet="PRIORS", purpose="", models=[], stage="research")
    own_titles.put(schema.ready_ledger(settings), title)
    assert found().state == "fail" and "title of the listener" in found().words
