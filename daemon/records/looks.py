"""The newest looks of one model, for who wants to know what another threshold would have said."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from daemon.records.ledger import Ledger
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
