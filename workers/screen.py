"""Screen a series: claim it, let every model of its exam look, keep what they say.

Only a Series Instance UID comes through the doorbell; all else stands in the ledger. A second ring
for the same series finds it claimed and does nothing.
"""

import contextlib
import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom import Dataset

from daemon import disk, titles
from daemon.errors import HolderAway
from daemon.holdings import Holdings
from daemon.jobs import Doorbell
from daemon.logs import where
from daemon.records import claims, deliveries, peers, results
from daemon.records.ledger import Ledger, LedgerError
from daemon.records.tables import Series, Stage
from daemon.settings import Settings
from daemon.spool import write_durably
from engines import catalog
from engines.cases import Case, read_case
from engines.catalog import Model
from engines.errors import BadSeries, EngineMismatch, Reason, Verdict
from engines.exams import Exam
from engines.images import read_image
from engines.rules import Rules
from workers import earlier, looking
from workers.progress import Watch, moved_on
from workers.room import EngineRoom

log = logging.getLogger(__name__)

FULL = "the disk was full when its result was to be written"
FULL_S = 5.0
"""How long to wait before a full disk is tried again."""


@dataclass(frozen=True)
class Bench:
    """What a screening process has at hand."""

    settings: Settings
    ledger: Ledger
    doorbell: Doorbell
    room: EngineRoom
    watch: Watch = field(default_factory=Watch)
    alone: bool = False


def warm(bench: Bench) -> None:
    """Load every model that is switched on; one without a usable engine stops no other."""
    for model in catalog.MODELS:
        if peers.stage_of(bench.ledger, model.CARD.model) is Stage.OFF:
            continue
        try:
            bench.room.seat(model)
        except EngineMismatch as error:
            log.error("event=engine-mismatch model=%s why=%r", model.CARD.model, str(error))


def screen(bench: Bench, series_uid: str) -> None:
    """Screen a queued series with every model of its exam, and ring for what is to be sent."""
    lease_s = bench.settings.lease_s
    series = claims.claim(bench.ledger, series_uid, bench.alone)
    if series is None:
        return
    try:
        with (
            bench.watch.over(series_uid) as case,
            claims.heartbeat(bench.ledger, series, lease_s, lambda: case.stage),
        ):
            kept = _screen_claimed(bench, series)
    except Exception as error:  # noqa: BLE001 - the task edge: put back or parked, with the place
        if disk.is_full(error) or isinstance(error, HolderAway):
            _put_off(bench, series, FULL if disk.is_full(error) else str(error))
            return
        log.error("event=screening-broke series=%s error=%s", series_uid, where(error))
        why = _why(error, case.stage)
        claims.release(bench.ledger, series, why, bench.settings.max_attempts)
        return
    log.info("event=screened series=%s kept=%s", series_uid, kept)
    for delivery_id in deliveries.pending_of(bench.ledger, series_uid):
        bench.doorbell.deliver(delivery_id)


def _put_off(bench: Bench, series: Series, why: str) -> None:
    """Try again later what found the disk full, or a host away that holds its images; no hurry.

    The ledger may be full too: it is asked until the lease is over, which others judge.
    """
    uid = series.SeriesInstanceUID
    log.error("event=put-off series=%s again_in_s=%.1f why=%r", uid, FULL_S, why)
    lease_s = bench.settings.lease_s
    until = time.monotonic() + lease_s
    while time.monotonic() < until:
        # nobody beats for it any more
        time.sleep(min(FULL_S, lease_s / 3))
        with contextlib.suppress(LedgerError):
            claims.put_off(bench.ledger, series, why)
            return


def _why(error: Exception, stage: str) -> str:
    if isinstance(error, MemoryError):
        return f"ran out of memory in stage {stage}"
    if isinstance(error, TimeoutError):
        return f"stage {stage}: {error}"
    return error.detail if isinstance(error, Verdict) else where(error)


def _screen_claimed(bench: Bench, series: Series) -> bool:
    title = titles.today(bench.settings, bench.ledger).of(series.called_aet)
    case = _read(bench, series, title.rules)
    outcomes = []
    broke: list[Exception] = []
    for model in catalog.for_exam(case.exam):
        name = model.CARD.model
        stage = title.stage_of(name, peers.stage_of(bench.ledger, name))
        if stage is Stage.OFF:
            continue
        place = looking.Place(
            bench.ledger,
            series,
            stage,
            bench.settings.segmentation,
            bench.settings.host_name,
            earlier.archive(bench.settings, bench.ledger) if model.CARD.reads_visits else None,
        )
        try:
            look = looking.look(bench.room, model, case, place)
        except Exception as error:
            if series.attempts < bench.settings.max_attempts or _of_the_house(error):
                raise
            broke.append(error)
            look = looking.failed(model, place, _internal_error(model, error))
        moved_on("write")
        for made in look.made:
            write_durably(bench.settings.outbox / f"{made.record.SOPInstanceUID}.dcm", made.part10)
        outcomes.append(look.outcome)
    if broke and len(broke) == len(outcomes):
        raise broke[0]
    if not outcomes:
        detail = f"the models for {case.exam} were switched off while it waited{title.told}"
        return claims.skip(bench.ledger, series, Reason.NO_MODEL, detail)
    overdue = _was_overdue(series, bench.settings.longest_settle_s)
    return results.keep(bench.ledger, series, outcomes, though_more_came=overdue)


def _of_the_house(error: Exception) -> bool:
    """Tell what no model is to blame for."""
    return isinstance(error, LedgerError | HolderAway) or disk.is_full(error)


def _internal_error(model: Model, error: Exception) -> BadSeries:
    name, place = model.CARD.model, where(error)
    log.error("event=model-broke model=%s error=%s", name, place)
    return BadSeries(Reason.INTERNAL_ERROR, f"{name} broke each time: {place}")


def _was_overdue(series: Series, longest_settle_s: float) -> bool:
    """Tell whether a series was queued though images still came, or were missing."""
    if series.queued_at is None:
        return False
    return (series.queued_at - series.opened_at).total_seconds() >= longest_settle_s


def _read(bench: Bench, series: Series, rules: Rules) -> Case:
    moved_on("fetch")
    with Holdings(bench.settings, bench.ledger).series(series.SeriesInstanceUID) as files:
        if len(files) < series.images:
            # one is in the index already and not in its place yet, or somebody has taken it away
            detail = f"{len(files)} of its {series.images} images are on the disk"
            raise BadSeries(Reason.INTERNAL_ERROR, detail)
        images = [_image(file) for file in files]
    case = read_case(Exam(series.exam or ""), images, rules=rules)
    return replace(case, visits=results.earlier_visits(bench.ledger, series))


def _image(file: Path) -> Dataset:
    moved_on("read")
    return read_image(file)
