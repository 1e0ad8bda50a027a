"""What came to an end in the ledger since somebody last looked: for who follows a study's way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from daemon.records.ledger import Ledger
from daemon.records.tables import Event, Screening, Series

MOST = 200
"""Of each kind at once."""
ENDS = ("skipped", "failed", "parked", "delivery sent", "delivery parked")


@dataclass(frozen=True)
class Mark:
    """Up to where somebody has looked: the last look of a model, and the last event."""

    screening: int
    event: int


@dataclass(frozen=True)
class Look:
    """One model's look at a series that has ended."""

    series: Series
    screening: Screening


@dataclass(frozen=True)
class End:
    """What ended for a series: without a look, or a delivery of its results."""

    series: Series
    event: Event


def here(ledger: Ledger) -> Mark:
    """Return the mark of all that there is now."""
    with ledger.read() as session:
        last = session.scalar(select(func.max(Screening.id)))
        return Mark(last or 0, session.scalar(select(func.max(Event.id))) or 0)


def after(ledger: Ledger, mark: Mark) -> tuple[Sequence[Look], Sequence[End], Mark]:
    """Return what ended after a mark, the oldest first, and the mark behind it."""
    looks = (
        select(Series, Screening)
        .join(Screening, Screening.SeriesInstanceUID == Series.SeriesInstanceUID)
        .where(Screening.id > mark.screening, Series.ended_at.is_not(None))
        .order_by(Screening.id)
        .limit(MOST)
    )
    ends = (
        select(Series, Event)
        .join(Event, Event.SeriesInstanceUID == Series.SeriesInstanceUID)
        .where(Event.kind.in_(ENDS), Event.id > mark.event)
        .order_by(Event.id)
        .limit(MOST)
    )
    with ledger.read() as session:
        seen = [Look(*row) for row in session.execute(looks).all()]
        ended = [End(*row) for row in session.execute(ends).all()]
    screening = seen[-1].screening.id if seen else mark.screening
    return seen, ended, Mark(screening, ended[-1].event.id if ended else mark.event)


def moments(series: Series) -> tuple[datetime, datetime, datetime]:
    """Return when the first and the last image of a series came, and when it was settled."""
    return series.first_at, series.last_at, series.queued_at or series.ended_at or series.last_at
