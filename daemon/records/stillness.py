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

    def __init__(self) -> None:
        self._seen: dict[object, tuple[object, float]] = {}

    def look(self, marks: Mapping[str, object]) -> dict[str, float]:
        """Return for each thing for how many seconds its mark has been seen as it is now.

        What is not among the marks is forgotten.
        """
        moment = time.monotonic()
        fresh = {thing: (mark, moment) for thing, mark in marks.items()}
        self._seen = {
            thing: old if (old := self._seen.get(thing, seen))[0] == seen[0] else seen
            for thing, seen in fresh.items()
        }
        return {thing: moment - self._seen[thing][1] for thing in marks}


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
