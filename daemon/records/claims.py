"""Who works on a series: leases with a heartbeat, and what becomes of work nobody finishes."""

import os
import socket
import uuid
from contextlib import AbstractContextManager
from datetime import timedelta

from sqlalchemy import Update, select, update

from daemon.records.heartbeat import heartbeat as beating
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import Series, SeriesState
from engines.errors import Reason


def claim(ledger: Ledger, series_uid: str, lease_s: float) -> Series | None:
    """Take a queued series for this worker; None if it is not there to be taken."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    take = (
        update(Series)
        .where(Series.SeriesInstanceUID == series_uid, Series.state == SeriesState.QUEUED)
        .values(
            state=SeriesState.SCREENING,
            lease_owner=owner,
            lease_until=now() + timedelta(seconds=lease_s),
            attempts=Series.attempts + 1,
        )
    )
    with ledger.write() as session:
        if not changed(session.execute(take)):
            return None
        return session.get(Series, series_uid)


def heartbeat(ledger: Ledger, series: Series, lease_s: float) -> AbstractContextManager[None]:
    """Keep a claimed series while it is screened."""
    mine = _mine(series)
    return beating(ledger, lambda until: mine.values(lease_until=until), lease_s)


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
            lease_until=None,
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
        attempts=0,
        opened_at=now(),
        lease_owner=None,
        lease_until=None,
    )


def release(ledger: Ledger, series: Series, detail: str, max_attempts: int) -> SeriesState:
    """Put a series back after an unexpected error, or park it when it was tried enough."""
    parked = series.attempts >= max_attempts
    state = SeriesState.PARKED if parked else SeriesState.QUEUED
    reason = Reason.INTERNAL_ERROR if parked else None
    with ledger.write() as session:
        change = _mine(series).values(
            state=state,
            reason=reason,
            detail=detail,
            ended_at=now() if parked else None,
            lease_owner=None,
            lease_until=None,
        )
        if changed(session.execute(change)):
            kind = "parked" if parked else "put back"
            note(
                session,
                kind,
                SeriesInstanceUID=series.SeriesInstanceUID,
                reason=Reason.INTERNAL_ERROR,
                detail=detail,
            )
    return state


def free_lapsed(ledger: Ledger, max_attempts: int) -> int:
    """Put back every series whose worker fell silent; park those tried enough."""
    lapsed = select(Series).where(Series.state == SeriesState.SCREENING, Series.lease_until < now())
    with ledger.read() as session:
        silent = list(session.scalars(lapsed))
    for series in silent:
        if series.attempts >= max_attempts:
            _end_lapsed(ledger, series)
        else:
            release(ledger, series, "the worker fell silent", max_attempts)
    return len(silent)


def _end_lapsed(ledger: Ledger, series: Series) -> None:
    detail = f"{series.attempts} workers fell silent on this series; see their logs"
    with ledger.write() as session:
        change = finished(series, SeriesState.PARKED, Reason.ATTEMPTS_EXHAUSTED, detail)
        if changed(session.execute(change)):
            note(
                session,
                "parked",
                SeriesInstanceUID=series.SeriesInstanceUID,
                reason=Reason.ATTEMPTS_EXHAUSTED,
                detail=detail,
            )


def to_ring(ledger: Ledger, silent_s: float, most: int) -> list[Series]:
    """Return the longest queued series not rung for that long, and count them as rung now.

    At most so many: a long queue must not fill the broker with rings for the same series.
    """
    oldest = (
        select(Series.SeriesInstanceUID)
        .where(
            Series.state == SeriesState.QUEUED,
            Series.rung_at < now() - timedelta(seconds=silent_s),
        )
        .order_by(Series.queued_at)
        .limit(most)
    )
    waiting = (
        update(Series)
        .where(Series.SeriesInstanceUID.in_(oldest))
        .values(rung_at=now())
        .returning(Series)
    )
    with ledger.write() as session:
        return list(session.scalars(waiting))


def _mine(series: Series) -> Update:
    return update(Series).where(
        Series.SeriesInstanceUID == series.SeriesInstanceUID,
        Series.state == SeriesState.SCREENING,
        Series.lease_owner == series.lease_owner,
    )
