"""Accept connections on a socket that several listener processes share."""

import errno
import logging
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from socketserver import TCPServer
from typing import Any

from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    StorageCommitmentPushModel,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from daemon.handshake import Porch
from daemon.logs import where
from daemon.part10 import Titles
from daemon.proxied import Balancers
from daemon.seats import Seats
from daemon.spool import Spool

log = logging.getLogger(__name__)

FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""accept(2): no descriptor or memory for another connection."""
AGAIN_S = 1.0

BRINGS_NO_IMAGES = (Verification, StorageCommitmentPushModel, ModalityPerformedProcedureStep)
"""Whoever proposes nothing else is heard though the disk is full, or though it may not send."""


def titles_of(assoc: Association) -> Titles:
    """Return who called whom on an association."""
    request = assoc.requestor.primitive
    assert request is not None, "PS3.8 9.2: no image comes before it"
    return Titles(request.calling_ae_title.strip(), request.called_ae_title.strip())


@dataclass(frozen=True)
class Entrance:
    """What a connection finds when it comes in.

    Parameters
    ----------
    spool : Spool
        Where received objects go.
    seats : Seats
        How many connections are served at once.
    porch : Porch, optional
        Where a peer shows its certificate before its association begins.
    balancers : Balancers, optional
        Who is believed to speak for others.
    waiting : callable, optional
        Called each time the server looks for who comes.
    """

    spool: Spool
    seats: Seats
    porch: Porch | None = None
    balancers: Balancers | None = None
    waiting: Callable[[], None] = lambda: None


class SharedSocketServer(ThreadedAssociationServer):
    """An association server on a socket that is already bound and listening."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, *args: object, listening: socket.socket, entrance: Entrance, **kwargs: object
    ) -> None:
        self._listening = listening
        self.entrance = entrance
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Make ``serve_forever`` return and close the socket."""
        # pynetdicom's own shutdown() knows only the servers that its AE has started
        TCPServer.shutdown(self)
        self.server_close()

    def server_bind(self) -> None:
        """Take the inherited socket instead of binding a new one."""
        if self.socket is not None:
            self.socket.close()
        self.socket = self._listening
        # several processes wait on the socket: whoever loses the race must not block in accept
        self.socket.setblocking(False)

    def server_activate(self) -> None:
        """Leave the socket as it is: it listens already."""

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept one association, without waiting 40 ms for small answers to fill a packet."""
        try:
            client, address = self._listening.accept()
        except OSError as error:
            if error.errno in FULL:
                # who waits stays in the queue; asking on without a pause would only burn a core
                log.error("event=not-accepted errno=%s again_in_s=%.1f", error.errno, AGAIN_S)
                time.sleep(AGAIN_S)
            raise
        client.setblocking(True)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Begin an association, in a thread of its own, once the peer has passed the porch."""
        porch, balancers = self.entrance.porch, self.entrance.balancers
        address, *port = client_address
        caller = balancers.caller(request, address) if balancers else address
        admitted = request if caller else None
        if porch and caller:
            admitted = porch.admit(request, caller)
        if admitted is None:
            self.shutdown_request(request)
        else:
            super().finish_request(admitted, (caller, *port))

    def verify_request(self, _request: object, _client_address: object) -> bool:
        """Close at once what there is not even standing room for."""
        return not self.entrance.seats.no_room()

    def service_actions(self) -> None:
        """Come round; leave the garbage to Python: all of it, here, costs every association."""
        self.entrance.waiting()

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say what broke one connection, and no content of it."""
        error = sys.exception()
        if error is not None:
            log.error("event=connection-broke error=%s", where(error))
