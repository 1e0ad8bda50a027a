"""A PACS on a real socket that misbehaves in one named way, PDU by PDU (PS3.8 9.3).

``manner`` is what it does with one association; the constructors name the ways. What it has taken
whole stands in ``stored``, by SOP Instance UID: one entry for each time it came.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Self

from peers import LOOPBACK
from pydicom import Dataset
from pydicom.filereader import read_dataset
from pynetdicom.dsutils import encode

ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7
ACCEPTED, ABSTRACT_SYNTAX_REFUSED, TRANSFER_SYNTAXES_REFUSED = 0, 3, 4
STALL_S = 600.0


class HungUp(Exception):
    """The caller is gone."""


@dataclass
class Received:
    """One C-STORE request, whole."""

    context: int
    command: Dataset
    data: bytes

    @property
    def uid(self) -> str:
        return str(self.command.AffectedSOPInstanceUID)


class Call:
    """One association, seen from the one who is called."""

    def __init__(self, pacs: "ClumsyPacs", conn: socket.socket) -> None:
        self.pacs, self.conn = pacs, conn
        self.bytes_a_s = 0.0
        self.syntaxes: dict[int, str] = {}

    def read(self, count: int) -> bytes:
        """Read so many bytes, no faster than it wants to."""
        got = b""
        while len(got) < count:
            most = count - len(got)
            if self.bytes_a_s:
                most = min(most, max(1, int(self.bytes_a_s / 20)))
                self.pause(most / self.bytes_a_s)
            some = self.conn.recv(most)
            if not some:
                raise HungUp
            got += some
        return got

    def pause(self, seconds: float) -> None:
        if self.pacs.gone.wait(seconds):
            raise HungUp

    def pdu(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BBL", self.read(6))
        return kind, self.read(length)

    def send(self, kind: int, body: bytes) -> None:
        self.conn.sendall(struct.pack(">BBL", kind, 0, len(body)) + body)

    def accept(self) -> bytes:
        """Read the request, and give the body of the answer that accepts what we take."""
        _, request = self.pdu()
        answers = b"".join(
            self._context(item) for kind, item in items(request[68:]) if kind == 0x20
        )
        application = item_of(0x10, b"1.2.840.10008.3.1.1.1")
        user = item_of(0x51, struct.pack(">L", 16384)) + item_of(0x52, b"1.2.3.4")
        return request[:68] + application + answers + item_of(0x50, user)

    def _context(self, item: bytes) -> bytes:
        number = item[0]
        sub = [(kind, value.decode().strip("\0 ")) for kind, value in items(item[4:])]
        [sop_class] = [value for kind, value in sub if kind == 0x30]
        offered = [value for kind, value in sub if kind == 0x40]
        taken = [one for one in offered if self.pacs.takes(sop_class, one)]
        if taken:
            self.syntaxes[number] = taken[0]
        result = ACCEPTED if taken else TRANSFER_SYNTAXES_REFUSED
        syntax = item_of(0x40, (taken or offered)[0].encode())
        return item_of(0x21, bytes([number, 0, result, 0]) + syntax)

    def begin(self) -> None:
        self.send(ASSOCIATE_AC, self.accept())

    def objects(self, goodbye: bool = True) -> Iterator[Received]:
        """Give each object as it has come whole; end, politely, when the caller does."""
        parts: dict[bool, bytes] = {True: b"", False: b""}
        while True:
            kind, body = self.pdu()
            if kind == RELEASE_RQ and goodbye:
                self.send(RELEASE_RP, bytes(4))
            if kind != P_DATA:
                return
            for context, is_command, is_last, data in fragments(body):
                parts[is_command] += data
                if is_last and not is_command:
                    command = read_dataset(BytesIO(parts[True]), True, True)
                    yield Received(context, command, parts[False])
                    parts = {True: b"", False: b""}

    def keep(self, received: Received) -> None:
        self.pacs.stored[received.uid].append((self.syntaxes[received.context], received.data))

    def answer(self, received: Received, status: int, comment: str = "", shift: int = 0) -> None:
        """Send a C-STORE-RSP; ``shift`` makes it the answer to another message."""
        reply = Dataset()
        reply.AffectedSOPClassUID = received.command.AffectedSOPClassUID
        reply.CommandField = 0x8001
        reply.MessageIDBeingRespondedTo = received.command.MessageID + shift
        reply.CommandDataSetType = 0x0101
        reply.Status = status
        if comment:
            reply.ErrorComment = comment
        reply.AffectedSOPInstanceUID = received.uid
        body = encode(reply, True, True) or b""
        length = struct.pack("<HHLL", 0, 0, 4, len(body))
        pdv = bytes([received.context, 0b11]) + length + body
        self.send(P_DATA, struct.pack(">L", len(pdv)) + pdv)

    def stall(self) -> None:
        """Do nothing at all until the caller has gone, or the test is over."""
        self.conn.settimeout(0.05)
        until = time.monotonic() + STALL_S
        while time.monotonic() < until and not self.pacs.gone.is_set():
            with contextlib.suppress(TimeoutError):
                # looks and does not take: what the caller sends stays where it is
                if self.conn.recv(1, socket.MSG_PEEK) == b"":
                    raise HungUp
                self.pause(0.05)


def items(body: bytes) -> Iterator[tuple[int, bytes]]:
    while body:
        kind, _, length = struct.unpack(">BBH", body[:4])
        yield kind, body[4 : 4 + length]
        body = body[4 + length :]


def item_of(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def fragments(body: bytes) -> Iterator[tuple[int, bool, bool, bytes]]:
    while body:
        (length,) = struct.unpack(">L", body[:4])
        context, control = body[4], body[5]
        yield context, bool(control & 1), bool(control & 2), body[6 : 4 + length]
        body = body[4 + length :]


Manner = Callable[[Call], None]


def _polite(call: Call, status: int = 0, comment: str = "") -> None:
    call.begin()
    for received in call.objects():
        if status == 0 or status >> 12 == 0xB:
            call.keep(received)
        call.answer(received, status, comment)


class ClumsyPacs:
    """Serve associations in one manner until left; ``become`` changes it while it runs."""

    def __init__(
        self,
        manner: Manner = _polite,
        takes: Callable[[str, str], bool] = lambda _sop_class, _syntax: True,
        receive_buffer: int | None = None,
        port: int = 0,
    ) -> None:
        self.aet = "CLUMSY"
        self.takes = takes
        self.calls = 0
        self.stored: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        self.gone = threading.Event()
        self._manner = manner
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.bind((LOOPBACK, port))
        self._socket.listen(64)
        self.port = int(self._socket.getsockname()[1])
        self._threads: list[threading.Thread] = []

    def become(self, other: "ClumsyPacs") -> None:
        """Take on another's manners, from the next association on."""
        self._manner, self.takes = other._manner, other.takes
        other._socket.close()

    def __enter__(self) -> Self:
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while not self.gone.is_set():
            try:
                conn, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            self._start(self._one, conn)

    def _one(self, conn: socket.socket) -> None:
        with conn, contextlib.suppress(HungUp, OSError):
            self._manner(Call(self, conn))

    # --- the ways to misbehave -----------------------------------------------------------------

    @classmethod
    def well(cls) -> Self:
        return cls()

    @classmethod
    def answering(cls, status: int, comment: str = "") -> Self:
        """Take each object and answer with one status."""
        return cls(lambda call: _polite(call, status, comment))

    @classmethod
    def accepting_only(cls, *sop_classes: str) -> Self:
        return cls(takes=lambda sop_class, _: sop_class in sop_classes)

    @classmethod
    def speaking_only(cls, syntax: str) -> Self:
        return cls(takes=lambda _, offered: offered == syntax)

    @classmethod
    def refusing_calls(cls, reason: int = 1) -> Self:
        """Reject every association (PS3.8 9.3.4; 3: calling AE title not recognized)."""

        def manner(call: Call) -> None:
            call.pdu()
            call.send(ASSOCIATE_RJ, bytes([0, 1, 1, reason]))

        return cls(manner)

    @classmethod
    def aborting_in_mid_object(cls) -> Self:
        def manner(call: Call) -> None:
            call.begin()
            call.pdu()
            call.read(1000)
            call.send(ABORT, bytes([0, 0, 2, 0]))

        return cls(manner)

    @classmethod
    def hanging_up_in_mid_object(cls) -> Self:
        def manner(call: Call) -> None:
            call.begin()
            call.pdu()
            call.read(1000)
            # with bytes unread, the kernel sends a reset
            call.conn.close()

        return cls(manner)

    @classmethod
    def reading(cls, bytes_a_s: float) -> Self:
        """Take what comes at a pace of its own, and store it if it ever has it whole."""

        def manner(call: Call) -> None:
            call.begin()
            call.bytes_a_s = bytes_a_s
            for received in call.objects():
                call.keep(received)
                call.answer(received, 0)

        return cls(manner, receive_buffer=4096)

    @classmethod
    def never_answering(cls) -> Self:
        """Store and say nothing, its connection open."""

        def manner(call: Call) -> None:
            call.begin()
            for received in call.objects():
                call.keep(received)
                call.stall()

        return cls(manner)

    @classmethod
    def losing_its_answer(cls) -> Self:
        """Store, and break down before the answer is out."""

        def manner(call: Call) -> None:
            call.begin()
            for received in call.objects():
                call.keep(received)
                return

        return cls(manner)

    @classmethod
    def mute(cls) -> Self:
        """Take the connection and never say a word."""
        return cls(Call.stall)

    @classmethod
    def stopping_in_mid_answer(cls) -> Self:
        """Promise an answer to the association request, and send half of it."""

        def manner(call: Call) -> None:
            body = call.accept()
            call.conn.sendall(struct.pack(">BBL", ASSOCIATE_AC, 0, len(body)) + body[:40])
            call.stall()

        return cls(manner)

    @classmethod
    def dripping_its_answer(cls) -> Self:
        """Answer a C-STORE with a PDU of 4 GB, a byte at a time."""

        def manner(call: Call) -> None:
            call.begin()
            for received in call.objects():
                call.keep(received)
                call.conn.sendall(struct.pack(">BBL", P_DATA, 0, 0xFFFFFFFF))
                while True:
                    call.conn.sendall(b"x")
                    call.pause(0.1)

        return cls(manner)

    @classmethod
    def babbling(cls, words: bytes = b"HTTP/1.1 400 Bad Request\r\n\r\n") -> Self:
        """Answer a C-STORE with bytes of another protocol."""

        def manner(call: Call) -> None:
            call.begin()
            for _ in call.objects():
                call.conn.sendall(words)
                call.stall()

        return cls(manner)

    @classmethod
    def answering_another_message(cls) -> Self:
        """Say success, but to a request that nobody made; store nothing."""

        def manner(call: Call) -> None:
            call.begin()
            for received in call.objects():
                call.answer(received, 0, shift=77)

        return cls(manner)

    @classmethod
    def never_releasing(cls) -> Self:
        """Store well, and never say goodbye."""

        def manner(call: Call) -> None:
            call.begin()
            for received in call.objects(goodbye=False):
                call.keep(received)
                call.answer(received, 0)
            call.stall()

        return cls(manner)
