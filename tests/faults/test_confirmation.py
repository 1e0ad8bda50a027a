"""A result that was sent is asked about until its peer has it: committed, found, or sent again."""

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from modality import PUSH_MODEL, PUSH_MODEL_INSTANCE, shadow
from peers import LOOPBACK, free_port, wait_for
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.presentation import build_role
from sqlalchemy import update

from daemon import config, confirmation, schema, scu
from daemon.binding import open_sockets
from daemon.errors import DeliveryError
from daemon.find import STUDY_ROOT_FIND
from daemon.records import confirmations, deliveries, peers, retention, summary
from daemon.records.ledger import now
from daemon.records.tables import Delivery, Peer, ResultObject, Screening, Series
from daemon.scp import Listener
from daemon.spool import Spool


class Pacs:
    """A PACS made with pynetdicom, as clumsy as it is told to be.

    ``reports`` is how it reports on a commitment: ``here``, ``elsewhere``, or not at all.
    """

    def __init__(self, our_port: int) -> None:
        self.port, self.our_port = free_port(), our_port
        self.reports = "here"
        self.action_status = 0x0000
        self.has: set[str] = set()
        self.asked: list[list[str]] = []
        self.queried: list[str] = []
        self.answers: list[int] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        ae = AE(ae_title="PACS")
        ae.add_supported_context(PUSH_MODEL)
        ae.add_supported_context(STUDY_ROOT_FIND)
        handlers = [(evt.EVT_N_ACTION, self.on_n_action), (evt.EVT_C_FIND, self.on_c_find)]
        server = ae.start_server((LOOPBACK, self.port), block=False, evt_handlers=handlers)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()

    def on_n_action(self, event: evt.Event) -> tuple[int, None]:
        asked = event.action_information
        self.asked.append(
            [str(one.ReferencedSOPInstanceUID) for one in asked.ReferencedSOPSequence]
        )
        if self.action_status == 0 and self.reports != "never":
            threading.Thread(target=self.report, args=(event.assoc, asked), daemon=True).start()
        return self.action_status, None

    def report(self, assoc: evt.Event, asked: Dataset) -> None:
        ds = Dataset()
        ds.TransactionUID = asked.TransactionUID
        there = [
            one for one in asked.ReferencedSOPSequence if one.ReferencedSOPInstanceUID in self.has
        ]
        absent = [one for one in asked.ReferencedSOPSequence if one not in there]
        for one in absent:
            one.FailureReason = 0x0112
        if there:
            ds.ReferencedSOPSequence = there
        if absent:
            ds.FailedSOPSequence = absent
        time.sleep(0.2)
        if self.reports == "here":
            self._tell(assoc, ds)
            return
        ae = AE(ae_title="PACS")
        ae.add_requested_context(PUSH_MODEL)
        role = build_role(PUSH_MODEL, scp_role=True)
        assoc = ae.associate(LOOPBACK, self.our_port, ae_title="OSTEOSCREEN", ext_neg=[role])
        assert assoc.is_established
        # a PACS that keeps to PS3.7 D.3.3.4 reports only where its role was agreed to
        assert [cx.as_scp for cx in assoc.accepted_contexts] == [True]
        self._tell(assoc, ds)
        assoc.release()

    def _tell(self, assoc: evt.Event, ds: Dataset) -> None:
        event_type = 2 if "FailedSOPSequence" in ds else 1
        status, _ = assoc.send_n_event_report(ds, event_type, PUSH_MODEL, PUSH_MODEL_INSTANCE)
        self.answers.append(status.get("Status", -1))

    def on_c_find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        uid = str(event.identifier.SOPInstanceUID)
        self.queried.append(uid)
        if uid in self.has:
            ds = Dataset()
            ds.QueryRetrieveLevel, ds.SOPInstanceUID = "IMAGE", uid
            yield 0xFF00, ds


class House:
    """A ledger with one screened series, a listener, and a PACS that its results go to."""

    def __init__(self, home, monkeypatch):
        self.port = free_port()
        settings = {"port": self.port, "host": LOOPBACK, "delivery_backoff_s": 0.1}
        for name, value in (settings | {"delivery_attempts": 6}).items():
            monkeypatch.setenv(f"OSTEOSCREEN_{name.upper()}", str(value))
        monkeypatch.setenv("OSTEOSCREEN_CONFIRMATION_WAIT_S", "0.5")
        self.settings = config.load(home)
        schema.migrate(self.settings)
        self.ledger = schema.open_ledger(self.settings)
        Spool(self.settings.spool).prepare()
        self.pacs = Pacs(self.port)
        self.listener = Listener(self.settings, self.ledger)
        serve = threading.Thread(
            target=self.listener.serve, args=(open_sockets(self.settings, self.port),), daemon=True
        )
        serve.start()
        wait_for("the listener", lambda: self.listener.serving)
        self._screened()

    def _screened(self):
        moment = datetime.now(UTC)
        with self.ledger.write() as session:
            series = Series(SeriesInstanceUID="1.2.3", StudyInstanceUID="1.2", modality="DX")
            series.state, series.images, series.first_at, series.last_at = (
                "screened",
                0,
                moment,
                moment,
            )
            series.opened_at = series.ended_at = moment
            session.add(series)
            session.flush()
            screening = Screening(SeriesInstanceUID="1.2.3", model="m", version="1", key="k")
            screening.weights_sha256 = screening.stage = screening.state = "s"
            screening.flagged, screening.result, screening.current = True, {"findings": []}, True
            screening.analysed_at = moment
            session.add(screening)
            session.flush()
            self.screening_id = screening.id

    def peer(self, commits=False, answers_find=False):
        peer = Peer(aet="PACS", host=LOOPBACK, port=self.pacs.port, sends=False, results="all")
        peer.role, peer.sr_class = "research", str(Comprehensive3DSRStorage)
        peer.commits, peer.answers_find = commits, answers_find
        peers.add(self.ledger, peer)
        # the listener looks for new peers once a second
        self.listener._callers._fresh_until = 0

    def sent(self) -> str:
        """Write down one more result, which the PACS has just taken."""
        uid, moment = generate_uid(), datetime.now(UTC)
        with self.ledger.write() as session:
            made = ResultObject(SOPInstanceUID=uid, SOPClassUID=str(Comprehensive3DSRStorage))
            made.SeriesInstanceUID, made.screening_id = "1.2.4", self.screening_id
            made.kind, made.sha256 = "SR", "0" * 64
            session.add(made)
            session.flush()
            delivery = Delivery(screening_id=self.screening_id, SOPInstanceUID=uid, aet="PACS")
            delivery.state, delivery.due_at, delivery.rung_at = "pending", None, moment
            session.add(delivery)
            session.flush()
            number = delivery.id
        self.send(number)
        return uid

    def send(self, number: int) -> None:
        for delivery in deliveries.claim(self.ledger, number):
            deliveries.sent(self.ledger, delivery, 0)

    def row(self, uid: str) -> Delivery:
        with self.ledger.read() as session:
            return session.query(Delivery).where(Delivery.SOPInstanceUID == uid).one()

    def sweep(self, uid: str) -> Delivery:
        """Do what the sweep and the delivering worker do, until nothing is due just now."""
        while due := confirmations.to_ring(self.ledger, 0):
            for number in due:
                confirmation.confirm(self.settings, self.ledger, number)
        return self.row(uid)

    def until(self, uid: str, step: str) -> Delivery:
        """Sweep until a result is said to be at that step."""

        def there() -> bool:
            row = self.sweep(uid)
            return step in (row.confirmation, row.state)

        wait_for(f"the result to be {step}", there)
        return self.row(uid)

    def may_be_purged(self) -> bool:
        with self.ledger.read() as session:
            return session.query(Series).where(~retention._unfinished()).count() == 1


@pytest.fixture
def house(request, tmp_path, monkeypatch):
    if getattr(request, "param", "") == "postgresql":
        server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL", server.new_database())
    house = House(tmp_path, monkeypatch)
    with house.pacs.running():
        yield house
    house.listener.stop()
    house.ledger.close()


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_result_the_pacs_commits_to_is_confirmed_wherever_it_reports(house, where):
    if where == "here":
        # a release that is due before the report comes would be right, and no report heard here
        house.settings = house.settings.model_copy(update={"confirmation_wait_s": 10.0})
    house.peer(commits=True)
    house.pacs.reports = where
    house.pacs.has = {uid := house.sent()}
    assert not house.may_be_purged()
    row = house.until(uid, "confirmed")
    assert (row.state, row.detail) == ("sent", "committed") and row.confirmed_at
    wait_for("our answer to the report", lambda: house.pacs.answers == [0x0000])
    assert house.may_be_purged()
    assert house.pacs.asked == [[uid]]


def test_we_leave_no_association_before_our_answer_to_its_report_is_out(house, monkeypatch):
    send_msg = DIMSEServiceProvider.send_msg

    def slowly(self, primitive, context_id):
        if isinstance(primitive, N_EVENT_REPORT) and primitive.MessageIDBeingRespondedTo:
            time.sleep(0.5)
        send_msg(self, primitive, context_id)

    monkeypatch.setattr(DIMSEServiceProvider, "send_msg", slowly)
    house.peer(commits=True)
    house.pacs.has = {uid := house.sent()}
    house.until(uid, "confirmed")
    wait_for("our answer to the report", lambda: house.pacs.answers == [0x0000])


def test_a_result_the_pacs_refuses_is_sent_again_then_parked_with_its_reason(house):
    house.peer(commits=True)
    uid = house.sent()
    for resends in (1, 2):
        row = house.until(uid, "pending")
        assert row.resends == resends
        house.send(row.id)
    row = house.until(uid, "parked")
    assert "0x0112" in row.detail
    assert summary.status(house.ledger)["parked_deliveries"][0]["detail"] == row.detail


def test_a_refusal_counts_though_the_clock_was_set_back_since_the_result_was_sent(house):
    house.peer(commits=True)
    uid = house.sent()
    with house.ledger.write() as session:
        session.execute(update(Delivery).values(sent_at=now() + timedelta(hours=1)))
    assert house.until(uid, "pending").resends == 1


@pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)
def test_one_refused_result_leaves_the_others_confirmed(house):
    house.peer(commits=True)
    lost, kept = house.sent(), house.sent()
    house.pacs.has = {kept}
    assert house.until(lost, "pending").resends == 1
    assert house.row(kept).confirmation == "confirmed"


def test_a_pacs_that_never_reports_is_asked_by_c_find(house):
    house.peer(commits=True, answers_find=True)
    house.pacs.reports = "never"
    house.pacs.has = {uid := house.sent()}
    row = house.until(uid, "confirmed")
    assert row.detail == "found by C-FIND" and len(house.pacs.asked) == 1
    assert house.may_be_purged()


def test_a_pacs_that_never_reports_and_answers_no_query_is_said_so(house):
    house.peer(commits=True)
    house.pacs.reports = "never"
    uid = house.sent()
    row = house.until(uid, "unanswered")
    assert row.state == "sent" and "never reported" in row.detail
    assert not house.may_be_purged()
    assert summary.status(house.ledger)["confirmations"]["unanswered"] == 1
    # an admin who sets the peer anew has it asked anew
    house.pacs.reports, house.pacs.has = "here", {uid}
    house.peer(commits=True)
    assert house.until(uid, "confirmed").detail == "committed"


def test_a_pacs_that_declines_to_commit_is_asked_by_c_find(house):
    house.peer(commits=True, answers_find=True)
    house.pacs.action_status = 0x0122
    house.pacs.has = {uid := house.sent()}
    assert house.until(uid, "confirmed").detail == "found by C-FIND"


@pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)
def test_a_result_no_query_finds_is_sent_again(house):
    house.peer(answers_find=True)
    uid = house.sent()
    row = house.until(uid, "pending")
    assert house.pacs.queried == [uid] * 3 and row.resends == 1 and "finds nothing" in row.detail


def test_a_pacs_that_offers_no_confirmation_keeps_nothing_waiting(house):
    house.peer()
    uid = house.sent()
    assert house.row(uid).confirmation == "not-offered"
    assert house.may_be_purged()


def test_a_report_that_comes_late_is_heard_still(house):
    house.peer(commits=True)
    house.pacs.reports = "never"
    uid = house.sent()
    house.until(uid, "unanswered")
    house.pacs.has = {uid}
    asked = transaction_of(house)
    house.pacs.reports = "elsewhere"
    house.pacs.report(None, asked)
    assert house.row(uid).confirmation == "confirmed"


def transaction_of(house: House) -> Dataset:
    """Return the first request that was made of the PACS, as it came."""
    from sqlalchemy import select

    from daemon.records.tables import Commitment, CommitmentObject

    with house.ledger.read() as session:
        asked = session.scalars(select(Commitment).order_by(Commitment.id)).first()
        objects = select(CommitmentObject).where(CommitmentObject.commitment_id == asked.id)
        ds = Dataset()
        ds.TransactionUID = asked.TransactionUID
        ds.ReferencedSOPSequence = [Dataset() for _ in session.scalars(objects)]
        for item, row in zip(ds.ReferencedSOPSequence, session.scalars(objects), strict=True):
            item.ReferencedSOPClassUID = row.SOPClassUID
            item.ReferencedSOPInstanceUID = row.SOPInstanceUID
    return ds


def test_a_report_on_a_request_nobody_made_is_refused(house):
    house.peer(commits=True)
    ds = Dataset()
    ds.TransactionUID = generate_uid()
    ds.ReferencedSOPSequence = []
    house.pacs.reports = "elsewhere"
    house.pacs.report(None, ds)
    assert house.pacs.answers == [0x0115]


def test_a_pacs_that_commits_may_report_but_not_send(house):
    house.peer(commits=True)
    ours = scu.Address("OSTEOSCREEN", LOOPBACK, house.port, "PACS", timeout_s=5)
    scu.echo(ours)
    with pytest.raises(DeliveryError, match="refused us as PACS"):
        scu.store(ours, [shadow()])
