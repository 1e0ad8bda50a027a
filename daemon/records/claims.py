"""Who works on a series: leases with a heartbeat, and what becomes of work nobody finishes."""

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, exists, func, select, update

from daemon import processes
from daemon.records import choice
from daemon.records.choice import NEVER
from daemon.records.heartbeat import heartbeat as beating
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import Screening, Series, SeriesState
from engines.errors import Reason


def claim(ledger: Ledger, series_uid: str, alone: bool = False) -> Series | None:
    """Take a queued series for this process; None if it is not there to be taken.

    Parameters
    ----------
    ledger : Ledger
        Where it is queued.
    series_uid : str
        Which one.
    alone : bool
        Whether this process screens nothing else: what was tried before is tried alone, and
        nothing else is.
    """
    take = (
        update(Series)
        .where(
            Series.SeriesInstanceUID == series_uid,
            Series.state == SeriesState.QUEUED,
            Series.attempts > 0 if alone else Series.attempts == 0,
        )
        .values(
            state=SeriesState.SCREENING,
            detail=None,
            lease_owner=f"{processes.name_of(os.getpid())}:{uuid.uuid4().hex[:8]}",
            lease_beat=0,
            attempts=Series.attempts + 1,
        )
    )
    with ledger.write() as session:
        if not changed(session.execute(take)):
            return None
        return session.get(Series, series_uid)


def waits_alone(ledger: Ledger, series_uid: str) -> bool:
    """Tell whether a series is queued for a process of its own; a second ring finds it taken."""
    with ledger.read() as session:
        series = session.get(Series, series_uid)
        return series is not None and series.state == SeriesState.QUEUED and series.attempts > 0


def heartbeat(
    ledger: Ledger, series: Series, lease_s: float, stage: Callable[[], str]
) -> AbstractContextManager[None]:
    """Keep a claimed series while it is screened; each beat says in which stage it is."""
    mine = _mine(series)

    def beat(_until: datetime) -> Update:
        return mine.values(lease_beat=Series.lease_beat + 1, detail=stage())

    return beating(ledger, beat, lease_s)


def finished(series: Series, state: SeriesState, reason: str | None, detail: str | None) -> Update:
    """Give the update that ends a claimed series, or reopens it if an image came meanwhile.

    It changes nothing when the lease has passed to another worker.
    """
    return (
        _mine(series)
        .where(Series.images == series.images)
        .values(
            state=state,
            reason=reason,
            detail=detail,
            ended_at=now(),
            lease_owner=None,
        )
    )


def skip(ledger: Ledger, series: Series, reason: Reason, detail: str) -> bool:
    """End a claimed series that no model looks at."""
    with ledger.write() as session:
        change = finished(series, SeriesState.SKIPPED, reason, detail)
        if not changed(session.execute(change)):
            session.execute(reopened(series))
            return False
        uid = series.SeriesInstanceUID
        note(session, "skipped", SeriesInstanceUID=uid, reason=reason, detail=detail)
    return True


def reopened(series: Series) -> Update:
    """Give the update for a claimed series that received an image while it was screened."""
    return _mine(series).values(
        state=SeriesState.RECEIVING,
        detail=None,
        attempts=0,
        opened_at=now(),
        lease_owner=None,
    )


def put_off(ledger: Ledger, series: Series, detail: str) -> None:
    """Put a series back that could not be screened through no fault of its own.

    It was no attempt, and the next sweep rings for it.
    """
    change = _mine(series).values(
        state=SeriesState.QUEUED,
        detail=detail,
        rung_at=series.first_at,
        lease_owner=None,
        attempts=Series.attempts - 1,
    )
    with ledger.write() as session:
        if changed(session.execute(change)):
            note(session, "put off", SeriesInstanceUID=series.SeriesInstanceUID, detail=detail)


def release(ledger: Ledger, series: Series, detail: str, max_attempts: int) -> SeriesState:
    """Put a series back after an unexpected error, or park it when it was tried enough."""
    return _give_up(ledger, series, (Reason.INTERNAL_ERROR, detail), max_attempts)


def held(ledger: Ledger) -> list[Series]:
    """Return the series that a worker has claimed."""
    with ledger.read() as session:
        claimed = select(Series).where(Series.state == SeriesState.SCREENING)
        return list(session.scalars(claimed))


def lost(ledger: Ledger, series: Series, why: str, max_attempts: int) -> SeriesState:
    """Put back a series whose worker did not live to end it; park it when it was tried enough.

    ``why`` says how the worker ended. At the first time nobody knows which of the series that it
    had was to blame, so none is parked for it: each is tried again alone.
    """
    stage = f" in stage {series.detail}" if series.detail and " in stage " not in why else ""
    detail = f"attempt {series.attempts}: {why}{stage}"
    return _give_up(ledger, series, (Reason.ATTEMPTS_EXHAUSTED, detail), max(max_attempts, 2))


def _give_up(
    ledger: Ledger, series: Series, why: tuple[Reason, str], max_attempts: int
) -> SeriesState:
    reason, detail = why
    parked = series.attempts >= max_attempts
    state = SeriesState.PARKED if parked else SeriesState.QUEUED
    change = _mine(series).values(
        state=state,
        reason=reason if parked else None,
        detail=detail,
        ended_at=now() if parked else None,
        lease_owner=None,
    )
    with ledger.write() as session:
        choice.hold(session, series)
        if changed(session.execute(change)):
            kind, uid = "parked" if parked else "put back", series.SeriesInstanceUID
            note(session, kind, SeriesInstanceUID=uid, reason=reason, detail=detail)
            if parked:
                choice.passed_on(session, series, reason)
    return state


def anew(ledger: Ledger, series_uid: str | None) -> list[str]:
    """Receive once more, from the first attempt on, a series that has ended.

    One that was screened only while its images are here: without them its result would be lost for
    nothing. None whose result was taken back: other weights would say it again. Without a UID, all
    that are parked, which were not judged since their last image. Returns which.
    """
    ended = Series.state == SeriesState.PARKED
    if series_uid is not None:
        fruitless = Series.state.in_((SeriesState.FAILED, SeriesState.SKIPPED))
        screened = (Series.state == SeriesState.SCREENED) & Series.purged_at.is_(None)
        ended |= (fruitless | screened) & ~_taken_back()
        ended &= Series.SeriesInstanceUID == series_uid
    again = update(Series).where(ended).values(received_anew() | {"last_at": now()})
    with ledger.write() as session:
        uids = list(session.scalars(again.returning(Series.SeriesInstanceUID)))
        for uid in uids:
            note(session, "retry asked for", SeriesInstanceUID=uid)
    return uids


def _taken_back() -> ColumnElement[bool]:
    return exists().where(
        Screening.SeriesInstanceUID == Series.SeriesInstanceUID,
        Screening.current,
        Screening.retracted_at.is_not(None),
    )


def received_anew() -> dict[str, Any]:
    """Give the values of a series that had ended and is received once more."""
    undecided = dict.fromkeys(("reason", "detail", "ended_at"))
    return {"state": SeriesState.RECEIVING, "attempts": 0, "opened_at": now(), **undecided}


def to_ring(ledger: Ledger, silent_s: float, most: int) -> list[Series]:
    """Return the longest queued series not rung for that long, and count them as rung now.

    At most so many: a long queue must not fill the broker with rings for the same series.
    """
    moment = now()
    oldest = (
        select(Series.SeriesInstanceUID)
        .where(
            Series.state == SeriesState.QUEUED,
            Series.rung_at < moment - timedelta(seconds=silent_s),
        )
        .order_by(Series.queued_at)
        .limit(most)
    )
    waiting = (
        update(Series)
        .where(Series.SeriesInstanceUID.in_(oldest))
        .values(rung_at=moment)
        .returning(Series)
    )
    with ledger.write() as session:
        return list(session.scalars(waiting))


def waited_s(ledger: Ledger, exams: Sequence[str]) -> float:
    """Return for how long the oldest of these exams has been queued, 0 when none is."""
    oldest = select(func.min(Series.queued_at)).where(
        Series.state == SeriesState.QUEUED, Series.attempts == 0, Series.exam.in_(exams)
    )
    with ledger.read() as session:
        since = session.scalars(oldest).one()
    return max(0.0, (now() - since).total_seconds()) if since else 0.0


def clock_stepped(ledger: Ledger) -> None:
    """Count as rung for just now what was, by a clock that was set back, rung for in the future."""
    moment = now()
    ahead = update(Series).where(Series.state == SeriesState.QUEUED, Series.rung_at > moment)
    with ledger.write() as session:
        session.execute(ahead.values(rung_at=moment))


def not_rung(ledger: Ledger, series_uids: Sequence[str]) -> None:
    """Take back that series were rung for: the next sweep rings."""
    if not series_uids:
        return
    queued = update(Series).where(
        Series.SeriesInstanceUID.in_(series_uids), Series.state == SeriesState.QUEUED
    )
    with ledger.write() as session:
        session.execute(queued.values(rung_at=NEVER))


def _mine(series: Series) -> Update:
    return update(Series).where(
        Series.SeriesInstanceUID == series.SeriesInstanceUID,
        Series.state == SeriesState.SCREENING,
        Series.lease_owner == series.lease_owner,
    )
