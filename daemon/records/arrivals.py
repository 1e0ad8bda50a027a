"""From a received object to a series that is quiet: states receiving, queued and skipped."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from daemon.records import claims, procedures, retention
from daemon.records.ledger import Ledger, among, insert_all, note, note_all, now
from daemon.records.tables import ENDS, Aside, Instance, ResultObject, Series, SeriesState
from engines.errors import Reason


@dataclass(frozen=True)
class Receipt:
    """What is known of any received file: its name in the spool, who sent it, when, and what.

    ``holder`` is the host in whose spool it lies, where there are several.
    """

    file: str
    calling_aet: str
    received_at: datetime
    sha256: str
    size_bytes: int
    holder: str = ""


@dataclass(frozen=True)
class Arrival:
    """What the index needs to know of one received object; of its patient, keyed hashes alone."""

    receipt: Receipt
    StudyInstanceUID: str
    SeriesInstanceUID: str
    SOPInstanceUID: str
    SOPClassUID: str
    TransferSyntaxUID: str
    modality: str
    patient_key: str | None = None
    accession_key: str | None = None
    called_aet: str | None = None


class Fate(StrEnum):
    """What becomes of a received object: the last three are kept aside, a spare one is dropped."""

    NEW = "new"
    SAME = "same"
    SPARE = "spare"
    CONFLICT = "conflict"
    RECODED = "recoded"
    STRAY = "stray"


MET_MOST = 3
"""How often a batch is entered anew because another host entered some of it first; ours."""

ASIDE = {
    Fate.CONFLICT: Reason.UID_CONFLICT,
    Fate.RECODED: Reason.TRANSFER_SYNTAX_CHANGED,
    Fate.STRAY: Reason.SERIES_IN_TWO_STUDIES,
}


class _Book:
    """What the ledger holds of the objects and series that a batch names, and what comes to it."""

    def __init__(self, session: Session, arrivals: Sequence[Arrival]) -> None:
        objects = {arrival.SOPInstanceUID for arrival in arrivals}
        series = {arrival.SeriesInstanceUID for arrival in arrivals}
        known = select(
            Instance.SOPInstanceUID,
            Instance.sha256,
            Instance.TransferSyntaxUID,
            Instance.purged_by,
            Instance.holder,
        ).where(among(session, Instance.SOPInstanceUID, objects))
        study = (
            select(Series.SeriesInstanceUID, Series.StudyInstanceUID)
            .where(among(session, Series.SeriesInstanceUID, series))
            # in the order in which a study's rows are taken to choose among them
            .order_by(Series.SeriesInstanceUID)
            .with_for_update()
        )
        rows = session.execute(known).all()
        self.known = {uid: (sha256, syntax) for uid, sha256, syntax, *_ in rows}
        self.purged = {uid for uid, _, _, rule, _ in rows if rule is not None}
        self.holder_of = {uid: holder for uid, *_, holder in rows}
        self.study_of = dict(session.execute(study).all())
        self.old_series = frozenset(self.study_of)

    def enter(self, arrival: Arrival) -> Fate:
        """Say what becomes of the next object of the batch."""
        first = arrival.receipt.sha256, arrival.TransferSyntaxUID
        sha256, syntax = self.known.get(arrival.SOPInstanceUID, first)
        if sha256 != arrival.receipt.sha256:
            return Fate.CONFLICT if syntax == arrival.TransferSyntaxUID else Fate.RECODED
        uid = arrival.SOPInstanceUID
        if uid in self.known:
            holder = self.holder_of.setdefault(uid, arrival.receipt.holder)
            elsewhere = holder != arrival.receipt.holder and uid not in self.purged
            return Fate.SPARE if elsewhere else Fate.SAME
        study = self.study_of.setdefault(arrival.SeriesInstanceUID, arrival.StudyInstanceUID)
        if study != arrival.StudyInstanceUID:
            return Fate.STRAY
        self.known[uid], self.holder_of[uid] = first, arrival.receipt.holder
        return Fate.NEW

    def why_aside(self, arrival: Arrival, fate: Fate) -> str:
        """Say in one sentence why an object is kept aside."""
        sop, series = arrival.SOPInstanceUID, arrival.SeriesInstanceUID
        if fate is Fate.STRAY:
            study = self.study_of[series]
            return f"{sop}: its series {series} is of study {study}, not {arrival.StudyInstanceUID}"
        if fate is Fate.RECODED:
            first = self.known[sop][1]
            return f"{sop} came again in transfer syntax {arrival.TransferSyntaxUID}, not {first}"
        return f"{sop} came again with other content; kept aside"


def index(ledger: Ledger, arrivals: Sequence[Arrival]) -> list[Fate]:
    """Write a batch of arrivals into the ledger in one transaction.

    The same object again changes nothing; where another host holds it already, it is spare. What
    contradicts an object or a series that came before is to be kept aside: the first stays. A new
    object reopens its series.

    Returns
    -------
    list of Fate
        One per arrival, in order.
    """
    if not arrivals:
        return []
    for _ in range(MET_MOST):
        # the intake of another host has just entered one of the same: it is there by now
        with suppress(IntegrityError), ledger.write() as session:
            return _index(session, arrivals)
    with ledger.write() as session:
        return _index(session, arrivals)


def _index(session: Session, arrivals: Sequence[Arrival]) -> list[Fate]:
    book = _Book(session, arrivals)
    told = [(arrival, book.enter(arrival)) for arrival in arrivals]
    new = [arrival for arrival, fate in told if fate is Fate.NEW]
    _count(session, [a for a in new if a.SeriesInstanceUID in book.old_series])
    _open(session, [a for a in new if a.SeriesInstanceUID not in book.old_series])
    insert_all(session, Instance, [_instance(arrival) for arrival in new])
    for arrival, fate in told:
        if fate is Fate.SAME and arrival.SOPInstanceUID in book.purged:
            image = session.get_one(Instance, arrival.SOPInstanceUID)
            image.holder = arrival.receipt.holder
            retention.restore(session, image)
    spare = _spare(session, [arrival.receipt for arrival, fate in told if fate in ASIDE])
    refused = [
        (arrival.receipt, ASIDE[fate], book.why_aside(arrival, fate))
        for arrival, fate in told
        if fate in ASIDE and arrival.receipt.file not in spare
    ]
    _set_aside(session, refused)
    return [Fate.SPARE if arrival.receipt.file in spare else fate for arrival, fate in told]


def _spare(session: Session, receipts: Sequence[Receipt]) -> set[str]:
    """Return which of these files lie aside already, byte for byte, under another name."""
    digests = {receipt.sha256 for receipt in receipts}
    if not digests:
        return set()
    rows = select(Aside.file, Aside.sha256).where(
        Aside.sha256.in_(digests), Aside.purged_by.is_(None)
    )
    lying = dict(session.execute(rows).all())
    spare = set()
    for receipt in receipts:
        # under its own name: by a turn that did not get to its end
        if receipt.file not in lying and receipt.sha256 in lying.values():
            spare.add(receipt.file)
        lying.setdefault(receipt.file, receipt.sha256)
    return spare


def set_aside(ledger: Ledger, receipts: Sequence[Receipt], detail: str) -> None:
    """Write down received files that cannot be indexed; once, however often it is tried."""
    if receipts:
        with ledger.write() as session:
            reason = Reason.HEADER_UNREADABLE
            _set_aside(session, [(receipt, reason, detail) for receipt in receipts])


def _set_aside(session: Session, refused: Sequence[tuple[Receipt, Reason, str]]) -> None:
    files = [receipt.file for receipt, _, _ in refused]
    known = set(session.scalars(select(Aside.file).where(Aside.file.in_(files)))) if files else ()
    for receipt, reason, detail in refused:
        if receipt.file not in known:
            row = Aside(file=receipt.file, reason=reason, detail=detail, sha256=receipt.sha256)
            row.calling_aet, row.received_at = receipt.calling_aet, receipt.received_at
            row.holder = receipt.holder
            session.add(row)
            note(session, "set aside", aet=receipt.calling_aet, reason=reason, detail=detail)


def _instance(arrival: Arrival) -> dict[str, Any]:
    return {
        "SOPInstanceUID": arrival.SOPInstanceUID,
        "SOPClassUID": arrival.SOPClassUID,
        "SeriesInstanceUID": arrival.SeriesInstanceUID,
        "TransferSyntaxUID": arrival.TransferSyntaxUID,
        "calling_aet": arrival.receipt.calling_aet,
        "received_at": arrival.receipt.received_at,
        "sha256": arrival.receipt.sha256,
        "size_bytes": arrival.receipt.size_bytes,
        "holder": arrival.receipt.holder,
    }


def _open(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Write series of which nothing has come before."""
    moment = now()
    first = {arrival.SeriesInstanceUID: arrival for arrival in reversed(arrivals)}
    images = Counter(arrival.SeriesInstanceUID for arrival in arrivals)
    rows = [
        {
            "SeriesInstanceUID": uid,
            "StudyInstanceUID": arrival.StudyInstanceUID,
            "modality": arrival.modality,
            "called_aet": arrival.called_aet,
            "patient_key": arrival.patient_key,
            "accession_key": arrival.accession_key,
            "state": SeriesState.RECEIVING,
            "images": images[uid],
            "first_at": moment,
            "opened_at": moment,
            "last_at": moment,
            "attempts": 0,
            "holder": arrival.receipt.holder,
        }
        # in one order: two hosts that enter the same series wait for each other once
        for uid, arrival in sorted(first.items())
    ]
    insert_all(session, Series, rows)
    if rows:
        procedures.expect(session, Series.SeriesInstanceUID.in_(list(first)))


def _count(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Count images in series that are there; one that had ended is received once more."""
    moment = now()
    images = Counter(arrival.SeriesInstanceUID for arrival in arrivals)
    for count, uids in _by_value(images).items():
        mine = update(Series).where(among(session, Series.SeriesInstanceUID, uids))
        session.execute(mine.values(images=Series.images + count, last_at=moment, purged_at=None))
        # the rows are ours until the commit: a worker that ends one of these series has done so
        # before, or will find more images than it screened
        ended = mine.where(Series.state.in_(ENDS)).values(claims.received_anew())
        for uid in session.scalars(ended.returning(Series.SeriesInstanceUID)):
            note(session, "reopened", SeriesInstanceUID=uid)


def _by_value(counts: Counter[str]) -> dict[int, list[str]]:
    alike: dict[int, list[str]] = {}
    for uid, count in counts.items():
        alike.setdefault(count, []).append(uid)
    return alike


def made_by_us(ledger: Ledger, series: Iterable[Series]) -> set[str]:
    """Return which of these series hold a result of ours that came back."""
    uids = [one.SeriesInstanceUID for one in series]
    with ledger.read() as session:
        ours = (
            select(Instance.SeriesInstanceUID)
            .join(ResultObject, ResultObject.SOPInstanceUID == Instance.SOPInstanceUID)
            .where(Instance.SeriesInstanceUID.in_(uids))
        )
        return set(session.scalars(ours))


def queue(ledger: Ledger, series: Sequence[Series], exam: str, why: str = "") -> list[Series]:
    """Move complete series to queued; return those of them that no image has joined since."""
    moment = now()
    values = {
        "state": SeriesState.QUEUED,
        "exam": exam,
        "reason": None,
        "detail": None,
        "queued_at": moment,
        "rung_at": moment,
        "attempts": 0,
        "ended_at": None,
    }
    return _settle(ledger, series, values, {"kind": "queued", "detail": f"{exam}{why}"})


def end(
    ledger: Ledger, series: Sequence[Series], state: SeriesState, reason: str, detail: str
) -> list[Series]:
    """End complete series as skipped or failed; return those that no image has joined since."""
    values = {"state": state, "reason": reason, "detail": detail, "ended_at": now()}
    values |= {"appraisal": None}
    return _settle(ledger, series, values, {"kind": str(state), "reason": reason, "detail": detail})


def _settle(
    ledger: Ledger, series: Sequence[Series], values: dict[str, Any], fact: dict[str, str]
) -> list[Series]:
    images = Counter({one.SeriesInstanceUID: one.images for one in series})
    settled: set[str] = set()
    with ledger.write() as session:
        for count, uids in _by_value(images).items():
            change = update(Series).where(
                Series.SeriesInstanceUID.in_(uids),
                Series.state == SeriesState.RECEIVING,
                Series.images == count,
            )
            uid = Series.SeriesInstanceUID
            settled |= set(session.scalars(change.values(values).returning(uid)))
        note_all(session, [{"SeriesInstanceUID": uid, **fact} for uid in sorted(settled)])
    return [one for one in series if one.SeriesInstanceUID in settled]
