"""Ask a peer how many images a series has that has gone quiet: is it whole, or cut off?"""

import logging

from daemon import find, scu
from daemon.errors import DeliveryError
from daemon.records import procedures
from daemon.records.ledger import Ledger
from daemon.settings import Settings

log = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 5
"""Shorter than a series' settle time: an answer that comes later is of no use."""


def count(settings: Settings, ledger: Ledger, series_uid: str) -> None:
    """Ask the peers that answer queries, who sent the series first, until one says a number."""
    study_uid, answering = procedures.who_may_know(ledger, series_uid)
    for peer in answering:
        try:
            address = scu.address_of(settings, peer, ANSWERS_WITHIN_S)
            images = find.images_in(address, study_uid, series_uid)
        except (DeliveryError, ValueError) as error:
            # the quiet time decides, as it does where nobody can be asked
            log.warning("event=not-counted aet=%s error=%s", peer.aet, type(error).__name__)
            continue
        if images:
            procedures.counted(ledger, series_uid, images, peer.aet)
            return
