"""The sweep: what was claimed and not finished, or rung for and not heard, is rung for again."""

import time
from collections.abc import Callable

from daemon import processes
from daemon.intake import RADIOGRAPHS
from daemon.jobs import Doorbell
from daemon.presence import BEAT_S
from daemon.records import claims, commitments, confirmations, deliveries, procedures, roll
from daemon.records.ledger import Ledger
from daemon.records.stillness import Stillness, WallClock
from daemon.records.tables import DeliveryState, Series, SeriesState
from daemon.settings import Settings

SILENT_SWEEPS = 6
"""A queued series not taken for so many sweeps may have been rung for in vain."""

MOST = 50
"""Series rung for in one sweep."""

FORGOTTEN_S = 30 * BEAT_S
"""So long without a beat, a process is taken off the roll; one that wakes up enters it anew."""


LEARN_S = 6 * 3600.0
"""How often SQLite counts what its tables hold."""


class Sweep:
    """One look after another at all that waits; what was seen before tells what stands still."""

    def __init__(self, settings: Settings, ledger: Ledger, doorbell: Doorbell) -> None:
        self._settings = settings
        self._ledger = ledger
        self._doorbell = doorbell
        self._beats = Stillness()
        self._roll = Stillness()
        self._clock = WallClock()
        self._learn_at = 0.0

    def turn(self) -> None:
        """Free what fell silent, and ring for all that waits."""
        if self._clock.stepped():
            claims.clock_stepped(self._ledger)
            deliveries.clock_stepped(self._ledger)
            commitments.clock_stepped(self._ledger)
            confirmations.clock_stepped(self._ledger)
        self._free_silent()
        self._forget_silent()
        ring_queued(self._ledger, self._doorbell, SILENT_SWEEPS * self._settings.sweep_s)
        deliveries.call_due(self._ledger)
        for delivery in deliveries.to_ring(self._ledger, self._settings.sweep_s):
            self._doorbell.deliver(delivery.id, alone=delivery.crashes > 0)
        for commitment_id in commitments.to_ring(self._ledger, self._settings.sweep_s):
            self._doorbell.report(commitment_id)
        for delivery_id in confirmations.to_ring(self._ledger, self._settings.sweep_s):
            self._doorbell.confirm(delivery_id)
        self._count()
        if time.monotonic() >= self._learn_at:
            self._learn_at = time.monotonic() + LEARN_S
            self._ledger.learn()

    def _count(self) -> None:
        procedures.expect_announced(self._ledger)
        quiet_s = self._settings.volume_settle_s / 3
        for series_uid in procedures.to_count(self._ledger, quiet_s, RADIOGRAPHS):
            self._doorbell.count(series_uid)

    def _free_silent(self) -> None:
        beats = {str(one.lease_owner): one.lease_beat for one in claims.held(self._ledger)}
        beats |= {str(one.lease_owner): one.lease_beat for one in deliveries.held(self._ledger)}
        silent_s = self._beats.look(beats)

        def ended(owner: str) -> str | None:
            silent = silent_s.get(owner, 0) > self._settings.lease_s
            return "its process fell silent" if silent else None

        free(self._settings, self._ledger, self._doorbell, ended)

    def _forget_silent(self) -> None:
        """Take off the roll who has not said for long that it lives."""
        silent_s = self._roll.look(
            {one.name: one.beat for one in roll.everyone(self._ledger.engine)}
        )
        silent = [name for name, still_s in silent_s.items() if still_s > FORGOTTEN_S]
        if silent:
            roll.leave(self._ledger, *silent)


def ring_queued(ledger: Ledger, doorbell: Doorbell, silent_s: float) -> None:
    """Ring for the series that have been queued longest and were not rung for that long.

    A screening process begins with it, at zero seconds: the one before it may have heard rings that
    it did not live to answer.
    """
    due = claims.to_ring(ledger, silent_s, MOST)
    claims.not_rung(ledger, [one.SeriesInstanceUID for one in due if not _ring(doorbell, one)])


def free_dead(settings: Settings, ledger: Ledger, doorbell: Doorbell) -> None:
    """Free what processes of this host held that are gone, without waiting for their leases."""

    def ended(owner: str) -> str | None:
        return "its process ended" if processes.is_gone(owner) else None

    free(settings, ledger, doorbell, ended)


def free(
    settings: Settings, ledger: Ledger, doorbell: Doorbell, ended: Callable[[str], str | None]
) -> None:
    """Put back or park what is held by owners that have ended, and ring for what was put back.

    ``ended`` says how the process of an owner ended, None for one that has not.
    """
    for series in claims.held(ledger):
        if why := ended(str(series.lease_owner)):
            after = claims.lost(ledger, series, why, settings.max_attempts)
            if after is SeriesState.QUEUED:
                _ring(doorbell, series)
    for delivery in deliveries.held(ledger):
        if why := ended(str(delivery.lease_owner)):
            left = deliveries.lost(ledger, delivery, why, settings.max_attempts)
            if left is DeliveryState.PENDING:
                doorbell.deliver(delivery.id, alone=True)


def _ring(doorbell: Doorbell, series: Series) -> bool:
    # what was tried before is tried alone
    return doorbell.screen(series.SeriesInstanceUID, series.exam or "", series.attempts > 0)
