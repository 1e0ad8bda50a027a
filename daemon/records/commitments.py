"""Requests for storage commitment by those who send to us: waiting, then reported or parked."""

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from daemon.records.heartbeat import heartbeat as beating
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import Commitment, CommitmentObject, CommitmentState, Instance

LONGEST_DELAY_S = 3600


@dataclass(frozen=True)
class Named:
    """One object as a request or a report names it; ``failure`` is a code of PS3.3 C.14.1.1."""

    SOPClassUID: str
    SOPInstanceUID: str
    failure: int | None = None


def ask(
    ledger: Ledger, aet: str, transaction_uid: str, named: Sequence[Named], report_after_s: float
) -> int | None:
    """Write a peer's request down; None if it has used this Transaction UID for other objects.

    The same request again is reported again: the peer has not heard our first report, or would
    not repeat itself.
    """
    try:
        return _ask(ledger, aet, transaction_uid, named, report_after_s)
    except IntegrityError:
        # the same request over two associations at once: the other was first
        return _ask(ledger, aet, transaction_uid, named, report_after_s)


def _ask(
    ledger: Ledger, aet: str, transaction_uid: str, named: Sequence[Named], report_after_s: float
) -> int | None:
    due_at = now() + timedelta(seconds=report_after_s)
    with ledger.write() as session:
        known = session.scalars(
            select(Commitment).where(
                ~Commitment.by_us,
                Commitment.aet == aet,
                Commitment.TransactionUID == transaction_uid,
            )
        ).one_or_none()
        if known is not None:
            asked = {(one.SOPClassUID, one.SOPInstanceUID) for one in _objects(session, known.id)}
            if asked != {(one.SOPClassUID, one.SOPInstanceUID) for one in named}:
                return None
            _ask_again(session, known, due_at)
            return known.id
        row = Commitment(by_us=False, aet=aet, TransactionUID=transaction_uid, due_at=due_at)
        row.state, row.asked_at = CommitmentState.WAITING, now()
        session.add(row)
        session.flush()
        add_objects(session, row.id, named)
        note(session, "commitment asked", aet=aet, detail=f"{len(named)} objects")
        return row.id


def add_objects(session: Session, commitment_id: int, named: Sequence[Named]) -> None:
    """Write down what a commitment is asked for."""
    rows = [
        {
            "commitment_id": commitment_id,
            "SOPClassUID": one.SOPClassUID,
            "SOPInstanceUID": one.SOPInstanceUID,
        }
        for one in named
    ]
    session.execute(insert(CommitmentObject), rows)


def _ask_again(session: Session, known: Commitment, due_at: datetime) -> None:
    again = {"state": CommitmentState.WAITING, "attempts": 0, "detail": None, "ended_at": None}
    session.execute(
        update(Commitment)
        .where(Commitment.id == known.id, Commitment.state != CommitmentState.WAITING)
        .values(**again, asked_at=now(), due_at=due_at)
    )
    note(session, "commitment asked", aet=known.aet, detail="once more")


def claim(ledger: Ledger, commitment_id: int, lease_s: float) -> Commitment | None:
    """Take a waiting commitment, to report on it; None if somebody has it or it has ended."""
    moment = now()
    take = (
        update(Commitment)
        .where(
            Commitment.id == commitment_id,
            ~Commitment.by_us,
            Commitment.state == CommitmentState.WAITING,
            _free(moment),
        )
        .values(lease_owner=uuid.uuid4().hex, lease_until=moment + timedelta(seconds=lease_s))
    )
    with ledger.write() as session:
        if not changed(session.execute(take)):
            return None
        return session.get(Commitment, commitment_id)


def waits(ledger: Ledger, commitment_id: int) -> bool:
    """Tell whether a commitment has not been reported yet, nor parked."""
    with ledger.read() as session:
        row = session.get_one(Commitment, commitment_id)
        return row.state == CommitmentState.WAITING


def heartbeat(
    ledger: Ledger, commitment: Commitment, lease_s: float
) -> AbstractContextManager[None]:
    """Keep a claimed commitment while it is judged and reported."""
    return beating(ledger, lambda until: _mine(commitment).values(lease_until=until), lease_s)


def objects_of(ledger: Ledger, commitment: Commitment) -> list[Named]:
    """Return what it was asked for, each object once."""
    with ledger.read() as session:
        rows = _objects(session, commitment.id)
        return [Named(row.SOPClassUID, row.SOPInstanceUID, row.failure) for row in rows]


def _objects(session: Session, commitment_id: int) -> list[CommitmentObject]:
    mine = select(CommitmentObject).where(CommitmentObject.commitment_id == commitment_id)
    return list(session.scalars(mine.order_by(CommitmentObject.id)))


def instances(ledger: Ledger, uids: Sequence[str]) -> dict[str, Instance]:
    """Return which of these objects the index knows."""
    found: dict[str, Instance] = {}
    with ledger.read() as session:
        # some databases take no more than a thousand values in one statement
        for start in range(0, len(uids), 500):
            some = select(Instance).where(Instance.SOPInstanceUID.in_(uids[start : start + 500]))
            found |= {row.SOPInstanceUID: row for row in session.scalars(some)}
    return found


def wait(ledger: Ledger, commitment: Commitment, seconds: float, detail: str | None) -> None:
    """Put a claimed commitment back, to be looked at again soon; no attempt is counted."""
    due_at = now() + timedelta(seconds=seconds)
    with ledger.write() as session:
        session.execute(_mine(commitment).values(due_at=due_at, detail=detail, **_FREE))


def postpone(
    ledger: Ledger, commitment: Commitment, detail: str, backoff_s: float, most: int
) -> None:
    """Report again later, with growing delays; park it when it was tried enough."""
    attempts = commitment.attempts + 1
    values: dict[str, Any] = {"attempts": attempts, "detail": detail}
    parked = attempts >= most
    if parked:
        values |= {"state": CommitmentState.PARKED, "ended_at": now()}
    else:
        delay_s = min(backoff_s * 2 ** (attempts - 1), LONGEST_DELAY_S)
        values["due_at"] = now() + timedelta(seconds=delay_s)
    kind = "commitment parked" if parked else "commitment report postponed"
    with ledger.write() as session:
        if changed(session.execute(_mine(commitment).values(**values, **_FREE))):
            note(session, kind, aet=commitment.aet, detail=detail)


def reported(ledger: Ledger, commitment: Commitment, verdicts: Sequence[Named]) -> None:
    """Write down that the peer has heard our report, and what we said of each object."""
    failed = {one.SOPInstanceUID: one.failure for one in verdicts if one.failure is not None}
    values = {"state": CommitmentState.REPORTED, "ended_at": now(), "detail": None}
    with ledger.write() as session:
        counted = _mine(commitment).values(**values, attempts=Commitment.attempts + 1, **_FREE)
        if not changed(session.execute(counted)):
            return
        for row in _objects(session, commitment.id):
            row.failure = failed.get(row.SOPInstanceUID)
        detail = f"{len(verdicts) - len(failed)} objects committed, {len(failed)} refused"
        note(session, "commitment reported", aet=commitment.aet, detail=detail)


def to_ring(ledger: Ledger, silent_s: float) -> list[int]:
    """Return for each peer one commitment whose report is due; count it as rung now.

    A peer is called once at a time, so that one that is away holds a single thread; who has
    reported rings for the next.
    """
    moment = now()
    held = aliased(Commitment)
    busy = exists().where(held.aet == Commitment.aet, ~held.by_us, held.lease_until >= moment)
    one_each = select(func.min(Commitment.id)).where(_due(moment), ~busy).group_by(Commitment.aet)
    with ledger.write() as session:
        due = list(session.scalars(one_each))
        again = moment + timedelta(seconds=silent_s)
        session.execute(update(Commitment).where(Commitment.id.in_(due)).values(due_at=again))
    return due


def next_for(ledger: Ledger, aet: str) -> int | None:
    """Return another commitment whose report is due at this peer."""
    due = select(Commitment.id).where(_due(now()), Commitment.aet == aet)
    with ledger.read() as session:
        return session.scalars(due.order_by(Commitment.id).limit(1)).first()


def _due(moment: datetime) -> ColumnElement[bool]:
    return and_(
        ~Commitment.by_us,
        Commitment.state == CommitmentState.WAITING,
        Commitment.due_at <= moment,
        _free(moment),
    )


def clock_stepped(ledger: Ledger) -> None:
    """Report at once what would otherwise wait for a clock that was set."""
    moment = now()
    waiting = update(Commitment).where(
        Commitment.state == CommitmentState.WAITING, ~Commitment.by_us
    )
    with ledger.write() as session:
        session.execute(waiting.values(lease_until=None))
        session.execute(waiting.where(Commitment.due_at > moment).values(due_at=moment))


def _free(moment: datetime) -> ColumnElement[bool]:
    return or_(Commitment.lease_until.is_(None), Commitment.lease_until < moment)


def report_anew(session: Session, aet: str) -> None:
    """Call a peer again that has not heard us: an admin has just changed where it is."""
    parked = Commitment.state == CommitmentState.PARKED
    again = {"state": CommitmentState.WAITING, "attempts": 0, "ended_at": None, "due_at": now()}
    session.execute(
        update(Commitment)
        .where(Commitment.aet == aet, ~Commitment.by_us, parked)
        .values(**again)
        .execution_options(synchronize_session=False)
    )


def awaited(series_uid: Any) -> ColumnElement[bool]:
    """Tell, in a query, whether anybody waits for our word on an image of a series."""
    return exists().where(
        Instance.SeriesInstanceUID == series_uid,
        CommitmentObject.SOPInstanceUID == Instance.SOPInstanceUID,
        Commitment.id == CommitmentObject.commitment_id,
        ~Commitment.by_us,
        Commitment.state == CommitmentState.WAITING,
    )


def counts(session: Session) -> dict[str, int]:
    """Count the requests of others by state."""
    rows: dict[str, int] = dict(
        session.execute(
            select(Commitment.state, func.count())
            .where(~Commitment.by_us)
            .group_by(Commitment.state)
        ).all()
    )
    return {str(state): rows.get(state, 0) for state in CommitmentState}


_FREE = {"lease_owner": None, "lease_until": None}


def _mine(commitment: Commitment) -> Update:
    return update(Commitment).where(
        Commitment.id == commitment.id,
        Commitment.state == CommitmentState.WAITING,
        Commitment.lease_owner == commitment.lease_owner,
    )
