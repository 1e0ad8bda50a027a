"""Whether images pour in just now: the intake then lets the front door go first, for a while."""

import time
from pathlib import Path

STEP_BACK_S = 2.0
"""Ours: long enough for the images of most series; a film waits a turn of the intake."""


class Rush:
    """Sees from look to look whether something new has come."""

    def __init__(self) -> None:
        self._newest: Path | None = None
        self._since: float | None = None

    def is_on(self, newest: Path | None) -> bool:
        """Tell whether to step back.

        Parameters
        ----------
        newest : Path, optional
            Of the files that wait; None when none does.
        """
        moment = time.monotonic()
        moved, self._newest = newest not in (None, self._newest), newest
        if not moved:
            self._since = None
        elif self._since is None:
            self._since = moment
        return self._since is not None and moment - self._since < STEP_BACK_S
