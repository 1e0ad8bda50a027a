"""The main path: screen a series, deliver its results. Read it top down.

Only a Series Instance UID or the number of a delivery comes through the doorbell; all else stands
in the ledger. A second ring for the same work finds it claimed and does nothing.
"""

import logging
from dataclasses import dataclass
from hashlib import sha256

from celery import Celery
from pydicom import dcmread

from daemon import jobs, scu
from daemon.config import Settings
from daemon.errors import DeliveryError
from daemon.jobs import Doorbell
from daemon.logs import where
from daemon.records import claims, deliveries, peers, results
from daemon.records.ledger import Ledger
from daemon.records.tables import Delivery, Peer, Series, Stage
from daemon.spool import Spool, write_durably
from engines import catalog
from engines.cases import Case, Rules, read_case
from engines.exams import Exam
from engines.images import read_image
from workers import looking
from workers.room import EngineRoom

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bench:
    """What a worker process has at hand."""

    settings: Settings
    ledger: Ledger
    spool: Spool
    doorbell: Doorbell
    room: EngineRoom


def register(app: Celery, bench: Bench) -> None:
    """Answer the two rings of the doorbell."""

    @app.task(name=jobs.SCREEN)  # type: ignore[untyped-decorator]
    def on_screen(series_uid: str) -> None:
        screen(bench, series_uid)

    @app.task(name=jobs.DELIVER)  # type: ignore[untyped-decorator]
    def on_deliver(delivery_id: int) -> None:
        deliver(bench, delivery_id)


def screen(bench: Bench, series_uid: str) -> None:
    """Screen a queued series with every model of its exam, and ring for what is to be sent."""
    lease_s = bench.settings.lease_s
    series = claims.claim(bench.ledger, series_uid, lease_s)
    if series is None:
        return
    try:
        with claims.heartbeat(bench.ledger, series, lease_s):
            kept = _screen_claimed(bench, series)
    except Exception as error:  # noqa: BLE001 - the task edge: put back or parked, with the place
        log.error("event=screening-broke series=%s error=%s", series_uid, where(error))
        claims.release(bench.ledger, series, where(error), bench.settings.max_attempts)
        return
    log.info("event=screened series=%s kept=%s", series_uid, kept)
    for delivery_id in deliveries.pending_of(bench.ledger, series_uid):
        bench.doorbell.deliver(delivery_id)


def _screen_claimed(bench: Bench, series: Series) -> bool:
    case = _read(bench, series)
    outcomes = []
    for model in catalog.for_exam(case.exam):
        stage = peers.stage_of(bench.ledger, model.CARD.model)
        if stage is Stage.OFF:
            continue
        look = looking.look(bench.room, model, case, looking.Place(bench.ledger, series, stage))
        for made in look.made:
            write_durably(bench.settings.outbox / f"{made.record.SOPInstanceUID}.dcm", made.part10)
        outcomes.append(look.outcome)
    return results.keep(bench.ledger, series, outcomes)


def _read(bench: Bench, series: Series) -> Case:
    images = [read_image(file) for file in bench.spool.series(series.SeriesInstanceUID)]
    settings = bench.settings
    rules = Rules(settings.min_age_years, settings.accept_derived_primary)
    return read_case(Exam(series.exam or ""), images, rules=rules)


def deliver(bench: Bench, delivery_id: int) -> None:
    """Send what is due of one screening to one peer, and write down what the peer said."""
    claimed = deliveries.claim(bench.ledger, delivery_id, bench.settings.lease_s)
    if not claimed:
        return
    peer = peers.named(bench.ledger, claimed[0].aet)
    if peer is None:
        for delivery in claimed:
            deliveries.park(bench.ledger, delivery, None, f"peer {delivery.aet} was removed")
        return
    try:
        answers = _send(bench, peer, claimed)
    except DeliveryError as error:
        answers = {d.id: scu.Answer(d.SOPInstanceUID, None, error.detail) for d in claimed}
    for delivery in claimed:
        _settle(bench, delivery, answers[delivery.id])
    waiting = deliveries.next_for(bench.ledger, peer.aet)
    if waiting is not None:
        bench.doorbell.deliver(waiting)


def _send(bench: Bench, peer: Peer, claimed: list[Delivery]) -> dict[int, scu.Answer]:
    objects = deliveries.objects_of(bench.ledger, claimed)
    datasets = []
    for delivery in claimed:
        path = bench.settings.outbox / f"{delivery.SOPInstanceUID}.dcm"
        if sha256(path.read_bytes()).hexdigest() != objects[delivery.SOPInstanceUID].sha256:
            raise DeliveryError("the built object in the outbox is damaged; it was not sent")
        datasets.append(dcmread(path))
    address = scu.Address(peer.aet, peer.host, peer.port, bench.settings.aet)
    answers = scu.store(address, datasets)
    return {delivery.id: answer for delivery, answer in zip(claimed, answers, strict=True)}


def _settle(bench: Bench, delivery: Delivery, answer: scu.Answer) -> None:
    if answer.stored:
        deliveries.sent(bench.ledger, delivery, answer.status or 0)
    elif delivery.attempts >= bench.settings.delivery_attempts:
        deliveries.park(bench.ledger, delivery, answer.status, answer.detail)
    else:
        backoff_s = bench.settings.delivery_backoff_s
        deliveries.postpone(bench.ledger, delivery, answer.status, answer.detail, backoff_s)
    log.info(
        "event=delivery aet=%s object=%s stored=%s attempt=%d",
        delivery.aet,
        delivery.SOPInstanceUID,
        answer.stored,
        delivery.attempts,
    )
