"""After a result was sent: asked about, then confirmed, sent again, or parked in the peer's words.

Whether a peer confirms is the peer's business (``commits``, ``answers_find``); a result that no
confirmation is offered for is sent, and no more is claimed of it.
"""

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from daemon.records.commitments import Named, add_objects
from daemon.records.heartbeat import heartbeat as beating
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import (
    Commitment,
    CommitmentObject,
    CommitmentState,
    Confirmation,
    Delivery,
    DeliveryState,
    Peer,
    ResultObject,
    Screening,
    Series,
)

LONGEST_DELAY_S = 3600
RESENDS_MOST = 2
MOST = 100
"""Results asked about in one request."""

OPEN = (Confirmation.DUE, Confirmation.ASKED)


@dataclass(frozen=True)
class Sent:
    """One result at one peer, as a query names it."""

    delivery: Delivery
    SOPClassUID: str
    SOPInstanceUID: str
    SeriesInstanceUID: str
    StudyInstanceUID: str


def first_step(session: Session, aet: str) -> dict[str, Any]:
    """Give what a delivery that was just sent waits for."""
    peer = session.get(Peer, aet)
    offered = peer is not None and (peer.commits or peer.answers_find)
    return {
        "confirmation": Confirmation.DUE if offered else Confirmation.NOT_OFFERED,
        "confirm_at": now() if offered else None,
        "confirm_attempts": 0,
    }


def claim(ledger: Ledger, delivery_id: int, lease_s: float) -> list[Sent]:
    """Take a result that is due to be asked about, and others of its peer at the same step.

    A peer is asked once at a time. Empty when none is due or the peer is being asked.
    """
    moment = now()
    with ledger.write() as session:
        first = session.get(Delivery, delivery_id)
        if first is None:
            return []
        owner = uuid.uuid4().hex
        some = (
            select(Delivery.id)
            .where(_due(moment), Delivery.aet == first.aet, ~_busy(moment))
            .where(Delivery.confirmation == first.confirmation)
            .order_by(Delivery.id)
            .limit(MOST)
        )
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(some), _due(moment))
            .values(lease_owner=owner, lease_until=moment + timedelta(seconds=lease_s))
            .execution_options(synchronize_session=False)
        )
        mine = (
            select(Delivery, ResultObject, Series.StudyInstanceUID)
            .join(ResultObject, ResultObject.SOPInstanceUID == Delivery.SOPInstanceUID)
            .join(Screening, Screening.id == Delivery.screening_id)
            .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
            .where(Delivery.lease_owner == owner)
            .order_by(Delivery.id)
            .execution_options(populate_existing=True)
        )
        return [
            Sent(row, made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID, study)
            for row, made, study in session.execute(mine).all()
        ]


def heartbeat(
    ledger: Ledger, claimed: Sequence[Sent], lease_s: float
) -> AbstractContextManager[None]:
    """Keep what is asked about while the peer thinks."""
    mine = update(Delivery).where(Delivery.lease_owner == claimed[0].delivery.lease_owner)
    return beating(ledger, lambda until: mine.values(lease_until=until), lease_s)


def asking(
    ledger: Ledger, claimed: Sequence[Sent], transaction_uid: str, answer_within_s: float
) -> None:
    """Write a request for commitment down before it is made: its report may come at any moment."""
    moment = now()
    deadline = moment + timedelta(seconds=answer_within_s)
    named = [Named(one.SOPClassUID, one.SOPInstanceUID) for one in claimed]
    with ledger.write() as session:
        row = Commitment(by_us=True, aet=claimed[0].delivery.aet, TransactionUID=transaction_uid)
        row.state, row.asked_at, row.due_at = CommitmentState.WAITING, moment, deadline
        session.add(row)
        session.flush()
        add_objects(session, row.id, named)
        for one in claimed:
            step = {"confirmation": Confirmation.ASKED, "confirm_at": deadline}
            session.execute(_mine(one).values(**step, confirm_attempts=_tried(one)))


def not_asked(ledger: Ledger, transaction_uid: str, detail: str) -> None:
    """Write down that a request did not reach the peer, or was declined."""
    change = _of_ours(transaction_uid).values(
        state=CommitmentState.PARKED, detail=detail, ended_at=now()
    )
    with ledger.write() as session:
        session.execute(change)


def let_go(ledger: Ledger, claimed: Sequence[Sent]) -> None:
    """Give back what is still held; a report may come in the meantime."""
    with ledger.write() as session:
        for one in claimed:
            session.execute(_mine(one).values(lease_owner=None, lease_until=None))


def answered(ledger: Ledger, transaction_uid: str, verdicts: Sequence[Named]) -> bool:
    """Write down what a peer reports on a request of ours; False if we made no such request."""
    moment = now()
    with ledger.write() as session:
        asked = session.scalars(
            select(Commitment).where(Commitment.by_us, Commitment.TransactionUID == transaction_uid)
        ).one_or_none()
        if asked is None:
            return False
        objects = session.scalars(
            select(CommitmentObject).where(CommitmentObject.commitment_id == asked.id)
        )
        said = {one.SOPInstanceUID: one for one in verdicts}
        for row in objects:
            if row.SOPInstanceUID in said:
                row.failure = said[row.SOPInstanceUID].failure
                _take_in(session, asked, row)
        asked.state, asked.ended_at, asked.detail = CommitmentState.REPORTED, moment, None
    return True


def _take_in(session: Session, asked: Commitment, said: CommitmentObject) -> None:
    delivery = session.scalars(
        select(Delivery).where(
            Delivery.SOPInstanceUID == said.SOPInstanceUID, Delivery.aet == asked.aet
        )
    ).one_or_none()
    if delivery is None:
        return
    if said.failure is None:
        _confirm(session, delivery, "committed")
    elif delivery.confirm_attempts and _is_latest(session, asked, said):
        # asked since it was last sent: an older refusal is of what was sent before
        _send_again(session, delivery, f"{asked.aet} did not commit to it: 0x{said.failure:04X}")


def _is_latest(session: Session, asked: Commitment, named: CommitmentObject) -> bool:
    later = exists().where(
        CommitmentObject.SOPInstanceUID == named.SOPInstanceUID,
        CommitmentObject.commitment_id > asked.id,
        Commitment.id == CommitmentObject.commitment_id,
        Commitment.by_us,
        Commitment.aet == asked.aet,
    )
    return not session.scalar(select(later))


def confirmed(ledger: Ledger, one: Sent, how: str) -> None:
    """Write down that the peer has the object."""
    with ledger.write() as session:
        _confirm(session, one.delivery, how)


def absent(ledger: Ledger, one: Sent, detail: str) -> None:
    """Send an object again that the peer says it does not have, or park it."""
    with ledger.write() as session:
        _send_again(session, one.delivery, detail)


def look_again(ledger: Ledger, one: Sent, detail: str, backoff_s: float) -> None:
    """Ask again later, with growing delays."""
    delay_s = min(backoff_s * 2**one.delivery.confirm_attempts, LONGEST_DELAY_S)
    values = {"confirm_at": now() + timedelta(seconds=delay_s), "detail": detail}
    with ledger.write() as session:
        session.execute(_mine(one).values(**values, confirm_attempts=_tried(one), **_FREE))


def unanswered(ledger: Ledger, one: Sent, detail: str) -> None:
    """Stop asking: the object was sent, the peer has never said that it has it."""
    values = {"confirmation": Confirmation.UNANSWERED, "confirm_at": None, "detail": detail}
    with ledger.write() as session:
        if changed(session.execute(_mine(one).values(**values, **_FREE))):
            _note(session, one.delivery, "result unconfirmed", detail)


def not_offered(ledger: Ledger, one: Sent) -> None:
    """Ask no more: the peer is known by now to confirm nothing."""
    values = {"confirmation": Confirmation.NOT_OFFERED, "confirm_at": None}
    with ledger.write() as session:
        session.execute(_mine(one).values(**values, **_FREE))


def ask_anew(session: Session, aet: str) -> None:
    """Ask a peer again that has never answered: an admin has just changed what is known of it."""
    silent = Delivery.confirmation == Confirmation.UNANSWERED
    step = {"confirmation": Confirmation.DUE, "confirm_at": now(), "confirm_attempts": 0}
    session.execute(
        update(Delivery)
        .where(Delivery.aet == aet, Delivery.state == DeliveryState.SENT, silent)
        .values(**step)
        .execution_options(synchronize_session=False)
    )


def to_ring(ledger: Ledger, silent_s: float) -> list[int]:
    """Return for each peer one result to ask about; count it as rung now."""
    moment = now()
    one_each = (
        select(func.min(Delivery.id))
        .where(_due(moment), ~_busy(moment))
        .where(Delivery.rung_at < moment - timedelta(seconds=silent_s))
        .group_by(Delivery.aet)
    )
    unheard = (
        update(Commitment)
        .where(
            Commitment.by_us,
            Commitment.state == CommitmentState.WAITING,
            Commitment.due_at < moment,
        )
        .values(state=CommitmentState.PARKED, ended_at=moment, detail="no report came in time")
    )
    with ledger.write() as session:
        session.execute(unheard)
        due = list(session.scalars(one_each))
        session.execute(update(Delivery).where(Delivery.id.in_(due)).values(rung_at=moment))
    return due


def clock_stepped(ledger: Ledger) -> None:
    """Ask at once what would otherwise wait for a clock that was set; a report is waited for."""
    moment = now()
    open_ones = update(Delivery).where(
        Delivery.state == DeliveryState.SENT, Delivery.confirmation.in_(OPEN)
    )
    due = open_ones.where(Delivery.confirmation == Confirmation.DUE, Delivery.confirm_at > moment)
    with ledger.write() as session:
        session.execute(open_ones.values(lease_until=None))
        session.execute(due.values(confirm_at=moment, rung_at=moment))


_FREE = {"lease_owner": None, "lease_until": None}


def _confirm(session: Session, delivery: Delivery, how: str) -> None:
    change = _unsettled(delivery).values(
        confirmation=Confirmation.CONFIRMED,
        confirmed_at=now(),
        confirm_at=None,
        detail=how,
        **_FREE,
    )
    if changed(session.execute(change)):
        _note(session, delivery, "result confirmed", how)


def _send_again(session: Session, delivery: Delivery, detail: str) -> None:
    values: dict[str, Any] = {"confirmation": None, "confirm_at": None, "detail": detail, **_FREE}
    if delivery.resends >= RESENDS_MOST:
        values |= {"state": DeliveryState.PARKED}
        kind = "delivery parked"
    else:
        again = {"state": DeliveryState.PENDING, "due_at": None, "attempts": 0, "crashes": 0}
        values |= {**again, "resends": delivery.resends + 1}
        kind = "delivery repeated"
    if changed(session.execute(_unsettled(delivery).values(**values))):
        _note(session, delivery, kind, detail)


def _unsettled(delivery: Delivery) -> Update:
    """Change a delivery that was sent and is not confirmed, whoever holds it."""
    return (
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state == DeliveryState.SENT,
            Delivery.confirmation != Confirmation.CONFIRMED,
        )
        .execution_options(synchronize_session=False)
    )


def _note(session: Session, delivery: Delivery, kind: str, detail: str) -> None:
    uid = session.get_one(Screening, delivery.screening_id).SeriesInstanceUID
    note(session, kind, SeriesInstanceUID=uid, aet=delivery.aet, detail=detail)


def _mine(one: Sent) -> Update:
    return update(Delivery).where(
        Delivery.id == one.delivery.id,
        Delivery.state == DeliveryState.SENT,
        Delivery.lease_owner == one.delivery.lease_owner,
    )


def _of_ours(transaction_uid: str) -> Update:
    return update(Commitment).where(
        Commitment.by_us,
        Commitment.TransactionUID == transaction_uid,
        Commitment.state == CommitmentState.WAITING,
    )


def _tried(one: Sent) -> int:
    return one.delivery.confirm_attempts + 1


def _due(moment: datetime) -> ColumnElement[bool]:
    return and_(
        Delivery.state == DeliveryState.SENT,
        Delivery.confirmation.in_(OPEN),
        Delivery.confirm_at <= moment,
        or_(Delivery.lease_until.is_(None), Delivery.lease_until < moment),
    )


def _busy(moment: datetime) -> ColumnElement[bool]:
    held = aliased(Delivery)
    return exists().where(
        held.aet == Delivery.aet, held.state == DeliveryState.SENT, held.lease_until >= moment
    )
