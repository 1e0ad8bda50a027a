"""A modality tells what it made, or a peer is asked: a series is waited for until it is whole."""

import contextlib
import threading
from collections.abc import Iterator

import pytest
from modality import shadow
from peers import LOOPBACK, Orthanc, free_port, wait_for
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from daemon import config, counts, schema, scu
from daemon.binding import open_sockets
from daemon.find import STUDY_ROOT_FIND
from daemon.intake import Intake
from daemon.records import peers, procedures, settling, summary
from daemon.records.settling import Patience
from daemon.records.tables import Peer, Series
from daemon.scp import Listener
from daemon.spool import Spool

STEP = "1.2.840.10008.3.1.2.3.3"
CT = "1.2.840.10008.5.1.4.1.1.2"
SETTLE_S = {"DX": 0.0}


class Bell:
    def screen(self, *_):
        raise AssertionError("nothing here is an examination")


class Ours:
    """A listener in a thread, an intake that is turned by hand, and CT1 that sends."""

    def __init__(self, home, monkeypatch):
        self.port = free_port()
        monkeypatch.setenv("OSTEOSCREEN_PORT", str(self.port))
        monkeypatch.setenv("OSTEOSCREEN_HOST", LOOPBACK)
        self.settings = config.load(home)
        schema.migrate(self.settings)
        self.ledger = schema.open_ledger(self.settings)
        Spool(self.settings.spool).prepare()
        self.know("CT1", 104, sends=True)
        self.listener = Listener(self.settings, self.ledger)
        listening = open_sockets(self.settings, self.port)
        threading.Thread(target=self.listener.serve, args=(listening,), daemon=True).start()
        wait_for("the listener", lambda: self.listener.serving)
        self.intake = Intake(self.settings, self.ledger, Bell())

    def stop(self):
        self.listener.stop()
        self.ledger.close()

    def know(self, aet, port, sends=False, answers_find=False):
        peer = Peer(aet=aet, host=LOOPBACK, port=port, sends=sends, results="none")
        peer.role, peer.sr_class, peer.answers_find = "research", "1.2", answers_find
        peers.add(self.ledger, peer)

    def receive(self, *images):
        address = scu.Address("OSTEOSCREEN", LOOPBACK, self.port, "CT1", timeout_s=10)
        assert all(answer.stored for answer in scu.store(address, images))
        self.intake.index_arrived()

    def series(self, uid) -> Series:
        with self.ledger.read() as session:
            return session.get_one(Series, uid)

    def complete(self, quiet_s: float) -> list[str]:
        """Name the series that would be judged now."""
        found = settling.quiet(self.ledger, Patience({}, quiet_s))
        return [series.SeriesInstanceUID for series in found]

    @contextlib.contextmanager
    def calling(self) -> Iterator[AE]:
        ae = AE(ae_title="CT1")
        ae.add_requested_context(STEP)
        assoc = ae.associate(LOOPBACK, self.port, ae_title="OSTEOSCREEN")
        assert assoc.is_established
        yield assoc
        assoc.release()

    def begin(self, uid: str, status: str = "IN PROGRESS") -> int:
        ds = Dataset()
        ds.PerformedProcedureStepStatus, ds.PerformedSeriesSequence = status, []
        with self.calling() as assoc:
            return int(assoc.send_n_create(ds, STEP, uid)[0].Status)

    def change(self, uid: str, status: str = "", **images: int) -> int:
        """Tell more of a step; ``images`` are counts by series, named as ``_1_2_3`` for 1.2.3."""
        ds = Dataset()
        if status:
            ds.PerformedProcedureStepStatus = status
        if images:
            ds.PerformedSeriesSequence = [performed(*one) for one in images.items()]
        with self.calling() as assoc:
            return int(assoc.send_n_set(ds, STEP, uid)[0].Status)


def performed(series: str, images: int) -> Dataset:
    ds = Dataset()
    ds.SeriesInstanceUID = series.strip("_").replace("_", ".")
    ds.ReferencedImageSequence = [Dataset() for _ in range(images)]
    for item in ds.ReferencedImageSequence:
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, generate_uid()
    return ds


def slices(count: int, series: str = "1.2.3") -> list[Dataset]:
    made = [shadow(series, CT) for _ in range(count)]
    for ds in made:
        ds.StudyInstanceUID, ds.Modality = "1.2", "CT"
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def ours(request, tmp_path, monkeypatch):
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL", server.new_database())
    ours = Ours(tmp_path, monkeypatch)
    yield ours
    ours.stop()


def test_a_series_is_waited_for_until_all_that_its_modality_made_has_come(ours):
    ours.receive(*slices(2))
    assert ours.begin("1.9") == 0
    assert ours.change("1.9", "COMPLETED", _1_2_3=3) == 0
    assert ours.series("1.2.3").expected_images == 3
    assert ours.complete(quiet_s=0) == []
    told = summary.status(ours.ledger)["oldest"]["receiving"]
    assert told["why"] == "2 of 3 images have come"
    ours.receive(*slices(1))
    # all are there: nobody needs to wait for quiet
    assert ours.complete(quiet_s=3600) == ["1.2.3"]


def test_what_was_announced_before_the_first_image_is_known_when_it_comes(ours):
    ours.begin("1.9")
    ours.change("1.9", _1_2_3=2)
    # what is not repeated at the end still holds
    assert ours.change("1.9", "DISCONTINUED") == 0
    ours.receive(*slices(1))
    assert ours.series("1.2.3").expected_images == 2


def test_a_step_in_progress_announces_nothing(ours):
    ours.receive(*slices(1))
    ours.begin("1.9")
    ours.change("1.9", _1_2_3=2)
    assert ours.series("1.2.3").expected_images is None
    assert ours.complete(quiet_s=0) == ["1.2.3"]


def test_more_images_than_were_announced_are_waited_for_as_ever(ours):
    ours.begin("1.9")
    ours.change("1.9", "COMPLETED", _1_2_3=1)
    ours.receive(*slices(2))
    assert ours.complete(quiet_s=3600) == []
    assert ours.complete(quiet_s=0) == ["1.2.3"]


def test_steps_that_make_no_sense_are_answered_as_the_standard_says(ours):
    assert ours.begin("1.9", "COMPLETED") == 0x0106
    assert ours.change("1.9", "COMPLETED") == 0x0112
    assert ours.begin("1.9") == 0
    assert ours.begin("1.9") == 0x0111
    assert ours.change("1.9", "FINISHED") == 0x0106
    assert ours.change("1.9", "COMPLETED", _1_2_3=1) == 0
    # PS3.4 F.7.2.2.2: it may no longer be updated
    assert ours.change("1.9", _1_2_3=7) == 0x0110
    ours.receive(*slices(1))
    assert ours.series("1.2.3").expected_images == 1


@contextlib.contextmanager
def a_pacs(images: str | None) -> Iterator[tuple[int, list[Dataset]]]:
    """Run a PACS that says so many images of every series, or fails if it is told nothing."""
    queries: list[Dataset] = []

    def on_c_find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        ds = event.identifier
        queries.append(ds)
        if images is None:
            yield 0xA700, None
            return
        ds.NumberOfSeriesRelatedInstances = images
        yield 0xFF00, ds

    ae = AE(ae_title="PACS")
    ae.add_supported_context(STUDY_ROOT_FIND)
    port = free_port()
    handlers = [(evt.EVT_C_FIND, on_c_find)]
    server = ae.start_server((LOOPBACK, port), block=False, evt_handlers=handlers)
    yield port, queries
    server.shutdown()
    server.server_close()


def counted(ours: Ours, quiet_s: float = 0) -> list[str]:
    """Do what the sweep and the delivering worker do."""
    due = procedures.to_count(ours.ledger, quiet_s, ["DX"])
    for uid in due:
        counts.count(ours.settings, ours.ledger, uid)
    return due


def test_a_series_that_falls_quiet_is_counted_at_a_peer_and_waited_for(ours):
    ours.receive(*slices(2))
    with a_pacs("3") as (port, queries):
        ours.know("PACS", port, answers_find=True)
        assert counted(ours, quiet_s=3600) == []
        assert counted(ours) == ["1.2.3"]
        assert counted(ours) == []
        assert ours.series("1.2.3").expected_images == 3
        assert ours.complete(quiet_s=0) == []
        ours.receive(*slices(1))
        assert counted(ours) == ["1.2.3"]
    # a count is of its moment: the series must have been quiet besides
    assert ours.complete(quiet_s=3600) == []
    assert ours.complete(quiet_s=0) == ["1.2.3"]
    assert [(ds.QueryRetrieveLevel, ds.SeriesInstanceUID) for ds in queries] == 2 * [
        ("SERIES", "1.2.3")
    ]


@pytest.mark.parametrize("images", [None, "", "0", "many"])
def test_a_peer_that_does_not_say_leaves_it_to_the_quiet_time(ours, images):
    ours.receive(*slices(2))
    with a_pacs(images) as (port, _):
        ours.know("PACS", port, answers_find=True)
        assert counted(ours) == ["1.2.3"]
    assert ours.series("1.2.3").expected_images is None
    assert ours.complete(quiet_s=0) == ["1.2.3"]


def test_what_a_modality_announced_is_not_asked_for_again(ours):
    ours.begin("1.9")
    ours.change("1.9", "COMPLETED", _1_2_3=5)
    ours.receive(*slices(2))
    with a_pacs("3") as (port, _):
        ours.know("PACS", port, answers_find=True)
        assert counted(ours) == []
    assert ours.series("1.2.3").expected_images == 5


def test_orthanc_is_asked_how_many_images_it_has(ours, orthanc: Orthanc):
    images = slices(3, generate_uid())
    address = scu.Address(orthanc.aet, LOOPBACK, orthanc.port, "OSTEOSCREEN", timeout_s=10)
    for ds in images:
        ds.PatientID = "1"
    assert all(answer.stored for answer in scu.store(address, images))
    ours.know(orthanc.aet, orthanc.port, answers_find=True)
    orthanc.know("OSTEOSCREEN", ours.port)
    ours.receive(*images[:2])
    counted(ours)
    assert ours.series(images[0].SeriesInstanceUID).expected_images == 3
