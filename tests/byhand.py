"""DICOM by hand: PDUs and C-STORE messages as bytes, to be cut and spoilt at will.

PS3.8 9.3 for the PDUs, PS3.7 9.3.1 for the C-STORE. No library would send what these tests send.
"""

import socket
import struct
from typing import Self

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
EXPLICIT = b"1.2.840.10008.1.2.1"
IMPLICIT = b"1.2.840.10008.1.2"
VERIFICATION = b"1.2.840.10008.1.1"
CT = b"1.2.840.10008.5.1.4.1.1.2"
CT_CONTEXT, ECHO_CONTEXT, REFUSED_CONTEXT = 1, 3, 5
QUERY = b"1.2.840.10008.5.1.4.1.2.2.1"

ACCEPT, REJECT, DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7
COMMAND, LAST = 1, 2
RELEASE = struct.pack(">BxLL", RELEASE_RQ, 4, 0)
ABORTING = struct.pack(">BxLL", ABORT, 4, 0)


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxL", kind, len(body)) + body


def pdv(control: int, fragment: bytes, context: int = CT_CONTEXT) -> bytes:
    return struct.pack(">LBB", len(fragment) + 2, context, control) + fragment


def data(*fragments: bytes) -> bytes:
    """One P-DATA-TF of some PDVs."""
    return pdu(DATA, b"".join(fragments))


def element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHL", 0, number, len(value)) + value


def command(field: int, sop_class: bytes, sop: bytes = b"", message_id: int = 7) -> bytes:
    body = element(0x2, sop_class) + element(0x100, struct.pack("<H", field))
    body += element(0x110, struct.pack("<H", message_id))
    if sop:
        body += element(0x700, b"\0\0") + element(0x800, b"\0\0") + element(0x1000, sop)
    else:
        body += element(0x800, b"\x01\x01")
    return element(0, struct.pack("<L", len(body))) + body


def store_rq(sop: bytes = b"1.2.3", sop_class: bytes = CT) -> bytes:
    return command(0x0001, sop_class, sop)


def echo_rq() -> bytes:
    return command(0x0030, VERIFICATION)


def echo() -> bytes:
    return data(pdv(COMMAND | LAST, echo_rq(), ECHO_CONTEXT))


def dataset(sop: bytes = b"1.2.3", filling: int = 0) -> bytes:
    """Encode the tags the index needs, Explicit VR Little Endian, and some filling."""
    out = b""
    for group, number, vr, value in (
        (0x08, 0x16, b"UI", CT),
        (0x08, 0x18, b"UI", sop),
        (0x20, 0x0D, b"UI", b"1.2.9"),
        (0x20, 0x0E, b"UI", b"1.2.9.1"),
        (0x28, 0x04, b"LO", b"x" * filling),
    ):
        value += b"\0" * (len(value) % 2)
        out += struct.pack("<HH2sH", group, number, vr, len(value)) + value
    return out


def store(content: bytes, sop: bytes = b"1.2.3") -> bytes:
    """One whole C-STORE request: a PDU for the command, one for the dataset."""
    return data(pdv(COMMAND | LAST, store_rq(sop))) + data(pdv(LAST, content))


class Caller:
    """An association whose every byte the test decides."""

    def __init__(self, port: int, calling: str = "CR1", called: str = "OSTEOSCREEN") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.titles = called.encode().ljust(16) + calling.encode().ljust(16)

    def associate(self) -> Self:
        self.send(self.request())
        kind, _ = self.read()
        assert kind == ACCEPT, kind
        return self

    def request(self) -> bytes:
        contexts = b"".join(
            _item(0x20, struct.pack("B3x", number) + _item(0x30, uid) + _item(0x40, EXPLICIT))
            for number, uid in (
                (CT_CONTEXT, CT),
                (ECHO_CONTEXT, VERIFICATION),
                (REFUSED_CONTEXT, QUERY),
            )
        )
        user = _item(0x51, struct.pack(">L", 16384)) + _item(0x52, b"1.2.826.0.1.3680043.8.498.7")
        head = struct.pack(">H2x", 1) + self.titles + bytes(32)
        return pdu(1, head + _item(0x10, APPLICATION_CONTEXT) + contexts + _item(0x50, user))

    def send(self, *pieces: bytes) -> None:
        """Send pieces, each in a TCP segment of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def read(self) -> tuple[int, bytes]:
        """Read one PDU; (0, b"") when the connection is closed."""
        try:
            head = self._exactly(6)
            kind, length = struct.unpack(">BxL", head)
            return kind, self._exactly(length)
        except (ConnectionError, struct.error):
            return 0, b""

    def status(self) -> int:
        """Read one answer to a message and return its status."""
        kind, body = self.read()
        assert kind == DATA, f"PDU type {kind} instead of an answer"
        at = 6
        while at < len(body):
            _, number, length = struct.unpack_from("<HHL", body, at)
            if number == 0x900:
                return int(struct.unpack_from("<H", body, at + 8)[0])
            at += 8 + length
        raise AssertionError("an answer without a status")

    def is_ended(self) -> bool:
        """Say whether the peer aborts or closes as its next word."""
        return self.read()[0] in (0, ABORT)

    def release(self) -> None:
        self.send(RELEASE)
        assert self.read()[0] == RELEASE_RP
        self.socket.close()

    def reset(self) -> None:
        """Vanish without a good-bye: the peer gets an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _exactly(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise ConnectionError
            got += more
        return got


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body
