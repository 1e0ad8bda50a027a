"""What the models said, which objects were made of it, and who is to have them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from daemon.records import choice, claims, deliveries
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import (
    Delivery,
    DeliveryState,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)
from engines.cases import EarlierVisit


@dataclass(frozen=True)
class MadeObject:
    """One built object, already on disk in the outbox, and the peers that should have it."""

    SOPInstanceUID: str
    SOPClassUID: str
    SeriesInstanceUID: str
    kind: str
    sha256: str
    receivers: tuple[str, ...]
    holder: str = ""


@dataclass(frozen=True)
class Outcome:
    """One model's look at one series, ready to be written down."""

    model: str
    version: str
    weights_sha256: str
    key: str
    stage: str
    state: SeriesState
    reason: str | None
    detail: str | None
    flagged: bool
    result: dict[str, Any]
    analysed_at: datetime
    objects: tuple[MadeObject, ...] = field(default=())


def screenings(ledger: Ledger, series: Series, model: str) -> list[Screening]:
    """Return every look of a model that was kept, whatever came after it.

    At the series; at all of its study of that exam where one of them is chosen.
    """
    looks = select(Screening).where(choice.looks_at(series), Screening.model == model)
    with ledger.read() as session:
        return list(session.scalars(looks))


def earlier_visits(ledger: Ledger, series: Series) -> tuple[EarlierVisit, ...]:
    """Return what models kept of the other studies of a series' patient, in any order.

    Of results that stand and were not taken back. None where the patient is not known by number.
    """
    if series.patient_key is None:
        return ()
    others = (
        select(Screening)
        .join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)
        .where(
            Series.patient_key == series.patient_key,
            Series.StudyInstanceUID != series.StudyInstanceUID,
            Screening.current,
            Screening.retracted_at.is_(None),
            Screening.state == SeriesState.SCREENED,
        )
    )
    with ledger.read() as session:
        return tuple(_visit(one) for one in session.scalars(others) if "visit" in one.result)


def _visit(row: Screening) -> EarlierVisit:
    told = row.result["visit"]
    features = {side: tuple(numbers) for side, numbers in told["features"].items()}
    return EarlierVisit(told["StudyDate"], row.model, row.weights_sha256, features)


def reports_sent(ledger: Ledger, series: Series, model: str) -> list[ResultObject]:
    """Return the SRs of those looks that have gone out or are going out, the last first.

    One that nobody has taken is not among them, for a new one has it dropped; those of a screening
    that stands no more are, for a PACS keeps what it was sent.
    """
    going = Delivery.state == DeliveryState.SENDING
    with ledger.read() as session:
        sent = session.scalars(
            select(ResultObject)
            .join(Screening, ResultObject.screening_id == Screening.id)
            .join(Delivery, Delivery.SOPInstanceUID == ResultObject.SOPInstanceUID)
            .where(
                choice.looks_at(series),
                Screening.model == model,
                ResultObject.kind == "SR",
                or_(Delivery.sent_at.is_not(None), going),
            )
            .order_by(going.desc(), Delivery.sent_at.desc(), ResultObject.SOPInstanceUID)
        )
        # one for each peer that has it
        return list({one.SOPInstanceUID: one for one in sent}.values())


def keep(
    ledger: Ledger, series: Series, outcomes: Sequence[Outcome], though_more_came: bool = False
) -> bool:
    """Write all outcomes and end the series, in one transaction.

    A series to which an image came while it was screened is received once more. Its outcomes are
    then kept only if ``though_more_came``: where images never cease, a look that saw them all would
    never come.

    Returns
    -------
    bool
        Whether the outcomes were kept; never if the lease had passed to another worker.
    """
    state, reason, detail = _end_of(outcomes)
    with ledger.write() as session:
        choice.hold(session, series)
        ended = changed(session.execute(claims.finished(series, state, reason, detail)))
        if not ended:
            was_mine = changed(session.execute(claims.reopened(series)))
            if not (was_mine and though_more_came):
                return False
        for outcome in outcomes:
            _keep_one(session, series, outcome)
        if state is SeriesState.SCREENED:
            choice.stands(session, series)
        elif ended:
            choice.passed_on(session, series, reason)
    return True


def _end_of(outcomes: Sequence[Outcome]) -> tuple[SeriesState, str | None, str | None]:
    """Screened if any model could; else failed if any should have; else skipped."""
    for state in (SeriesState.SCREENED, SeriesState.FAILED, SeriesState.SKIPPED):
        for outcome in outcomes:
            if outcome.state == state:
                return state, outcome.reason, outcome.detail
    raise ValueError("a series cannot end without an outcome")


def _keep_one(session: Session, series: Series, outcome: Outcome) -> None:
    _retire_others(session, series, outcome)
    screening = session.scalars(
        select(Screening).where(
            Screening.SeriesInstanceUID == series.SeriesInstanceUID,
            Screening.model == outcome.model,
            Screening.key == outcome.key,
        )
    ).one_or_none()
    if screening is not None:
        # the same input, weights and settings once more: what was said and sent stands
        if not screening.current:
            screening.current = True
            if screening.retracted_at is None:
                deliveries.reinstate(session, screening.id)
        return
    screening = _screening(series, outcome)
    session.add(screening)
    session.flush()
    for made in outcome.objects:
        add_object(session, screening.id, made)
    note(
        session,
        str(outcome.state),
        SeriesInstanceUID=series.SeriesInstanceUID,
        reason=outcome.reason,
        detail=outcome.detail or f"{outcome.model} {outcome.version}, {outcome.stage}",
    )


def _retire_others(session: Session, series: Series, outcome: Outcome) -> None:
    """Let a look replace those before it; a result of another series only by a result."""
    mine = Screening.SeriesInstanceUID == series.SeriesInstanceUID
    beside = ~mine
    if outcome.state is not SeriesState.SCREENED:
        beside &= Screening.state != SeriesState.SCREENED
    others = (
        update(Screening)
        .where(
            choice.looks_at(series),
            Screening.model == outcome.model,
            (mine & (Screening.key != outcome.key)) | beside,
            Screening.current,
        )
        .values(current=False)
        .execution_options(synchronize_session=False)
    )
    deliveries.supersede(session, list(session.scalars(others.returning(Screening.id))))


def _screening(series: Series, outcome: Outcome) -> Screening:
    return Screening(
        SeriesInstanceUID=series.SeriesInstanceUID,
        model=outcome.model,
        version=outcome.version,
        weights_sha256=outcome.weights_sha256,
        key=outcome.key,
        stage=outcome.stage,
        state=outcome.state,
        reason=outcome.reason,
        detail=outcome.detail,
        flagged=outcome.flagged,
        result=outcome.result,
        analysed_at=outcome.analysed_at,
        current=True,
    )


def add_object(session: Session, screening_id: int, made: MadeObject) -> None:
    """Write down an object that lies in the outbox, and a delivery for each who is to have it."""
    session.add(
        ResultObject(
            SOPInstanceUID=made.SOPInstanceUID,
            SOPClassUID=made.SOPClassUID,
            SeriesInstanceUID=made.SeriesInstanceUID,
            screening_id=screening_id,
            kind=made.kind,
            sha256=made.sha256,
            holder=made.holder,
        )
    )
    session.flush()
    moment = now()
    for aet in made.receivers:
        session.add(
            Delivery(
                screening_id=screening_id,
                SOPInstanceUID=made.SOPInstanceUID,
                aet=aet,
                state=DeliveryState.PENDING,
                rung_at=moment,
            )
        )
