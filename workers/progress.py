"""Where each case at work in this process stands, so that one that stands still is noticed.

A case that moves on lives, however long it takes as a whole; only one that makes no step for long
is taken for hung.
"""

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engines.progress import heard_by
from engines.progress import hearer as hearer
from engines.progress import moved_on as moved_on

log = logging.getLogger(__name__)

GRACE_S = 5.0
"""By how much longer we wait when this thread, too, stands still."""


@dataclass
class Case:
    """One case at work: its stage, and when it last moved on."""

    name: str
    announce: int | None = None
    stage: str = "begin"
    moved_at: float = field(default_factory=time.monotonic)

    def moved_on(self, stage: str) -> None:
        """Say that it has reached a stage, or gets on in it; from any thread."""
        self.stage, self.moved_at = stage, time.monotonic()
        if self.announce is not None:
            os.write(self.announce, f"{stage}\n".encode())


class Watch:
    """The cases at work in this process.

    Parameters
    ----------
    announce : int, optional
        Descriptor that each step is written to, for a parent that watches in our place.
    """

    def __init__(self, announce: int | None = None) -> None:
        self._announce = announce
        self._at_work: dict[int, Case] = {}

    @property
    def at_work(self) -> int:
        """How many cases are worked on."""
        return len(self._at_work)

    @contextmanager
    def over(self, name: str) -> Iterator[Case]:
        """Watch over the case of this thread while it is worked on."""
        case = Case(name, self._announce)
        self._at_work[id(case)] = case
        try:
            with heard_by(case.moved_on):
                yield case
        finally:
            del self._at_work[id(case)]

    def guard(self, stall_s: float) -> None:
        """End this process when a case of it stands still for so long.

        A thread cannot be ended, and an engine that hangs serves nobody: so the process goes, and
        its other cases are tried again.
        """

        def watch() -> None:
            while True:
                # of the C library, not of Python: code that hangs may also keep Python from running
                faulthandler.dump_traceback_later(stall_s + GRACE_S, exit=True)
                for case in list(self._at_work.values()):
                    if time.monotonic() - case.moved_at > stall_s:
                        _end(case, stall_s)
                time.sleep(min(1.0, stall_s / 4))

        threading.Thread(target=watch, name="watch", daemon=True).start()


def _end(case: Case, stall_s: float) -> None:
    log.error("event=stalled case=%s stage=%s for_s=%.1f", case.name, case.stage, stall_s)
    faulthandler.dump_traceback(sys.stderr)
    os.kill(os.getpid(), signal.SIGKILL)
