"""How one process gets on, in a small file of its home: what `osteoscreen health` looks at.

A process that runs is not yet one that works. So each says when its own loop last came round, and
what keeps it from taking work. The file is written in place and never grows, so that a full disk
does not make a healthy process look dead; its times are the host's steady clock, not the wall's.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from daemon import processes

FOLDER = "pulse"
ROOM = 1024
"""Bytes of a file, whatever stands in it."""
FORGOTTEN_S = 86400
"""A file that old is nobody's; by the wall clock, for nothing depends on it."""


@dataclass(frozen=True)
class Beat:
    """What a process said of itself last.

    Attributes
    ----------
    part, name : str
        Which part of the system; which process (:func:`daemon.processes.name_of`).
    at_s : float
        When, by the steady clock.
    still_s : float
        How long its loop had not come round by then.
    obstacle : str
        What keeps it from taking work; empty if nothing does.
    """

    part: str
    name: str
    at_s: float
    still_s: float
    obstacle: str


@dataclass
class Signs:
    """What a part tells of itself.

    Attributes
    ----------
    facts : callable
        What it says on the ledger's roll.
    waits_s : callable
        How long something has waited for it: so long at most it can be said to stand still.
    obstacle : callable
        What keeps it from taking work; empty if nothing does.
    """

    facts: Callable[[], Mapping[str, Any]] = dict
    waits_s: Callable[[], float] = lambda: float("inf")
    obstacle: Callable[[], str] = str
    moved_at: float = field(default_factory=time.monotonic)

    def moved(self) -> None:
        """Say that the loop came round; from any thread."""
        self.moved_at = time.monotonic()

    @property
    def still_s(self) -> float:
        """How long it has stood still, though there was something to do."""
        return min(time.monotonic() - self.moved_at, self.waits_s())


class Pulse:
    """The file of this process."""

    def __init__(self, home: Path, part: str) -> None:
        self._part, self._name = part, processes.name_of(os.getpid())
        # containers that share a home may have processes of one number
        self._file = (
            home / FOLDER / f"{part}-{blake2b(self._name.encode(), digest_size=6).hexdigest()}"
        )

    def write(self, still_s: float, obstacle: str) -> None:
        """Say how it goes; a disk that refuses is no news that this could tell."""
        beat = Beat(self._part, self._name, time.monotonic(), still_s, obstacle[:200])
        text = json.dumps(asdict(beat)).encode().ljust(ROOM)
        with suppress(OSError):
            self._file.parent.mkdir(exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(descriptor, text, 0)
            finally:
                os.close(descriptor)

    def clear(self) -> None:
        """Take away what processes left that are long gone."""
        with suppress(OSError):
            for file in self._file.parent.iterdir():
                if time.time() - file.stat().st_mtime > FORGOTTEN_S:
                    file.unlink(missing_ok=True)

    def stop(self) -> None:
        """Take the file away."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def beats(home: Path) -> list[Beat]:
    """Return what the living processes of this host or container said last, by part."""
    found = []
    for file in sorted((home / FOLDER).glob("*-*")):
        with suppress(OSError, ValueError, TypeError):
            beat = Beat(**json.loads(file.read_bytes()))
            if processes.is_here(beat.name) and not processes.is_gone(beat.name):
                found.append(beat)
    return found
