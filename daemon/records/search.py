"""Find studies among all that came, the newest first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select

from daemon.records.ledger import Ledger
from daemon.records.tables import Screening, Series

SERIES_MOST = 400
"""How many series one page of studies is made from: a CT study has several."""


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
    newest = newest.order_by(Series.first_at.desc(), Series.SeriesInstanceUID).limit(SERIES_MOST)
    found: dict[str, Found] = {}
    with ledger.read() as session:
        for series in session.scalars(newest):
            uid = series.StudyInstanceUID
            if uid not in found and len(found) == most:
                break
            study = found.setdefault(uid, Found(uid, series.first_at))
            study.series.append(series)
        uids = [one.SeriesInstanceUID for study in found.values() for one in study.series]
        some = select(Series.SeriesInstanceUID).where(Series.SeriesInstanceUID.in_(uids))
        flagged = set(session.scalars(some.where(is_flagged())))
        retracted = set(session.scalars(some.where(is_retracted())))
    for study in found.values():
        mine = {one.SeriesInstanceUID for one in study.series}
        study.flagged.update(mine & flagged)
        study.retracted.update(mine & retracted)
    return list(found.values())


def is_flagged() -> ColumnElement[bool]:
    """Say that a series has a result that stands and is flagged: an index holds no others."""
    of_series = Screening.SeriesInstanceUID == Series.SeriesInstanceUID
    stands = Screening.current, Screening.retracted_at.is_(None)
    return exists().where(of_series, *stands, Screening.flagged)


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
