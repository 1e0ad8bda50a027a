"""How long results took, from the last image received to the result stored at its peer."""

from datetime import timedelta

from sqlalchemy import BigInteger, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from daemon.records.ledger import Ledger, now
from daemon.records.tables import Delivery, DeliveryState, Screening, Series, Table

MOST = 10_000
"""Newest deliveries looked at: more change no quantile."""


class Turnaround(Table):
    """How many results took at most so long, and longer than the row before says."""

    __tablename__ = "turnaround"

    upto_s: Mapped[float] = mapped_column(primary_key=True)
    results: Mapped[int] = mapped_column(BigInteger)
    total_s: Mapped[float]


def count(session: Session, taken_s: float) -> None:
    """Count one result, in the transaction that writes down that its peer stored it."""
    row = select(func.min(Turnaround.upto_s)).where(Turnaround.upto_s >= taken_s).scalar_subquery()
    one_more = {"results": Turnaround.results + 1, "total_s": Turnaround.total_s + taken_s}
    session.execute(
        update(Turnaround)
        .where(Turnaround.upto_s == row)
        .values(one_more)
        .execution_options(synchronize_session=False)
    )


def counted(ledger: Ledger) -> list[tuple[float, int, float]]:
    """Return up to how many seconds, how many results since the first, and their sum of seconds."""
    rows = select(Turnaround.upto_s, Turnaround.results, Turnaround.total_s)
    with ledger.read() as session:
        found = session.execute(rows.order_by(Turnaround.upto_s)).all()
        return [(upto_s, results, total_s) for upto_s, results, total_s in found]


def turnaround_s(ledger: Ledger, within_s: float) -> list[float]:
    """Return what each delivery of late took, in seconds, the fastest first.

    Parameters
    ----------
    ledger : Ledger
        The ledger.
    within_s : float
        How far back.
    """
    taken = (
        select(Series.last_at, Delivery.sent_at)
        .join(Screening, Screening.SeriesInstanceUID == Series.SeriesInstanceUID)
        .join(Delivery, Delivery.screening_id == Screening.id)
        # the first time alone: what was sent again later took no longer
        .where(Delivery.state == DeliveryState.SENT, Delivery.resends == 0)
        .where(Delivery.sent_at >= now() - timedelta(seconds=within_s))
        .order_by(Delivery.sent_at.desc())
        .limit(MOST)
    )
    with ledger.read() as session:
        rows = session.execute(taken).all()
    return sorted(max(0.0, (sent - last).total_seconds()) for last, sent in rows if sent)
