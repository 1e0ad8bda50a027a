"""Which series of a study is screened, where only one is: the best that has not failed.

A series that settles gets its appraisal written down, so that it need not be read again to be
chosen later. Of the series of a study and an exam at most one waits for a worker or is with one.
One that has a result keeps it until a better one has its own.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from daemon.records.ledger import Ledger, note, now
from daemon.records.tables import Screening, Series, SeriesState
from engines.errors import Reason
from engines.exams import PER_STUDY, Exam
from engines.series_choice import OF_THE_PATIENT, Appraisal, not_chosen, ranked

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_AT_WORK = (SeriesState.QUEUED, SeriesState.SCREENING)
_LET_GO: dict[str, Any] = {"queued_at": None, "rung_at": None, "lease_owner": None, "attempts": 0}


def choose(
    ledger: Ledger, exam: Exam, judged: Sequence[tuple[Series, Appraisal]], why: str = ""
) -> Series | None:
    """Settle series of one study, and queue the best of it if that is not what was chosen before.

    Parameters
    ----------
    ledger : Ledger
        Where they are received.
    exam : Exam
        What they are.
    judged : sequence of (Series, Appraisal)
        As they were when they were read: one that an image has joined since is left as it is.
    why : str
        What else is to be told of how they came to be judged now.

    Returns
    -------
    Series or None
        What was queued and is to be rung for.
    """
    with ledger.write() as session:
        rows = _held(session, judged[0][0])
        settling = {}
        for seen, appraisal in judged:
            row = rows[seen.SeriesInstanceUID]
            if row.state == SeriesState.RECEIVING and row.images == seen.images:
                settling[row.SeriesInstanceUID] = appraisal
                row.exam, row.appraisal = exam, appraisal.told()
        mine = [row for row in rows.values() if row.exam == exam]
        best = _best(mine, lambda row: row.SeriesInstanceUID in settling or _is_left(row))
        for uid, appraisal in settling.items():
            if best is None or uid != best.SeriesInstanceUID:
                _skip(session, rows[uid], *_why_not(rows[uid], appraisal, best))
        for row in mine:
            if best is not None and row is not best and row.state in _AT_WORK:
                _skip(session, row, Reason.ANOTHER_SERIES_CHOSEN, _beaten(row, best))
        if best is None or best.state in (*_AT_WORK, SeriesState.SCREENED):
            return None
        _queue(session, best, f"{exam}{_score(best)}{why}", now())
        return best


def hold(session: Session, series: Series) -> None:
    """Keep others from choosing in a claimed series' study until the commit.

    To be called first: whoever needs several rows of a study takes them in the same order.
    """
    if series.exam in PER_STUDY:
        _held(session, series)


def passed_on(session: Session, series: Series, reason: str | None) -> bool:
    """Queue the next best series of a study where one has ended without a result.

    False where there is none, or where none would end otherwise. The next sweep rings for it.
    """
    following = _next(session, series, reason)
    if following is None:
        return False
    if following.state == SeriesState.SKIPPED:
        _queue(session, following, f"{series.exam}: {series.SeriesInstanceUID} {reason}", NEVER)
    return True


def is_last(ledger: Ledger, series: Series, reason: str) -> bool:
    """Tell whether no other series of the study would be tried if this one ended so."""
    with ledger.read() as session:
        return _next(session, series, reason) is None


def stands(session: Session, series: Series) -> None:
    """Let a series that has a result replace what stood of its study before."""
    if series.exam not in PER_STUDY:
        return
    for row in _of_study(session, series):
        if row.state == SeriesState.SCREENED and _competes(row, series):
            _skip(session, row, Reason.ANOTHER_SERIES_CHOSEN, _beaten(row, series))


def looks_at(series: Series) -> ColumnElement[bool]:
    """Say which screenings are of what a series stands for: itself, or its study's exam."""
    if series.exam not in PER_STUDY:
        return Screening.SeriesInstanceUID == series.SeriesInstanceUID
    study = select(Series.SeriesInstanceUID).where(
        Series.StudyInstanceUID == series.StudyInstanceUID, Series.exam == series.exam
    )
    return Screening.SeriesInstanceUID.in_(study)


def _held(session: Session, one: Series) -> dict[str, Series]:
    """Return the series of a study; nobody else changes them until the commit."""
    study = Series.StudyInstanceUID == one.StudyInstanceUID
    in_order = select(Series.SeriesInstanceUID).where(study).order_by(Series.SeriesInstanceUID)
    session.execute(in_order.with_for_update())
    # SQLite knows no locks of rows: its transaction begins with the first change
    unchanged = update(Series).where(Series.SeriesInstanceUID == one.SeriesInstanceUID)
    session.execute(unchanged.values(images=Series.images))
    return {row.SeriesInstanceUID: row for row in _of_study(session, one)}


def _of_study(session: Session, one: Series) -> list[Series]:
    rows = select(Series).where(Series.StudyInstanceUID == one.StudyInstanceUID)
    return list(session.scalars(rows.execution_options(populate_existing=True)))


def _competes(row: Series, other: Series) -> bool:
    return row.exam == other.exam and row.SeriesInstanceUID != other.SeriesInstanceUID


def _best(mine: Iterable[Series], is_left: Callable[[Series], bool]) -> Series | None:
    """Return the best series of those that are left; all count for what is worth a try."""
    appraised = {row.SeriesInstanceUID: row for row in mine if row.appraisal is not None}
    order = ranked({uid: _points(row) for uid, row in appraised.items()})
    return next((appraised[uid] for uid in order if is_left(appraised[uid])), None)


def _is_left(row: Series) -> bool:
    """Tell whether a series has a result, or may still come to one."""
    if row.state in (*_AT_WORK, SeriesState.SCREENED):
        return True
    passed_over = row.reason == Reason.ANOTHER_SERIES_CHOSEN and row.purged_at is None
    return row.state == SeriesState.SKIPPED and passed_over


def _next(session: Session, series: Series, reason: str | None) -> Series | None:
    if series.exam not in PER_STUDY or reason in OF_THE_PATIENT:
        return None
    mine = [row for row in _of_study(session, series) if row.exam == series.exam]
    return _best(mine, lambda row: _competes(row, series) and _is_left(row))


def _points(row: Series) -> float:
    return float((row.appraisal or {}).get("score", 0.0))


def _score(row: Series) -> str:
    return f", score {_points(row):g}"


def _beaten(row: Series, best: Series) -> str:
    return not_chosen(best.SeriesInstanceUID, _points(best), _points(row))


def _why_not(row: Series, appraisal: Appraisal, best: Series | None) -> tuple[Reason, str]:
    """Say why a series that settles is not screened: what is wrong with it comes first."""
    verdict = appraisal.verdict
    if verdict is None:
        assert best is not None, "a sound series that settles is tried or beaten"
        return Reason.ANOTHER_SERIES_CHOSEN, _beaten(row, best)
    other = f"; {_beaten(row, best)}" if best is not None else ""
    return verdict.reason, verdict.detail + other


def _skip(session: Session, row: Series, reason: Reason, detail: str) -> None:
    _set(row, _LET_GO)
    ended = {"state": SeriesState.SKIPPED, "reason": reason, "detail": detail, "ended_at": now()}
    _set(row, ended)
    uid = row.SeriesInstanceUID
    note(session, "skipped", SeriesInstanceUID=uid, reason=reason, detail=detail)


def _queue(session: Session, row: Series, detail: str, rung_at: datetime) -> None:
    undecided, moment = dict.fromkeys(("reason", "detail", "ended_at")), now()
    if row.state != SeriesState.RECEIVING:
        # passed over long ago is not received for long
        row.opened_at = moment
    _set(row, _LET_GO | undecided)
    _set(row, {"state": SeriesState.QUEUED, "queued_at": moment, "rung_at": rung_at})
    note(session, "queued", SeriesInstanceUID=row.SeriesInstanceUID, detail=detail)


def _set(row: Series, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
