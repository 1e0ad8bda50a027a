"""How long results took, from the last image received to the result stored at its peer."""

from datetime import timedelta

from sqlalchemy import select

from daemon.records.ledger import Ledger, now
from daemon.records.tables import Delivery, DeliveryState, Screening, Series

MOST = 10_000
"""Newest deliveries looked at: more change no quantile."""


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
