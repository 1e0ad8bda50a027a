"""Deliver results: claim what is due at a peer, send it, write down what the peer said.

Only the number of a delivery comes through the doorbell. A second ring for the same delivery finds
it claimed and does nothing.
"""

import errno
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from io import BytesIO

from pydicom import dcmread

from daemon import scu
from daemon.errors import DeliveryError, HolderAway
from daemon.holdings import Holdings
from daemon.jobs import Doorbell
from daemon.logs import where
from daemon.records import amends, deliveries, peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Delivery, Peer, Screening, Stage
from daemon.settings import Settings
from workers.progress import Watch, moved_on

log = logging.getLogger(__name__)

REFUSED_DELAYS = 12
"""A refusal meant for good is asked about once more after so many first delays (a minute, by
default), for a PACS that is starting may say anything; the same words again are believed."""


@dataclass(frozen=True)
class Desk:
    """What a delivering process has at hand; no engine among it."""

    settings: Settings
    ledger: Ledger
    doorbell: Doorbell
    watch: Watch = field(default_factory=Watch)
    alone: bool = False


def deliver(desk: Desk, delivery_id: int) -> None:
    """Send what is due of one screening to one peer, and write down what the peer said."""
    claimed = deliveries.claim(desk.ledger, delivery_id, desk.alone)
    if not claimed:
        return
    aet, screening = claimed[0].aet, deliveries.screening_of(desk.ledger, claimed[0])
    wanted = _standing(desk.ledger, screening, claimed)
    for delivery in claimed:
        if delivery not in wanted:
            deliveries.drop(desk.ledger, delivery)
    peer = peers.named(desk.ledger, aet)
    unwanted = _why_unwanted(desk.ledger, screening, aet, peer)
    if peer is None or unwanted:
        for delivery in wanted:
            deliveries.park(desk.ledger, delivery, None, unwanted)
    elif wanted:
        _deliver_to(desk, peer, wanted)
    waiting = deliveries.next_for(desk.ledger, aet)
    if waiting is not None:
        desk.doorbell.deliver(waiting)


def _standing(ledger: Ledger, screening: Screening, claimed: list[Delivery]) -> list[Delivery]:
    """Return what is still to be sent: of a result that was taken back, the note of that alone."""
    if screening.retracted_at is None:
        return claimed if screening.current else []
    made = deliveries.objects_of(ledger, claimed)
    return [one for one in claimed if made[one.SOPInstanceUID].kind == amends.NOTE_KIND]


def _deliver_to(desk: Desk, peer: Peer, claimed: list[Delivery]) -> None:
    with (
        desk.watch.over(f"to {peer.aet}") as case,
        deliveries.heartbeat(desk.ledger, claimed, desk.settings.lease_s),
    ):
        answers = _answers(desk, peer, claimed, partial(case.moved_on, "send"))
    for delivery in claimed:
        _settle(desk, delivery, answers[delivery.id])
    if any(answer.stored for answer in answers.values()):
        deliveries.make_due(desk.ledger, peer.aet)


def _why_unwanted(ledger: Ledger, screening: Screening, aet: str, peer: Peer | None) -> str:
    """Judge again what was judged at screening: an admin may have changed stage or peer since."""
    if peer is None:
        return f"peer {aet} was removed"
    if screening.retracted_at is not None:
        # whoever had the result is told that it does not stand, whatever was changed since
        return ""
    stage = min(
        (peers.stage_of(ledger, screening.model), Stage(screening.stage)), key=list(Stage).index
    )
    if aet in {one.aet for one in peers.receivers(ledger, stage, screening.flagged)}:
        return ""
    return f"no longer wanted: {screening.model} is in stage {stage}, or {aet} was changed"


def _answers(
    desk: Desk, peer: Peer, claimed: list[Delivery], gets_on: Callable[[], None]
) -> dict[int, scu.Answer]:
    try:
        return _send(desk, peer, claimed, gets_on)
    except DeliveryError as error:
        detail, hopeless = error.detail, error.hopeless
    except Exception as error:  # noqa: BLE001 - the task edge: tried again or parked, with the place
        log.error("event=delivery-broke aet=%s error=%s", peer.aet, where(error))
        detail, hopeless = f"could not be sent from here: {where(error)}", False
    return {one.id: scu.Answer(one.SOPInstanceUID, None, detail, hopeless) for one in claimed}


def _send(
    desk: Desk, peer: Peer, claimed: list[Delivery], gets_on: Callable[[], None]
) -> dict[int, scu.Answer]:
    objects = deliveries.objects_of(desk.ledger, claimed)
    datasets = []
    for delivery in claimed:
        moved_on("read")
        content = _content(desk, delivery.SOPInstanceUID)
        if sha256(content).hexdigest() != objects[delivery.SOPInstanceUID].sha256:
            words = "the built object in the outbox is damaged; it was not sent"
            raise DeliveryError(words, hopeless=True)
        datasets.append(dcmread(BytesIO(content)))
    address = scu.address_of(desk.settings, peer, desk.settings.network_timeout_s)
    answers = scu.store(address, datasets, gets_on)
    return {delivery.id: answer for delivery, answer in zip(claimed, answers, strict=True)}


def _content(desk: Desk, uid: str) -> bytes:
    """Return a built object, from whichever host has built it."""
    try:
        content = Holdings(desk.settings, desk.ledger).made(uid)
    except HolderAway as error:
        raise DeliveryError(str(error)) from None
    if content is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return content


def _settle(desk: Desk, delivery: Delivery, answer: scu.Answer) -> None:
    believed = answer.final and delivery.detail == answer.detail
    if answer.stored:
        remark = answer.detail if answer.status else None
        deliveries.sent(desk.ledger, delivery, answer.status or 0, remark)
    elif believed or delivery.attempts >= desk.settings.delivery_attempts:
        deliveries.park(desk.ledger, delivery, answer.status, answer.detail)
    else:
        backoff_s = desk.settings.delivery_backoff_s * (REFUSED_DELAYS if answer.final else 1)
        deliveries.postpone(desk.ledger, delivery, answer.status, answer.detail, backoff_s)
    log.info(
        "event=delivery aet=%s object=%s stored=%s attempt=%d",
        delivery.aet,
        delivery.SOPInstanceUID,
        answer.stored,
        delivery.attempts,
    )
