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


def newest_series(ledger: Ledger, most: int) -> list[tuple[Series, frozenset[str]]]:
    """Return the newest series that were screened or skipped, each with the models that flag it."""
    ended = Series.state.in_((SeriesState.SCREENED, SeriesState.SKIPPED))
    rows = (
        select(Series)
        .where(ended, Series.exam.is_not(None), Series.purged_at.is_(None))
        .order_by(Series.first_at.desc())
        .limit(most)
    )
    with ledger.read() as session:
        newest = list(session.scalars(rows))
        uids = [series.SeriesInstanceUID for series in newest]
        flags = (
            select(Screening.SeriesInstanceUID, Screening.model)
            .where(Screening.SeriesInstanceUID.in_(uids), Screening.current, Screening.flagged)
            .where(Screening.retracted_at.is_(None))
        )
        flagging: dict[str, set[str]] = {}
        for uid, model in session.execute(flags):
            flagging.setdefault(uid, set()).add(model)
    return [(one, frozenset(flagging.get(one.SeriesInstanceUID, ()))) for one in newest]
