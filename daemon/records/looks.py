"""The newest looks of one model, for who wants to know what another threshold would have said."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from daemon.records.ledger import Ledger
from daemon.records.search import is_flagged
from daemon.records.tables import Screening, Series, SeriesState


@dataclass(frozen=True)
class Look:
    """One result that stands: of which study, and its JSON as the model gave it."""

    StudyInstanceUID: str
    result: dict[str, Any]


def newest(ledger: Ledger, model: str, most: int) -> list[Look]:
    """Return the newest results of a model that stand, the newest first."""
    rows = (
        select(Series.StudyInstanceUID, Screening.result)
        .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
        .where(
            Screening.model == model,
            Screening.current,
            Screening.retracted_at.is_(None),
            Screening.state == SeriesState.SCREENED,
        )
        .order_by(Screening.id.desc())
        .limit(most)
    )
    with ledger.read() as session:
        return [Look(uid, result) for uid, result in session.execute(rows).all()]


def newest_series(ledger: Ledger, most: int) -> list[tuple[Series, bool]]:
    """Return the newest series that were screened or skipped, each with whether it is flagged."""
    ended = Series.state.in_((SeriesState.SCREENED, SeriesState.SKIPPED))
    rows = (
        select(Series, is_flagged())
        .where(ended, Series.exam.is_not(None), Series.purged_at.is_(None))
        .order_by(Series.first_at.desc())
        .limit(most)
    )
    with ledger.read() as session:
        return [(series, bool(flagged)) for series, flagged in session.execute(rows).all()]
