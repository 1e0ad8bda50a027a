"""Make sure that a result stays where it was sent: ask for commitment, or look with C-FIND.

A peer that commits is asked first (PS3.4 J, we are the SCU). Its report comes over the association
that asked, or over one of its own to our listener; if none comes in time, a peer that answers
queries is asked whether it has the object. What it does not have is sent again, then parked.
"""

import logging
import time
import uuid
from collections.abc import Sequence

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.presentation import build_context

from daemon import find, scu
from daemon.commitment import (
    INVALID_ARGUMENT,
    PROCESSING_FAILURE,
    PUSH_MODEL,
    PUSH_MODEL_INSTANCE,
    REQUEST_COMMITMENT,
    SUCCESS,
)
from daemon.errors import DeliveryError
from daemon.logs import where
from daemon.records import confirmations, peers
from daemon.records.commitments import Named
from daemon.records.confirmations import Sent
from daemon.records.ledger import Ledger, LedgerError
from daemon.records.tables import Confirmation, Peer
from daemon.settings import Settings

log = logging.getLogger(__name__)

ASKS_MOST = 3
"""Asked so often in vain, a peer that also answers queries is queried."""
LOOKS_MOST = 3
"""Not found so often, with growing delays between, an object is absent: an index may lag."""
STAYS_S = 5.0
"""So long we leave our association open for the report, as many peers want (not in PS3.4)."""
POLL_S = 0.05


class Reports:
    """Hears the reports that peers make on requests of ours, on whichever association."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_n_event_report(self, event: Event) -> tuple[int, None]:
        """Write down what a peer says of our results; only then it is answered."""
        return self.hear(event)[0], None

    def hear(self, event: Event) -> tuple[int, str]:
        """Write down a report; return what to answer, and the transaction that it was on."""
        calling, transaction_uid = event.assoc.requestor.ae_title.strip(), ""
        try:
            transaction_uid, verdicts = _read_report(event.event_information)
            known = confirmations.answered(self._ledger, transaction_uid, verdicts)
        except LedgerError as error:
            log.error("event=ledger-unreachable error=%s", type(error).__name__)
            return PROCESSING_FAILURE, transaction_uid
        except Exception as error:  # noqa: BLE001 - the edge: a peer gets a status, never silence
            log.error("event=report-not-read aet=%s error=%s", calling, where(error))
            return INVALID_ARGUMENT, transaction_uid
        if not known:
            log.warning("event=unknown-transaction aet=%s uid=%s", calling, transaction_uid)
            return INVALID_ARGUMENT, transaction_uid
        return SUCCESS, transaction_uid


class ReportsHere(Reports):
    """Hears reports on the association that asked, and knows when our answer to ours is out."""

    def __init__(self, ledger: Ledger, transaction_uid: str) -> None:
        super().__init__(ledger)
        self._transaction_uid = transaction_uid
        self._is_ours = False
        self.answering = self.answered = False

    def hear(self, event: Event) -> tuple[int, str]:
        """Write down a report, and keep in mind that we owe an answer to it."""
        self.answering = True
        status, transaction_uid = super().hear(event)
        self._is_ours |= transaction_uid == self._transaction_uid
        return status, transaction_uid

    def on_pdu_sent(self, event: Event) -> None:
        """See our answer go out: after a release we may send nothing more (PS3.8 9.2, Sta7)."""
        if self.answering and isinstance(event.pdu, P_DATA_TF):
            self.answering, self.answered = False, self._is_ours

    def stay(self, assoc: Association, within_s: float) -> None:
        """Wait for the report, and for our answer to one that came in time."""
        until = time.monotonic() + within_s
        while assoc.is_established and not self.answered:
            if time.monotonic() > until and not self.answering:
                return
            time.sleep(POLL_S)


def confirm(settings: Settings, ledger: Ledger, delivery_id: int) -> None:
    """Take the next step with the results that are due to be asked about at one peer."""
    claimed = confirmations.claim(ledger, delivery_id, settings.lease_s)
    if not claimed:
        return
    peer = peers.named(ledger, claimed[0].delivery.aet)
    if peer is None or not (peer.commits or peer.answers_find):
        for one in claimed:
            confirmations.not_offered(ledger, one)
        return
    with confirmations.heartbeat(ledger, claimed, settings.lease_s):
        try:
            if _is_to_be_found(peer, claimed):
                _look(settings, ledger, peer, claimed)
            else:
                _ask(settings, ledger, peer, claimed)
        except DeliveryError as error:
            _again(settings, ledger, claimed, error.detail)
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001 - the task edge: asked again or given up, with the place
            log.error("event=confirmation-broke aet=%s error=%s", peer.aet, where(error))
            _again(settings, ledger, claimed, f"could not be asked from here: {where(error)}")


def _is_to_be_found(peer: Peer, claimed: Sequence[Sent]) -> bool:
    if not (peer.commits and peer.answers_find):
        return peer.answers_find
    first = claimed[0].delivery
    return first.confirmation == Confirmation.ASKED or first.confirm_attempts >= ASKS_MOST


def _again(settings: Settings, ledger: Ledger, claimed: Sequence[Sent], detail: str) -> None:
    for one in claimed:
        if one.delivery.confirm_attempts >= settings.delivery_attempts:
            confirmations.unanswered(ledger, one, detail)
        else:
            confirmations.look_again(ledger, one, detail, settings.delivery_backoff_s)


def _ask(settings: Settings, ledger: Ledger, peer: Peer, claimed: Sequence[Sent]) -> None:
    """Ask for commitment, and leave the association open for the report for a little while."""
    if claimed[0].delivery.confirm_attempts >= settings.delivery_attempts:
        detail = f"{peer.aet} was asked to commit and has never reported"
        for one in claimed:
            confirmations.unanswered(ledger, one, detail)
        return
    address, contexts = scu.address_of(settings, peer), [build_context(PUSH_MODEL)]
    # a name of 128 random bits as PS3.5 B.2 makes UIDs of them: no two requests share one
    transaction_uid = f"2.25.{uuid.uuid4().int}"
    reports = ReportsHere(ledger, transaction_uid)
    handlers: list[EventHandlerType] = [
        (evt.EVT_N_EVENT_REPORT, reports.on_n_event_report),
        (evt.EVT_PDU_SENT, reports.on_pdu_sent),
    ]
    with scu.association(address, contexts, handlers=handlers) as assoc:
        within_s = settings.confirmation_wait_s
        confirmations.asking(ledger, claimed, transaction_uid, within_s)
        declined = _request(assoc, transaction_uid, claimed)
        if declined:
            confirmations.not_asked(ledger, transaction_uid, declined)
            raise DeliveryError(f"{peer.aet} {declined}")
        reports.stay(assoc, min(STAYS_S, within_s))
    confirmations.let_go(ledger, claimed)


def _request(assoc: Association, transaction_uid: str, claimed: Sequence[Sent]) -> str:
    """Send the request; return in words why it was not taken, nothing if it was."""
    ds = Dataset()
    ds.TransactionUID = transaction_uid
    ds.ReferencedSOPSequence = [_item(one) for one in claimed]
    try:
        status, _ = assoc.send_n_action(ds, REQUEST_COMMITMENT, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    except (ValueError, RuntimeError, AttributeError) as error:
        return f"could not be asked to commit: {type(error).__name__}"
    if "Status" not in status:
        return "broke the association or did not answer the request to commit in time"
    if status.Status != SUCCESS:
        return f"answered the request to commit with 0x{status.Status:04X}"
    return ""


def _item(one: Sent) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = UID(one.SOPClassUID)
    item.ReferencedSOPInstanceUID = UID(one.SOPInstanceUID)
    return item


def _look(settings: Settings, ledger: Ledger, peer: Peer, claimed: Sequence[Sent]) -> None:
    keys = [
        {
            "StudyInstanceUID": one.StudyInstanceUID,
            "SeriesInstanceUID": one.SeriesInstanceUID,
            "SOPInstanceUID": one.SOPInstanceUID,
        }
        for one in claimed
    ]
    found = find.has(scu.address_of(settings, peer), keys)
    for one, there in zip(claimed, found, strict=True):
        if there:
            confirmations.confirmed(ledger, one, "found by C-FIND")
            continue
        detail = f"{peer.aet} answered 0x{one.delivery.status or 0:04X}, but a C-FIND finds nothing"
        if one.delivery.confirm_attempts + 1 >= LOOKS_MOST:
            confirmations.absent(ledger, one, detail)
        else:
            confirmations.look_again(ledger, one, detail, settings.delivery_backoff_s)


def _read_report(ds: Dataset) -> tuple[str, list[Named]]:
    verdicts = [
        Named(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
        for item in ds.get("ReferencedSOPSequence") or []
    ]
    verdicts += [
        Named(
            str(item.get("ReferencedSOPClassUID", "")),
            str(item.ReferencedSOPInstanceUID),
            # some peers say no reason; it is a failure all the same
            int(item.get("FailureReason") or PROCESSING_FAILURE),
        )
        for item in ds.get("FailedSOPSequence") or []
    ]
    return str(ds.TransactionUID), verdicts
