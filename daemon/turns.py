"""A TLS socket that one thread may read while another writes.

OpenSSL allows no two threads in one connection at once, and Python 3.11 leaves that to us: a report
that goes out while an image comes in would corrupt either (OpenSSL, "Threads", SSL objects).
"""

import select
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class TurnsSocket(ssl.SSLSocket):
    """Takes turns at OpenSSL, and waits for the network outside of them."""

    _shaken = False
    _wait_s: float | None = None

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        self._turn = threading.Lock()
        self._wait_s, self._shaken = self.gettimeout(), True
        # whoever has the turn must not wait in it
        super().settimeout(0)

    def settimeout(self, value: float | None) -> None:
        self._wait_s = value
        if not self._shaken:
            super().settimeout(value)

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        # that has forgotten the keys: what still comes is read as it comes
        self._shaken = False
        super().settimeout(self._wait_s)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        return self._in_turn(lambda: super(TurnsSocket, self).read(len, buffer))

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        # all that has come, not one record of 16 KiB: what is read together is written together
        view, most = memoryview(buffer), nbytes or len(buffer)
        while 0 < count < most and (more := self._at_once(view[count:most])):
            count += more
        return count

    def _at_once(self, view: memoryview) -> int:
        """Read without waiting; what goes wrong goes wrong again at the next read."""
        try:
            with self._turn:
                return int(super().read(len(view), view))
        except (OSError, ValueError):
            return 0

    def send(self, data: Any, flags: int = 0) -> int:
        return self._in_turn(lambda: super(TurnsSocket, self).send(data, flags))

    def _in_turn(self, act: Callable[[], Result]) -> Result:
        until = None if self._wait_s is None else time.monotonic() + self._wait_s
        while True:
            try:
                with self._turn:
                    return act()
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, until)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, until)
            except ValueError:
                raise _ended() from None

    def _wait(self, event: int, until: float | None) -> None:
        poll = select.poll()
        try:
            poll.register(self.fileno(), event)
        except ValueError:
            raise _ended() from None
        wait_ms = None if until is None else max(0.0, until - time.monotonic()) * 1000
        if not poll.poll(wait_ms):
            raise TimeoutError("the peer fell silent")


def _ended() -> ConnectionAbortedError:
    """Say what Python says with a ValueError: another thread has shut or closed the socket."""
    return ConnectionAbortedError(0, "the connection was ended from here")
