"""What came and what became of it, day by day, and when each peer last sent."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from daemon.records.ledger import Ledger, now
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
    with ledger.read() as session:
        flagged = _flagged_by_day(session, begins)
        counts: dict[int, dict[str, int]] = {}
        rows: Any = session.execute(_by_day(begins))
        for number, state, count in rows:
            counts.setdefault(number, {})[state] = count
    return [Day(one, counts.get(n, {}), flagged[one]) for n, one in enumerate(begins)]


def _by_day(begins: Sequence[datetime]) -> Select[int, str, int]:
    """Count all days in one question: each costs a way to the server and back."""
    ends = [*begins[1:], begins[-1] + timedelta(days=1)]
    days = [(Series.first_at < end, number) for number, end in enumerate(ends)]
    inner = (
        select(case(*days).label("day"), Series.state)
        .where(Series.first_at >= begins[0], Series.first_at < ends[-1])
        .subquery()
    )
    return select(inner.c.day, inner.c.state, func.count()).group_by(inner.c.day, inner.c.state)


def _flagged_by_day(session: Session, begins: Sequence[datetime]) -> dict[datetime, int]:
    # nothing is judged before it came: that leaves few of all that ever were flagged
    lately = select(Screening.SeriesInstanceUID).where(
        Screening.current,
        Screening.flagged,
        Screening.retracted_at.is_(None),
        Screening.analysed_at >= begins[0],
    )
    came = select(Series.first_at).where(
        Series.first_at >= begins[0], Series.SeriesInstanceUID.in_(lately)
    )
    counts = dict.fromkeys(begins, 0)
    for at in session.scalars(came):
        counts[begins[bisect_right(begins, at) - 1]] += 1
    return counts


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
