"""What came of late, how large it was and how long it took: what a plan for more is made of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median, quantiles

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from daemon.records.ledger import Ledger
from daemon.records.tables import (
    Delivery,
    Event,
    Instance,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)

NEWEST = 5000
"""Series looked at: more change no mean, and a large ledger answers as quickly."""
ENOUGH = 1000
"""Series that make the size of a ledger theirs and not that of an empty one."""
MANY = 10
"""Images of a series that tell how fast it came."""


@dataclass(frozen=True)
class ExamRate:
    """Series of one exam that were screened.

    Attributes
    ----------
    a_study : float
        How many of them a study brought, of all studies.
    case_s : float
        Median from the beginning of the first model's look to the end of the last.
    """

    a_study: float
    case_s: float


@dataclass(frozen=True)
class Rates:
    """Measured on one installation; ``a_study`` are means, of all studies that came.

    Attributes
    ----------
    studies, since, until
        How many studies, and between which moments their first images came.
    busiest_hour : float
        Part of the series that came in the busiest hour of the day.
    images_a_s, bytes_a_s : float
        At which the fastest tenth of longer series came: what a listener was seen to take; 0 where
        none came.
    ledger_bytes_a_study : float
        0 where too few came to tell.
    exams : mapping
        By exam.
    """

    studies: int
    since: datetime
    until: datetime
    series_a_study: float
    images_a_study: float
    bytes_a_study: float
    results_a_study: float
    rows_a_study: float
    ledger_bytes_a_study: float
    busiest_hour: float
    images_a_s: float
    bytes_a_s: float
    exams: dict[str, ExamRate]


def measured(ledger: Ledger) -> Rates | None:
    """Measure the newest series; None where nothing has come."""
    with ledger.read() as session:
        newest = select(Series).order_by(Series.first_at.desc()).limit(NEWEST)
        series = list(session.scalars(newest))
        return _rates(session, series) if series else None


def _rates(session: Session, series: Sequence[Series]) -> Rates:
    studies = len({one.StudyInstanceUID for one in series})
    since = min(one.first_at for one in series)
    rows = _rows(session, since)
    came = _came(session, since)
    taken = [one for one in came if one[0] >= MANY and one[2] > 0]
    everything = _count(session, Series)
    size_bytes = _ledger_bytes(session) if everything >= ENOUGH else 0
    return Rates(
        studies,
        since,
        max(one.first_at for one in series),
        series_a_study=len(series) / studies,
        images_a_study=rows["instance"] / studies,
        bytes_a_study=sum(size_bytes for _, size_bytes, _ in came) / studies,
        results_a_study=rows["result_object"] / studies,
        rows_a_study=(sum(rows.values()) + len(series)) / studies,
        ledger_bytes_a_study=size_bytes * len(series) / everything / studies,
        busiest_hour=_busiest_hour([one.first_at for one in series]),
        images_a_s=_fastest([images / took_s for images, _, took_s in taken]),
        bytes_a_s=_fastest([size_bytes / took_s for _, size_bytes, took_s in taken]),
        exams=_exams(session, since, studies),
    )


def _rows(session: Session, since: datetime) -> dict[str, int]:
    """Count the rows that those series brought, by table."""
    these = select(Series.SeriesInstanceUID).where(Series.first_at >= since)
    looks = select(Screening.id).where(Screening.SeriesInstanceUID.in_(these))
    return {
        "instance": _count(session, Instance, Instance.SeriesInstanceUID.in_(these)),
        "screening": _count(session, Screening, Screening.SeriesInstanceUID.in_(these)),
        "result_object": _count(session, ResultObject, ResultObject.screening_id.in_(looks)),
        "delivery": _count(session, Delivery, Delivery.screening_id.in_(looks)),
        "event": _count(session, Event, Event.SeriesInstanceUID.in_(these)),
    }


def _count(session: Session, table: type, *which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*which)) or 0


def _came(session: Session, since: datetime) -> list[tuple[int, int, float]]:
    """Return images, bytes and seconds of each series."""
    at: InstrumentedAttribute[datetime] = Instance.received_at
    each = (
        select(func.count(), func.sum(Instance.size_bytes), func.min(at), func.max(at))
        .join(Series, Series.SeriesInstanceUID == Instance.SeriesInstanceUID)
        .where(Series.first_at >= since)
        .group_by(Instance.SeriesInstanceUID)
    )
    found = session.execute(each).all()
    return [(n, int(size), (last - first).total_seconds()) for n, size, first, last in found]


def _fastest(rates: Sequence[float]) -> float:
    """Return what one in ten reaches; 0 where too few tell."""
    return quantiles(rates, n=10)[-1] if len(rates) > 1 else sum(rates)


def _busiest_hour(moments: Sequence[datetime]) -> float:
    # the site's own calendar: people work by it
    hours = Counter(moment.astimezone().hour for moment in moments)
    return max(hours.values()) / len(moments)


def _exams(session: Session, since: datetime, studies: int) -> dict[str, ExamRate]:
    began = func.min(Screening.analysed_at)
    looked_at = (
        select(Series.exam, Series.ended_at, began)
        .join(Screening, Screening.SeriesInstanceUID == Series.SeriesInstanceUID)
        .where(Series.first_at >= since, Series.state == SeriesState.SCREENED, Screening.current)
        .group_by(Series.SeriesInstanceUID, Series.exam, Series.ended_at)
    )
    took_s: dict[str, list[float]] = {}
    for exam, ended_at, began_at in session.execute(looked_at).all():
        if exam and ended_at:
            took_s.setdefault(exam, []).append(max(0.0, (ended_at - began_at).total_seconds()))
    return {
        exam: ExamRate(len(all_s) / studies, median(all_s))
        for exam, all_s in sorted(took_s.items())
    }


def _ledger_bytes(session: Session) -> int:
    if session.get_bind().dialect.name == "postgresql":
        size = "SELECT pg_database_size(current_database())"
    else:
        size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    return int(session.scalar(text(size)) or 0)
