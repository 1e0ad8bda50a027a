"""Storage commitment for who sends to us (PS3.4 J): take the request, look at the disk, report.

The request is in the ledger before it is answered. The report goes back where the request came
from if that association stays open, else over one of our own, again and again, until the peer has
heard it. What we commit to is what lies on the disk at that moment, byte for byte as received.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from weakref import WeakKeyDictionary

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_ACTION
from pynetdicom.events import Event
from pynetdicom.presentation import build_context, build_role

from daemon import scu
from daemon.errors import DeliveryError, HolderAway
from daemon.header import dataset_sha256
from daemon.holdings import Holdings
from daemon.logs import where
from daemon.records import commitments, peers
from daemon.records.commitments import Named
from daemon.records.ledger import Ledger, LedgerError, now
from daemon.records.tables import Commitment, Instance
from daemon.settings import Settings
from daemon.spool import PLAIN_UID, Spool

log = logging.getLogger(__name__)

# PS3.4 J.3: the SOP class and its one well-known instance
PUSH_MODEL = UID("1.2.840.10008.1.20.1")
PUSH_MODEL_INSTANCE = UID("1.2.840.10008.1.20.1.1")
REQUEST_COMMITMENT = 1
ALL_COMMITTED, SOME_FAILED = 1, 2

# PS3.7 C
SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
NO_SUCH_INSTANCE = 0x0112
INVALID_ARGUMENT = 0x0115
CLASS_INSTANCE_CONFLICT = 0x0119
NO_SUCH_ACTION = 0x0123
DUPLICATE_TRANSACTION = 0x0131
RESOURCE_LIMITATION = 0x0213

SHORTLY_S = 1.0
"""A peer that wants the report elsewhere has released its association by then (not in PS3.4)."""
HOLDS_S = 30.0
"""So long objects that are not indexed yet are waited for on the peer's own association."""
LOOK_AGAIN_S = 2.0
POLL_S = 0.2
REPORTERS = 8


def take_role(event: Event) -> None:
    """Agree to a peer that calls us to report: it is the SCP, though it has called (PS3.4 J.3.3).

    While every storage class is taken, pynetdicom negotiates the roles of other classes and then
    leaves the answer out; a peer that was not answered must not report (PS3.7 D.3.3.4).
    """
    proposed = event.assoc.requestor.role_selection.get(PUSH_MODEL)
    if proposed is not None:
        role = build_role(PUSH_MODEL, bool(proposed.scu_role), bool(proposed.scp_role))
        event.assoc.acceptor.add_negotiation_item(role)


class Commitments:
    """What the listener does with requests for storage commitment."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._reporters = ThreadPoolExecutor(REPORTERS, "commitment")
        self._turns: WeakKeyDictionary[Association, threading.Lock] = WeakKeyDictionary()

    def on_n_action(self, event: Event) -> tuple[int, None]:
        """Write a request down; only then it is answered."""
        calling = event.assoc.requestor.ae_title.strip()
        try:
            status = self._take(event, calling)
        except LedgerError as error:
            log.error("event=ledger-unreachable error=%s", type(error).__name__)
            status = RESOURCE_LIMITATION
        except Exception as error:  # noqa: BLE001 - the edge: a peer gets a status, never silence
            log.error("event=commitment-not-read aet=%s error=%s", calling, where(error))
            status = INVALID_ARGUMENT
        return status, None

    def _take(self, event: Event, calling: str) -> int:
        assert isinstance(event.request, N_ACTION), "it is what the event is about"
        if event.request.RequestedSOPInstanceUID != PUSH_MODEL_INSTANCE:
            return NO_SUCH_INSTANCE
        if event.action_type != REQUEST_COMMITMENT:
            return NO_SUCH_ACTION
        transaction_uid, asked = _read_request(event.action_information)
        if not asked:
            return INVALID_ARGUMENT
        report_after_s = SHORTLY_S + LOOK_AGAIN_S
        known = commitments.ask(self._ledger, calling, transaction_uid, asked, report_after_s)
        if known is None:
            return DUPLICATE_TRANSACTION
        self._reporters.submit(self._report_here, event.assoc, known)
        return SUCCESS

    def _report_here(self, assoc: Association, commitment_id: int) -> None:
        """Report on the association that the request came over, if its peer leaves it open."""
        time.sleep(SHORTLY_S)
        try:
            commitment = self._claim_while_open(assoc, commitment_id)
            if commitment is not None:
                with commitments.heartbeat(self._ledger, commitment, self._settings.lease_s):
                    self._judge_and_tell(assoc, commitment)
        except LedgerError as error:
            # the lease lapses, and the sweep has the report made over an association of ours
            log.error("event=ledger-unreachable error=%s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the task edge: as above
            log.error("event=report-broke error=%s", where(error))

    def _claim_while_open(self, assoc: Association, commitment_id: int) -> Commitment | None:
        """Claim it, though a worker was quicker: its peer may listen on this association alone."""
        until = time.monotonic() + HOLDS_S
        while assoc.is_established and time.monotonic() < until:
            commitment = commitments.claim(self._ledger, commitment_id, self._settings.lease_s)
            if commitment is not None or not commitments.waits(self._ledger, commitment_id):
                return commitment
            time.sleep(SHORTLY_S)
        return None

    def _judge_and_tell(self, assoc: Association, commitment: Commitment) -> None:
        verdicts = None
        until = time.monotonic() + HOLDS_S
        while verdicts is None and assoc.is_established and time.monotonic() < until:
            verdicts = judge(self._settings, self._ledger, commitment)
            if verdicts is None:
                time.sleep(POLL_S)
        why = ""
        if verdicts is not None:
            # pynetdicom keeps one request of ours at a time apart from its answer
            with self._turns.setdefault(assoc, threading.Lock()):
                why = _tell(assoc, commitment.TransactionUID, verdicts)
            if not why:
                commitments.reported(self._ledger, commitment, verdicts)
                return
        commitments.wait(self._ledger, commitment, 0, why or None)


def report(settings: Settings, ledger: Ledger, commitment_id: int) -> int | None:
    """Report over an association of ours to the peer that asked; again later if it is away.

    Returns
    -------
    int or None
        Another commitment whose report is due at that peer, which has just answered.
    """
    commitment = commitments.claim(ledger, commitment_id, settings.lease_s)
    if commitment is None:
        return None
    with commitments.heartbeat(ledger, commitment, settings.lease_s):
        verdicts = judge(settings, ledger, commitment)
        if verdicts is None:
            detail = "objects received before the request are not indexed yet"
            commitments.wait(ledger, commitment, LOOK_AGAIN_S, detail)
            return None
        why = _call(settings, ledger, commitment, verdicts)
        log.info("event=commitment-report aet=%s heard=%s", commitment.aet, not why)
        if why:
            backoff_s, most = settings.delivery_backoff_s, settings.delivery_attempts
            commitments.postpone(ledger, commitment, why, backoff_s, most)
            return None
        commitments.reported(ledger, commitment, verdicts)
    return commitments.next_for(ledger, commitment.aet)


def judge(settings: Settings, ledger: Ledger, commitment: Commitment) -> list[Named] | None:
    """Hold what is asked for against the disk.

    Returns
    -------
    list of Named or None
        Each object, with the reason (PS3.3 C.14.1.1) where we cannot commit to it; None while one
        that was received before the request may still be on its way to the index.
    """
    holdings = Holdings(settings, ledger)
    # before the index is asked: what leaves the folder meanwhile is in the index; what other hosts
    # have received nobody here can tell
    on_its_way = bool(settings.host_name) or _waits_here(settings, commitment)
    asked = commitments.objects_of(ledger, commitment)
    known = commitments.instances(ledger, [one.SOPInstanceUID for one in asked])
    absent = NO_SUCH_INSTANCE
    if on_its_way and any(not _lies(settings, known.get(one.SOPInstanceUID)) for one in asked):
        if (now() - commitment.asked_at).total_seconds() < settings.commitment_wait_s:
            return None
        absent = PROCESSING_FAILURE
    try:
        return [
            replace(one, failure=_failure(holdings, one, known.get(one.SOPInstanceUID), absent))
            for one in asked
        ]
    except HolderAway:
        return None


def _waits_here(settings: Settings, commitment: Commitment) -> bool:
    return Spool(settings.spool).received_until(commitment.asked_at)


def _lies(settings: Settings, instance: Instance | None) -> bool:
    if instance is None:
        return False
    # of one that another host holds, its bytes are looked at below
    place = Spool(settings.spool).place(instance.SeriesInstanceUID, instance.SOPInstanceUID)
    return instance.holder not in settings.here or place.exists()


def _failure(
    holdings: Holdings, asked: Named, instance: Instance | None, absent: int
) -> int | None:
    if instance is None or instance.purged_by is not None:
        return absent
    if instance.SOPClassUID != asked.SOPClassUID:
        return CLASS_INSTANCE_CONFLICT
    try:
        with holdings.received(instance.SeriesInstanceUID, instance.SOPInstanceUID) as file:
            if file is None:
                return absent
            found, _ = dataset_sha256(file)
    except FileNotFoundError:
        return absent
    except OSError:
        return PROCESSING_FAILURE
    return None if found == instance.sha256 else PROCESSING_FAILURE


def _call(
    settings: Settings, ledger: Ledger, commitment: Commitment, verdicts: Sequence[Named]
) -> str:
    peer = peers.named(ledger, commitment.aet)
    if peer is None:
        return f"peer {commitment.aet} was removed"
    try:
        with scu.association(
            scu.address_of(settings, peer),
            [build_context(PUSH_MODEL)],
            # PS3.4 J.3.3: who reports is the SCP, though it has called
            roles=[build_role(PUSH_MODEL, scp_role=True)],
        ) as assoc:
            return _tell(assoc, commitment.TransactionUID, verdicts)
    except DeliveryError as error:
        return error.detail
    except Exception as error:  # noqa: BLE001 - the task edge: tried again or parked, with the place
        log.error("event=report-broke aet=%s error=%s", peer.aet, where(error))
        return f"could not be reported from here: {where(error)}"


def _tell(assoc: Association, transaction_uid: str, verdicts: Sequence[Named]) -> str:
    """Send the report; return why the peer has not taken it, nothing if it has."""
    failed = [one for one in verdicts if one.failure is not None]
    ds = _report_of(transaction_uid, verdicts)
    event_type = SOME_FAILED if failed else ALL_COMMITTED
    try:
        status, _ = assoc.send_n_event_report(ds, event_type, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    except (ValueError, RuntimeError, AttributeError) as error:
        return f"the association ended before the report: {type(error).__name__}"
    if "Status" not in status:
        return "the peer broke the association or did not answer the report in time"
    return "" if status.Status == SUCCESS else f"the peer answered the report with {_hex(status)}"


def _hex(status: Dataset) -> str:
    return f"0x{status.Status:04X}"


def _report_of(transaction_uid: str, verdicts: Sequence[Named]) -> Dataset:
    ds = Dataset()
    ds.TransactionUID = transaction_uid
    committed = [_item(one) for one in verdicts if one.failure is None]
    failed = [_item(one) for one in verdicts if one.failure is not None]
    # PS3.4 Table J.3-2: each sequence only where it has items
    if committed:
        ds.ReferencedSOPSequence = committed
    if failed:
        ds.FailedSOPSequence = failed
    return ds


def _item(one: Named) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    if one.failure is not None:
        item.FailureReason = one.failure
    return item


def _read_request(ds: Dataset) -> tuple[str, list[Named]]:
    asked = {
        Named(_uid(item.ReferencedSOPClassUID), _uid(item.ReferencedSOPInstanceUID)): None
        for item in ds.ReferencedSOPSequence
    }
    return _uid(ds.TransactionUID), list(asked)


def _uid(value: object) -> str:
    if not PLAIN_UID.fullmatch(str(value)):
        raise ValueError("no UID")
    return str(value)
