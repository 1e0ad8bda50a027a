"""End a call that no longer moves: pynetdicom waits without limit where a peer may stall it."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

LOOK_S = 0.1
TCP_INFO_BYTES = 128
BYTES_ACKED = 120
"""Where the kernel says in its ``tcp_info`` how much of ours the other side has taken (u64)."""


class Patience:
    """Shut a connection when the peer has taken none of our bytes for a while.

    The peer's bytes do not count: an answer is short, and one that drips in must end too. So a slow
    peer is waited for however long it takes, and each request has its answer, or its end, that long
    after the last byte of it went over.

    Parameters
    ----------
    timeout_s : float
        How long nothing may move.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self.connected = False
        self.lost = False

    def watch(
        self, sock: socket.socket, alive: Callable[[], bool], wake: Callable[[], None]
    ) -> None:
        """Begin: the connection stands.

        ``wake`` is called when whoever serves the connection is no longer ``alive``: pynetdicom
        does not tell in every case.
        """
        self.connected = True
        self._thread = threading.Thread(
            target=self._watch, args=(sock, alive, wake), name="patience", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Stop watching: the call is over."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(
        self, sock: socket.socket, alive: Callable[[], bool], wake: Callable[[], None]
    ) -> None:
        taken, since = -1, time.monotonic()
        while not self._done.wait(LOOK_S):
            if not alive():
                # again and again: whoever begins to wait after this one must not wait either
                wake()
                continue
            moved = _bytes_taken(sock)
            if moved != taken:
                taken, since = moved, time.monotonic()
            elif time.monotonic() - since > self._timeout_s:
                self.lost = True
                _shut(sock)


def _bytes_taken(sock: socket.socket) -> int:
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    except OSError:
        # closed already: nothing more will move
        return 0
    return int(struct.unpack_from("=Q", info, BYTES_ACKED)[0])


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # the plain one: that of TLS first forgets its keys, while others still send
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
