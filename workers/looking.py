"""One model's look at one case: eligible, screened, and made into objects for who wants them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from pydicom import Dataset

from daemon.archive import Archive
from daemon.records import choice, peers, results, reveals
from daemon.records.ledger import Ledger
from daemon.records.results import MadeObject, Outcome
from daemon.records.tables import Screening, Series, SeriesState, Stage
from engines import contract
from engines.cards import TrainedOn, Weights
from engines.cases import Case
from engines.catalog import Model
from engines.errors import BadSeries, EngineMismatch, NotEligible, Reason, Verdict
from engines.exams import PER_STUDY
from engines.findings import Result
from engines.rules import Rules
from engines.validation import configuration_of
from workers import earlier, objects, uids
from workers.progress import moved_on
from workers.report import Predecessor, Provenance, Report
from workers.room import EngineRoom, Seat

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a look stands in the ledger, whether its regions are wanted, and who keeps objects.

    ``archive`` is asked for earlier studies; None where the model reads none.
    """

    ledger: Ledger
    series: Series
    stage: Stage
    segmentation: bool = False
    holder: str = ""
    archive: Archive | None = None


@dataclass(frozen=True)
class Made:
    """One object: its row, and its file's bytes."""

    record: MadeObject
    part10: bytes


@dataclass(frozen=True)
class Look:
    """What came of it."""

    outcome: Outcome
    made: tuple[Made, ...] = ()


def look(room: EngineRoom, model: Model, case: Case, place: Place) -> Look:
    """Let one model look at a case; a verdict is an outcome like any other."""
    name = model.CARD.model
    try:
        seat = room.seat(model)
    except EngineMismatch as error:
        log.error("event=engine-mismatch model=%s why=%r", name, str(error))
        detail = f"{name} has no usable engine here: see the log"
        return failed(model, place, BadSeries(Reason.ENGINE_FAILED, detail))
    place = _within_limits(place, seat.weights, case.rules)
    moved_on("prepare")
    outcome = _screen(model, case, seat, place.archive)
    before = results.screenings(place.ledger, place.series, name)
    report = _after_others(_report(model, seat, outcome, case, place), before, place)
    key = uids.result_key(report)
    moved_on("report")
    written = _written(report, key, place)
    if any(one.key == key for one in before):
        return Look(written)
    try:
        made = _make(report, place, case.images)
    except BadSeries as verdict:
        # a header that names no patient or study: what we found has no study to go to
        return Look(_written(replace(report, outcome=verdict), key, place))
    return Look(replace(written, objects=tuple(one.record for one in made)), made)


def _within_limits(place: Place, weights: Weights, rules: Rules) -> Place:
    """Never let weights go live that were trained on simulated patients, or that nobody revealed.

    Setting the stage refuses it too; but weights can be exchanged after the stage was set, and so
    can the settings by which something is measured.
    """
    if place.stage is not Stage.LIVE:
        return place
    if weights.trained_on is TrainedOn.SIMULATED:
        why = "simulated weights"
    elif not reveals.holds(place.ledger, weights, configuration_of(weights, rules.measuring)):
        why = "weights or settings that were not revealed"
    else:
        return place
    log.error("event=live-refused model=%s why=%r", weights.model, why)
    return replace(place, stage=Stage.RESEARCH)


def _screen(model: Model, case: Case, seat: Seat, archive: Archive | None) -> Result | Verdict:
    try:
        model.eligible(case)
        if archive is not None:
            case = earlier.with_visits(case, model, seat, archive)
        return model.screen(case, seat.run, seat.weights)
    except (NotEligible, BadSeries) as verdict:
        return verdict


def _report(
    model: Model, seat: Seat, outcome: Result | Verdict, case: Case, place: Place
) -> Report:
    images = {str(image.SOPInstanceUID): image for image in case.images}
    source = images[_image_of(outcome) or min(images)]
    namespace = place.ledger.namespace()
    # of the ledger, not of this run: a second run must build the same bytes
    began = place.series.queued_at or place.series.last_at
    provenance = Provenance(
        namespace=namespace,
        node=namespace.hex[:12],
        # local: where the source names no time zone, ours has none either, only a clock
        analysed_at=began.astimezone(),
        runtime=seat.runtime,
        stage=place.stage,
    )
    read = tuple(sorted(images)) if case.exam in PER_STUDY else ()
    settings = outcome.configuration if isinstance(outcome, Result) else {}
    return Report(
        source, model.CARD, seat.weights, outcome, provenance, configuration=settings, images=read
    )


def _image_of(outcome: Result | Verdict) -> str:
    return outcome.image if isinstance(outcome, Result) else ""


def _after_others(report: Report, earlier: Sequence[Screening], place: Place) -> Report:
    """Tell a result that was given before, and replaced, from itself: it replaces in its turn.

    So it goes when an earlier version of a model is put back. The PACS has the first as the oldest
    of three, and would keep it as that.
    """
    key = uids.result_key(report)
    first = next((one for one in earlier if one.key == key), None)
    if first is None or first.current:
        return report
    sent = results.reports_sent(place.ledger, place.series, report.weights.model)
    if not sent or sent[0].screening_id == first.id:
        return report
    standing = {one.key for one in earlier if one.current}
    again = [replace(report, after=one.SOPInstanceUID) for one in sent]
    return next((one for one in again if uids.result_key(one) in standing), again[0])


def _written(report: Report, key: str, place: Place) -> Outcome:
    """Return the row of a look."""
    outcome, weights = report.outcome, report.weights
    verdict = outcome if isinstance(outcome, Verdict) else None
    return Outcome(
        model=weights.model,
        version=weights.version,
        weights_sha256=weights.sha256,
        key=key,
        stage=place.stage,
        state=_state(outcome),
        reason=verdict.reason if verdict else None,
        detail=verdict.detail if verdict else None,
        flagged=isinstance(outcome, Result) and outcome.flagged,
        result=contract.entry(weights.model, weights.version, outcome),
        analysed_at=report.provenance.analysed_at,
    )


def failed(model: Model, place: Place, verdict: BadSeries) -> Look:
    """Say of a model that it could not look; there is nothing to send."""
    name = model.CARD.model
    outcome = Outcome(
        model=name,
        version="",
        weights_sha256="",
        key=verdict.reason,
        stage=place.stage,
        state=SeriesState.FAILED,
        reason=verdict.reason,
        detail=verdict.detail,
        flagged=False,
        result=contract.entry(name, None, verdict),
        analysed_at=place.series.queued_at or place.series.last_at,
    )
    return Look(outcome)


def _state(outcome: Result | Verdict) -> SeriesState:
    if isinstance(outcome, Result):
        return SeriesState.SCREENED
    return SeriesState.FAILED if isinstance(outcome, BadSeries) else SeriesState.SKIPPED


def _make(report: Report, place: Place, images: Sequence[Dataset]) -> tuple[Made, ...]:
    """Build the objects that somebody is to have; a case that was not eligible makes none.

    Nor does one that failed while another series of its study is still to be tried.
    """
    outcome = report.outcome
    if isinstance(outcome, NotEligible):
        return ()
    if isinstance(outcome, Verdict) and not choice.is_last(
        place.ledger, place.series, outcome.reason
    ):
        return ()
    flagged = isinstance(outcome, Result) and outcome.flagged
    receivers = peers.receivers(place.ledger, place.stage, flagged)
    everyone = tuple(peer.aet for peer in receivers)
    made = []
    for sr_class in sorted({peer.sr_class for peer in receivers}):
        readers = tuple(peer.aet for peer in receivers if peer.sr_class == sr_class)
        revised = replace(report, predecessor=_predecessor(report, sr_class, place))
        made.append(_one("SR", objects.structured_report(revised, sr_class), readers))
    if receivers and isinstance(outcome, Result) and outcome.shown:
        made.append(_one("SC", objects.secondary_capture(report), everyone))
    if receivers and place.segmentation:
        regions = objects.segmentation(report, images)
        if regions is not None:
            made.append(_one("SEG", regions, everyone))
    return tuple(replace(one, record=replace(one.record, holder=place.holder)) for one in made)


def _predecessor(report: Report, sr_class: str, place: Place) -> Predecessor | None:
    """Return the SR that the new one replaces: the last that anybody was sent of this series.

    Or of another series of its study, where one of them is chosen.
    """
    sent = results.reports_sent(place.ledger, place.series, report.weights.model)
    old = next((one for one in sent if one.SOPClassUID == sr_class), None)
    if old is None:
        return None
    return Predecessor(
        StudyInstanceUID=place.series.StudyInstanceUID,
        SeriesInstanceUID=old.SeriesInstanceUID,
        SOPClassUID=old.SOPClassUID,
        SOPInstanceUID=old.SOPInstanceUID,
    )


def _one(kind: str, ds: Dataset, receivers: tuple[str, ...]) -> Made:
    part10 = objects.part10_bytes(ds)
    record = MadeObject(
        SOPInstanceUID=str(ds.SOPInstanceUID),
        SOPClassUID=str(ds.SOPClassUID),
        SeriesInstanceUID=str(ds.SeriesInstanceUID),
        kind=kind,
        sha256=sha256(part10).hexdigest(),
        receivers=receivers,
    )
    return Made(record, part10)
