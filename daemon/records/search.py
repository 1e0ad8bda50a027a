"""Find studies among all that came, the newest first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from daemon.records.ledger import Ledger, among
from daemon.records.tables import Screening, Series

SERIES_FIRST, SERIES_MOST = 100, 400
"""From how many series a page of studies is made, and from how many where these are too few: a CT
study has several."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for; what is empty does not matter.

    ``before`` is the moment at which the page before this one ended. The keys are hashes, as
    :class:`daemon.pseudonyms.Pseudonyms` makes them.
    """

    uid: str = ""
    patient_key: str | None = None
    accession_key: str | None = None
    state: str = ""
    reason: str = ""
    flagged: bool = False
    first_day: datetime | None = None
    last_day: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Found:
    """One study, with those of its series that were looked for, newest first.

    ``flagged`` and ``retracted`` are Series Instance UIDs: a result that was taken back says
    nothing, not even *not flagged*.
    """

    StudyInstanceUID: str
    first_at: datetime
    series: list[Series] = field(default_factory=list)
    flagged: set[str] = field(default_factory=set)
    retracted: set[str] = field(default_factory=set)


def studies(ledger: Ledger, wanted: Wanted, most: int = 50) -> list[Found]:
    """Return the newest studies that have a series as wanted."""
    newest = select(Series).where(*_conditions(wanted))
    newest = newest.order_by(Series.first_at.desc(), Series.SeriesInstanceUID)
    with ledger.read() as session:
        rows = list(session.scalars(newest.limit(SERIES_FIRST)))
        if len(rows) == SERIES_FIRST and not _beyond(rows, most):
            rows = list(session.scalars(newest.limit(SERIES_MOST)))
        found = _by_study(rows, most)
        uids = [one.SeriesInstanceUID for study in found.values() for one in study.series]
        flagged, retracted = _said(session, uids)
    for study in found.values():
        mine = {one.SeriesInstanceUID for one in study.series}
        study.flagged.update(mine & flagged)
        study.retracted.update(mine & retracted)
    return list(found.values())


def _beyond(rows: list[Series], most: int) -> bool:
    """Tell whether there is a series of one study more than are shown: all of these are whole."""
    return len({row.StudyInstanceUID for row in rows}) > most


def _by_study(rows: list[Series], most: int) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for series in rows:
        uid = series.StudyInstanceUID
        if uid not in found and len(found) == most:
            break
        study = found.setdefault(uid, Found(uid, series.first_at))
        study.series.append(series)
    return found


def _said(session: Session, uids: list[str]) -> tuple[set[str], set[str]]:
    """Return of some series those that are flagged, and of the others those retracted."""
    taken_back = Screening.retracted_at.is_not(None)
    rows = select(Screening.SeriesInstanceUID, taken_back).where(
        among(session, Screening.SeriesInstanceUID, uids),
        Screening.current,
        Screening.flagged | taken_back,
    )
    said = session.execute(rows).all()
    flagged = {uid for uid, back in said if not back}
    return flagged, {uid for uid, back in said if back} - flagged


def is_flagged() -> ColumnElement[bool]:
    """Say that a series has a result that stands and is flagged: an index holds no others."""
    of_series = Screening.SeriesInstanceUID == Series.SeriesInstanceUID
    stands = Screening.current, Screening.retracted_at.is_(None)
    return exists().where(of_series, *stands, Screening.flagged)


def count_flagged(since: datetime) -> ColumnElement[int]:
    """Count, of series that came since a moment, those whose result stands and is flagged.

    In the same look as the others: nothing is judged before it came, which leaves few.
    """
    stands = Screening.current, Screening.flagged, Screening.retracted_at.is_(None)
    lately = select(Screening.SeriesInstanceUID).where(*stands, Screening.analysed_at >= since)
    return func.count().filter(Series.SeriesInstanceUID.in_(lately))


def is_retracted() -> ColumnElement[bool]:
    """Say that a result of a series was taken back, and that none which stands is flagged."""
    of_series = Screening.SeriesInstanceUID == Series.SeriesInstanceUID
    back = Screening.current, Screening.retracted_at.is_not(None)
    return exists().where(of_series, *back) & ~is_flagged()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.uid:
        same = Series.StudyInstanceUID == wanted.uid, Series.SeriesInstanceUID == wanted.uid
        conditions.append(or_(*same))
    if wanted.patient_key:
        conditions.append(Series.patient_key == wanted.patient_key)
    if wanted.accession_key:
        conditions.append(Series.accession_key == wanted.accession_key)
    if wanted.state:
        conditions.append(Series.state == wanted.state)
    if wanted.reason:
        conditions.append(Series.reason == wanted.reason)
    if wanted.flagged:
        conditions.append(is_flagged())
    if wanted.first_day:
        conditions.append(Series.first_at >= wanted.first_day)
    if wanted.last_day:
        conditions.append(Series.first_at < wanted.last_day + timedelta(days=1))
    if wanted.before:
        conditions.append(Series.first_at < wanted.before)
    return conditions
