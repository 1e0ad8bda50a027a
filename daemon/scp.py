"""The listener: who may call, and an image answered 0x0000 only when it is on disk.

The handler decodes nothing of a dataset; the UIDs it needs stand in the request itself. The levers
used are pynetdicom's documented ones: unrestricted storage (every storage SOP class in every
transfer syntax, and no copy of 170 presentation contexts per association), no log handlers, a
128 K PDU.
"""

import logging
import socket
import ssl
import threading
from socketserver import TCPServer
from typing import Any

from pynetdicom import AE, _config, evt
from pynetdicom.dsutils import encode_file_meta
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from daemon import tls
from daemon.callers import Caller, Callers
from daemon.config import Settings
from daemon.disk import Door, room_of
from daemon.errors import SpoolFull
from daemon.handshake import Porch
from daemon.logs import where
from daemon.records.ledger import Ledger, LedgerError, note
from daemon.records.tables import REFUSAL
from daemon.spool import Spool

log = logging.getLogger(__name__)

# PS3.4 B.2.3 and PS3.7 C
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000

# PS3.8 9.3.4: result, source, reason
CALLING_AET_NOT_RECOGNIZED = (1, 1, 3)
CALLED_AET_NOT_RECOGNIZED = (1, 1, 7)
TEMPORARY_CONGESTION = (2, 3, 1)

TAKES_NO_ROOM = (Verification, StorageCommitmentPushModel)
"""Whoever proposes nothing else is heard though the disk is full."""

PREAMBLE = b"\x00" * 128 + b"DICM"
MAXIMUM_PDU_LENGTH = 131072
POLL_S = 0.5


class Listener:
    """Serves associations on a socket that other listener processes may share."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._room = room_of(settings)
        self._spool = Spool(settings.spool, self._room)
        self._callers = Callers(settings, ledger)
        self._servers: list[ThreadedAssociationServer] = []
        _config.UNRESTRICTED_STORAGE_SERVICE = True
        _config.LOG_HANDLER_LEVEL = "none"
        self._ae = AE(ae_title=settings.aet)
        self._ae.add_supported_context(Verification)
        self._ae.maximum_pdu_size = MAXIMUM_PDU_LENGTH
        self._ae.maximum_associations = settings.max_associations
        self._ae.network_timeout = settings.network_timeout_s
        self._ae.acse_timeout = settings.network_timeout_s
        self._ae.dimse_timeout = settings.network_timeout_s

    def serve(self, plain: socket.socket | None, secure: socket.socket | None = None) -> None:
        """Answer associations on the ports that are open until the process is told to stop."""
        certificates = tls.Certificates(self._settings)
        servers = [self._server(plain, None)] if plain else []
        servers += [self._server(secure, certificates)] if secure else []
        for server in servers[1:]:
            threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        self._servers = servers
        servers[0].serve_forever(POLL_S)

    def _server(
        self, listening: socket.socket, certificates: tls.Certificates | None
    ) -> ThreadedAssociationServer:
        port, how = listening.getsockname()[1], "TLS" if certificates else "plain"
        log.info("event=listening aet=%s port=%d speaks=%s", self._settings.aet, port, how)
        most = self._settings.max_associations
        return self._ae.make_server(
            listening.getsockname()[:2],
            evt_handlers=[
                (evt.EVT_REQUESTED, self.on_requested),
                (evt.EVT_REJECTED, self.on_rejected),
                (evt.EVT_C_ECHO, self.on_c_echo),
                (evt.EVT_C_STORE, self.on_c_store),
            ],
            server_class=SharedSocketServer,
            listening=listening,
            porch=Porch(port, certificates, most, lambda why: self._note_refusal("", why)),
        )

    @property
    def serving(self) -> bool:
        """Whether :meth:`serve` has got as far as answering."""
        return bool(self._servers)

    def stop(self) -> None:
        """Make :meth:`serve` return and close the sockets."""
        for server in self._servers:
            # pynetdicom's own shutdown() knows only the servers that its AE has started
            TCPServer.shutdown(server)
            server.server_close()

    def on_requested(self, event: Event) -> None:
        """Refuse whoever is not one of today's peers, and say why where an admin will look."""
        requestor = event.assoc.requestor
        request = requestor.primitive
        assert request is not None, "PS3.8 9.2: it is what the event is about"
        calling, called = request.calling_ae_title.strip(), request.called_ae_title.strip()
        if called != self._settings.aet:
            why = f"peer {calling} called us {called}, we are {self._settings.aet}"
            self._refuse(event, CALLED_AET_NOT_RECOGNIZED, calling, why)
        elif why := self._callers.objection(_caller(event, calling)):
            self._refuse(event, CALLING_AET_NOT_RECOGNIZED, calling, why)
        elif self._room.door() is not Door.OPEN and _brings_images(request):
            # no event each: a modality may try every second, and the ledger needs what room is left
            log.warning("event=association-refused aet=%s why=%r", calling, self._room.words())
            _reject(event, TEMPORARY_CONGESTION)

    def on_rejected(self, event: Event) -> None:
        """Say what pynetdicom itself refuses: more associations than are allowed at once."""
        calling = event.assoc.requestor.ae_title.strip()
        most = self._settings.max_associations
        self._note_refusal(
            calling, f"peer {calling} was one too many: max_associations is {most} per process"
        )

    def on_c_echo(self, _event: Event) -> int:
        """Answer a C-ECHO."""
        return SUCCESS

    def on_c_store(self, event: Event) -> int:
        """Keep one object; the status says what the sender may rely on."""
        calling = event.assoc.requestor.ae_title.strip()
        try:
            self._spool.put(_part10_head(event, calling), event.encoded_dataset(include_meta=False))
        except SpoolFull:
            log.error("event=disk-full aet=%s status=0x%04X", calling, OUT_OF_RESOURCES)
            return OUT_OF_RESOURCES
        except OSError as error:
            log.error("event=not-stored aet=%s errno=%s", calling, error.errno)
            return OUT_OF_RESOURCES
        except Exception as error:  # noqa: BLE001 - the edge: a peer gets a status, never silence
            log.error("event=not-stored aet=%s error=%s", calling, where(error))
            return CANNOT_UNDERSTAND
        return SUCCESS

    def _refuse(self, event: Event, code: tuple[int, int, int], calling: str, why: str) -> None:
        _reject(event, code)
        self._note_refusal(calling, why)

    def _note_refusal(self, calling: str, why: str) -> None:
        log.warning("event=association-refused aet=%s why=%r", calling, why)
        try:
            with self._ledger.write() as session:
                note(session, REFUSAL, aet=calling[:16] or None, detail=why)
        except LedgerError as error:
            log.error("event=ledger-unreachable error=%s", type(error).__name__)


class SharedSocketServer(ThreadedAssociationServer):
    """An association server on a socket that is already bound and listening."""

    # a handshake that is waited for must not hold up the end
    daemon_threads = True

    def __init__(
        self, *args: object, listening: socket.socket, porch: Porch, **kwargs: object
    ) -> None:
        self._listening = listening
        self._porch = porch
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

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
        client, address = self._listening.accept()
        client.setblocking(True)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Begin an association, in a thread of its own, once the peer has passed the porch."""
        admitted = self._porch.admit(request, client_address[0])
        if admitted is None:
            self.shutdown_request(request)
        else:
            super().finish_request(admitted, client_address)


def _caller(event: Event, calling: str) -> Caller:
    """Say who asks, and which certificate it has shown."""
    wire, address = event.assoc.dul.socket, event.assoc.requestor.address
    sock = wire.socket if wire else None
    if not isinstance(sock, ssl.SSLSocket):
        return Caller(calling, address)
    shown = sock.getpeercert(binary_form=True)
    return Caller(calling, address, secured=True, fingerprint=tls.fingerprint(shown or b""))


def _reject(event: Event, code: tuple[int, int, int]) -> None:
    event.assoc.acse.send_reject(*code)
    event.assoc.kill()


def _brings_images(request: A_ASSOCIATE) -> bool:
    proposed = request.presentation_context_definition_list
    return any(context.abstract_syntax not in TAKES_NO_ROOM for context in proposed)


def _part10_head(event: Event, calling: str) -> bytes:
    """Return preamble and file meta information; who sent it is kept there (PS3.10 7.1)."""
    meta = event.file_meta
    meta.SourceApplicationEntityTitle = calling
    return PREAMBLE + encode_file_meta(meta)
