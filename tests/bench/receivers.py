"""The receivers side by side, each with the folder where its files appear and what it costs."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from bench.payloads import Object
from ours import Osteoscreen
from peers import DcmtkStorescp, Orthanc, Process, answers, free_port, wait_for
from programs import find_program

FLOOR, DCMTK, ORTHANC, STOCK, OURS = "C floor", "storescp", "Orthanc", "pynetdicom", "osteoscreen"
HERE = Path(__file__).parent
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Running(Protocol):
    """A receiver that is up."""

    aet: str
    port: int
    process: subprocess.Popen[bytes] | None


class Program(Process):
    """A receiver of a few lines: PORT FOLDER are its arguments."""

    def __init__(self, folder: Path, *command: str) -> None:
        super().__init__(folder)
        self.aet, self.port, self.store = "BENCH", free_port(), folder / "received"
        self._command = command

    def command(self) -> list[str]:
        self.store.mkdir(exist_ok=True)
        return [*self._command, str(self.port), str(self.store)]

    def is_ready(self) -> bool:
        return answers(self.port)


@dataclass
class Receiver:
    """A receiver under test."""

    name: str
    running: Running
    store: Path
    seen: set[Path] = field(default_factory=set)

    def check(self, objects: Sequence[Object]) -> None:
        """See that what was sent is stored, byte for byte, and nothing else."""
        if self.name == OURS:
            incoming = self.store / "incoming"
            wait_for("the intake", lambda: not list(incoming.iterdir()))
        stored = sorted(sha256(data).hexdigest() for data in self._new_datasets())
        if stored != sorted(one.digest for one in objects):
            raise AssertionError(
                f"{self.name} did not store all that was sent, or not as it was sent"
            )

    def _new_datasets(self) -> Iterator[bytes]:
        files = (p for p in self.store.rglob("*") if p.parent.name != "released" and p.is_file())
        new = [p for p in files if p not in self.seen]
        self.seen.update(new)
        for path in new:
            content = path.read_bytes()
            # emptied now, deleted at the end: deleting would slow down the next one's writes
            os.truncate(path, 0)
            if content[128:132] == b"DICM":
                # PS3.10 7.1: (0002,0000) counts the rest of the file meta information
                yield content[144 + int.from_bytes(content[140:144], "little") :]

    def cpu_s(self) -> float:
        """Return the CPU time that it and all it has started have used so far."""
        assert self.running.process is not None
        return cpu_s(self.running.process.pid)

    def forget_peak(self) -> None:
        """Let the peak memory of its processes be what they hold now."""
        assert self.running.process is not None
        for pid in tree(self.running.process.pid):
            with contextlib.suppress(OSError):
                # proc(5): 5 sets the peak resident set size back
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """Return the peak memory of the largest of its processes since it was forgotten."""
        assert self.running.process is not None
        return max(peak_mb(pid) for pid in tree(self.running.process.pid))


@contextlib.contextmanager
def receivers(folder: Path) -> Iterator[list[Receiver]]:
    """Start all that are installed here."""
    with contextlib.ExitStack() as stack:
        started = [
            Receiver(DCMTK, one := stack.enter_context(DcmtkStorescp(folder / "dcmtk")), one.store)
        ]
        orthanc = stack.enter_context(Orthanc(folder / "orthanc"))
        started.append(Receiver(ORTHANC, orthanc, orthanc.folder / "storage"))
        stock = Program(folder / "stock", sys.executable, str(HERE / "stock.py"))
        started.append(Receiver(STOCK, stack.enter_context(stock), stock.store))
        floor = Program(folder / "floor", str(compiled_floor(folder)))
        started.append(Receiver(FLOOR, stack.enter_context(floor), floor.store))
        started.append(_ours(stack, folder / "ours"))
        yield started


def _ours(stack: contextlib.ExitStack, folder: Path) -> Receiver:
    """Start ours with its intake and its ledger at work beside it."""
    senders = [
        [aet, "127.0.0.1", "11113", "--sends", "--results", "none"] for aet in ("BENCH", "DCMSEND")
    ]
    ours = Osteoscreen(folder, peers=senders, only="listener,intake", min_free_mib=0)
    stack.enter_context(ours)
    return Receiver(OURS, ours, ours.home / "spool")


def compiled_floor(folder: Path) -> Path:
    """Compile the floor of the benchmark."""
    program = folder / "floor-scp"
    compile_it = [find_program("cc"), "-O2", "-pthread", str(HERE / "floor.c"), "-o", str(program)]
    subprocess.run(compile_it, check=True, capture_output=True)
    return program


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    pids = [pid]
    for one in pids:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{one}/task/{one}/children").read_text()
            pids += [int(child) for child in children.split()]
    return pids


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process and all it has started have used so far."""
    return sum(map(_cpu_s, tree(pid)))


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    # proc(5): user and system time, its own and of the children it has waited for
    return sum(map(int, fields[11:15])) * TICK_S


def peak_mb(pid: int) -> float:
    """Return the peak memory of a process, 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    # nothing of a child that has ended and is not waited for yet
    peaks = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return sum(int(peak.split()[1]) for peak in peaks) / 1024
