"""The listener: who may call, and an image answered 0x0000 only when it is on disk.

Who may call and what is offered stands here; the images themselves go through :mod:`daemon.door`,
or, where that cannot be used, through pynetdicom's public path: :meth:`Listener.on_c_store`. Every
storage SOP class is taken in every transfer syntax.
"""

import errno
import logging
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pynetdicom import AE, _config, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    StorageCommitmentPushModel,
    Verification,
)
from pynetdicom.transport import RequestHandler

from daemon import door, rehearsal, timers, tls
from daemon.accept import BRINGS_NO_IMAGES, Entrance, SharedSocketServer, titles_of
from daemon.callers import Caller, Callers
from daemon.commitment import Commitments, take_role
from daemon.confirmation import Reports
from daemon.disk import Door, free_on, room_of
from daemon.errors import PeersUnknown
from daemon.handshake import Porch
from daemon.logs import where
from daemon.procedures import Procedures
from daemon.proxied import Balancers
from daemon.pulse import Signs
from daemon.reception import CANNOT_UNDERSTAND, CLASS_NOT_SUPPORTED, SUCCESS, Reception, Request
from daemon.records import refusals
from daemon.records.ledger import Ledger, LedgerError
from daemon.repeats import Repeats
from daemon.seats import Seats
from daemon.settings import Settings
from daemon.spool import Spool
from engines.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

log = logging.getLogger(__name__)

# PS3.8 9.3.4: result, source, reason
CALLING_AET_NOT_RECOGNIZED = (1, 1, 3)
CALLED_AET_NOT_RECOGNIZED = (1, 1, 7)
TEMPORARY_CONGESTION = (2, 3, 1)

MAXIMUM_PDU_LENGTH = 131072
POLL_S = 0.5


class Listener:
    """Serves associations on a socket that other listener processes may share."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        timers.keep_steady()
        self._settings = settings
        self._ledger = ledger
        self._room = room_of(settings)
        self._spool = Spool(settings.spool, self._room)
        self._callers = Callers(settings, ledger)
        self._seats = Seats(settings.max_associations)
        self._repeats = Repeats()
        self._servers: list[SharedSocketServer] = []
        self.signs = Signs(self._facts, obstacle=self._obstacle)
        _config.UNRESTRICTED_STORAGE_SERVICE = True
        _config.LOG_HANDLER_LEVEL = "none"
        self._ae = AE(ae_title=settings.aet)
        self._ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        self._ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self._commitments, self._reports = Commitments(settings, ledger), Reports(ledger)
        self._procedures = Procedures(ledger)
        self._ae.add_supported_context(Verification)
        self._ae.add_supported_context(ModalityPerformedProcedureStep)
        self._ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
        self._ae.maximum_pdu_size = MAXIMUM_PDU_LENGTH
        self._ae.maximum_associations = settings.max_associations
        self._ae.network_timeout = settings.network_timeout_s
        self._ae.acse_timeout = settings.network_timeout_s
        self._ae.dimse_timeout = settings.network_timeout_s

    def serve(self, plain: Sequence[socket.socket], secure: Sequence[socket.socket] = ()) -> None:
        """Answer associations on the sockets that are open until the process is told to stop."""
        path, certificates = self._path(), tls.Certificates(self._settings)
        servers = [self._server(one, path, None) for one in plain]
        servers += [self._server(one, path, certificates) for one in secure]
        for server in servers[1:]:
            threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        self._servers = servers
        servers[0].serve_forever(POLL_S)

    def _path(self) -> type[RequestHandler]:
        """Choose the straight path, or pynetdicom's public one and say why."""
        why = rehearsal.problem() if self._settings.straight_path else "straight_path is off"
        if why is None:
            return door.Door
        log.warning("event=public-path why=%r", why)
        return RequestHandler

    def _server(
        self,
        listening: socket.socket,
        path: type[RequestHandler],
        certificates: tls.Certificates | None,
    ) -> SharedSocketServer:
        (host, port, *_), how = listening.getsockname(), "TLS" if certificates else "plain"
        place = (self._settings.aet, host, port)
        log.info("event=listening aet=%s host=%s port=%d speaks=%s", *place, how)
        most = self._settings.max_associations
        tell = partial(self._note_refusal, "")
        porch = Porch(port, certificates, most, tell)
        balancers = Balancers(self._settings.proxy_from, tell)
        server = self._ae.make_server(
            listening.getsockname()[:2],
            evt_handlers=[
                (evt.EVT_CONN_OPEN, self.on_conn_open),
                (evt.EVT_REQUESTED, self.on_requested),
                (evt.EVT_REJECTED, self.on_rejected),
                (evt.EVT_C_ECHO, self.on_c_echo),
                (evt.EVT_C_STORE, self.on_c_store),
                (evt.EVT_N_ACTION, self._commitments.on_n_action),
                (evt.EVT_N_CREATE, self._procedures.on_n_create),
                (evt.EVT_N_SET, self._procedures.on_n_set),
                (evt.EVT_N_EVENT_REPORT, self._reports.on_n_event_report),
            ],
            server_class=SharedSocketServer,
            request_handler=path,
            listening=listening,
            entrance=Entrance(self._spool, self._seats, porch, balancers, self._come_round),
        )
        assert isinstance(server, SharedSocketServer)
        return server

    @property
    def serving(self) -> bool:
        """Whether :meth:`serve` has got as far as answering."""
        return bool(self._servers)

    def _come_round(self) -> None:
        self.signs.moved()
        self._callers.keep_up()

    def _facts(self) -> dict[str, Any]:
        """Say how many associations are open and may be, and what the disk has left."""
        free = free_on(self._settings.spool)
        slots = {"slots": self._settings.max_associations, "slots_used": self._seats.used}
        return {**slots, "disk_free_bytes": int(free.size_bytes)}

    def _obstacle(self) -> str:
        return "" if self._room.door() is Door.OPEN else self._room.words()

    def stop(self) -> None:
        """Make :meth:`serve` return and close the sockets."""
        for server in self._servers:
            server.stop()

    def on_conn_open(self, event: Event) -> None:
        """Bound what pynetdicom's own reader would take, and wait for; the door bounds its own."""
        transport = event.assoc.dul.socket
        assert transport is not None, "it is what was opened"
        assert transport.socket is not None, "and it is open"
        # it looks at its clocks between PDUs alone, never within one that does not go on
        transport.socket.settimeout(self._settings.network_timeout_s)
        receive = transport.recv

        def at_most(count: int) -> bytearray:
            if count > door.LONGEST_PDU:
                raise OSError(errno.EMSGSIZE, "longer than any PDU we take")
            return receive(count)

        transport.recv = at_most  # type: ignore[method-assign, assignment]

    def on_requested(self, event: Event) -> None:
        """Refuse whoever is not one of today's peers, and say why where an admin will look."""
        try:
            self._judge(event)
        except PeersUnknown as error:
            self._turn_away(event, str(error))
        except Exception as error:  # noqa: BLE001 - the edge: pynetdicom would let the caller in
            log.error("event=caller-not-judged error=%s", where(error))
            _reject(event, TEMPORARY_CONGESTION)

    def _judge(self, event: Event) -> None:
        requestor = event.assoc.requestor
        request = requestor.primitive
        assert request is not None, "PS3.8 9.2: it is what the event is about"
        calling, called = request.calling_ae_title.strip(), request.called_ae_title.strip()
        if why := self._callers.misnomer(calling, called, _called_at(event)):
            self._refuse(event, CALLED_AET_NOT_RECOGNIZED, calling, why)
        elif why := self._callers.objection(_caller(event, calling)):
            self._refuse(event, CALLING_AET_NOT_RECOGNIZED, calling, why)
        elif self._room.door() is not Door.OPEN and _brings_images(request):
            self._turn_away(event, self._room.words())
        else:
            take_role(event)

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
        asked = event.request
        assert isinstance(asked, C_STORE), "it is what the event is about"
        if event.context.abstract_syntax in BRINGS_NO_IMAGES:
            return CLASS_NOT_SUPPORTED
        try:
            request = Request(
                str(asked.AffectedSOPClassUID).encode(),
                str(asked.AffectedSOPInstanceUID).encode(),
                event.context.transfer_syntax,
                titles_of(event.assoc),
            )
            reception = Reception(self._spool, request)
            reception.add(event.encoded_dataset(include_meta=False))
            return reception.end()
        except Exception as error:  # noqa: BLE001 - the edge: a peer gets a status, never silence
            log.error("event=not-stored aet=%s error=%s", calling, where(error))
            return CANNOT_UNDERSTAND

    def _refuse(self, event: Event, code: tuple[int, int, int], calling: str, why: str) -> None:
        _reject(event, code)
        self._note_refusal(calling, why)

    def _turn_away(self, event: Event, why: str) -> None:
        """Refuse for now; in the log alone, for the ledger is away or needs what room is left."""
        calling = event.assoc.requestor.ae_title.strip()
        if words := self._repeats.told(f"{calling}: {why}"):
            log.warning("event=association-refused aet=%s why=%r", calling, words)
        _reject(event, TEMPORARY_CONGESTION)

    def _note_refusal(self, calling: str, why: str) -> None:
        words = self._repeats.told(why)
        if words is None:
            return
        log.warning("event=association-refused aet=%s why=%r", calling, words)
        try:
            refusals.write_down(self._ledger, calling, words)
        except LedgerError as error:
            log.error("event=ledger-unreachable error=%s", type(error).__name__)


def _called_at(event: Event) -> str:
    """Return the address of ours that was called."""
    wire = event.assoc.dul.socket
    assert wire is not None, "it is what the request came by"
    assert wire.socket is not None, "and it is open"
    return str(wire.socket.getsockname()[0])


def _caller(event: Event, calling: str) -> Caller:
    """Say who asks, and which certificate it has shown."""
    wire, requestor = event.assoc.dul.socket, event.assoc.requestor
    assert requestor.primitive is not None, "PS3.8 9.2: it is what the event is about"
    caller = Caller(calling, requestor.address, not _brings_images(requestor.primitive))
    sock = wire.socket if wire else None
    if not isinstance(sock, ssl.SSLSocket):
        return caller
    shown = sock.getpeercert(binary_form=True)
    return replace(caller, secured=True, fingerprint=tls.fingerprint(shown) if shown else "")


def _reject(event: Event, code: tuple[int, int, int]) -> None:
    event.assoc.acse.send_reject(*code)
    event.assoc.kill()


def _brings_images(request: A_ASSOCIATE) -> bool:
    proposed = request.presentation_context_definition_list
    return any(context.abstract_syntax not in BRINGS_NO_IMAGES for context in proposed)
