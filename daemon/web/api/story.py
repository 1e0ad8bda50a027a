"""A study's story, as the JSON interface's document describes it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.records.tables import DeliveryState, SeriesState, Stage
from daemon.web.api.shapes import UID, Asked, Count, Why


class SeriesFound(BaseModel):
    """A series that was looked for."""

    SeriesInstanceUID: UID
    modality: str
    state: SeriesState
    reason: str | None
    flagged: bool = Field(description="false is *not flagged*, never *healthy*")
    retracted: bool = Field(description="A person took its result back: it says nothing")


class StudyFound(BaseModel):
    """A study, with those of its series that were looked for."""

    StudyInstanceUID: UID
    first_at: datetime = Field(description="When the newest such series began to come")
    series: list[SeriesFound]


class StudiesFound(BaseModel):
    """A page of studies, the newest first."""

    studies: list[StudyFound]
    before: datetime | None = Field(description="Ask with it for older ones; null: there are none")


class Told(BaseModel):
    """Part of a story; what is added to it later is no breach."""

    model_config = ConfigDict(extra="allow")


class Received(Told):
    """An image that came."""

    SOPInstanceUID: UID
    TransferSyntaxUID: UID
    calling_aet: str
    received_at: datetime
    sha256: str
    size_bytes: Count
    purged_by: str | None = Field(description="The rule that purged it; null: it is kept")


class DeliveryTold(Told):
    """An object on its way to a peer."""

    aet: str
    state: DeliveryState
    status: str | None = Field(description="The peer's C-STORE status", examples=["0x0000"])
    detail: str | None = Field(description="The peer's own words, or what went wrong")
    sent_at: datetime | None


class Made(Told):
    """An object we made."""

    kind: str = Field(examples=["SR"])
    SOPInstanceUID: UID
    sha256: str
    deliveries: list[DeliveryTold]


class Result(Told):
    """What one model said."""

    model: str
    version: str
    stage: Stage
    state: str
    flagged: bool | None = Field(None, description="false is *not flagged*, never *healthy*")
    current: bool = Field(description="false: another result took its place")
    analysed_at: datetime
    weights_sha256: str | None
    findings: list[dict[str, Any]] = Field(description="Values, thresholds, where, in words")
    objects: list[Made]


class SeriesTold(Told):
    """One series: what came, why it was chosen or not, what was said, what was sent."""

    SeriesInstanceUID: UID
    modality: str
    called_aet: str | None = Field(description="The title of ours that it was sent to")
    exam: str | None
    state: SeriesState
    reason: str | None
    detail: str | None
    expected_images: int | None
    appraisal: dict[str, Any] | None = Field(description="How it was chosen among its study's")
    received: list[Received]
    commitments: list[dict[str, Any]]
    results: list[Result]
    events: list[dict[str, Any]] = Field(description="What happened, step by step")


class ReportLine(BaseModel):
    """A line of a structured report."""

    depth: Count
    words: str


class Story(BaseModel):
    """What ``osteoscreen show --json`` tells of a study, and its reports as text."""

    StudyInstanceUID: UID
    series: list[SeriesTold]
    reports: dict[str, list[ReportLine]] = Field(description="By SOP Instance UID of the SR")
    patient: dict[str, str] | None = Field(
        description="What a kept image says of the patient; null unless asked for"
    )


class Again(Asked):
    """Which series to judge again, and why."""

    SeriesInstanceUID: Annotated[UID, Field(max_length=64, pattern=r"^[0-9.]+$")]
    why: Why


class WhyAlone(Asked):
    """Why it is done."""

    why: Why


class Anew(BaseModel):
    """The series that will be judged and screened once more; empty: none was to be."""

    series: list[UID]
