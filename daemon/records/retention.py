"""What may be purged, and what was: decided in the ledger before a file goes.

The rows stay. Images go with their whole series, once it has ended and all of its results are where
they belong; a parked series waits for a person, and so do its images.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from daemon.records import claims, commitments
from daemon.records.ledger import Ledger, changed, last_events, note, now
from daemon.records.tables import (
    DISK,
    Aside,
    Confirmation,
    Delivery,
    DeliveryState,
    Event,
    Instance,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)
from engines.errors import Reason


class Rule(StrEnum):
    """By which rule something is purged: the name of the setting."""

    SCREENED = "keep_days_screened"
    SKIPPED = "keep_days_skipped"
    FAILED = "keep_days_failed"
    ASIDE = "keep_days_aside"
    RESULTS = "keep_days_results"
    EVENTS = "keep_days_events"
    WHEN_FULL = "purge_when_full"


STATES = {
    Rule.SCREENED: (SeriesState.SCREENED,),
    Rule.SKIPPED: (SeriesState.SKIPPED,),
    Rule.FAILED: (SeriesState.FAILED,),
    Rule.WHEN_FULL: (SeriesState.SCREENED, SeriesState.SKIPPED, SeriesState.FAILED),
}
"""The series whose images each rule may purge."""

EVENTS_AT_ONCE = 5000

Here = Collection[str]
"""The holders whose files whoever asks can unlink."""


def due_series(
    ledger: Ledger, rule: Rule, before: datetime, most: int, here: Here = ()
) -> list[str]:
    """Return the series whose images a rule lets go, the longest ended first.

    Where ``here`` names holders, only series that began at one of them: room is wanted here.
    """
    due = _due(rule, before)
    oldest = (due.where(Series.holder.in_(here)) if here else due).order_by(Series.ended_at)
    oldest = oldest.limit(most)
    with ledger.read() as session:
        return list(session.scalars(oldest))


def count_due(ledger: Ledger, rule: Rule, before: datetime) -> int:
    """Count what a rule would purge now: series, files or events."""
    if rule in STATES:
        due: Any = _due(rule, before).subquery()
    elif rule is Rule.ASIDE:
        due = select(Aside.file).where(*_old_asides(before)).subquery()
    elif rule is Rule.RESULTS:
        due = _old_results(before).subquery()
    else:
        due = select(Event.id).where(Event.at < before).subquery()
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(due)) or 0


def kept_back(ledger: Ledger) -> int:
    """Count the ended series that keep their images until all their results are delivered."""
    ended = Series.state.in_(STATES[Rule.WHEN_FULL])
    waiting = select(func.count()).where(ended, Series.purged_at.is_(None), _unfinished())
    with ledger.read() as session:
        return session.scalar(waiting) or 0


def give_up_series(ledger: Ledger, series_uid: str, rule: Rule, before: datetime) -> bool:
    """Decide that the images of a series go; False if that is no longer so."""
    moment = now()
    still_due = Series.SeriesInstanceUID.in_(
        _due(rule, before).where(Series.SeriesInstanceUID == series_uid)
    )
    with ledger.write() as session:
        if not changed(session.execute(update(Series).where(still_due).values(purged_at=moment))):
            return False
        mine = update(Instance).where(
            Instance.SeriesInstanceUID == series_uid, Instance.purged_by.is_(None)
        )
        images = _count(session.execute(mine.values(purged_by=rule)))
        detail = f"{images} images"
        note(session, "purged", SeriesInstanceUID=series_uid, reason=rule, detail=detail)
    return True


def give_up_asides(ledger: Ledger, before: datetime, most: int) -> int:
    """Decide that old files which were set aside go."""
    some = select(Aside.file).where(*_old_asides(before)).order_by(Aside.received_at).limit(most)
    change = update(Aside).where(Aside.file.in_(some)).values(purged_by=Rule.ASIDE)
    return _give_up(ledger, change, Rule.ASIDE, "files that were set aside")


def give_up_results(ledger: Ledger, before: datetime, most: int) -> int:
    """Decide that built objects go which every receiver has.

    A parked one waits for a person, a dropped one for its result, which may stand again.
    """
    some = _old_results(before).limit(most)
    mine = update(ResultObject).where(ResultObject.SOPInstanceUID.in_(some))
    change = mine.values(purged_by=Rule.RESULTS)
    return _give_up(ledger, change, Rule.RESULTS, "built objects")


def _give_up(ledger: Ledger, change: Update, rule: Rule, what: str) -> int:
    with ledger.write() as session:
        count = _count(session.execute(change))
        if count:
            note(session, "purged", reason=rule, detail=f"{count} {what}")
    return count


def _old_asides(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Aside.purged_by.is_(None), Aside.received_at < before


def _old_results(before: datetime) -> Select[str]:
    waits = exists().where(
        Delivery.SOPInstanceUID == ResultObject.SOPInstanceUID,
        or_(
            Delivery.state.in_((DeliveryState.PARKED, DeliveryState.DROPPED)),
            _not_settled(),
            Delivery.sent_at >= before,
        ),
    )
    return (
        select(ResultObject.SOPInstanceUID)
        .join(Screening, ResultObject.screening_id == Screening.id)
        .where(ResultObject.purged_by.is_(None), Screening.analysed_at < before, ~waits)
    )


def drop_events(ledger: Ledger, before: datetime) -> int:
    """Delete old events; the rows they speak of stay."""
    some = select(Event.id).where(Event.at < before).order_by(Event.id).limit(EVENTS_AT_ONCE)
    with ledger.write() as session:
        return _count(session.execute(delete(Event).where(Event.id.in_(some))))


def unfinished_images(ledger: Ledger, here: Here, most: int) -> list[tuple[str, str]]:
    """Return series and SOP Instance UID of images that are to go and may still be there."""
    names = select(Instance.SeriesInstanceUID, Instance.SOPInstanceUID)
    some = names.where(*_to_go(Instance), Instance.holder.in_(here))
    with ledger.read() as session:
        return [(series, image) for series, image in session.execute(some.limit(most)).all()]


def unfinished_asides(ledger: Ledger, here: Here, most: int) -> list[str]:
    """Return the names of files set aside that are to go and may still be there."""
    with ledger.read() as session:
        mine = select(Aside.file).where(*_to_go(Aside), Aside.holder.in_(here))
        return list(session.scalars(mine.limit(most)))


def unfinished_results(ledger: Ledger, here: Here, most: int) -> list[str]:
    """Return the UIDs of built objects that are to go and may still be there."""
    mine = ResultObject.holder.in_(here)
    some = select(ResultObject.SOPInstanceUID).where(*_to_go(ResultObject), mine)
    with ledger.read() as session:
        return list(session.scalars(some.limit(most)))


def images_gone(ledger: Ledger, uids: Sequence[str]) -> None:
    """Write down that the files of these images are gone."""
    _gone(ledger, Instance, Instance.SOPInstanceUID.in_(uids))


def asides_gone(ledger: Ledger, files: Sequence[str]) -> None:
    """Write down that these files are gone."""
    _gone(ledger, Aside, Aside.file.in_(files))


def results_gone(ledger: Ledger, uids: Sequence[str]) -> None:
    """Write down that the files of these objects are gone."""
    _gone(ledger, ResultObject, ResultObject.SOPInstanceUID.in_(uids))


def restore(session: Session, image: Instance) -> None:
    """Take a purged image back that came again: its series is kept as long again.

    A series that could not be screened for want of it is received once more.
    """
    if image.purged_by is None:
        return
    image.purged_by = image.purged_at = None
    uid = image.SeriesInstanceUID
    mine = update(Series).where(Series.SeriesInstanceUID == uid)
    if changed(session.execute(mine.where(Series.purged_at.is_not(None)).values(purged_at=None))):
        note(session, "restored", SeriesInstanceUID=uid, detail="purged images came again")
    session.execute(mine.values(last_at=now()))
    wanting = Series.state == SeriesState.FAILED, Series.reason == Reason.IMAGES_PURGED
    if changed(session.execute(mine.where(*wanting).values(claims.received_anew()))):
        note(session, "reopened", SeriesInstanceUID=uid)


def purged_images(ledger: Ledger, series: Sequence[Series]) -> dict[str, tuple[int, str]]:
    """Return how many images are purged of those series that lack any, and by which rule."""
    uids = [one.SeriesInstanceUID for one in series]
    count = (
        select(Instance.SeriesInstanceUID, func.count(), func.min(Instance.purged_by))
        .where(Instance.SeriesInstanceUID.in_(uids), Instance.purged_by.is_not(None))
        .group_by(Instance.SeriesInstanceUID)
    )
    with ledger.read() as session:
        return {uid: (images, str(rule)) for uid, images, rule in session.execute(count).all()}


def told_of_disk(ledger: Ledger, host_name: str = "") -> str | None:
    """Return what was last written down of a host's disk, None if nothing ever was."""
    last = last_events(ledger, _disk_of(host_name), most=1)
    return last[0].reason if last else None


def tell_of_disk(ledger: Ledger, host_name: str, reason: str, detail: str) -> None:
    """Write down what a host's disk lets in from now on."""
    with ledger.write() as session:
        note(session, _disk_of(host_name), reason=reason, detail=detail)


def _disk_of(host_name: str) -> str:
    return f"{DISK} of {host_name}" if host_name else DISK


def _due(rule: Rule, before: datetime) -> Select[str]:
    """Select series by their end; images that came again since keep them as long again."""
    return select(Series.SeriesInstanceUID).where(
        Series.state.in_(STATES[rule]),
        Series.purged_at.is_(None),
        Series.ended_at < before,
        Series.last_at < before,
        ~_unfinished(),
    )


def _unfinished() -> ColumnElement[bool]:
    """Whether a result of the series is on its way, or not confirmed by a peer that would.

    Or somebody has asked us to commit to its images, and waits for our word.
    """
    owed = exists().where(
        Screening.SeriesInstanceUID == Series.SeriesInstanceUID,
        Delivery.screening_id == Screening.id,
        _not_settled(),
    )
    return or_(owed, commitments.awaited(Series.SeriesInstanceUID))


def _not_settled() -> ColumnElement[bool]:
    unsaid = (Confirmation.DUE, Confirmation.ASKED, Confirmation.UNANSWERED)
    return or_(
        Delivery.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)),
        (Delivery.state == DeliveryState.SENT) & Delivery.confirmation.in_(unsaid),
    )


def _to_go(table: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.purged_by.is_not(None), table.purged_at.is_(None)


def _gone(ledger: Ledger, table: Any, mine: ColumnElement[bool]) -> None:
    with ledger.write() as session:
        session.execute(update(table).where(mine, *_to_go(table)).values(purged_at=now()))


def _count(result: Any) -> int:
    return int(result.rowcount)
