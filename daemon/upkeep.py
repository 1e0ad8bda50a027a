"""The sweep: what was claimed and not finished, or rung for and not heard, is rung for again."""

from daemon.config import Settings
from daemon.intake import RADIOGRAPHS
from daemon.jobs import Doorbell
from daemon.records import claims, commitments, confirmations, deliveries, procedures
from daemon.records.ledger import Ledger

SILENT_S = 30
"""A queued series not taken for so long may have been rung for in vain."""

MOST = 50
"""Series rung for in one sweep."""


def sweep(settings: Settings, ledger: Ledger, doorbell: Doorbell) -> None:
    """Free what fell silent, and ring for all that waits."""
    claims.free_lapsed(ledger, settings.max_attempts)
    ring_queued(ledger, doorbell, SILENT_S)
    deliveries.free_lapsed(ledger, settings.delivery_attempts)
    for delivery_id in deliveries.to_ring(ledger, settings.sweep_s):
        doorbell.deliver(delivery_id)
    for commitment_id in commitments.to_ring(ledger, settings.sweep_s):
        doorbell.report(commitment_id)
    for delivery_id in confirmations.to_ring(ledger, settings.sweep_s):
        doorbell.confirm(delivery_id)
    procedures.expect_announced(ledger)
    quiet_s = settings.volume_settle_s / 3
    for series_uid in procedures.to_count(ledger, quiet_s, RADIOGRAPHS):
        doorbell.count(series_uid)


def ring_queued(ledger: Ledger, doorbell: Doorbell, silent_s: float) -> None:
    """Ring for the series that have been queued longest and were not rung for that long.

    A screening process begins with it, at zero seconds: the one before it may have heard rings that
    it did not live to answer.
    """
    for series in claims.to_ring(ledger, silent_s, MOST):
        if series.exam is not None:
            doorbell.screen(series.SeriesInstanceUID, series.exam)
