"""What people do about results that went out, or did not: send again, take back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select, update

from daemon.records import deliveries
from daemon.records.ledger import Ledger, note, now
from daemon.records.results import MadeObject, add_object
from daemon.records.tables import Delivery, DeliveryState, ResultObject, Screening, Series

RETRACTED = "retracted"
NOTE_KIND = "KO"
"""The kind of a rejection note among the objects of a screening."""


@dataclass(frozen=True)
class Stuck:
    """One object that was given up for one peer, and why."""

    delivery_id: int
    aet: str
    detail: str
    kind: str
    StudyInstanceUID: str
    attempts: int
    made_at: datetime


@dataclass(frozen=True)
class Heap:
    """What was given up for one peer for one reason."""

    aet: str
    detail: str
    objects: int
    oldest: datetime


def heaps(ledger: Ledger) -> list[Heap]:
    """Return what is parked, by peer and reason, the largest heap first."""
    counted = (
        select(Delivery.aet, Delivery.detail, func.count(), func.min(Screening.analysed_at))
        .join(Screening, Screening.id == Delivery.screening_id)
        .where(Delivery.state == DeliveryState.PARKED)
        .group_by(Delivery.aet, Delivery.detail)
        .order_by(func.count().desc(), Delivery.aet)
    )
    with ledger.read() as session:
        rows = session.execute(counted).all()
    return [Heap(aet, detail or "", count, oldest) for aet, detail, count, oldest in rows]


def stuck(ledger: Ledger, most: int = 200) -> list[Stuck]:
    """Return single objects that are parked, the newest first."""
    rows = (
        select(Delivery, ResultObject.kind, Series.StudyInstanceUID, Screening.analysed_at)
        .join(ResultObject, ResultObject.SOPInstanceUID == Delivery.SOPInstanceUID)
        .join(Screening, Screening.id == Delivery.screening_id)
        .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
        .where(Delivery.state == DeliveryState.PARKED)
        .order_by(Delivery.id.desc())
        .limit(most)
    )
    with ledger.read() as session:
        return [
            Stuck(one.id, one.aet, one.detail or "", kind, study_uid, one.attempts, at)
            for one, kind, study_uid, at in session.execute(rows).all()
        ]


def send_parked(ledger: Ledger, aet: str, detail: str | None, delivery_id: int | None) -> int:
    """Try once more what is parked for a peer: one object, those of one reason, or all.

    Returns
    -------
    int
        How many objects that is.
    """
    some: list[ColumnElement[bool]] = [Delivery.aet == aet]
    if delivery_id is not None:
        some.append(Delivery.id == delivery_id)
    elif detail is not None:
        some.append(func.coalesce(Delivery.detail, "") == detail)
    parked = update(Delivery).where(*some, Delivery.state == DeliveryState.PARKED)
    with ledger.write() as session:
        again = deliveries.anew(parked).returning(Delivery.id)
        objects = len(session.execute(again).all())
        note(session, "resend asked for", aet=aet, detail=f"{objects} parked objects")
    return objects


def send_study(ledger: Ledger, study_uid: str) -> int:
    """Send all that stands of a study once more to whoever had it or should have had it.

    The same objects under the same UIDs: a peer that has them keeps one of each.
    """
    again = update(Delivery).where(
        Delivery.screening_id.in_(_standing(study_uid)),
        Delivery.state.in_((DeliveryState.SENT, DeliveryState.PARKED)),
    )
    fresh = {"confirmation": None, "confirm_at": None, "lease_owner": None, "lease_until": None}
    with ledger.write() as session:
        change = deliveries.anew(again).values(**fresh).returning(Delivery.aet)
        aets = session.scalars(change.execution_options(synchronize_session=False)).all()
        for aet in sorted(set(aets)):
            detail = f"{aets.count(aet)} objects of {study_uid}"
            note(session, "resend asked for", aet=aet, detail=detail)
    return len(aets)


def _standing(study_uid: str) -> Select[int]:
    return (
        select(Screening.id)
        .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
        .where(
            Series.StudyInstanceUID == study_uid,
            Screening.current,
            Screening.retracted_at.is_(None),
        )
    )


@dataclass(frozen=True)
class Standing:
    """A result that stands: its objects, and who was sent any of them."""

    screening_id: int
    SeriesInstanceUID: str
    model: str
    objects: tuple[ResultObject, ...]
    had: tuple[str, ...]


def standing(ledger: Ledger, study_uid: str) -> list[Standing]:
    """Return the results of a study that stand and that somebody was sent."""
    found = []
    with ledger.read() as session:
        for row in session.scalars(select(Screening).where(Screening.id.in_(_standing(study_uid)))):
            mine = select(ResultObject).where(ResultObject.screening_id == row.id)
            objects = tuple(session.scalars(mine.order_by(ResultObject.SOPInstanceUID)))
            # sending: it may be there before the peer has said so
            gone = Delivery.sent_at.is_not(None) | (Delivery.state == DeliveryState.SENDING)
            aets = select(Delivery.aet).where(Delivery.screening_id == row.id, gone).distinct()
            had = tuple(sorted(session.scalars(aets)))
            found.append(Standing(row.id, row.SeriesInstanceUID, row.model, objects, had))
    return found


def retract(ledger: Ledger, one: Standing, made: MadeObject | None, why: str) -> bool:
    """Take a result back: drop what still waits of it, and have its note sent.

    Parameters
    ----------
    ledger : Ledger
        The ledger.
    one : Standing
        The result.
    made : MadeObject or None
        The rejection note, already on disk, with who is to have it; None where nobody has anything.
    why : str
        What a person said; it stays in the ledger.

    Returns
    -------
    bool
        False if it was taken back meanwhile.
    """
    mine = update(Screening).where(
        Screening.id == one.screening_id, Screening.retracted_at.is_(None)
    )
    with ledger.write() as session:
        taken = mine.values(retracted_at=now(), retracted_why=why).returning(Screening.id)
        if not session.scalars(taken).all():
            return False
        deliveries.drop_waiting(session, one.screening_id, "retracted")
        if made is not None:
            add_object(session, one.screening_id, made)
        note(session, RETRACTED, SeriesInstanceUID=one.SeriesInstanceUID, detail=one.model)
    return True
