"""One object to one peer: pending, sending, then sent or parked with the peer's own words."""

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased

from daemon.records.ledger import Ledger, note, now
from daemon.records.tables import Delivery, DeliveryState, ResultObject, Screening

LONGEST_DELAY_S = 3600


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
        Delivery.aet == aet, Delivery.state == DeliveryState.PENDING, Delivery.due_at <= now()
    )
    with ledger.read() as session:
        return session.scalars(due.order_by(Delivery.id).limit(1)).first()


def claim(ledger: Ledger, delivery_id: int, lease_s: float) -> list[Delivery]:
    """Take a due delivery and all others of the same screening to the same peer.

    They travel in one association. A peer gets one association at a time, so that one that is slow
    or dead holds a single thread; who finishes rings for the next. Empty when none is due, another
    worker has them, or the peer is being served.
    """
    with ledger.write() as session:
        first = session.get(Delivery, delivery_id)
        if first is None:
            return []
        other = aliased(Delivery)
        served = exists().where(
            other.aet == first.aet,
            other.state == DeliveryState.SENDING,
            other.lease_until >= now(),
        )
        owner = uuid.uuid4().hex
        session.execute(
            update(Delivery)
            .where(
                Delivery.screening_id == first.screening_id,
                Delivery.aet == first.aet,
                Delivery.state == DeliveryState.PENDING,
                Delivery.due_at <= now(),
                ~served,
            )
            .values(
                state=DeliveryState.SENDING,
                lease_owner=owner,
                lease_until=now() + timedelta(seconds=lease_s),
                attempts=Delivery.attempts + 1,
            )
            .execution_options(synchronize_session=False)
        )
        mine = select(Delivery).where(Delivery.lease_owner == owner).order_by(Delivery.id)
        return list(session.scalars(mine.execution_options(populate_existing=True)))


def objects_of(ledger: Ledger, deliveries: Sequence[Delivery]) -> dict[str, ResultObject]:
    """Return the objects to send, by SOP Instance UID."""
    uids = [delivery.SOPInstanceUID for delivery in deliveries]
    with ledger.read() as session:
        rows = session.scalars(select(ResultObject).where(ResultObject.SOPInstanceUID.in_(uids)))
        return {row.SOPInstanceUID: row for row in rows}


def sent(ledger: Ledger, delivery: Delivery, status: int) -> None:
    """Write down that the peer has stored the object, with its status."""
    _end(ledger, delivery, DeliveryState.SENT, status, None)


def park(ledger: Ledger, delivery: Delivery, status: int | None, detail: str) -> None:
    """Stop trying; the peer's words say why."""
    _end(ledger, delivery, DeliveryState.PARKED, status, detail)


def postpone(
    ledger: Ledger, delivery: Delivery, status: int | None, detail: str, backoff_s: float
) -> None:
    """Try again later: the delay doubles each time, to an hour at most, and is spread by half.

    Spreading keeps many hosts from calling a PACS that has just come back at the same moment.
    """
    delay_s = min(backoff_s * 2 ** (delivery.attempts - 1), LONGEST_DELAY_S)
    # not a secret: any spread will do
    delay_s *= random.uniform(0.75, 1.25)
    with ledger.write() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.id == delivery.id, Delivery.lease_owner == delivery.lease_owner)
            .values(
                state=DeliveryState.PENDING,
                status=status,
                detail=detail,
                due_at=now() + timedelta(seconds=delay_s),
                lease_owner=None,
                lease_until=None,
            )
        )


def free_lapsed(ledger: Ledger) -> None:
    """Put back what a worker that fell silent was sending; the same UIDs go out again."""
    with ledger.write() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.state == DeliveryState.SENDING, Delivery.lease_until < now())
            .values(state=DeliveryState.PENDING, lease_owner=None, lease_until=None)
        )


def to_ring(ledger: Ledger, silent_s: float, most: int) -> list[int]:
    """Return the longest due deliveries not rung for that long, and count them as rung now."""
    moment = now()
    longest = (
        select(Delivery.id)
        .where(
            Delivery.state == DeliveryState.PENDING,
            Delivery.due_at <= moment,
            Delivery.rung_at < moment - timedelta(seconds=silent_s),
        )
        .order_by(Delivery.due_at)
        .limit(most)
    )
    due = (
        update(Delivery)
        .where(Delivery.id.in_(longest))
        .values(rung_at=moment)
        .returning(Delivery.screening_id, Delivery.aet, Delivery.id)
    )
    with ledger.write() as session:
        return _one_a_journey(session.execute(due).all())


def _one_a_journey(rows: Sequence[tuple[int, str, int]]) -> list[int]:
    """Keep one delivery for each screening and peer: its ring carries the others along."""
    return list({(screening, aet): delivery for screening, aet, delivery in rows}.values())


def _end(
    ledger: Ledger, delivery: Delivery, state: DeliveryState, status: int | None, detail: str | None
) -> None:
    with ledger.write() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.id == delivery.id, Delivery.lease_owner == delivery.lease_owner)
            .values(
                state=state,
                status=status,
                detail=detail,
                sent_at=now() if state == DeliveryState.SENT else None,
                lease_owner=None,
                lease_until=None,
            )
        )
        screening = session.get(Screening, delivery.screening_id)
        note(
            session,
            f"delivery {state}",
            SeriesInstanceUID=screening.SeriesInstanceUID if screening else None,
            aet=delivery.aet,
            detail=detail,
        )
