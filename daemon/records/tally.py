"""What came and what became of it, day by day, and when each peer last sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, func, literal, select, union_all
from sqlalchemy.orm import Session

from daemon.records.ledger import Ledger, now
from daemon.records.search import count_flagged
from daemon.records.tables import Delivery, DeliveryState, Instance, Screening, Series, SeriesState


@dataclass(frozen=True)
class Day:
    """The series whose first image came on one day of the site's own calendar."""

    begin: datetime
    by_state: Mapping[str, int]
    flagged: int

    @property
    def received(self) -> int:
        """All series of the day."""
        return sum(self.by_state.values())

    @property
    def screened(self) -> int:
        """Those with a result."""
        return self.by_state.get(SeriesState.SCREENED, 0)


def days(ledger: Ledger, many: int) -> list[Day]:
    """Count the series of today and of the days before, oldest day first."""
    midnight = now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [midnight - timedelta(days=back) for back in reversed(range(many))]
    by_state: list[dict[str, int]] = [{} for _ in begins]
    flagged = [0 for _ in begins]
    with ledger.read() as session:
        for number, state, count, of_these in session.execute(_by_day(begins)).all():
            by_state[number][state] = count
            flagged[number] += of_these
    return [Day(*day) for day in zip(begins, by_state, flagged, strict=True)]


def _by_day(begins: Sequence[datetime]) -> CompoundSelect[int, str, int, int]:
    """Count all days in one question: each costs a way to the server and back.

    A day's rows are found by the index: to compare each with all days takes as long as to read it.
    """
    ends = [*begins[1:], begins[-1] + timedelta(days=1)]
    return union_all(
        *(
            select(literal(number), Series.state, func.count(), count_flagged(begin))
            .where(Series.first_at >= begin, Series.first_at < end)
            .group_by(Series.state)
            for number, (begin, end) in enumerate(zip(begins, ends, strict=True))
        )
    )


def reasons(ledger: Ledger, since: datetime, state: SeriesState) -> list[tuple[str, int]]:
    """Return why series that came since then ended in a state, the commonest first."""
    why = (
        select(Series.reason, func.count())
        .where(Series.first_at >= since, Series.state == state)
        .group_by(Series.reason)
        .order_by(func.count().desc())
    )
    with ledger.read() as session:
        return [(reason or "no reason", count) for reason, count in session.execute(why).all()]


LOOKS = 500
"""How many of the newest looks, or results, are asked when each model or peer had its last."""


def last_looks(ledger: Ledger) -> dict[str, datetime]:
    """Return when each model last looked at something, of those that did lately."""
    looks = select(Screening.model, Screening.analysed_at).order_by(Screening.id.desc())
    newest = looks.limit(LOOKS).subquery()
    each = select(newest.c.model, func.max(newest.c.analysed_at)).group_by(newest.c.model)
    with ledger.read() as session:
        return dict(session.execute(each).all())


def last_results(ledger: Ledger) -> dict[str, datetime]:
    """Return when each peer stored its newest result, of those that did lately."""
    newest = select(Delivery.aet, Delivery.sent_at).where(Delivery.state == DeliveryState.SENT)
    with ledger.read() as session:
        rows = session.execute(newest.order_by(Delivery.id.desc()).limit(LOOKS)).all()
        return dict(reversed([(aet, at) for aet, at in rows if at]))


def last_images(ledger: Ledger, aets: list[str]) -> dict[str, datetime | None]:
    """Return when each peer sent its newest image, None for who never did."""
    with ledger.read() as session:
        return {aet: _last_image(session, aet) for aet in aets}


def _last_image(session: Session, aet: str) -> Any:
    mine = select(Instance.received_at).where(Instance.calling_aet == aet)
    return session.scalars(mine.order_by(Instance.received_at.desc()).limit(1)).first()
