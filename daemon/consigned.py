"""Which series came whole, as far as their association tells: over one that has been released."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from daemon.spool import MANY, Spool, association_of

RELEASES_KEPT = 1000
_DOUBT = ""
"""As an association: one that is never released."""


class Consigned:
    """Counts what each association brought of the series that are being received.

    Kept in memory only: after a restart, and where anything is missing, the whole quiet time is
    waited for.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._brought: dict[str, Counter[str]] = {}
        self._released: dict[str, None] = {}

    def bring(self, series_uid: str, file: Path) -> None:
        """Count a new image of a series."""
        self._brought.setdefault(series_uid, Counter())[association_of(file) or _DOUBT] += 1

    def whole(self) -> dict[str, int]:
        """Return how many images each series has that came over one association, now released."""
        self._released |= dict.fromkeys(self._spool.releases())
        while len(self._released) > RELEASES_KEPT:
            del self._released[next(iter(self._released))]
        carried: Counter[str] = sum(self._brought.values(), Counter())
        told = {
            association
            for association in self._released
            if carried[association] >= MANY and association != _DOUBT
        }
        return {
            series_uid: images
            for series_uid, by in self._brought.items()
            for association, images in by.items()
            if len(by) == 1 and association in told
        }

    def doubt(self, series_uid: str) -> None:
        """Let a series wait for its whole quiet time: it is not as whole as it seemed."""
        self._brought.setdefault(series_uid, Counter())[_DOUBT] += 1

    def forget(self, series: Collection[str]) -> None:
        """Forget series that are no longer received."""
        for series_uid in series:
            self._brought.pop(series_uid, None)
