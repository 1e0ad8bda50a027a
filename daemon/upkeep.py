"""The sweep: what was claimed and not finished, or rung for and not heard, is rung for again."""

from daemon.config import Settings
from daemon.jobs import Doorbell
from daemon.records import claims, deliveries
from daemon.records.ledger import Ledger

SILENT_S = 30
"""A queued series not taken for so long may have been rung for in vain."""

MOST = 50
"""Series rung for in one sweep."""


def sweep(settings: Settings, ledger: Ledger, doorbell: Doorbell) -> None:
    """Free what fell silent, and ring for all that waits."""
    claims.free_lapsed(ledger, settings.max_attempts)
    for series in claims.to_ring(ledger, SILENT_S, MOST):
        if series.exam is not None:
            doorbell.screen(series.SeriesInstanceUID, series.exam)
    deliveries.free_lapsed(ledger, settings.delivery_attempts)
    for delivery_id in deliveries.to_ring(ledger, settings.sweep_s):
        doorbell.deliver(delivery_id)
