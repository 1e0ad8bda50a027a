"""Which series are complete, as far as one can tell, and by whom they are settled."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select, true, update
from sqlalchemy.orm import aliased

from daemon.records import procedures
from daemon.records.ledger import Ledger, now
from daemon.records.tables import Series, SeriesState


@dataclass(frozen=True)
class Patience:
    """How long to wait for images, and for which modalities until all of a study has settled.

    ``released_s`` is for the series named in ``released``, whose sender seems to have sent all.
    ``here`` are the holders whose series are settled by who asks.
    """

    settle_s: Mapping[str, float]
    otherwise_s: float
    together: Collection[str] = ()
    released_s: float = 0.0
    released: Collection[str] = ()
    here: Collection[str] = ()


def quiet(ledger: Ledger, patience: Patience, most: int = 500) -> list[Series]:
    """Return series that are complete as far as one can tell, longest quiet first.

    One whose modality has announced how many images it will have is complete when they are there.
    Any other is when nothing has come for its modality's settle time. None is while it has fewer
    images than were announced, or counted at a peer. Where one series of a study is chosen, all of
    that modality that are being received must be complete, those that were announced as well.
    """
    moment = now()
    other = aliased(Series)
    open_beside = exists().where(
        other.StudyInstanceUID == Series.StudyInstanceUID,
        other.modality == Series.modality,
        other.state == SeriesState.RECEIVING,
        ~(_announced(other) | _silent(other, patience, moment)),
    )
    complete = _silent(Series, patience, moment) | _announced(Series)
    alone = Series.modality.not_in(patience.together)
    settled = _silent(Series, patience, moment) | ~procedures.others_announced(Series)
    due = complete & (alone | (settled & ~open_beside)) & _settled_here(patience.here)
    return _receiving(ledger, due, most)


def _settled_here(here: Collection[str]) -> ColumnElement[bool]:
    """Whether a series is settled by who asks: of the hosts of a study, by the first of them.

    So the series of a study are judged together, and by one.
    """
    if not any(here):
        return true()
    other = aliased(Series)
    beside = other.StudyInstanceUID == Series.StudyInstanceUID
    first = select(func.min(other.holder)).where(beside, other.state == SeriesState.RECEIVING)
    return first.scalar_subquery().in_(here)


def _announced(one: type[Series]) -> ColumnElement[bool]:
    # a count that a peer was asked for is of that moment: its series must be quiet besides
    announced = one.expected_images.is_not(None) & one.counted_at.is_(None)
    return announced & (one.images == one.expected_images)


def _silent(one: type[Series], patience: Patience, moment: datetime) -> ColumnElement[bool]:
    nothing_missing = one.expected_images.is_(None) | (one.images >= one.expected_images)
    silent = [
        (one.modality == modality) & (one.last_at <= moment - timedelta(seconds=wait_s))
        for modality, wait_s in patience.settle_s.items()
    ]
    silent.append(
        one.modality.not_in(patience.settle_s)
        & (one.last_at <= moment - timedelta(seconds=patience.otherwise_s))
    )
    silent.append(
        one.SeriesInstanceUID.in_(patience.released)
        & (one.last_at <= moment - timedelta(seconds=patience.released_s))
        & ~procedures.count_awaited(one)
    )
    return nothing_missing & or_(*silent)


def wait_anew(ledger: Ledger) -> None:
    """Let every series that is received settle from now on: the clock that said since when has
    been set."""
    moment = now()
    receiving = update(Series).where(Series.state == SeriesState.RECEIVING)
    with ledger.write() as session:
        session.execute(receiving.values(last_at=moment))
        session.execute(receiving.where(Series.opened_at > moment).values(opened_at=moment))


def overdue(
    ledger: Ledger, longest_s: float, here: Collection[str] = (), most: int = 500
) -> list[Series]:
    """Return series that have been received for so long that they are taken as they are."""
    opened = Series.opened_at <= now() - timedelta(seconds=longest_s)
    return _receiving(ledger, opened & _settled_here(here), most)


def _receiving(ledger: Ledger, which: ColumnElement[bool], most: int) -> list[Series]:
    with ledger.read() as session:
        found = select(Series).where(Series.state == SeriesState.RECEIVING, which)
        return list(session.scalars(found.order_by(Series.last_at).limit(most)))
