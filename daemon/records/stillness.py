"""How long things stand still, whatever the wall clock does.

Wall clocks jump: a time server corrects them, an admin sets them, a virtual machine wakes up. So
nothing that is waited for is judged by two of their readings: whoever waits looks again and again,
and counts by its own steady clock how long it has seen no change.
"""

import time
from collections.abc import Mapping


class Stillness:
    """What one process has seen unchanged, and for how long.

    A new process starts counting anew: it waits once more, and never too short.
    """

    LATE_S = 15.0
    """A look counts for no more, however late it comes: whatever stopped us may have stopped those
    we look at (a virtual machine that was paused)."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[object, float]] = {}
        self._looked_at = time.monotonic()

    def look(self, marks: Mapping[str, object]) -> dict[str, float]:
        """Return for each thing for how many seconds its mark has been seen as it is now.

        What is not among the marks is forgotten.
        """
        moment = time.monotonic()
        step_s, self._looked_at = min(moment - self._looked_at, self.LATE_S), moment
        before, self._seen = self._seen, {}
        for thing, mark in marks.items():
            seen, still_s = before.get(thing, (None, 0.0))
            self._seen[thing] = (mark, still_s + step_s if seen == mark else 0.0)
        return {thing: still_s for thing, (_, still_s) in self._seen.items()}


class WallClock:
    """Tells when the wall clock was set: what was written by it before is not to be compared."""

    TOLERANCE_S = 1.0
    """More than a time server shifts a clock by between two looks without a step."""

    def __init__(self) -> None:
        self._ahead_s = float("inf")

    def stepped(self) -> bool:
        """Tell whether it was set since the last look; at the first one, it may have been."""
        ahead_s = time.time() - time.monotonic()
        step_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        return abs(step_s) > self.TOLERANCE_S
