"""A C-STORE sender that costs next to nothing while it is timed: all PDUs are encoded before.

DICOM by hand (PS3.8 9.3 for the PDUs, PS3.7 9.3.1 for the C-STORE): a library's sender would
measure itself. One thread and one association for each share of the objects.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.payloads import Object

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
EXPLICIT_LITTLE_ENDIAN = b"1.2.840.10008.1.2.1"
IMPLEMENTATION = b"1.2.826.0.1.3680043.8.498.77.1"
OUR_MAXIMUM_LENGTH = 16384
UNLIMITED_MEANS = 1 << 20
ASSOCIATE_AC, DATA, RELEASE_RQ = 2, 4, 5
COMMAND, LAST = 1, 2
TIMEOUT_S = 120.0
CALLING = "BENCH"


@dataclass(frozen=True)
class Sent:
    """How one load went: seconds from the first byte to the last answer, and each object's own."""

    wall_s: float
    latencies_s: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        return sorted(self.latencies_s)[len(self.latencies_s) // 2] * 1e3


class Association:
    """One association, with a presentation context for a single SOP class."""

    def __init__(self, port: int, called: str, calling: str, sop_class: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(_associate_request(called, calling, sop_class))
        kind, body = self._read_pdu()
        if kind != ASSOCIATE_AC:
            raise ConnectionError(f"{called} did not accept the association (PDU type {kind})")
        self.maximum_length = _maximum_length(body)

    def store(self, pdus: bytes) -> float:
        """Send one encoded object; return the seconds until its success was said."""
        began = time.perf_counter()
        if status := self.status(pdus):
            raise ConnectionError(f"an object was not stored (status 0x{status:04X})")
        return time.perf_counter() - began

    def status(self, pdus: bytes) -> int:
        """Send one encoded object; return the status that was answered."""
        self._socket.sendall(pdus)
        kind, body = self._read_pdu()
        if kind != DATA or (status := _status(body)) < 0:
            raise ConnectionError(f"an object was not answered (PDU type {kind}, {body.hex()})")
        return status

    def release(self) -> None:
        self._socket.sendall(struct.pack(">BxLL", RELEASE_RQ, 4, 0))
        self._read_pdu()
        self._socket.close()

    def _read_pdu(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxL", self._exactly(6))
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the acceptor closed the connection")
            data += more
        return data


@dataclass(frozen=True)
class Manner:
    """How a load is sent: so many associations at once, each ended after so many objects."""

    associations: int = 1
    objects_each: int | None = None


def send(objects: Sequence[Object], port: int, called: str, manner: Manner = Manner()) -> Sent:
    """Send objects over parallel associations and wait for every answer."""
    associations = manner.associations
    latencies: list[float] = []
    failures: list[Exception] = []
    ready = threading.Barrier(associations + 1, timeout=TIMEOUT_S)

    def share(mine: Sequence[Object]) -> None:
        try:
            association = Association(port, called, CALLING, mine[0].sop_class)
            encoded = [encode_pdus(one, association.maximum_length) for one in mine]
            ready.wait()
            for number, pdus in enumerate(encoded):
                if number and manner.objects_each and number % manner.objects_each == 0:
                    association.release()
                    association = Association(port, called, CALLING, mine[0].sop_class)
                latencies.append(association.store(pdus))
            association.release()
        except (OSError, threading.BrokenBarrierError) as error:
            failures.append(error)
            ready.abort()

    shares = [objects[start::associations] for start in range(associations)]
    threads = [threading.Thread(target=share, args=[mine]) for mine in shares]
    for thread in threads:
        thread.start()
    # broken by a share that failed: its own error is raised below
    with contextlib.suppress(threading.BrokenBarrierError):
        ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Sent(time.perf_counter() - began, tuple(latencies))


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def _associate_request(called: str, calling: str, sop_class: str) -> bytes:
    syntaxes = _item(0x30, sop_class.encode()) + _item(0x40, EXPLICIT_LITTLE_ENDIAN)
    context = _item(0x20, struct.pack("B3x", 1) + syntaxes)
    user = _item(0x51, struct.pack(">L", OUR_MAXIMUM_LENGTH)) + _item(0x52, IMPLEMENTATION)
    titles = called.encode().ljust(16) + calling.encode().ljust(16)
    body = struct.pack(">H2x", 1) + titles + bytes(32)
    body += _item(0x10, APPLICATION_CONTEXT) + context + _item(0x50, user)
    return struct.pack(">BxL", 1, len(body)) + body


def _maximum_length(accept: bytes) -> int:
    at = 68
    while at < len(accept):
        kind, length = struct.unpack_from(">BxH", accept, at)
        if kind == 0x50:
            return int(struct.unpack_from(">L", accept, at + 8)[0]) or UNLIMITED_MEANS
        at += 4 + length
    return OUR_MAXIMUM_LENGTH


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value


def _even(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def encode_pdus(one: Object, maximum_length: int) -> bytes:
    command = _element(0x0002, _even(one.sop_class)) + _element(0x0100, struct.pack("<H", 1))
    command += _element(0x0110, struct.pack("<H", 1)) + _element(0x0700, struct.pack("<H", 0))
    command += _element(0x0800, struct.pack("<H", 1)) + _element(0x1000, _even(one.uid))
    command = _element(0x0000, struct.pack("<L", len(command))) + command
    pdus = [_fragment(command, COMMAND | LAST)]
    step = (maximum_length - 6) & ~1
    for start in range(0, len(one.data), step):
        piece = one.data[start : start + step]
        pdus.append(_fragment(piece, LAST if start + step >= len(one.data) else 0))
    return b"".join(pdus)


def _fragment(piece: bytes, control: int) -> bytes:
    return struct.pack(">BxLLBB", DATA, len(piece) + 6, len(piece) + 2, 1, control) + piece


def _status(response: bytes) -> int:
    # past the fragment's length, context and control bytes
    at = 6
    while at + 8 <= len(response):
        _, number, length = struct.unpack_from("<HHL", response, at)
        if number == 0x0900:
            return int(struct.unpack_from("<H", response, at + 8)[0])
        at += 8 + length
    return -1
