"""The connections that one listener process has open, and who leaves when all seats are taken."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from daemon.wire import Wire

IDLE_ENOUGH_S = 5.0
"""So long without a byte, a connection gives its seat to one that wants to send."""


class Seats:
    """At most so many are served; as many again may stand to be told so, and as many be leaving."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._seated: set[Wire] = set()
        self._standing: set[Wire] = set()
        self._leaving: deque[Wire] = deque()

    def no_room(self) -> bool:
        """Tell whether a further connection is not even to be heard."""
        return len(self._standing) >= self._most

    @property
    def used(self) -> int:
        """How many are taken."""
        return len(self._seated)

    @contextmanager
    def taken(self, wire: Wire) -> Iterator[bool]:
        """Seat a connection for a while; False where none is free: it stands."""
        seated = self._seat(wire)
        try:
            yield seated
        finally:
            with self._lock:
                self._seated.discard(wire)
                self._standing.discard(wire)
                if wire in self._leaving:
                    self._leaving.remove(wire)

    def give_up(self, wire: Wire) -> None:
        """Leave the seat to the next one, though the peer may not have hung up yet."""
        with self._lock:
            self._seated.discard(wire)
            self._leaving.append(wire)
            if len(self._leaving) > self._most:
                self._leaving.popleft().show_out()

    def _seat(self, wire: Wire) -> bool:
        with self._lock:
            if len(self._seated) >= self._most:
                idlest = max(self._seated, key=lambda one: one.idle_s)
                if idlest.idle_s < IDLE_ENOUGH_S:
                    self._standing.add(wire)
                    return False
                self._seated.discard(idlest)
                idlest.show_out()
            self._seated.add(wire)
            return True
