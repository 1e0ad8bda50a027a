"""A PACS that misbehaves: each object is stored once or parked in words, and no other waits."""

import io
import time
from collections.abc import Callable
from functools import partial

import films
import pydicom
import pytest
from clumsy_pacs import ClumsyPacs
from line import running_line
from main_path import Site
from ours import deliveries as told_in
from peers import dcmsend, wait_for
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from sqlalchemy import update

from daemon import scu
from daemon.audit import audit
from daemon.records import deliveries
from daemon.records.ledger import now
from daemon.records.tables import Delivery, Stage
from workers.room import EngineRoom

NOTHING_MOVES_S = 1.5
"""Our patience, in these tests."""

TRIES = 5
"""A machine at the end of its strength may let even a good PACS answer too late."""


@pytest.fixture(scope="module")
def screened_site(tmp_path_factory):
    """A site that has screened one film; every test tells it another PACS."""
    home = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSTEOSCREEN_NETWORK_TIMEOUT_S", str(NOTHING_MOVES_S))
        patch.setenv("OSTEOSCREEN_DELIVERY_BACKOFF_S", "0.001")
        site = Site(home, EngineRoom(None, engine_threads=1))
    site.stage(Stage.RESEARCH)
    site.add("CLUMSY")
    site.film = films.film(1)
    site.screen(site.film)
    yield site
    site.ledger.close()


@pytest.fixture
def site(screened_site):
    """The same with its deliveries as if nothing had been tried, and an audit at the end."""
    fresh = {"state": "pending", "attempts": 0, "status": None, "detail": None, "due_at": now()}
    with screened_site.ledger.write() as session:
        session.execute(update(Delivery).values(**fresh))
    yield screened_site
    assert audit(screened_site.settings, screened_site.ledger)["problems"] == []


def try_once(site, pacs=None):
    """Deliver what waits, as if its time had come."""
    if pacs is not None:
        site.add("CLUMSY", pacs.port)
    with site.ledger.write() as session:
        session.execute(update(Delivery).values(due_at=now()))
    site.bell.delivered = deliveries.pending_of(site.ledger, site.film.SeriesInstanceUID)
    site.deliver()
    return told(site)


def until_sent(site):
    """Deliver until both objects are sent; the PACS is well by now."""
    for _ in range(TRIES):
        if field(try_once(site), "state") == {"sent"}:
            return
    raise AssertionError(told(site))


def told(site):
    """Return what is known of each of the two objects: by kind."""
    return {made["kind"]: delivery for made, delivery in told_in(site.story(site.film))}


def field(story, name):
    return {delivery[name] for delivery in story.values()}


def copies(pacs):
    """Return how many different objects the PACS has, and how many came at all."""
    return len(pacs.stored), sum(map(len, pacs.stored.values()))


@pytest.mark.parametrize("status", [0xA700, 0xA701, 0x0110, 0x0001])
def test_a_pacs_that_is_full_or_failing_is_asked_again(site, status):
    with ClumsyPacs.answering(status, "disk full, call 4711") as pacs:
        for _ in range(3):
            story = try_once(site, pacs)
        assert field(story, "state") == {"pending"}
        assert field(story, "attempts") == {3}
        assert field(story, "detail") == {f"CLUMSY answered 0x{status:04X} (disk full, call 4711)"}
        pacs.become(ClumsyPacs.well())
        until_sent(site)
        assert len(pacs.stored) == 2


@pytest.mark.parametrize("status", [0x0122, 0xA900, 0xC000, 0xC123, 0x0124])
def test_a_refusal_meant_for_good_is_parked_in_the_peers_words_the_second_time(site, status):
    with ClumsyPacs.answering(status, "not with us") as pacs:
        assert field(try_once(site, pacs), "state") == {"pending"}
        story = try_once(site, pacs)
        assert field(story, "state") == {"parked"}
        assert field(story, "status") == {f"0x{status:04X}"}
        assert field(story, "detail") == {f"CLUMSY answered 0x{status:04X} (not with us)"}
        pacs.become(ClumsyPacs.well())
        assert field(try_once(site), "state") == {"parked"}
        assert deliveries.resend(site.ledger, "CLUMSY") == 2
        until_sent(site)


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007])
def test_a_warning_counts_as_stored_and_its_remark_is_kept(site, status):
    with ClumsyPacs.answering(status, "a tag was changed") as pacs:
        story = try_once(site, pacs)
        assert field(story, "state") == {"sent"}
        assert field(story, "detail") == {f"CLUMSY answered 0x{status:04X} (a tag was changed)"}
        assert copies(pacs) == (2, 2)


NOTHING_IN_TIME = "broke the association or did not answer in time"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (ClumsyPacs.aborting_in_mid_object, NOTHING_IN_TIME),
        (ClumsyPacs.hanging_up_in_mid_object, NOTHING_IN_TIME),
        (ClumsyPacs.losing_its_answer, NOTHING_IN_TIME),
        (ClumsyPacs.never_answering, NOTHING_IN_TIME),
        (ClumsyPacs.dripping_its_answer, NOTHING_IN_TIME),
        (ClumsyPacs.babbling, NOTHING_IN_TIME),
        (partial(ClumsyPacs.reading, bytes_a_s=1), NOTHING_IN_TIME),
        (ClumsyPacs.answering_another_message, "answered something that was not asked"),
        (ClumsyPacs.mute, "took the call and said nothing for 1.5 s"),
        (ClumsyPacs.stopping_in_mid_answer, "took the call and said nothing for 1.5 s"),
        (ClumsyPacs.refusing_calls, "refused us as OSTEOSCREEN"),
    ],
)
def test_a_broken_conversation_ends_is_told_and_is_tried_again_with_the_same_uids(
    site, broken: Callable[[], ClumsyPacs], words
):
    with broken() as pacs:
        started = time.monotonic()
        story = try_once(site, pacs)
        assert time.monotonic() - started < 60
        assert field(story, "state") == {"pending"}
        assert any(words in delivery["detail"] for delivery in story.values()), story
        pacs.become(ClumsyPacs.well())
        until_sent(site)
        assert len(pacs.stored) == 2
        assert all(len(set(came)) == 1 for came in pacs.stored.values())


def test_a_peer_that_is_slow_but_moves_is_waited_for_beyond_every_clock(site):
    size = sum(path.stat().st_size for path in site.settings.outbox.glob("*.dcm"))
    with ClumsyPacs.reading(bytes_a_s=size / (4 * NOTHING_MOVES_S)) as pacs:
        started = time.monotonic()
        assert field(try_once(site, pacs), "state") == {"sent"}
        assert time.monotonic() - started > 2 * NOTHING_MOVES_S
        assert copies(pacs) == (2, 2)


def test_a_peer_that_never_says_goodbye_has_what_it_has(site):
    with ClumsyPacs.never_releasing() as pacs:
        assert field(try_once(site, pacs), "state") == {"sent"}
        assert copies(pacs) == (2, 2)


@pytest.mark.parametrize(
    ("taken", "stored", "refused"),
    [
        (Comprehensive3DSRStorage, "SR", "SC"),
        (SecondaryCaptureImageStorage, "SC", "SR"),
    ],
)
def test_what_a_peer_has_no_room_for_is_parked_in_words_and_the_other_is_stored(
    site, taken, stored, refused
):
    with ClumsyPacs.accepting_only(taken) as pacs:
        for _ in range(2):
            story = try_once(site, pacs)
        assert (story[stored]["state"], story[refused]["state"]) == ("sent", "parked")
        assert "does not accept" in story[refused]["detail"]
        assert "in Explicit VR Little Endian or Implicit" in story[refused]["detail"]
        assert copies(pacs) == (1, 1)


def test_a_peer_that_takes_nothing_of_ours_is_believed_the_second_time(site):
    with ClumsyPacs.accepting_only() as pacs:
        for _ in range(2):
            story = try_once(site, pacs)
        assert field(story, "state") == {"parked"}
        assert all("does not accept" in one["detail"] for one in story.values())


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_peer_of_one_transfer_syntax_is_sent_that_without_loss(site, syntax):
    with ClumsyPacs.speaking_only(syntax) as pacs:
        assert field(try_once(site, pacs), "state") == {"sent"}
        assert {came[0][0] for came in pacs.stored.values()} == {syntax}
        for uid, [(_, data)] in pacs.stored.items():
            implicit = syntax == ImplicitVRLittleEndian
            theirs = pydicom.filereader.read_dataset(io.BytesIO(data), implicit, True)
            ours = pydicom.dcmread(site.settings.outbox / f"{uid}.dcm")
            # implicit VR leaves the VR to the reader: pixels of 8 bits are then OW (PS3.5 A.1)
            if "PixelData" in theirs:
                theirs["PixelData"].VR = "OB"
            assert theirs.to_json_dict() == pydicom.Dataset(ours).to_json_dict()


def test_a_host_without_an_address_is_said_to_have_none(site):
    nowhere = scu.Address("CLUMSY", "no-such-host.invalid", 104, "OSTEOSCREEN")
    with pytest.raises(scu.DeliveryError, match=r"CLUMSY: host no-such-host\.invalid"):
        scu.echo(nowhere)


def test_a_pacs_away_for_a_day_is_sent_all_at_once_when_it_is_back(site):
    with ClumsyPacs.well() as pacs:
        port = pacs.port
    for _ in range(20):
        story = try_once(site, pacs)
    assert field(story, "state") == {"pending"}
    assert field(story, "attempts") == {20}
    assert all("does not answer" in delivery["detail"] for delivery in story.values())
    with ClumsyPacs(port=port) as back:
        until_sent(site)
        assert len(back.stored) == 2


def test_what_waits_for_a_pacs_that_was_away_goes_with_the_first_thing_it_takes(site):
    with ClumsyPacs.mute() as pacs:
        try_once(site, pacs)
    with site.ledger.write() as session:
        session.execute(update(Delivery).values(due_at=now().replace(year=2999)))
    assert deliveries.next_for(site.ledger, "CLUMSY") is None
    deliveries.make_due(site.ledger, "CLUMSY")
    assert deliveries.next_for(site.ledger, "CLUMSY") is not None


def retake(film):
    """A later film of the same series: the series is judged anew."""
    other = films.film(1, AcquisitionTime="235959")
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientName"):
        setattr(other, keyword, getattr(film, keyword))
    return other


@pytest.mark.parametrize("status", [0xA700, 0xC000])
def test_a_revised_result_is_delivered_and_never_the_outdated_one(tmp_path, screened_site, status):
    site = Site(tmp_path, screened_site.bench.room)
    site.stage(Stage.RESEARCH)
    film = site.film = films.film(1, AcquisitionTime="000001")
    with ClumsyPacs.answering(status) as pacs:
        site.add("CLUMSY", pacs.port)
        site.screen(film)
        outdated = [made["SOPInstanceUID"] for made, _ in told_in(site.story(film))]
        for _ in range(2):
            try_once(site)
        pacs.become(ClumsyPacs.well())
        site.screen(retake(film))
        states = {made["SOPInstanceUID"]: d["state"] for made, d in told_in(site.story(film))}
        assert [states[uid] for uid in outdated] == ["dropped", "dropped"]
        deliveries.resend(site.ledger, "CLUMSY")
        try_once(site)
        states = {made["SOPInstanceUID"]: d["state"] for made, d in told_in(site.story(film))}
        assert sorted(states.values()) == ["dropped", "dropped", "sent", "sent"]
        assert sorted(pacs.stored) == sorted(uid for uid in states if uid not in outdated)
    kinds = [event["kind"] for event in site.story(film)["events"]]
    assert kinds.count("delivery dropped") == 2
    assert audit(site.settings, site.ledger)["problems"] == []
    site.ledger.close()


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    folder = tmp_path_factory.mktemp("ours")
    quick = {"sweep_s": 1, "delivery_backoff_s": 0.2, "network_timeout_s": 2, "lease_s": 3}
    # a machine that stands still for so long is no reason to give a case up
    with running_line(folder, orthanc, max_attempts=50, **quick) as running:
        yield running


def test_one_pacs_that_takes_a_byte_a_second_holds_up_no_other_and_orthanc_has_one_copy(
    line, tmp_path
):
    sent = [films.film(seed) for seed in (1, 2)]
    with ClumsyPacs.reading(bytes_a_s=1) as pacs:
        place = ["127.0.0.1", str(pacs.port), "--results", "all", "--role", "research"]
        line.system.cli("peers", "add", "CLUMSY", *place)
        line.send(dcmsend, *(films.write(tmp_path, film) for film in sent))
        for film in sent:
            wait_for(
                "Orthanc to have both objects",
                lambda film=film: len(line.stored(film.StudyInstanceUID)) == 2,
            )
        assert len(pacs.stored) == 0
        pacs.become(ClumsyPacs.losing_its_answer())
        wait_for("an object whose answer is lost", lambda: pacs.stored)
        pacs.become(ClumsyPacs.well())
        for film in sent:
            line.system.delivered(film.StudyInstanceUID)
        assert len(pacs.stored) == 4
        assert all(len({data for _, data in came}) == 1 for came in pacs.stored.values())
    line.settle()
    assert line.pacs.statistics()["CountInstances"] == 4
    assert line.system.audit() == []
