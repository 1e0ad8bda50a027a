"""One peer's socket, read through one buffer with an eye on the clock."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from daemon.errors import PeerBroke, PeerGone

BUFFER_BYTES = 512 << 10
LINGER_S = 1.0
NEVER = float("inf")
TIMEVAL = struct.Struct("@ll")
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

A_P_ABORT = b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"
"""PS3.8 9.3.8: an abort by the service provider, no reason given."""


class Wire:
    """Reads one connection.

    Parameters
    ----------
    sock : socket.socket
        Connected; plain or TLS.
    idle_s : float
        How long the peer may say nothing.

    Attributes
    ----------
    before_refill : callable
        Called before views that :meth:`some` gave out are overwritten.
    in_message : bool
        Whether the peer has begun something and will send more of it.
    whole_by : float
        Monotonic moment by which the peer must have sent all of what it has begun.
    """

    def __init__(self, sock: socket.socket, idle_s: float) -> None:
        self._sock = sock
        self._idle_s = idle_s
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._at = self._end = 0
        self._waiting_since = NEVER
        self.heard = False
        self.before_refill: Callable[[], None] = _nothing
        self.in_message = False
        self.whole_by = NEVER
        self._hurried = False
        self._wait_at_most(idle_s)

    @property
    def idle_s(self) -> float:
        """How long we have waited for the peer; nothing while it waits for us."""
        return max(0.0, time.monotonic() - self._waiting_since)

    def expect(self, within_s: float) -> None:
        """Give the peer so long for all that follows, until :meth:`expect_nothing`."""
        self.whole_by = time.monotonic() + within_s
        if within_s < self._idle_s:
            self._wait_at_most(within_s)

    def expect_nothing(self) -> None:
        """Let the peer be silent for its idle time again."""
        self.want_nothing()
        self._wait_at_most(self._idle_s)

    def begin_message(self, before_refill: Callable[[], None]) -> None:
        """Take note that more is to come, and of who uses the views before they are overwritten."""
        self.before_refill, self.in_message = before_refill, True

    def end_message(self) -> None:
        """Take note that nothing is begun any more."""
        self.before_refill, self.in_message = _nothing, False

    def want_all_in_time(self) -> None:
        """Give the peer its idle time for the whole of what it has begun, byte by byte or not."""
        # the clock is asked at the first wait: most of what is begun is here already
        self._hurried = True

    def want_nothing(self) -> None:
        """Take note that the peer has sent all of what it had begun."""
        self.whole_by, self._hurried = NEVER, False

    def unpack(self, head: struct.Struct) -> tuple[Any, ...]:
        """Read the fields of a struct."""
        start, stop = self._at, self._at + head.size
        if stop > self._end:
            return head.unpack(self.exactly(head.size))
        self._at = stop
        return head.unpack_from(self._buffer, start)

    def exactly(self, count: int) -> bytes:
        """Read so many bytes, however they come."""
        if self._end - self._at >= count:
            self._at += count
            return bytes(self._buffer[self._at - count : self._at])
        pieces = []
        while count:
            piece = bytes(self.some(count))
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def some(self, most: int) -> memoryview:
        """Read what has come, one byte at least; a view that holds until the next refill."""
        if self._at == self._end:
            self._refill()
        start = self._at
        self._at = min(self._end, start + most)
        return self._buffer[start : self._at]

    def _refill(self) -> None:
        self.before_refill()
        self._waiting_since = time.monotonic()
        if self._hurried:
            self._hurried = False
            self.whole_by = min(self.whole_by, self._waiting_since + self._idle_s)
        if QUICKACK is not None and (self.in_message or self.whole_by is not NEVER):
            # a sender that leaves Nagle's algorithm on waits for this before its next segment
            self._sock.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
        try:
            count = self._sock.recv_into(self._buffer)
        except (TimeoutError, BlockingIOError):
            raise PeerBroke("it fell silent") from None
        except OSError as error:
            raise PeerGone(f"the connection broke: errno {error.errno}") from None
        if not count:
            raise PeerGone("it closed the connection")
        self._at, self._end, self.heard, self._waiting_since = 0, count, True, NEVER
        if self.whole_by is not NEVER and time.monotonic() > self.whole_by:
            raise PeerBroke("it sends too slowly")

    def _wait_at_most(self, seconds: float) -> None:
        if type(self._sock) is not socket.socket:
            self._sock.settimeout(seconds)
            return
        # the kernel keeps the time: Python would ask it before every single read and write
        self._sock.settimeout(None)
        wait = TIMEVAL.pack(int(seconds), int(seconds % 1 * 1e6))
        for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._sock.setsockopt(socket.SOL_SOCKET, direction, wait)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._waiting_since = time.monotonic()
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise PeerGone(f"the connection broke: errno {error.errno}") from None
        self._waiting_since = NEVER

    def show_out(self) -> None:
        """End the connection from another thread: whoever reads it finds it closed."""
        # over TLS no other thread may write between the records of this one: it is just closed
        with contextlib.suppress(OSError, ValueError):
            self._sock.send(A_P_ABORT, socket.MSG_DONTWAIT)
        with contextlib.suppress(OSError):
            # the plain one: that of TLS forgets its keys, and what has come would be read as it is
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def linger(self) -> None:
        """Let the peer read our last word: closing at once could take it away from it."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            self._sock.settimeout(LINGER_S)
            until = time.monotonic() + LINGER_S
            while self._sock.recv_into(self._buffer) and time.monotonic() < until:
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._sock.close()
        # pynetdicom's objects and ours hold each other until the garbage is collected
        self._buffer = memoryview(b"")


def _nothing() -> None:
    pass
