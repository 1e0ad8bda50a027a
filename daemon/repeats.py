"""What was said a moment ago and need not be said again: a flood must not become one of words."""

import threading
import time

SAY_AGAIN_S = 60.0
SENTENCES_MOST = 100
"""Different ones in that time; all further ones are kept quiet."""


class Repeats:
    """Counts sentences; each is said once a minute, with how often it was kept quiet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._quiet: dict[str, int] = {}

    def told(self, sentence: str) -> str | None:
        """Return the words to say, None when this was said a moment ago."""
        with self._lock:
            moment = time.monotonic()
            self._forget(moment)
            if self._until.get(sentence, 0.0) > moment:
                self._quiet[sentence] = self._quiet.get(sentence, 0) + 1
                return None
            if len(self._until) >= SENTENCES_MOST and sentence not in self._until:
                return None
            self._until[sentence] = moment + SAY_AGAIN_S
            quiet = self._quiet.pop(sentence, 0)
        return f"{sentence} ({quiet} times more since last said)" if quiet else sentence

    def _forget(self, moment: float) -> None:
        for sentence, until in list(self._until.items()):
            if until < moment - SAY_AGAIN_S:
                # nobody said it again, so its count goes with it
                del self._until[sentence]
                self._quiet.pop(sentence, None)
