"""How many images a series is to have: announced by its modality, or counted at a peer.

A modality tells what it made when its procedure step ends (PS3.4 F.7). That number holds; one that
a peer was asked for by C-FIND is a number of that moment, and is asked for again when more came.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import (
    Instance,
    Peer,
    PerformedSeries,
    ProcedureStep,
    Series,
    SeriesState,
)

IN_PROGRESS = "IN PROGRESS"
FINAL = ("COMPLETED", "DISCONTINUED")


class Outcome(StrEnum):
    """What became of a change that a modality wants to make."""

    DONE = "done"
    KNOWN = "known"
    UNKNOWN = "unknown"
    ENDED = "ended"


def begin(ledger: Ledger, uid: str, aet: str, images: Mapping[str, int]) -> Outcome:
    """Remember a procedure step that has begun."""
    with ledger.write() as session:
        if session.get(ProcedureStep, uid) is not None:
            return Outcome.KNOWN
        session.add(ProcedureStep(SOPInstanceUID=uid, aet=aet, status=IN_PROGRESS, begun_at=now()))
        session.flush()
        _remember(session, uid, images)
        note(session, "procedure begun", aet=aet, detail=uid)
    return Outcome.DONE


def change(
    ledger: Ledger, uid: str, status: str | None, images: Mapping[str, int] | None
) -> Outcome:
    """Remember what a step has made since; once it has ended nothing of it may change.

    ``images`` replaces what was said before, None leaves it (PS3.4 F.7.2.2).
    """
    with ledger.write() as session:
        step = session.get(ProcedureStep, uid)
        if step is None:
            return Outcome.UNKNOWN
        if step.ended_at is not None:
            return Outcome.ENDED
        if images is not None:
            _remember(session, uid, images)
        if status in FINAL:
            ended = (
                update(ProcedureStep)
                .where(ProcedureStep.SOPInstanceUID == uid, ProcedureStep.ended_at.is_(None))
                .values(status=status, ended_at=now())
            )
            if not changed(session.execute(ended)):
                return Outcome.ENDED
            made = select(PerformedSeries.SeriesInstanceUID).where(PerformedSeries.step_uid == uid)
            expect(session, Series.SeriesInstanceUID.in_(made))
            note(session, "procedure ended", aet=step.aet, detail=f"{uid} {status}")
    return Outcome.DONE


def _remember(session: Session, uid: str, images: Mapping[str, int]) -> None:
    session.execute(delete(PerformedSeries).where(PerformedSeries.step_uid == uid))
    session.add_all(
        PerformedSeries(step_uid=uid, SeriesInstanceUID=series, images=count)
        for series, count in images.items()
    )
    session.flush()


def expect(session: Session, which: ColumnElement[bool]) -> None:
    """Write into these series how many images ended procedure steps say they have."""
    said = (
        PerformedSeries.SeriesInstanceUID == Series.SeriesInstanceUID,
        ProcedureStep.SOPInstanceUID == PerformedSeries.step_uid,
        ProcedureStep.ended_at.is_not(None),
        PerformedSeries.images > 0,
    )
    most = select(func.max(PerformedSeries.images)).where(*said).scalar_subquery()
    session.execute(
        update(Series)
        .where(which, exists().where(*said))
        .values(expected_images=most, counted_at=None)
        .execution_options(synchronize_session=False)
    )


def expect_announced(ledger: Ledger) -> None:
    """Do so for what is received and has no number yet: both may have come at the same moment."""
    unsaid = (Series.state == SeriesState.RECEIVING) & or_(
        Series.expected_images.is_(None), Series.counted_at.is_not(None)
    )
    with ledger.write() as session:
        expect(session, unsaid)


def others_announced(one: type[Series]) -> ColumnElement[bool]:
    """Whether the step that made a series has made others, too, of which nothing has come yet."""
    mine, theirs, came = aliased(PerformedSeries), aliased(PerformedSeries), aliased(Series)
    return exists().where(
        mine.SeriesInstanceUID == one.SeriesInstanceUID,
        theirs.step_uid == mine.step_uid,
        theirs.images > 0,
        ~exists().where(came.SeriesInstanceUID == theirs.SeriesInstanceUID),
    )


def count_awaited(one: type[Series]) -> ColumnElement[bool]:
    """Whether a peer could say how many images a series has, and has not since the last came."""
    said = one.expected_images.is_not(None)
    fresh = one.counted_at.is_(None) | (one.counted_at >= one.last_at)
    return exists().where(Peer.answers_find) & ~(said & fresh)


def to_count(ledger: Ledger, quiet_s: float, films: Collection[str]) -> list[str]:
    """Return series to be counted at a peer, and write down that they are.

    Those that have fallen quiet, are no films, and whose modality has announced no number; each
    once until more of it comes.
    """
    moment = now()
    answering = exists().where(Peer.answers_find)
    wanting = (
        update(Series)
        .where(
            Series.state == SeriesState.RECEIVING,
            Series.modality.not_in(films),
            Series.last_at <= moment - timedelta(seconds=quiet_s),
            or_(
                Series.expected_images.is_(None) & Series.counted_at.is_(None),
                Series.counted_at < Series.last_at,
            ),
            answering,
        )
        .values(counted_at=moment)
        .returning(Series.SeriesInstanceUID)
        .execution_options(synchronize_session=False)
    )
    with ledger.write() as session:
        return list(session.scalars(wanting))


def who_may_know(ledger: Ledger, series_uid: str) -> tuple[str, list[Peer]]:
    """Return a series' study and the peers that answer queries, whoever sent it first."""
    senders = select(Instance.calling_aet).where(Instance.SeriesInstanceUID == series_uid)
    with ledger.read() as session:
        study = session.get_one(Series, series_uid).StudyInstanceUID
        sent = set(session.scalars(senders.distinct()))
        answering = session.scalars(select(Peer).where(Peer.answers_find).order_by(Peer.aet))
        return study, sorted(answering, key=lambda peer: peer.aet not in sent)


def counted(ledger: Ledger, series_uid: str, images: int, aet: str) -> None:
    """Write down how many images a peer has of a series, unless its modality has said so."""
    change = update(Series).where(
        Series.SeriesInstanceUID == series_uid,
        Series.state == SeriesState.RECEIVING,
        Series.counted_at.is_not(None),
    )
    with ledger.write() as session:
        if changed(session.execute(change.values(expected_images=images))):
            detail = f"{images} images at {aet}"
            note(session, "counted", SeriesInstanceUID=series_uid, aet=aet, detail=detail)
