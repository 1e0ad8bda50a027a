"""A listener among strangers: what it holds, and an honest sender who must always get through."""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.payloads import Object, make
from bench.sender import Association, _associate_request, encode_pdus
from faults.site import PARTS, pids
from faults.traffic import SLICE
from ours import Osteoscreen
from peers import LOOPBACK, wait_for

from daemon.records.ledger import last_events
from daemon.records.tables import REFUSAL

NETWORK_TIMEOUT_S = 3.0
MOST_ASSOCIATIONS = 8
LET_GO_WITHIN_S = 15.0
SETTLED_WITHIN_S = 25.0
GROWTH_MOST_MIB = 48
"""An association's buffers come and go; a leak or a believed length does not stay below."""
LEDGER_DESCRIPTORS = 15
"""The ledger keeps up to five connections of three files each."""


@dataclass(frozen=True)
class Vitals:
    """What one process holds."""

    threads: int
    descriptors: int
    rss_mib: float


def vitals(pid: int) -> Vitals:
    """Read what a process holds from /proc."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Vitals(int(status["Threads"]), descriptors, int(status["VmRSS"].split()[0]) / 1024)


class Besieged(Osteoscreen):
    """A listener of one process with few seats and little patience."""

    def __init__(self, folder: Path, straight: bool, only: str = "listener,intake") -> None:
        modality = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
        few = {"listener_processes": 1, "max_associations": MOST_ASSOCIATIONS}
        super().__init__(
            folder,
            [modality],
            only=only,
            network_timeout_s=NETWORK_TIMEOUT_S,
            straight_path=straight,
            **few,
        )
        self.straight = straight

    @property
    def listener(self) -> int:
        """The process identifier of the listener."""
        [pid] = pids(f"{PARTS['listener']} --home {self.home}")
        return pid

    def vitals(self) -> Vitals:
        """Return what the listener holds."""
        return vitals(self.listener)

    def connect(self) -> socket.socket:
        """Open a connection and say nothing yet."""
        return socket.create_connection((LOOPBACK, self.port), timeout=SETTLED_WITHIN_S)

    def associate(self, called: str = "", calling: str = "MODALITY") -> Association:
        """Open an association for CT slices."""
        return Association(self.port, called or self.aet, calling, SLICE.sop_class)

    def take_a_seat(self) -> Association:
        """Open an association as soon as a seat is free."""
        return wait_for("a seat", self._try_to_associate)

    def _try_to_associate(self) -> Association | None:
        try:
            return self.associate()
        except ConnectionError:
            return None

    def store(self, one: Object) -> None:
        """Store an object over an association of its own."""
        association = self.associate()
        association.store(encode_pdus(one, association.maximum_length))
        association.release()

    def honest(self) -> Object:
        """Let an honest modality send until it is heard; what it sent must lie in the spool."""
        [one] = make(SLICE, 1)
        wait_for("an honest sender to be heard", lambda: self._is_stored(one), SETTLED_WITHIN_S)
        wait_for("its object in the spool", lambda: self.holds(one.data))
        return one

    def _is_stored(self, one: Object) -> bool:
        try:
            self.store(one)
        except OSError:
            return False
        return True

    def holds(self, data: bytes) -> bool:
        """Tell whether a dataset lies in the spool as it was sent."""
        return any(_ends_with(path, data) for path in (self.home / "spool").rglob("*.dcm"))

    def refusals(self) -> list[str]:
        """Return what the ledger says of refused associations."""
        return [event.detail or "" for event in last_events(self.ledger, REFUSAL, most=5000)]

    def partial_files(self) -> list[Path]:
        """Return what lies half written in the spool."""
        return list((self.home / "spool").rglob("*.part"))

    def settle(self, before: Vitals) -> None:
        """Wait until the listener holds no more than before, its memory almost so."""

        descriptors = before.descriptors + LEDGER_DESCRIPTORS

        def settled() -> bool:
            now = self.vitals()
            return now.threads <= before.threads and now.descriptors <= descriptors

        wait_for(f"the listener to hold {before} again", settled, SETTLED_WITHIN_S)
        assert self.vitals().rss_mib - before.rss_mib < GROWTH_MOST_MIB
        assert self.partial_files() == []


def _ends_with(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes().endswith(data)
    except FileNotFoundError:
        return False


def request(called: str, calling: str = "MODALITY") -> bytes:
    """Return an A-ASSOCIATE-RQ for CT slices."""
    return _associate_request(called, calling, SLICE.sop_class)


def closes(sock: socket.socket, within_s: float) -> bool:
    """Tell whether the other side ends the connection in time, whatever it says before."""
    until = time.monotonic() + within_s
    with contextlib.suppress(ConnectionError):
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                if not sock.recv(4096):
                    return True
            except TimeoutError:
                return False
        return False
    return True


def reset(sock: socket.socket) -> None:
    """Close with a RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextlib.contextmanager
def all_closed(count: int, system: Besieged) -> Iterator[list[socket.socket]]:
    """Open connections, and close what is left of them at the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(system.connect()) for _ in range(count)]
