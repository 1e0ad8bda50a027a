"""What is reported about one model's look at one series, and where each part of it came from."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydicom import Dataset

from engines.cards import Card, TrainedOn, Weights
from engines.errors import Verdict
from engines.findings import Result


@dataclass(frozen=True)
class Provenance:
    """Which installation looked, when, and with what.

    Attributes
    ----------
    namespace : UUID
        Of this installation; every UID we make is derived from it.
    node : str
        Serial number of this installation, for people.
    analysed_at : datetime
        When the analysis began, with time zone; part of the objects, so kept with the result.
    runtime : str
        What ran the engines, e.g. ``ONNX Runtime 1.31.1 CPU FP32``.
    stage : str
        ``research`` or ``live``.
    """

    namespace: uuid.UUID
    node: str
    analysed_at: datetime
    runtime: str
    stage: str


@dataclass(frozen=True)
class Predecessor:
    """The SR that a revised one replaces."""

    StudyInstanceUID: str
    SeriesInstanceUID: str
    SOPClassUID: str
    SOPInstanceUID: str


@dataclass(frozen=True)
class Report:
    """Everything an SR or a Secondary Capture says.

    Attributes
    ----------
    source : Dataset
        One image of the series, the scored one where there is a result; pixel data not needed.
    card, weights
        Of the model that looked.
    outcome : Result or Verdict
        What it found, or why it could not.
    provenance : Provenance
        Who, when, with what.
    configuration : mapping
        The settings that shape the result beyond the weights; part of the result's key.
    predecessor : Predecessor or None
        The SR that this one revises.
    images : tuple of str
        SOP Instance UIDs of the whole series, where the outcome is one of all of them.
    after : str
        SOP Instance UID of the SR after which the same is said that was said before it.
    """

    source: Dataset
    card: Card
    weights: Weights
    outcome: Result | Verdict
    provenance: Provenance
    configuration: Mapping[str, str] = field(default_factory=dict)
    predecessor: Predecessor | None = None
    images: tuple[str, ...] = ()
    after: str = ""

    @property
    def research_only(self) -> bool:
        """Whether every object must say that it is not for clinical use."""
        return self.provenance.stage != "live" or self.simulated

    @property
    def images_referenced(self) -> tuple[str, ...]:
        """The SOPInstanceUIDs that an SR speaks of, that of ``source`` first."""
        drawn = self.outcome.contours if isinstance(self.outcome, Result) else ()
        uids = [str(self.source.SOPInstanceUID), *(one.SOPInstanceUID for one in drawn)]
        return tuple(dict.fromkeys(uids))

    @property
    def measured(self) -> bool:
        """Whether nothing was learned, so that no object may call it AI."""
        return self.weights.trained_on is TrainedOn.NOTHING

    @property
    def simulated(self) -> bool:
        """Whether the weights have never seen a patient, which every object must say."""
        return self.weights.trained_on is TrainedOn.SIMULATED
