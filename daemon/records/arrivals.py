"""From a received object to a series that is quiet: states receiving, queued and skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from daemon.records import retention
from daemon.records.ledger import Ledger, changed, note, now
from daemon.records.tables import ENDS, Aside, Instance, ResultObject, Series, SeriesState
from engines.errors import Reason


@dataclass(frozen=True)
class Receipt:
    """What is known of any received file: its name in the spool, who sent it, when, and what."""

    file: str
    calling_aet: str
    received_at: datetime
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Arrival:
    """What the index needs to know of one received object."""

    receipt: Receipt
    StudyInstanceUID: str
    SeriesInstanceUID: str
    SOPInstanceUID: str
    SOPClassUID: str
    TransferSyntaxUID: str
    modality: str


class Fate(StrEnum):
    """What becomes of a received object."""

    NEW = "new"
    SAME = "same"
    CONFLICT = "conflict"


def index(ledger: Ledger, arrivals: Sequence[Arrival]) -> list[Fate]:
    """Write a batch of arrivals into the ledger in one transaction.

    The same object again changes nothing. The same SOP Instance UID with other bytes is a
    conflict: the first stays, the second is to be kept aside. A new object reopens its series.

    Returns
    -------
    list of Fate
        One per arrival, in order.
    """
    with ledger.write() as session:
        return [_index_one(session, arrival) for arrival in arrivals]


def _index_one(session: Session, arrival: Arrival) -> Fate:
    known = session.get(Instance, arrival.SOPInstanceUID)
    if known is None:
        _open_series(session, arrival)
        session.add(_instance(arrival))
        session.flush()
        return Fate.NEW
    if known.sha256 == arrival.receipt.sha256:
        retention.restore(session, known)
        return Fate.SAME
    detail = f"{arrival.SOPInstanceUID} came again with other content; kept aside"
    _set_aside(session, arrival.receipt, Reason.UID_CONFLICT, detail)
    return Fate.CONFLICT


def set_aside(ledger: Ledger, receipt: Receipt, detail: str) -> None:
    """Write down a received file that cannot be indexed; once, however often it is tried."""
    with ledger.write() as session:
        _set_aside(session, receipt, Reason.HEADER_UNREADABLE, detail)


def _set_aside(session: Session, receipt: Receipt, reason: Reason, detail: str) -> None:
    if session.get(Aside, receipt.file) is not None:
        return
    row = Aside(file=receipt.file, reason=reason, detail=detail, sha256=receipt.sha256)
    row.calling_aet, row.received_at = receipt.calling_aet, receipt.received_at
    session.add(row)
    note(session, "set aside", aet=receipt.calling_aet, reason=reason, detail=detail)


def _instance(arrival: Arrival) -> Instance:
    return Instance(
        SOPInstanceUID=arrival.SOPInstanceUID,
        SOPClassUID=arrival.SOPClassUID,
        SeriesInstanceUID=arrival.SeriesInstanceUID,
        TransferSyntaxUID=arrival.TransferSyntaxUID,
        calling_aet=arrival.receipt.calling_aet,
        received_at=arrival.receipt.received_at,
        sha256=arrival.receipt.sha256,
        size_bytes=arrival.receipt.size_bytes,
    )


def _open_series(session: Session, arrival: Arrival) -> None:
    """Count the image in its series; an ended series is received once more."""
    moment = now()
    mine = update(Series).where(Series.SeriesInstanceUID == arrival.SeriesInstanceUID)
    counted = mine.values(images=Series.images + 1, last_at=moment, purged_at=None)
    if not changed(session.execute(counted)):
        session.add(_series(arrival, moment))
        session.flush()
        return
    # the row is ours until the commit: a worker that ends the series has done so before, or will
    # find one image more than it screened
    reopened = mine.where(Series.state.in_(ENDS)).values(state=SeriesState.RECEIVING, attempts=0)
    if changed(session.execute(reopened)):
        note(session, "reopened", SeriesInstanceUID=arrival.SeriesInstanceUID)


def _series(arrival: Arrival, moment: datetime) -> Series:
    return Series(
        SeriesInstanceUID=arrival.SeriesInstanceUID,
        StudyInstanceUID=arrival.StudyInstanceUID,
        modality=arrival.modality,
        state=SeriesState.RECEIVING,
        images=1,
        first_at=moment,
        last_at=moment,
    )


def quiet(ledger: Ledger, settle_s: dict[str, float], otherwise_s: float) -> list[Series]:
    """Return the series that have received nothing for their modality's settle time."""
    moment = now()
    with ledger.read() as session:
        receiving = session.scalars(select(Series).where(Series.state == SeriesState.RECEIVING))
        return [
            series
            for series in receiving
            if moment - series.last_at
            >= timedelta(seconds=settle_s.get(series.modality, otherwise_s))
        ]


def made_by_us(ledger: Ledger, sop_instance_uids: Sequence[str]) -> bool:
    """Tell whether any of these objects is a result of ours that came back."""
    with ledger.read() as session:
        ours = select(ResultObject.SOPInstanceUID).where(
            ResultObject.SOPInstanceUID.in_(sop_instance_uids)
        )
        return session.scalars(ours).first() is not None


def queue(ledger: Ledger, series: Series, exam: str) -> bool:
    """Move a quiet series to queued; False if an image came in the meantime."""
    moment = now()
    change = _from_receiving(series).values(
        state=SeriesState.QUEUED,
        exam=exam,
        reason=None,
        detail=None,
        queued_at=moment,
        rung_at=moment,
        attempts=0,
        ended_at=None,
    )
    return _settle(ledger, series, change, kind="queued", detail=exam)


def end(ledger: Ledger, series: Series, state: SeriesState, reason: str, detail: str) -> bool:
    """End a quiet series as skipped or failed; False if an image came in the meantime."""
    change = _from_receiving(series).values(
        state=state, reason=reason, detail=detail, ended_at=now()
    )
    return _settle(ledger, series, change, kind=str(state), reason=reason, detail=detail)


def _from_receiving(series: Series) -> Update:
    return update(Series).where(
        Series.SeriesInstanceUID == series.SeriesInstanceUID,
        Series.state == SeriesState.RECEIVING,
        Series.images == series.images,
    )


def _settle(ledger: Ledger, series: Series, change: Update, kind: str, **facts: str) -> bool:
    with ledger.write() as session:
        settled = changed(session.execute(change))
        if settled:
            note(session, kind, SeriesInstanceUID=series.SeriesInstanceUID, **facts)
    return settled
