"""What goes into the JSON interface and comes out of it, as its document describes it."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from daemon.peering import SR_CLASS_UIDS, SrClass
from daemon.records import peers
from daemon.records.people_tables import Right
from daemon.records.tables import DeliveryState, Peer, Role, SeriesState, Stage, Wants

UID = Annotated[str, Field(description="A DICOM UID", examples=["1.2.826.0.1.3680043.8.498.1"])]
Count = Annotated[int, Field(ge=0)]


def _as_written(pattern: str, example: str) -> BeforeValidator:
    """Take a text of that form alone: a number is no day, though Unix counts so."""

    def read(value: object) -> object:
        if value is not None and not re.match(pattern, str(value)):
            raise ValueError(f"write it as {example}")
        return value

    return BeforeValidator(read)


AskedDay = Annotated[date | None, _as_written(r"\d{4}-\d\d-\d\d$", "2026-01-31")]
AskedMoment = Annotated[
    AwareDatetime | None, _as_written(r"\d{4}-\d\d-\d\d[Tt]", "2026-01-31T09:30:00+00:00")
]
NO_NUL = r"^[^\x00]*$"
"""No text in PostgreSQL holds one."""
Why = Annotated[
    str,
    Field(
        min_length=5,
        max_length=500,
        pattern=NO_NUL,
        description="Why it is done, for the audit trail; no patient's name",
        examples=["the modality's clock was put right"],
    ),
]


class Problem(BaseModel):
    """What comes back when a call fails."""

    status: int = Field(description="The HTTP status", examples=[404])
    error: str = Field(description="A sentence for a person", examples=["There is no such peer."])


class Asked(BaseModel):
    """What is sent to us: an unknown key is a mistake, and said to be one."""

    model_config = ConfigDict(extra="forbid")


class PeerWish(Asked):
    """What a peer is and may do; the words are those of ``osteoscreen peers add``."""

    host: str = Field(
        min_length=1,
        max_length=255,
        pattern=r"^[A-Za-z0-9._:%-]+$",
        description="Its name or address",
        examples=["10.0.0.5"],
    )
    port: int = Field(ge=1, le=65535, description="Its DICOM port", examples=[104])
    sends: bool = Field(False, description="May send images to us")
    results: Wants = Field(Wants.NONE, description="Which results it receives")
    role: Role = Field(Role.RESEARCH, description="Who reads there")
    sr: SrClass = Field(SrClass.COMPREHENSIVE_3D, description="SR class its viewers read best")
    commits: bool = Field(False, description="Is asked to commit to results (PS3.4 J)")
    answers_find: bool = Field(False, description="Is asked by C-FIND what it has")
    tls: bool = Field(False, description="Is called, and may call, by TLS alone")
    tls_fingerprint: str = Field(
        "",
        max_length=200,
        pattern=r"^(|([^=]*=)?([0-9A-Fa-f]{2}[: ]?){32})$",
        description="SHA-256 of its certificate, the only one it may show",
    )
    tls_name: bool = Field(True, description="Its certificate has to name its host")
    only_from_host: bool = Field(False, description="May call from its own host alone")

    def as_peer(self, aet: str) -> Peer:
        """Return the peer of that AE title."""
        told = self.model_dump(exclude={"sr", "tls_name", "only_from_host"})
        renamed = {"tls_named": self.tls_name, "bound": self.only_from_host}
        return Peer(aet=aet, sr_class=SR_CLASS_UIDS[self.sr], **told, **renamed)


class PeerTold(PeerWish):
    """A peer, as ``osteoscreen peers list --json`` tells it, and how it stands with it."""

    aet: str = Field(description="Its AE title", examples=["CT1"])
    last_image_at: datetime | None = Field(description="When its newest image came")

    @classmethod
    def of(cls, peer: Peer, last_image_at: datetime | None) -> "PeerTold":
        """Tell a peer."""
        names = {uid: str(name) for name, uid in SR_CLASS_UIDS.items()}
        told = peers.told(peer) | {"sr": names[peer.sr_class]}
        return cls(**told, last_image_at=last_image_at)


class PeerStanding(PeerTold):
    """One peer, with what waits for it and what stands in its way."""

    objects: dict[DeliveryState, Count] = Field(description="Result objects for it, by state")
    obstacle: str = Field(description="What keeps it from ever being heard; empty: nothing")


class Echo(BaseModel):
    """What a peer said to a C-ECHO."""

    heard: bool
    words: str = Field(examples=["CT1 answered: it hears us, and knows our name."])


class Refusal(BaseModel):
    """A caller whose association was refused."""

    at: datetime
    why: str = Field(examples=["peer CT9 at 10.0.0.9 is not allowed to send"])
    aet: str = Field(description="Of a stranger who could be added as a peer; else empty")
    host: str = Field(description="Where that stranger called from; else empty")


class Resent(BaseModel):
    """How many parked objects will be sent again."""

    objects: Count


class Need(BaseModel):
    """Something that needs a person."""

    state: Literal["bad", "warn"]
    words: str
    path: str = Field(description="The page of the site that shows it; may be empty")


class Day(BaseModel):
    """The series whose first image came on one day of the site's calendar."""

    begin: datetime
    received: Count
    screened: Count
    flagged: Count


class SeriesCounts(BaseModel):
    """All series, by state: the sum is the total, nothing received is left out."""

    total: Count
    by_state: dict[SeriesState, Count]


class Status(BaseModel):
    """What ``osteoscreen status --json`` tells, what needs a person, and the days before."""

    model_config = ConfigDict(extra="allow")

    instances: Count = Field(description="Images received")
    series: SeriesCounts
    flagged: Count = Field(description="Current results that are flagged")
    set_aside: Count = Field(description="Files received that could not be taken as images")
    deliveries: dict[DeliveryState, Count]
    reasons: list[dict[str, Any]] = Field(description="Why series ended, by state and reason")
    oldest: dict[str, dict[str, Any]] = Field(description="The oldest that waits, by stage")
    parked_deliveries: list[dict[str, Any]] = Field(description="By peer and reason")
    disk: dict[str, Any]
    needs: list[Need] = Field(description="What needs a person, the worst first")
    days: list[Day] = Field(description="Today is the last")


class Me(BaseModel):
    """Whose the token is and what it may."""

    person: str
    right: Right
    token: str = Field(description="The token's name, as in the audit trail")


class TokenTold(BaseModel):
    """A token; its secret was shown once and is kept nowhere."""

    id: str = Field(description="Its name, as in the audit trail", examples=["5b2e9c0d41aa"])
    person: str
    label: str = Field(examples=["nightly report"])
    right: Right = Field(description="What it may at most")
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = Field(description="Its last use, to the minute")


class PersonTold(BaseModel):
    """Somebody who may sign in."""

    name: str
    right: Right
    created_at: datetime
    has_password: bool
    by_provider: bool = Field(description="Signs in through the identity provider")
    locked_until: datetime | None = Field(description="After wrong passwords")


class PersonWish(Asked):
    """What a person may do."""

    right: Right


class Link(BaseModel):
    """A link that sets a password, once, within a day."""

    link: str | None = Field(
        description="Path of the site, to be given by a way that only the person reads; null if "
        "the person can sign in already",
        examples=["/welcome/..."],
    )


class ModelTold(BaseModel):
    """A model, as ``osteoscreen models list --json`` tells it, with its card."""

    model: str = Field(examples=["cxr_osporscreen"])
    title: str
    exam: str
    stage: Stage
    version: str | None
    trained_on: str | None = Field(description="Weights of *simulated patients* are never live")
    weights: str | None = Field(description="Begin of their SHA-256")
    runs_on: str | None = Field(description="What runs it at the workers, null before they start")
    refused: str | None = Field(description="Engines that are there and may not serve, and why")
    revealed: str | None = Field(description="Who let these weights go live, and on what")
    problem: str | None = Field(description="Why its weights cannot be used, or it serves no more")
    paper: str = Field(description="What it re-implements")
    claims: list[dict[str, str]] = Field(description="The paper's, of its own build, not ours")
    deviations: list[str] = Field(description="What is ours, not the paper's")


class StageWish(Asked):
    """How far a model's results go from now on."""

    stage: Stage
    why: Why


class RevealWish(Asked):
    """Set a model live, on a validation report of this site's own patients."""

    report: str = Field(
        max_length=8 << 20,
        pattern=NO_NUL,
        description="The file that `osteoscreen-lab evaluate --report` wrote, as it is",
    )
    person: str = Field(
        min_length=3, max_length=128, pattern=NO_NUL, description="Who answers for it"
    )
    why: Why


class TrailRow(BaseModel):
    """One thing a person did or looked at."""

    id: Annotated[int, Field(ge=1)]
    at: datetime
    person: str
    address: str
    action: str
    subject: str
    detail: str
    seal: str = Field(description="SHA-256 of this row and of the seal before it")


class TrailCheck(BaseModel):
    """Whether the rows are as they were written down."""

    rows: Count = Field(description="How many have held")
    problems: list[str] = Field(description="The first row that does not add up; empty: none")


class Due(BaseModel):
    """What a rule of the site would purge now."""

    rule: str
    what: str
    older_than: str
    would_be_purged_now: Count
