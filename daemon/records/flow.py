"""How many series of a period and a source went which way, from received to flagged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select

from daemon.records.ledger import Ledger
from daemon.records.search import count_flagged, is_retracted
from daemon.records.tables import Instance, Series, SeriesState

WAITING = (SeriesState.RECEIVING, SeriesState.QUEUED, SeriesState.SCREENING)
FAULTS = (SeriesState.FAILED, SeriesState.PARKED)


@dataclass(frozen=True)
class Period:
    """What is counted: series whose first image came from then until before then, from whom."""

    begin: datetime
    end: datetime
    source: str = ""


@dataclass(frozen=True)
class Flow:
    """Counts of series; reasons with the commonest first.

    ``screened`` is by examination.
    """

    studies: int
    waiting: int
    skipped: Mapping[str, int]
    faults: Mapping[str, int]
    screened: Mapping[str, int]
    flagged: int
    retracted: int

    @property
    def received(self) -> int:
        """All of them."""
        return self.waiting + self.judged

    @property
    def judged(self) -> int:
        """Those that have ended."""
        return sum(self.skipped.values()) + self.eligible

    @property
    def eligible(self) -> int:
        """Those that a model was to look at."""
        return sum(self.faults.values()) + self.looked_at

    @property
    def looked_at(self) -> int:
        """Those with a result."""
        return sum(self.screened.values())

    @property
    def not_flagged(self) -> int:
        """Those whose result stands and is not flagged; it says nothing of health."""
        return self.looked_at - self.flagged - self.retracted


def flow(ledger: Ledger, period: Period) -> Flow:
    """Count the series of a period."""
    mine = _conditions(period)
    each = Series.state, Series.reason, Series.exam
    ways = select(*each, func.count(), count_flagged(period.begin)).where(*mine)
    with ledger.read() as session:
        rows = session.execute(ways.group_by(*each).order_by(func.count().desc())).all()
        # PostgreSQL sorts what is distinct, and not what is grouped: a quarter of the time
        studies = select(Series.StudyInstanceUID).where(*mine).group_by(Series.StudyInstanceUID)
        return Flow(
            studies=session.scalar(select(func.count()).select_from(studies.subquery())) or 0,
            waiting=sum(count for state, _, _, count, _ in rows if state in WAITING),
            skipped=_by([(why, n) for state, why, _, n, _ in rows if state == SeriesState.SKIPPED]),
            faults=_by([(why, n) for state, why, _, n, _ in rows if state in FAULTS]),
            screened=_by(
                [(exam, n) for state, _, exam, n, _ in rows if state == SeriesState.SCREENED]
            ),
            flagged=sum(flagged for state, *_, flagged in rows if state == SeriesState.SCREENED),
            retracted=session.scalar(_ended(mine).where(is_retracted())) or 0,
        )


def _by(counts: list[tuple[str | None, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in counts:
        found[name or "no reason"] = found.get(name or "no reason", 0) + count
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _conditions(period: Period) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        Series.first_at >= period.begin,
        Series.first_at < period.end,
    ]
    if period.source:
        sent = select(Instance.SeriesInstanceUID).where(
            Instance.calling_aet == period.source, Instance.received_at >= period.begin
        )
        found.append(Series.SeriesInstanceUID.in_(sent))
    return found


def _ended(mine: list[ColumnElement[bool]]) -> Select[int]:
    screened = Series.state == SeriesState.SCREENED
    return select(func.count()).select_from(Series).where(*mine, screened)
