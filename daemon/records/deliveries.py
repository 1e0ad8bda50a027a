"""One object to one peer: pending, sending, then sent, parked in the peer's words, or dropped."""

import os
import random
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update, and_, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from daemon import processes
from daemon.records import confirmations, turnaround
from daemon.records.heartbeat import heartbeat as beating
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import Delivery, DeliveryState, ResultObject, Screening, Series

LONGEST_DELAY_S = 3600
SUPERSEDED = "superseded: the series was judged anew"
WAITING = (DeliveryState.PENDING, DeliveryState.PARKED)


def pending_of(ledger: Ledger, series_uid: str) -> list[int]:
    """Return the deliveries to ring for after a series was screened."""
    waiting = (
        select(Delivery.screening_id, Delivery.aet, Delivery.id)
        .join(Screening, Delivery.screening_id == Screening.id)
        .where(Screening.SeriesInstanceUID == series_uid, Delivery.state == DeliveryState.PENDING)
    )
    with ledger.read() as session:
        return _one_a_journey(session.execute(waiting).all())


def next_for(ledger: Ledger, aet: str) -> int | None:
    """Return another delivery that is due at this peer."""
    due = select(Delivery.id).where(
        Delivery.aet == aet,
        Delivery.state == DeliveryState.PENDING,
        Delivery.due_at.is_(None),
        Delivery.crashes == 0,
    )
    with ledger.read() as session:
        return session.scalars(due.order_by(Delivery.id).limit(1)).first()


def claim(ledger: Ledger, delivery_id: int, alone: bool = False) -> list[Delivery]:
    """Take a due delivery and all others of the same screening to the same peer.

    They travel in one association. A peer gets one association at a time, so that one that is slow
    or dead holds a single thread; who finishes rings for the next. Empty when none is due, another
    worker has them, or the peer is being served.

    ``alone``: this process sends nothing else. What a process has ended over is sent so, one
    object at a time, and nothing else is; the peer's other deliveries do not wait for it.
    """
    with ledger.write() as session:
        first = session.get(Delivery, delivery_id)
        if first is None:
            return []
        other = aliased(Delivery)
        served = exists().where(
            other.aet == first.aet,
            other.state == DeliveryState.SENDING,
            other.crashes > 0 if alone else other.crashes == 0,
        )
        owner = f"{processes.name_of(os.getpid())}:{uuid.uuid4().hex[:8]}"
        session.execute(
            update(Delivery)
            .where(
                Delivery.screening_id == first.screening_id,
                Delivery.aet == first.aet,
                and_(Delivery.id == delivery_id, Delivery.crashes > 0)
                if alone
                else Delivery.crashes == 0,
                Delivery.state == DeliveryState.PENDING,
                Delivery.due_at.is_(None),
                ~served,
            )
            .values(
                state=DeliveryState.SENDING,
                lease_owner=owner,
                lease_beat=0,
                attempts=Delivery.attempts + 1,
            )
            .execution_options(synchronize_session=False)
        )
        mine = select(Delivery).where(Delivery.lease_owner == owner).order_by(Delivery.id)
        return list(session.scalars(mine.execution_options(populate_existing=True)))


def waits_alone(ledger: Ledger, delivery_id: int) -> bool:
    """Tell whether a delivery is due and is to be sent alone; a second ring finds it taken."""
    with ledger.read() as session:
        one = session.get(Delivery, delivery_id)
        pending = one is not None and one.state == DeliveryState.PENDING
        return bool(one and pending and one.due_at is None and one.crashes > 0)


def objects_of(ledger: Ledger, deliveries: Sequence[Delivery]) -> dict[str, ResultObject]:
    """Return the objects to send, by SOP Instance UID."""
    uids = [delivery.SOPInstanceUID for delivery in deliveries]
    with ledger.read() as session:
        rows = session.scalars(select(ResultObject).where(ResultObject.SOPInstanceUID.in_(uids)))
        return {row.SOPInstanceUID: row for row in rows}


def sent(ledger: Ledger, delivery: Delivery, status: int, remark: str | None = None) -> None:
    """Write down that the peer has stored the object, with its status and its remark, if any."""
    _end(ledger, delivery, DeliveryState.SENT, status, remark)


def drop(ledger: Ledger, delivery: Delivery) -> None:
    """Never send what another result has taken the place of."""
    _end(ledger, delivery, DeliveryState.DROPPED, delivery.status, SUPERSEDED)


def park(ledger: Ledger, delivery: Delivery, status: int | None, detail: str) -> None:
    """Stop trying; the peer's words say why."""
    _end(ledger, delivery, DeliveryState.PARKED, status, detail)


def postpone(
    ledger: Ledger, delivery: Delivery, status: int | None, detail: str, backoff_s: float
) -> None:
    """Try again later: the delay doubles each time, to an hour at most, and is spread by a quarter
    either way.

    Spreading keeps many hosts from calling a PACS that has just come back at the same moment.
    """
    delay_s = min(backoff_s * 2 ** (delivery.attempts - 1), LONGEST_DELAY_S)
    # not a secret: any spread will do
    delay_s *= random.uniform(0.75, 1.25)
    values = {
        "state": DeliveryState.PENDING,
        "status": status,
        "detail": detail,
        "rung_at": now(),
        "due_at": now() + timedelta(seconds=delay_s),
    }
    _settle(ledger, delivery, values, "delivery postponed")


def heartbeat(
    ledger: Ledger, claimed: Sequence[Delivery], lease_s: float
) -> AbstractContextManager[None]:
    """Keep claimed deliveries while they are sent, however slowly the peer takes them."""
    mine = update(Delivery).where(
        Delivery.lease_owner == claimed[0].lease_owner, Delivery.state == DeliveryState.SENDING
    )

    def beat(_until: datetime) -> Update:
        return mine.values(lease_beat=Delivery.lease_beat + 1)

    return beating(ledger, beat, lease_s)


def held(ledger: Ledger) -> list[Delivery]:
    """Return the deliveries that a worker has claimed."""
    with ledger.read() as session:
        return list(
            session.scalars(select(Delivery).where(Delivery.state == DeliveryState.SENDING))
        )


def lost(ledger: Ledger, delivery: Delivery, why: str, max_attempts: int) -> DeliveryState:
    """Put back a delivery whose worker did not live to end it; park it when it was tried enough.

    The same UIDs go out again, so a peer that has the object already keeps one. As for a series,
    the first time blames nobody: it is sent again alone.
    """
    parked = delivery.crashes + 1 >= max(max_attempts, 2)
    state = DeliveryState.PARKED if parked else DeliveryState.PENDING
    detail = f"attempt {delivery.attempts}: {why}"
    values = {"state": state, "detail": detail, "crashes": Delivery.crashes + 1}
    _settle(ledger, delivery, values, "delivery parked" if parked else "delivery put back")
    return state


def make_due(ledger: Ledger, aet: str) -> None:
    """Let nothing wait longer that waits because this peer could not be reached: it is back."""
    unreached = update(Delivery).where(
        Delivery.aet == aet,
        Delivery.state == DeliveryState.PENDING,
        Delivery.status.is_(None),
    )
    with ledger.write() as session:
        session.execute(unreached.values(due_at=None))


def resend(ledger: Ledger, aet: str) -> int:
    """Try once more, from the start, what is parked for a peer; return how many objects that is."""
    parked = update(Delivery).where(Delivery.aet == aet, Delivery.state == DeliveryState.PARKED)
    with ledger.write() as session:
        result = session.execute(anew(parked).returning(Delivery.id))
        objects = len(result.all())
        note(session, "resend asked for", aet=aet, detail=f"{objects} parked objects")
    return objects


def counts_of(ledger: Ledger, aet: str) -> dict[str, int]:
    """Count the objects for a peer by state."""
    of_peer = select(Delivery.state, func.count()).where(Delivery.aet == aet)
    with ledger.read() as session:
        return dict(session.execute(of_peer.group_by(Delivery.state)).all())


def supersede(session: Session, screening_ids: Sequence[int]) -> None:
    """Drop what still waits of screenings that stand no more."""
    # of a result that was taken back only the note of it can wait, and that is still to be sent
    standing = select(Screening.id).where(
        Screening.id.in_(screening_ids), Screening.retracted_at.is_(None)
    )
    waiting = update(Delivery).where(
        Delivery.screening_id.in_(standing), Delivery.state.in_(WAITING)
    )
    dropped = waiting.values(state=DeliveryState.DROPPED, detail=SUPERSEDED)
    for aet, screening_id in session.execute(
        dropped.returning(Delivery.aet, Delivery.screening_id)
    ).all():
        uid = session.get_one(Screening, screening_id).SeriesInstanceUID
        note(session, "delivery dropped", SeriesInstanceUID=uid, aet=aet, detail=SUPERSEDED)


def drop_waiting(session: Session, screening_id: int, why: str) -> None:
    """Drop what was not sent of one screening."""
    waiting = update(Delivery).where(
        Delivery.screening_id == screening_id, Delivery.state.in_(WAITING)
    )
    session.execute(waiting.values(state=DeliveryState.DROPPED, detail=why))


def reinstate(session: Session, screening_id: int) -> None:
    """Send after all what was dropped of a screening that stands again."""
    dropped = update(Delivery).where(
        Delivery.screening_id == screening_id, Delivery.state == DeliveryState.DROPPED
    )
    session.execute(anew(dropped))


def to_ring(ledger: Ledger, silent_s: float) -> list[Delivery]:
    """Return for each peer one delivery that is due and not rung lately; count it as rung now.

    Who finishes with a peer rings for its next; so a peer that is away never fills the sweep.
    """
    moment = now()
    one_each = (
        select(func.min(Delivery.id))
        .where(
            Delivery.state == DeliveryState.PENDING,
            Delivery.due_at.is_(None),
            Delivery.rung_at < moment - timedelta(seconds=silent_s),
        )
        .group_by(Delivery.aet, Delivery.crashes > 0)
    )
    with ledger.write() as session:
        due = list(session.scalars(one_each))
        rung = update(Delivery).where(Delivery.id.in_(due)).values(rung_at=moment)
        return list(session.scalars(rung.returning(Delivery)))


def call_due(ledger: Ledger) -> None:
    """Let go what has waited long enough; one clock of the whole site decides, the sweep's."""
    due = _waiting().where(Delivery.due_at <= now()).values(due_at=None)
    with ledger.write() as session:
        session.execute(due)


def clock_stepped(ledger: Ledger) -> None:
    """Let go what would otherwise wait until a clock that was set back has caught up."""
    moment = now()
    ahead = _waiting().where(Delivery.rung_at > moment).values(rung_at=moment, due_at=None)
    with ledger.write() as session:
        session.execute(ahead)


def _waiting() -> Update:
    return update(Delivery).where(Delivery.state == DeliveryState.PENDING)


def screening_of(ledger: Ledger, delivery: Delivery) -> Screening:
    """Return the screening whose result this is."""
    with ledger.read() as session:
        return session.get_one(Screening, delivery.screening_id)


def anew(some: Update) -> Update:
    """Let what is chosen be sent from the start, as if it had never been tried."""
    return some.values(
        state=DeliveryState.PENDING,
        attempts=0,
        crashes=0,
        resends=0,
        detail=None,
        due_at=None,
        rung_at=now(),
    )


def _one_a_journey(rows: Sequence[tuple[int, str, int]]) -> list[int]:
    """Keep one delivery for each screening and peer: its ring carries the others along."""
    return list({(screening, aet): delivery for screening, aet, delivery in rows}.values())


def _end(
    ledger: Ledger, delivery: Delivery, state: DeliveryState, status: int | None, detail: str | None
) -> None:
    values: dict[str, Any] = {"state": state, "status": status, "detail": detail}
    if state == DeliveryState.SENT:
        values["sent_at"] = now()
    _settle(ledger, delivery, values, f"delivery {state}")


def _settle(ledger: Ledger, delivery: Delivery, values: dict[str, Any], kind: str) -> None:
    """Write down what came of a delivery that is still ours, and say so."""
    mine = update(Delivery).where(
        Delivery.id == delivery.id, Delivery.lease_owner == delivery.lease_owner
    )
    with ledger.write() as session:
        if values["state"] == DeliveryState.SENT:
            values |= confirmations.first_step(session, delivery.aet)
        settled = mine.values(**values, lease_owner=None)
        if changed(session.execute(settled)):
            screening = session.get_one(Screening, delivery.screening_id)
            if values["state"] == DeliveryState.SENT and not delivery.resends:
                series = session.get_one(Series, screening.SeriesInstanceUID)
                turnaround.count(session, max(0.0, (now() - series.last_at).total_seconds()))
            note(
                session,
                kind,
                SeriesInstanceUID=screening.SeriesInstanceUID,
                aet=delivery.aet,
                detail=values["detail"],
            )
