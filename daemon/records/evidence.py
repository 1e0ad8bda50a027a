"""What the ledger claims, row by row, for ``osteoscreen audit`` to hold against the disk."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from daemon.records.ledger import Ledger, among
from daemon.records.tables import (
    ENDS,
    Aside,
    Commitment,
    CommitmentObject,
    CommitmentState,
    Delivery,
    Instance,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)
from engines.exams import PER_STUDY

SERIES_AT_ONCE = 5000
"""All of them take PostgreSQL longer than it may say nothing."""

A_PAGE = 1000
"""How many rows are held at once, whatever the ledger holds."""


def in_pages(files: Iterable[Path]) -> Iterator[list[Path]]:
    """Give files so many at a time."""
    left = iter(files)
    while page := list(islice(left, A_PAGE)):
        yield page


def acknowledged(ledger: Ledger) -> Iterator[list[tuple[Instance, Series]]]:
    """Give every indexed object with its series, page by page in the order of their UIDs."""
    both = select(Instance, Series).join(
        Series, Instance.SeriesInstanceUID == Series.SeriesInstanceUID
    )
    for page in _pages(ledger, both, Instance.SOPInstanceUID):
        yield [(instance, series) for instance, series in page]


def _pages(
    ledger: Ledger, rows: Select[*tuple[Any, ...]], key: InstrumentedAttribute[str]
) -> Iterator[list[Any]]:
    """Give rows in the order of their key; whoever looks at files meanwhile keeps none open."""
    last = ""
    while True:
        with ledger.read() as session:
            page = session.execute(rows.where(key > last).order_by(key).limit(A_PAGE)).all()
        if not page:
            return
        yield list(page)
        last = getattr(page[-1][0], key.key)


def images(ledger: Ledger, uids: Collection[str]) -> list[tuple[str, str, bool]]:
    """Return of those of some objects that are indexed series, name, and whether it is purged."""
    names = select(
        Instance.SeriesInstanceUID, Instance.SOPInstanceUID, Instance.purged_at.is_not(None)
    )
    with ledger.read() as session:
        known = names.where(among(session, Instance.SOPInstanceUID, uids))
        return [(series, name, purged) for series, name, purged in session.execute(known)]


def asides(ledger: Ledger) -> Iterator[Aside]:
    """Give every object that was set aside."""
    for page in _pages(ledger, select(Aside), Aside.file):
        yield from (row for (row,) in page)


def asides_named(ledger: Ledger, files: Collection[str]) -> list[Aside]:
    """Return those of some files that were set aside."""
    with ledger.read() as session:
        return list(session.scalars(select(Aside).where(among(session, Aside.file, files))))


def made_named(ledger: Ledger, uids: Collection[str]) -> list[ResultObject]:
    """Return those of some objects that we made."""
    with ledger.read() as session:
        mine = among(session, ResultObject.SOPInstanceUID, uids)
        return list(session.scalars(select(ResultObject).where(mine)))


def made(ledger: Ledger) -> Iterator[ResultObject]:
    """Give every object that we made."""
    for page in _pages(ledger, select(ResultObject), ResultObject.SOPInstanceUID):
        yield from (row for (row,) in page)


def purged(ledger: Ledger, uid: str) -> bool:
    """Tell whether an object, received or made, is purged or about to be."""
    with ledger.read() as session:
        rows = session.get(Instance, uid), session.get(ResultObject, uid)
        return any(row is not None and row.purged_by is not None for row in rows)


def results_of(ledger: Ledger, series_uids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what was found in each of some series and what was sent of it."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with ledger.read() as session:
        mine = among(session, Screening.SeriesInstanceUID, series_uids)
        sent: dict[int, list[dict[str, Any]]] = {}
        deliveries = select(Delivery).join(Screening, Delivery.screening_id == Screening.id)
        for delivery in session.scalars(deliveries.where(mine).order_by(Delivery.id)):
            told = {
                "SOPInstanceUID": delivery.SOPInstanceUID,
                "aet": delivery.aet,
                "state": delivery.state,
                "confirmation": delivery.confirmation,
            }
            sent.setdefault(delivery.screening_id, []).append(told)
        for screening in session.scalars(select(Screening).where(mine).order_by(Screening.id)):
            found = {
                "model": screening.model,
                "version": screening.version,
                "state": screening.state,
                "reason": screening.reason,
                "current": screening.current,
                "deliveries": sent.get(screening.id, []),
            }
            rows.setdefault(screening.SeriesInstanceUID, []).append(found)
    return rows


def contradictions(ledger: Ledger) -> list[str]:
    """Return a sentence for each place where the ledger contradicts itself."""
    return [
        *_miscounted(ledger),
        *_ended_without_reason(ledger),
        *_doubled(ledger),
        *_committed_to_nothing(ledger),
    ]


def _committed_to_nothing(ledger: Ledger) -> Iterator[str]:
    committed = (
        select(CommitmentObject.SOPInstanceUID, Commitment.aet)
        .join(Commitment, CommitmentObject.commitment_id == Commitment.id)
        .outerjoin(Instance, Instance.SOPInstanceUID == CommitmentObject.SOPInstanceUID)
        .where(
            ~Commitment.by_us,
            Commitment.state == CommitmentState.REPORTED,
            CommitmentObject.failure.is_(None),
            Instance.SOPInstanceUID.is_(None),
        )
    )
    with ledger.read() as session:
        for uid, aet in session.execute(committed).all():
            yield f"we committed to {uid} for {aet}, but the ledger has no such object"


def _miscounted(ledger: Ledger) -> Iterator[str]:
    last: str | None = ""
    while last is not None:
        # for each by the index: of a join, PostgreSQL reads the whole table each time
        mine = Instance.SeriesInstanceUID == Series.SeriesInstanceUID
        lying = select(func.count()).select_from(Instance).where(mine).scalar_subquery()
        counted = (
            select(Series.SeriesInstanceUID, Series.images, lying)
            .where(Series.SeriesInstanceUID > last)
            .order_by(Series.SeriesInstanceUID)
            .limit(SERIES_AT_ONCE)
        )
        with ledger.read() as session:
            rows = session.execute(counted).all()
        for series_uid, count, found in rows:
            if count != found:
                yield f"series {series_uid} counts {count} images, the ledger has {found}"
        last = rows[-1][0] if rows else None


def _ended_without_reason(ledger: Ledger) -> Iterator[str]:
    stands = exists().where(
        Screening.SeriesInstanceUID == Series.SeriesInstanceUID,
        Screening.current,
        Screening.state == SeriesState.SCREENED,
    )
    screened = Series.state == SeriesState.SCREENED
    unexplained = func.coalesce(Series.reason, "") == ""
    wrong = (screened & ~stands) | (Series.state.in_(ENDS) & ~screened & unexplained)
    with ledger.read() as session:
        # in one look, for a running site: a series and its result are written down together
        found = session.execute(select(Series.SeriesInstanceUID, Series.state).where(wrong)).all()
    for uid, state in found:
        if state == SeriesState.SCREENED:
            yield f"series {uid} is screened, but no result stands for it"
        else:
            yield f"series {uid} is {state} without a reason"


def _doubled(ledger: Ledger) -> Iterator[str]:
    current = (
        select(Screening.SeriesInstanceUID, Screening.model, func.count())
        .where(Screening.current)
        .group_by(Screening.SeriesInstanceUID, Screening.model)
        .having(func.count() > 1)
    )
    chosen = (
        select(Series.StudyInstanceUID, Screening.model, func.count())
        .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
        .where(Screening.current, Screening.state == SeriesState.SCREENED)
        .where(Series.exam.in_(PER_STUDY))
        .group_by(Series.StudyInstanceUID, Screening.model)
        .having(func.count() > 1)
    )
    with ledger.read() as session:
        for uid, model, count in session.execute(current).all():
            yield f"series {uid} has {count} current results of {model}"
        for uid, model, count in session.execute(chosen).all():
            yield f"study {uid} has {count} current results of {model}, each of another series"
