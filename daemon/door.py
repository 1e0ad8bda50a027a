"""C-STORE data straight from the socket to the spool, in the one thread of its association.

pynetdicom negotiates, and serves every message but C-STORE; its classes for PDUs and datasets never
see an image. It offers no public way to do so. What is used of its private parts stands here and
nowhere else:

- ``RequestHandler._create_association``: an association, made and bound as pynetdicom does it;
- ``DULServiceProvider._decode_pdu``, ``_recv_pdu``, ``_process_recv_primitive`` and the state
  machine (PS3.8 9.2), stepped by this thread, for the provider's own thread is never started;
- ``Association._serve_request``, ``_accepted_cx``, ``_kill``, ``_is_paused``,
  ``_reactor_checkpoint``.

:mod:`daemon.rehearsal` holds a conversation through all of this before the port opens. Where it
fails, the listener takes pynetdicom's public path: slower, and with the same answers.
"""

import logging
import struct
import threading
from collections import deque
from contextlib import suppress
from queue import Queue
from typing import Any

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.pdu_primitives import A_ASSOCIATE, P_DATA
from pynetdicom.transport import RequestHandler

from daemon.accept import BRINGS_NO_IMAGES, Entrance, SharedSocketServer, titles_of
from daemon.checkpoint import Unpaced
from daemon.errors import PeerBroke, PeerGone
from daemon.logs import where
from daemon.reception import SUCCESS, Reception, Request
from daemon.repeats import Repeats
from daemon.spool import new_association
from daemon.wire import Wire

log = logging.getLogger(__name__)
_repeats = Repeats()

# PS3.8 9.3
P_DATA_TF = 0x04
PDU_HEAD = struct.Struct(">BxL")
PDV_HEAD = struct.Struct(">LBB")
COMMAND, LAST = 0x01, 0x02
LONGEST_PDU = 16 << 20
"""We announce 128 K. Senders that overlook it are heard up to here."""

# PS3.8 9.3.4: rejected for now, by the provider (presentation), local limit exceeded
NO_SEAT = (2, 3, 2)
STANDING_S = 5.0

# PS3.8 9.2: what the state machine is told, and the state in which data flows
UNRECOGNISED_PDU, ASSOCIATED = "Evt19", "Sta6"

# PS3.7 9.3.1 and E.1
ELEMENT = struct.Struct("<HHL")
PDATA_RESPONSE = struct.Struct(">BxLLBB")
C_STORE_RQ, C_STORE_RSP, NO_DATASET = b"\x01\x00", b"\x01\x80", b"\x01\x01"
SOP_CLASS, COMMAND_FIELD, MESSAGE_ID, RESPONDED_TO = 0x0002, 0x0100, 0x0110, 0x0120
DATASET_TYPE, STATUS, SOP_INSTANCE = 0x0800, 0x0900, 0x1000
LONGEST_COMMAND = 64 << 10
LONGEST_DATASET = 16 << 20
"""Of a message other than C-STORE: pynetdicom holds it in memory."""


class Door(RequestHandler):
    """Serves one connection in the thread that was started for it."""

    server: SharedSocketServer

    def handle(self) -> None:
        """Carry the association from its request to its end."""
        assoc = self._create_association()
        wire = Wire(self.request, assoc.network_timeout or STANDING_S)
        entrance = self.server.entrance
        with wire, entrance.seats.taken(wire) as seated:
            conversation = Conversation(assoc, wire, entrance)
            try:
                conversation.hold(seated)
            except Exception as error:  # noqa: BLE001 - the edge: one association ends, not the listener
                conversation.break_off(error)


class Conversation:
    """One association, message by message."""

    def __init__(self, assoc: Association, wire: Wire, entrance: Entrance) -> None:
        self._assoc, self._dul = assoc, assoc.dul
        self._machine = assoc.dul.state_machine
        self._wire, self._spool, self._seats = wire, entrance.spool, entrance.seats
        self._store: Store | None = None
        self._name = new_association()
        self._stored = 0
        self._failed = False
        self._command = b""
        self._dataset_bytes = 0
        self._sending = threading.RLock()
        assoc.__class__ = Unpaced
        assoc.dimse.msg_queue = self._messages = Messages(assoc)
        self._dul.send_pdu = self._send  # type: ignore[method-assign]

    def hold(self, seated: bool) -> None:
        """Negotiate, then serve until the peer or we have had enough.

        Raises
        ------
        PeerBroke
            If the peer leaves the protocol, falls silent or is gone.
        """
        self._machine.do_action(self._dul.event_queue.get_nowait())
        self._wire.expect((self._assoc.acse_timeout or STANDING_S) if seated else STANDING_S)
        self._pdu()
        request: object = self._dul.receive_pdu()
        if not isinstance(request, A_ASSOCIATE):
            raise PeerBroke("it began with no request for an association that can be read")
        self._negotiate(request, seated)
        self._wire.expect_nothing()
        while self._assoc.is_established and not self._assoc._kill:
            self._pdu()
            self._wire.want_nothing()
        self._drop_unfinished()
        self._wire.linger()

    def break_off(self, error: Exception) -> None:
        """End what cannot go on: tell the peer, forget the object that was not whole."""
        self._assoc.is_established, self._assoc.is_aborted = False, True
        self._drop_unfinished()
        if not isinstance(error, PeerGone):
            with suppress(Exception), self._sending:
                self._machine.do_action(UNRECOGNISED_PDU)
                self._wire.linger()
        if self._wire.heard:
            why = str(error) if isinstance(error, PeerBroke) else where(error)
            peer = self._assoc.requestor
            words = _repeats.told(f"aet={peer.ae_title.strip()} from={peer.address} why={why!r}")
            if words:
                log.warning("event=association-broke %s", words)

    def _negotiate(self, request: A_ASSOCIATE, seated: bool) -> None:
        assoc = self._assoc
        assoc.requestor.primitive, assoc.requestor.ae_title = request, request.calling_ae_title
        evt.trigger(assoc, evt.EVT_REQUESTED, {})
        if assoc.is_rejected or assoc.is_aborted:
            return
        if seated:
            assoc.acse.negotiate_association()
        else:
            assoc.acse.send_reject(*NO_SEAT)
            evt.trigger(assoc, evt.EVT_REJECTED, {})

    def _send(self, primitive: object) -> None:
        """Stand in for the provider's queue: what pynetdicom has to say goes out at once."""
        with self._sending:
            self._dul.to_provider_queue.put(primitive)  # type: ignore[arg-type]
            while self._dul._process_recv_primitive():
                self._machine.do_action(self._dul.event_queue.get_nowait())

    def _pdu(self) -> None:
        """Read one PDU and do what it asks."""
        kind, length = self._wire.unpack(PDU_HEAD)
        if length > LONGEST_PDU:
            raise PeerBroke(f"it announced a PDU of {length} bytes")
        self._wire.want_all_in_time()
        if kind == P_DATA_TF and self._machine.current_state == ASSOCIATED:
            self._data(length)
        else:
            self._control(PDU_HEAD.pack(kind, length) + self._wire.exactly(length))

    def _control(self, pdu: bytes) -> None:
        """Let the state machine judge what is no data, and carry out what follows."""
        try:
            decoded, event = self._dul._decode_pdu(bytearray(pdu))
        except Exception:  # noqa: BLE001 - the edge to bytes from outside: the peer is told
            event = UNRECOGNISED_PDU
        else:
            self._dul._recv_pdu.put(decoded)
        with self._sending:
            self._machine.do_action(event)
        acse = self._assoc.acse
        if acse.is_release_requested():
            if not self._failed:
                self._spool.note_release(self._name, self._stored)
            # before the answer: who calls again at once finds the seat free
            self._seats.give_up(self._wire)
            acse.send_release(is_response=True)
            self._assoc.is_released, self._assoc.is_established = True, False
            evt.trigger(self._assoc, evt.EVT_RELEASED, {})
        elif acse.is_aborted():
            self._assoc.is_aborted, self._assoc.is_established = True, False
            evt.trigger(self._assoc, evt.EVT_ABORTED, {})

    def _data(self, length: int) -> None:
        """Take the fragments of one P-DATA-TF (PS3.8 9.3.5.1)."""
        while length:
            size, context_id, control = self._wire.unpack(PDV_HEAD)
            length -= 4 + size
            if size < 2 or length < 0:
                raise PeerBroke("a fragment does not fit into its PDU")
            if control & COMMAND:
                self._command_fragment(context_id, control & LAST, self._wire.exactly(size - 2))
            elif self._store is not None:
                self._image_fragment(self._store, context_id, control & LAST, size - 2)
            else:
                self._other_fragment(context_id, control, self._wire.exactly(size - 2))

    def _command_fragment(self, context_id: int, last: int, fragment: bytes) -> None:
        if self._store is not None or self._assoc.dimse.message is not None:
            raise PeerBroke("a command came in the middle of a dataset")
        self._command += fragment
        if len(self._command) > LONGEST_COMMAND:
            raise PeerBroke("a command is longer than any in the standard")
        if last:
            command, self._command = self._command, b""
            self._begin(context_id, command)

    def _begin(self, context_id: int, command: bytes) -> None:
        """Receive an image ourselves; hand every other message to pynetdicom."""
        fields = read_command(command)
        if (
            fields.get(COMMAND_FIELD) != C_STORE_RQ
            or fields.get(DATASET_TYPE, NO_DATASET) == NO_DATASET
            or len(fields.get(MESSAGE_ID, b"")) != 2
        ):
            self._hand_over(context_id, COMMAND | LAST, command)
            return
        context = self._assoc._accepted_cx.get(context_id)
        if context is None:
            raise PeerBroke(f"presentation context {context_id} was not accepted")
        if context.abstract_syntax in BRINGS_NO_IMAGES:
            raise PeerBroke("an image came in a presentation context that is for none")
        request = Request(
            fields.get(SOP_CLASS, b""),
            fields.get(SOP_INSTANCE, b""),
            context.transfer_syntax[0],
            titles_of(self._assoc),
        )
        self._store = Store(context_id, fields, Reception(self._spool, request, self._name))
        self._wire.begin_message(self._store.reception.flush)

    def _image_fragment(self, store: "Store", context_id: int, last: int, size: int) -> None:
        if context_id != store.context_id:
            raise PeerBroke("a fragment came in another presentation context than its command")
        while size:
            piece = self._wire.some(size)
            store.reception.add(piece)
            size -= len(piece)
        if last:
            status = store.reception.end()
            self._stored += 1
            self._failed |= status != SUCCESS
            answer = store.answer(status)
            self._forget_store()
            with self._sending:
                self._wire.send(answer)

    def _other_fragment(self, context_id: int, control: int, fragment: bytes) -> None:
        if self._assoc.dimse.message is None:
            raise PeerBroke("a dataset came without its command")
        self._dataset_bytes += len(fragment)
        if self._dataset_bytes > LONGEST_DATASET:
            raise PeerBroke(f"the dataset of a message is longer than {LONGEST_DATASET} bytes")
        self._hand_over(context_id, control, fragment)

    def _hand_over(self, context_id: int, control: int, fragment: bytes) -> None:
        """Give pynetdicom a fragment, and let it serve the message that this completes."""
        assoc = self._assoc
        primitive = P_DATA()
        fragments = [[context_id, bytes([control]) + fragment]]
        primitive.presentation_data_value_list = fragments  # type: ignore[assignment]
        assoc.dimse.receive_primitive(primitive)
        if assoc.dimse.message is None:
            self._dataset_bytes = 0
        while self._messages.requests:
            message_context_id, message = self._messages.requests.popleft()
            assoc._serve_request(message, message_context_id)
        with self._sending:
            while not self._dul.event_queue.empty():
                self._machine.do_action(self._dul.event_queue.get_nowait())

    def _drop_unfinished(self) -> None:
        if self._store is not None:
            self._store.reception.drop()
            self._forget_store()
        # no answer comes any more to whoever waits for one
        self._messages.put((None, None))

    def _forget_store(self) -> None:
        self._store = None
        self._wire.end_message()


class Messages(Queue[Any]):
    """Where pynetdicom puts what it has decoded: requests for us, answers for who waits for one.

    The one request that we make of a caller is N-EVENT-REPORT (:mod:`daemon.commitment`).
    """

    def __init__(self, assoc: Association) -> None:
        super().__init__()
        self._assoc = assoc
        self.requests: deque[tuple[int, Any]] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Sort a message by whom it is for; no message at all says that none will come."""
        _, message = item
        if message is not None and not isinstance(message, N_EVENT_REPORT):
            self.requests.append(item)
        elif not self._assoc._reactor_checkpoint.is_set():
            # cleared while a thread waits for an answer; one that nobody has asked for is dropped
            super().put(item, block, timeout)


class Store:
    """One C-STORE request: where it goes, and how it is answered."""

    def __init__(self, context_id: int, fields: dict[int, bytes], reception: Reception) -> None:
        self.context_id = context_id
        self.reception = reception
        self._fields = fields

    def answer(self, status: int) -> bytes:
        """Return the C-STORE-RSP as one PDU (PS3.7 9.3.1.2)."""
        fields = self._fields
        body = b"".join(
            (
                _element(SOP_CLASS, fields.get(SOP_CLASS, b"")),
                ANSWERS,
                fields[MESSAGE_ID],
                HAS_STATUS,
                status.to_bytes(2, "little"),
                _element(SOP_INSTANCE, fields.get(SOP_INSTANCE, b"")),
            )
        )
        size = len(body) + len(BODY_BYTES) + 6
        head = PDATA_RESPONSE.pack(P_DATA_TF, size + 4, size, self.context_id, COMMAND | LAST)
        return b"".join((head, BODY_BYTES, len(body).to_bytes(4, "little"), body))


def read_command(command: bytes) -> dict[int, bytes]:
    """Return the values of a command set by element number.

    Commands are in Implicit VR Little Endian (PS3.7 6.3.1). What is no such thing gives what could
    be read before it stopped making sense.
    """
    fields, at = {}, 0
    while at + ELEMENT.size <= len(command):
        group, element, length = ELEMENT.unpack_from(command, at)
        at += ELEMENT.size + length
        if group or at > len(command):
            break
        fields[element] = command[at - length : at]
    return fields


def _element(number: int, value: bytes) -> bytes:
    return ELEMENT.pack(0, number, len(value)) + value


# what all C-STORE-RSP have in common, each up to a value that differs
BODY_BYTES = ELEMENT.pack(0, 0, 4)
ANSWERS = _element(COMMAND_FIELD, C_STORE_RSP) + ELEMENT.pack(0, RESPONDED_TO, 2)
HAS_STATUS = _element(DATASET_TYPE, NO_DATASET) + ELEMENT.pack(0, STATUS, 2)
