"""The tables of the ledger and the states their rows pass through."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from daemon.records.lying import Held, Purgeable
from daemon.records.moments import Utc

UID = String(64)
AET = String(16)

REFUSAL = "association refused"
"""The kind of event that ``status`` lists; other kinds are told by ``show`` alone."""

DISK = "disk"
"""The kind of event that says what the disk lets in from now on."""


class SeriesState(StrEnum):
    """A series is in exactly one of these; the last four are ends."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    SCREENING = "screening"
    SCREENED = "screened"
    SKIPPED = "skipped"
    FAILED = "failed"
    PARKED = "parked"


ENDS = (SeriesState.SCREENED, SeriesState.SKIPPED, SeriesState.FAILED, SeriesState.PARKED)


class DeliveryState(StrEnum):
    """One object on its way to one peer."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    PARKED = "parked"
    DROPPED = "dropped"


class Confirmation(StrEnum):
    """What a peer says, after it took an object, of still having it."""

    NOT_OFFERED = "not-offered"
    DUE = "due"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    UNANSWERED = "unanswered"


class CommitmentState(StrEnum):
    """One request for storage commitment, of a modality to us or of ours to a peer."""

    WAITING = "waiting"
    REPORTED = "reported"
    PARKED = "parked"


class Stage(StrEnum):
    """How far a model's results may travel."""

    OFF = "off"
    SHADOW = "shadow"
    RESEARCH = "research"
    LIVE = "live"


class Wants(StrEnum):
    """Which results a peer receives."""

    NONE = "none"
    FLAGGED = "flagged"
    ALL = "all"


class Role(StrEnum):
    """Who reads at a peer: results of a model in stage research go to research peers only."""

    RESEARCH = "research"
    CLINICAL = "clinical"


class Table(DeclarativeBase):
    """What all tables share."""

    type_annotation_map = {datetime: Utc, dict[str, Any]: JSON}  # noqa: RUF012


class Installation(Table):
    """One row: the namespace from which this installation derives every UID it makes."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    namespace: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[datetime]
    # what a program has to know of the ledger's revisions to work on it; none: nothing
    least_revision: Mapped[str | None] = mapped_column(String(4))


class Peer(Table):
    """A remote AE: who may send to us, who receives results."""

    __tablename__ = "peer"

    aet: Mapped[str] = mapped_column(AET, primary_key=True)
    host: Mapped[str]
    port: Mapped[int]
    sends: Mapped[bool]
    results: Mapped[str]
    role: Mapped[str]
    sr_class: Mapped[str] = mapped_column(UID)
    # called, and calling, by TLS alone; the certificate it is known by; whether that names its host
    tls: Mapped[bool] = mapped_column(default=False)
    tls_fingerprint: Mapped[str] = mapped_column(String(64), default="")
    tls_named: Mapped[bool] = mapped_column(default=True)
    # heard from its host alone
    bound: Mapped[bool] = mapped_column(default=False)
    commits: Mapped[bool] = mapped_column(default=False)
    answers_find: Mapped[bool] = mapped_column(default=False)


def _of_some(name: str, condition: str, *columns: str) -> Index:
    """Return an index of the rows for which a condition holds, and of no others."""
    holds = text(condition)
    return Index(name, *columns, sqlite_where=holds, postgresql_where=holds)


class Series(Held, Table):
    """One series: where it stands and why; ``purged_at`` once none of its images is kept."""

    __tablename__ = "series"
    __table_args__ = (
        # with what is counted of many: read in place of the rows
        Index("series_by_state", "state", "last_at", "reason", "images"),
        Index(
            "series_by_first",
            *("first_at", "state", "reason", "exam", "StudyInstanceUID", "SeriesInstanceUID"),
        ),
        _of_some("series_by_reason", "reason IS NOT NULL", "reason", "first_at"),
        _of_some("series_by_patient", "patient_key IS NOT NULL", "patient_key", "first_at"),
        _of_some("series_by_accession", "accession_key IS NOT NULL", "accession_key", "first_at"),
        _of_some("series_kept", "purged_at IS NULL", "state", "ended_at"),
    )

    SeriesInstanceUID: Mapped[str] = mapped_column(UID, primary_key=True)
    StudyInstanceUID: Mapped[str] = mapped_column(UID, index=True)
    modality: Mapped[str]
    # the title of ours that its first image was sent to; none: before there were several
    called_aet: Mapped[str | None] = mapped_column(AET)
    exam: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    images: Mapped[int]
    expected_images: Mapped[int | None]
    counted_at: Mapped[datetime | None]
    first_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_beat: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    # keyed hashes, whose key is not in the database
    patient_key: Mapped[str | None] = mapped_column(String(32))
    accession_key: Mapped[str | None] = mapped_column(String(32))
    # where one series of a study is chosen: its score and what for; None is never chosen
    appraisal: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


def _to_purge(table: str) -> Index:
    """Find the few rows that are decided and not done."""
    return _of_some(f"{table}_to_purge", "purged_by IS NOT NULL AND purged_at IS NULL", "purged_by")


class Instance(Held, Purgeable, Table):
    """One object as received; the bytes lie in the spool."""

    __tablename__ = "instance"
    __table_args__ = (
        _to_purge("instance"),
        Index("instance_by_sender", "calling_aet", "received_at"),
    )

    SOPInstanceUID: Mapped[str] = mapped_column(UID, primary_key=True)
    SOPClassUID: Mapped[str] = mapped_column(UID)
    SeriesInstanceUID: Mapped[str] = mapped_column(
        ForeignKey("series.SeriesInstanceUID"), index=True
    )
    TransferSyntaxUID: Mapped[str] = mapped_column(UID)
    calling_aet: Mapped[str] = mapped_column(AET)
    received_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class Aside(Held, Purgeable, Table):
    """One received object that is not indexed: unreadable, or other bytes under a known UID."""

    __tablename__ = "aside"
    __table_args__ = (_to_purge("aside"),)

    file: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str]
    detail: Mapped[str]
    calling_aet: Mapped[str] = mapped_column(AET)
    received_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))


class Screening(Table):
    """One model's look at one state of one series."""

    __tablename__ = "screening"
    __table_args__ = (
        UniqueConstraint("SeriesInstanceUID", "model", "key"),
        # as each writes a query's condition: else neither sees that they agree
        Index(
            "screening_flagged",
            "SeriesInstanceUID",
            sqlite_where=text("current = 1 AND flagged = 1"),
            postgresql_where=text("current AND flagged"),
        ),
        Index(
            "screening_flagged_at",
            "analysed_at",
            "SeriesInstanceUID",
            sqlite_where=text("current = 1 AND flagged = 1 AND retracted_at IS NULL"),
            postgresql_where=text("current AND flagged AND retracted_at IS NULL"),
        ),
        _of_some("screening_retracted", "retracted_at IS NOT NULL", "SeriesInstanceUID"),
        _of_some("screening_failed", "state = 'failed'", "SeriesInstanceUID"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    SeriesInstanceUID: Mapped[str] = mapped_column(
        ForeignKey("series.SeriesInstanceUID"), index=True
    )
    model: Mapped[str]
    version: Mapped[str]
    weights_sha256: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    flagged: Mapped[bool]
    result: Mapped[dict[str, Any]]
    analysed_at: Mapped[datetime]
    current: Mapped[bool]
    # taken back by a person, who said why; whoever was sent it is sent a rejection note
    retracted_at: Mapped[datetime | None]
    retracted_why: Mapped[str | None]


class ResultObject(Held, Purgeable, Table):
    """One DICOM object we made; its bytes lie in the outbox and are never built again."""

    __tablename__ = "result_object"
    __table_args__ = (_to_purge("result_object"),)

    SOPInstanceUID: Mapped[str] = mapped_column(UID, primary_key=True)
    SOPClassUID: Mapped[str] = mapped_column(UID)
    SeriesInstanceUID: Mapped[str] = mapped_column(UID)
    screening_id: Mapped[int] = mapped_column(ForeignKey("screening.id"), index=True)
    kind: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))


class Delivery(Table):
    """One object to one peer."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("SOPInstanceUID", "aet"),
        Index("delivery_by_state", "state", "due_at", "confirmation"),
        _of_some("delivery_confirming", "confirmation IS NOT NULL", "confirmation", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    screening_id: Mapped[int] = mapped_column(ForeignKey("screening.id"), index=True)
    SOPInstanceUID: Mapped[str] = mapped_column(ForeignKey("result_object.SOPInstanceUID"))
    # no foreign key: the history of what was sent outlives the peer's removal
    aet: Mapped[str] = mapped_column(AET)
    state: Mapped[str]
    status: Mapped[int | None]
    detail: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    # processes that ended while they sent it
    crashes: Mapped[int] = mapped_column(default=0)
    # none: due now
    due_at: Mapped[datetime | None]
    rung_at: Mapped[datetime]
    lease_owner: Mapped[str | None]
    lease_beat: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    confirmation: Mapped[str | None]
    confirm_at: Mapped[datetime | None]
    confirm_attempts: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None]
    resends: Mapped[int] = mapped_column(default=0)


class Commitment(Table):
    """One transaction of the Storage Commitment Push Model (PS3.4 J)."""

    __tablename__ = "commitment"
    __table_args__ = (
        UniqueConstraint("by_us", "aet", "TransactionUID"),
        Index("commitment_by_state", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    by_us: Mapped[bool]
    aet: Mapped[str] = mapped_column(AET)
    TransactionUID: Mapped[str] = mapped_column(UID)
    state: Mapped[str]
    detail: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class CommitmentObject(Table):
    """One object that a commitment was asked for; ``failure`` is why it was refused."""

    __tablename__ = "commitment_object"

    id: Mapped[int] = mapped_column(primary_key=True)
    commitment_id: Mapped[int] = mapped_column(ForeignKey("commitment.id"), index=True)
    SOPClassUID: Mapped[str] = mapped_column(UID)
    SOPInstanceUID: Mapped[str] = mapped_column(UID, index=True)
    failure: Mapped[int | None]


class ProcedureStep(Table):
    """One performed procedure step that a modality told us of (PS3.4 F.7)."""

    __tablename__ = "procedure_step"

    SOPInstanceUID: Mapped[str] = mapped_column(UID, primary_key=True)
    aet: Mapped[str] = mapped_column(AET)
    status: Mapped[str] = mapped_column(String(16))
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PerformedSeries(Table):
    """How many images a procedure step says that it made of a series."""

    __tablename__ = "performed_series"

    step_uid: Mapped[str] = mapped_column(
        ForeignKey("procedure_step.SOPInstanceUID"), primary_key=True
    )
    SeriesInstanceUID: Mapped[str] = mapped_column(UID, primary_key=True, index=True)
    images: Mapped[int]


class Event(Table):
    """One decision with its reason; never changed."""

    __tablename__ = "event"
    __table_args__ = (Index("event_by_kind", "kind", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str]
    SeriesInstanceUID: Mapped[str | None] = mapped_column(UID, index=True)
    aet: Mapped[str | None] = mapped_column(AET)
    reason: Mapped[str | None]
    detail: Mapped[str | None]
