"""What ``osteoscreen status`` and ``osteoscreen show`` tell."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from daemon.records import commitments, confirmations
from daemon.records.ledger import Ledger, last_events, now
from daemon.records.tables import (
    REFUSAL,
    Aside,
    Commitment,
    CommitmentObject,
    CommitmentState,
    Confirmation,
    Delivery,
    DeliveryState,
    Event,
    Instance,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)
from engines.exams import PER_STUDY

DONE = (SeriesState.SCREENED, SeriesState.SKIPPED)
"""What needs nobody any more."""

UNDONE = tuple(state for state in SeriesState if state not in DONE)
UNSENT = (DeliveryState.PENDING, DeliveryState.SENDING)


def status(ledger: Ledger) -> dict[str, Any]:
    """Return the numbers of every stage, the reasons, and the oldest that waits in each.

    ``series.total`` equals the sum over ``series.by_state``; nothing received is left out.
    """
    with ledger.read() as session:
        series = _ways(session)
        by_state = _sums((way.state, way.series) for way in series)
        sent = _sent(session)
        return {
            # as each series counts its own; an audit holds that against the images
            "instances": sum(way.images for way in series),
            "series": {
                "total": sum(by_state.values()),
                "by_state": {str(state): by_state.get(state, 0) for state in SeriesState},
            },
            "reasons": [
                {"state": way.state, "reason": way.reason, "series": way.series}
                for way in sorted(series, key=lambda way: -way.series)
                if way.reason is not None
            ],
            "failed_beside_others": _failed_beside_others(session),
            "set_aside": session.scalar(select(func.count()).select_from(Aside)),
            "flagged": session.scalar(
                select(func.count()).where(
                    Screening.current, Screening.flagged, Screening.retracted_at.is_(None)
                )
            ),
            **sent,
            "oldest": _oldest(session),
            "parked_deliveries": _parked(session),
            "commitments": commitments.counts(session),
            "parked_commitments": _parked_commitments(session),
            "refused_associations": [_refusal(event) for event in last_events(ledger, REFUSAL)],
        }


def _ways(session: Session) -> Sequence[Any]:
    """Count series, and the images in them, by state and reason: an index holds all of it."""
    counted = func.count().label("series"), func.sum(Series.images).label("images")
    ways = select(Series.state, Series.reason, *counted)
    return session.execute(ways.group_by(Series.state, Series.reason)).all()


def _sent(session: Session) -> dict[str, dict[str, int]]:
    """Count results by what became of them, and those sent by what the peer says of them."""
    each = select(Delivery.state, Delivery.confirmation, func.count())
    rows = session.execute(each.group_by(Delivery.state, Delivery.confirmation)).all()
    states = _sums((state, count) for state, _, count in rows)
    steps = _sums((step, count) for state, step, count in rows if state == DeliveryState.SENT)
    return {
        "deliveries": {str(state): states.get(state, 0) for state in DeliveryState},
        "confirmations": {str(step): steps.get(step, 0) for step in Confirmation},
    }


def _sums(counts: Iterable[tuple[str | None, int]]) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for name, count in counts:
        found[name] += count
    return found


def pressing(ledger: Ledger) -> dict[str, Any]:
    """Return those numbers of :func:`status` that may need somebody.

    Whatever has come to a good end is not counted, so it takes no longer in a large ledger: each
    query finds its few rows by an index.
    """
    with ledger.read() as session:
        return {
            "series": {"by_state": _counts(session, Series.state, UNDONE)},
            "set_aside": session.scalar(select(func.count()).select_from(Aside)),
            "deliveries": _counts(session, Delivery.state, UNSENT),
            "oldest": _oldest(session),
            "parked_deliveries": _parked(session),
            "parked_commitments": _parked_commitments(session),
        }


def _counts(session: Session, column: Any, states: Collection[Any]) -> dict[str, int]:
    some = select(column, func.count()).where(column.in_(states)).group_by(column)
    rows: dict[str, int] = dict(session.execute(some).all())
    return {str(state): rows.get(state, 0) for state in states}


def _oldest(session: Session) -> dict[str, dict[str, Any]]:
    """Tell for each stage that waits how long its oldest item has waited, and for what."""
    oldest = {}
    for state, since in (
        (SeriesState.RECEIVING, Series.last_at),
        (SeriesState.QUEUED, Series.queued_at),
        (SeriesState.SCREENING, Series.queued_at),
    ):
        first = select(Series).where(Series.state == state).order_by(since).limit(1)
        series = session.scalars(first).first()
        if series is not None:
            waited = getattr(series, since.key)
            oldest[str(state)] = {
                "SeriesInstanceUID": series.SeriesInstanceUID,
                "waits_s": _age_s(waited),
                "why": _missing(series) or _beside(session, series) or _why(series),
            }
    unsent = select(Delivery).where(Delivery.state.in_(UNSENT))
    # a sum is in no index: else PostgreSQL reads all that was ever sent, in order, for the first
    delivery = session.scalars(unsent.order_by(Delivery.id + 0).limit(1)).first()
    if delivery is not None:
        screening = session.get_one(Screening, delivery.screening_id)
        oldest["delivery"] = {
            "aet": delivery.aet,
            "waits_s": _age_s(screening.analysed_at),
            "attempts": delivery.attempts,
            "why": delivery.detail or f"{delivery.state}, nothing was said yet",
        }
    unconfirmed = select(Delivery).where(Delivery.confirmation.in_(confirmations.OPEN))
    sent = session.scalars(unconfirmed.order_by(Delivery.sent_at).limit(1)).first()
    if sent is not None:
        oldest["confirmation"] = {
            "aet": sent.aet,
            "waits_s": _age_s(sent.sent_at),
            "attempts": sent.confirm_attempts,
            "why": sent.detail or sent.confirmation,
        }
    waiting = select(Commitment).where(
        Commitment.state == CommitmentState.WAITING, ~Commitment.by_us
    )
    commitment = session.scalars(waiting.order_by(Commitment.asked_at).limit(1)).first()
    if commitment is not None:
        oldest["commitment"] = {
            "aet": commitment.aet,
            "waits_s": _age_s(commitment.asked_at),
            "attempts": commitment.attempts,
            "why": commitment.detail,
        }
    return oldest


def _why(series: Series) -> str:
    if series.state == SeriesState.RECEIVING:
        return "more images may come"
    if series.state == SeriesState.QUEUED:
        return series.detail or "waits for a free worker"
    return f"attempt {series.attempts}, stage {series.detail or 'begin'}"


def _parked_commitments(session: Session) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Commitment.aet, Commitment.detail, func.count())
        .where(Commitment.state == CommitmentState.PARKED, ~Commitment.by_us)
        .group_by(Commitment.aet, Commitment.detail)
    )
    return [{"aet": aet, "detail": detail, "requests": count} for aet, detail, count in rows]


def _parked(session: Session) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Delivery.aet, Delivery.detail, func.count())
        .where(Delivery.state == DeliveryState.PARKED)
        .group_by(Delivery.aet, Delivery.detail)
    )
    return [{"aet": aet, "detail": detail, "objects": count} for aet, detail, count in rows]


def _refusal(event: Event) -> dict[str, Any]:
    return {"at": event.at.isoformat(), "aet": event.aet, "why": event.detail}


def _missing(series: Series) -> str | None:
    expected = series.expected_images or 0
    if series.state != SeriesState.RECEIVING or series.images >= expected:
        return None
    return f"{series.images} of {expected} images have come"


def _beside(session: Session, series: Series) -> str | None:
    """Say which other series of its study a series waits for before one of them is chosen."""
    if series.state != SeriesState.RECEIVING or series.modality not in PER_STUDY.values():
        return None
    others = select(Series).where(
        Series.StudyInstanceUID == series.StudyInstanceUID,
        Series.SeriesInstanceUID != series.SeriesInstanceUID,
        Series.modality == series.modality,
        Series.state == SeriesState.RECEIVING,
    )
    other = session.scalars(others.order_by(Series.last_at.desc()).limit(1)).first()
    if other is None:
        return None
    still = _missing(other) or _why(other)
    return (
        f"the best of its study is chosen when all have settled; {other.SeriesInstanceUID}: {still}"
    )


def _age_s(moment: datetime | None) -> float | None:
    # a clock that was set back makes nothing younger than now
    return round(max(0.0, (now() - moment).total_seconds()), 1) if moment else None


def _failed_beside_others(session: Session) -> list[dict[str, Any]]:
    """Tell of models that failed where another one of the same exam has a result."""
    found = (
        select(Screening.model, Screening.reason, func.count())
        .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
        .where(
            Screening.current,
            # in the statement itself: else SQLite does not see that an index holds these alone
            Screening.state == literal(SeriesState.FAILED, literal_execute=True),
            Series.state == SeriesState.SCREENED,
        )
        .group_by(Screening.model, Screening.reason)
        .order_by(Screening.model, Screening.reason)
    )
    return [
        {"model": model, "reason": reason, "series": count}
        for model, reason, count in session.execute(found)
    ]


def study(ledger: Ledger, study_uid: str) -> dict[str, Any] | None:
    """Return the whole story of one study, None if nothing of it ever came."""
    with ledger.read() as session:
        mine = select(Series).where(Series.StudyInstanceUID == study_uid)
        series = list(session.scalars(mine.order_by(Series.first_at)))
        if not series:
            return None
        return {
            "StudyInstanceUID": study_uid,
            "series": [_series_story(session, one) for one in series],
        }


def _series_story(session: Session, series: Series) -> dict[str, Any]:
    uid = series.SeriesInstanceUID
    return {
        "SeriesInstanceUID": uid,
        "modality": series.modality,
        "called_aet": series.called_aet,
        "exam": series.exam,
        "state": series.state,
        "reason": series.reason,
        "detail": series.detail,
        "expected_images": series.expected_images,
        "appraisal": series.appraisal,
        "received": [_received(row) for row in _of_series(session, Instance, uid)],
        "commitments": _commitments(session, uid),
        "results": [_screened(session, row) for row in _of_series(session, Screening, uid)],
        "events": [_told(row) for row in _of_series(session, Event, uid)],
    }


def _commitments(session: Session, series_uid: str) -> list[dict[str, Any]]:
    """Tell who asked us to commit to images of the series, and what we said."""
    of_series = (
        select(Commitment, func.count(), func.count(CommitmentObject.failure))
        .join(CommitmentObject, CommitmentObject.commitment_id == Commitment.id)
        .join(Instance, Instance.SOPInstanceUID == CommitmentObject.SOPInstanceUID)
        .where(Instance.SeriesInstanceUID == series_uid, ~Commitment.by_us)
        .group_by(Commitment.id)
        .order_by(Commitment.id)
    )
    return [
        {
            "aet": commitment.aet,
            "TransactionUID": commitment.TransactionUID,
            "state": commitment.state,
            "detail": commitment.detail,
            "asked_at": commitment.asked_at.isoformat(),
            "images": images,
            "refused": refused,
        }
        for commitment, images, refused in session.execute(of_series).all()
    ]


def _of_series(session: Session, table: Any, series_uid: str) -> list[Any]:
    return list(session.scalars(select(table).where(table.SeriesInstanceUID == series_uid)))


def _received(instance: Instance) -> dict[str, Any]:
    return {
        "SOPInstanceUID": instance.SOPInstanceUID,
        "TransferSyntaxUID": instance.TransferSyntaxUID,
        "calling_aet": instance.calling_aet,
        "received_at": instance.received_at.isoformat(),
        "sha256": instance.sha256,
        "size_bytes": instance.size_bytes,
        "purged_by": instance.purged_by,
    }


def _screened(session: Session, screening: Screening) -> dict[str, Any]:
    objects = session.scalars(select(ResultObject).where(ResultObject.screening_id == screening.id))
    return {
        **screening.result,
        "stage": screening.stage,
        "current": screening.current,
        "analysed_at": screening.analysed_at.isoformat(),
        "retracted_at": screening.retracted_at.isoformat() if screening.retracted_at else None,
        "retracted_why": screening.retracted_why,
        "weights_sha256": screening.weights_sha256,
        "objects": [
            {
                "kind": made.kind,
                "SOPInstanceUID": made.SOPInstanceUID,
                "sha256": made.sha256,
                "deliveries": _deliveries(session, made),
            }
            for made in objects
        ],
    }


def _deliveries(session: Session, made: ResultObject) -> list[dict[str, Any]]:
    mine = select(Delivery).where(Delivery.SOPInstanceUID == made.SOPInstanceUID)
    return [
        {
            "aet": delivery.aet,
            "state": delivery.state,
            "status": None if delivery.status is None else f"0x{delivery.status:04X}",
            "detail": delivery.detail,
            "attempts": delivery.attempts,
            "sent_at": delivery.sent_at.isoformat() if delivery.sent_at else None,
            "confirmation": delivery.confirmation,
            "confirmed_at": delivery.confirmed_at.isoformat() if delivery.confirmed_at else None,
            "resends": delivery.resends,
        }
        for delivery in session.scalars(mine)
    ]


def _told(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "kind": event.kind,
        "aet": event.aet,
        "reason": event.reason,
        "detail": event.detail,
    }
