"""Time our listener beside DCMTK's storescp and Orthanc: objects a second, MB a second, ratios.

Run with `make bench`. All three are up all the time and get each load in turn, in another order in
every round; figures are medians over the rounds. Only ratios within one run mean anything: machines
differ and drift. After each load everything must be stored, byte for byte.

What each has made durable before it answers: storescp nothing; Orthanc the file and its index row;
ours the file and its name in the folder.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from bench.payloads import CT_LIKE, DX_LIKE, TINY, Object, Payload, make
from bench.sender import Sent, send
from ours import Osteoscreen
from peers import DcmtkStorescp, Orthanc
from rich.console import Console
from rich.progress import track
from rich.table import Table

DCMTK, ORTHANC, OURS = "storescp", "Orthanc", "osteoscreen"
RESULTS = Path("bench-results")


class Running(Protocol):
    """A receiver that is up."""

    aet: str
    port: int


@dataclass
class Receiver:
    """A receiver under test and the folder where its files appear."""

    name: str
    running: Running
    store: Path
    seen: set[Path] = field(default_factory=set)

    def take(self, objects: Sequence[Object], associations: int) -> Sent:
        """Send one load, and check that it is stored byte for byte."""
        os.sync()
        sent = send(objects, self.running.port, self.running.aet, associations=associations)
        stored = sorted(sha256(data).hexdigest() for data in self._new_datasets())
        if stored != sorted(one.digest for one in objects):
            raise AssertionError(
                f"{self.name} did not store all that was sent, or not as it was sent"
            )
        return sent

    def _new_datasets(self) -> Iterator[bytes]:
        new = [p for p in self.store.rglob("*") if p.is_file() and p not in self.seen]
        self.seen.update(new)
        for path in new:
            content = path.read_bytes()
            # emptied now, deleted at the end: deleting would slow down the next one's writes
            os.truncate(path, 0)
            if content[128:132] == b"DICM":
                # PS3.10 7.1: (0002,0000) counts the rest of the file meta information
                yield content[144 + int.from_bytes(content[140:144], "little") :]


@dataclass(frozen=True)
class Load:
    """What is sent at once."""

    payload: Payload
    associations: int
    objects: int | None = None

    @property
    def name(self) -> str:
        return f"{self.payload.name}:{self.associations}"


@dataclass(frozen=True)
class Figures:
    """Medians over the rounds of one load on one receiver, and objects/s against the others'."""

    load: str
    receiver: str
    objects_per_s: float
    mb_per_s: float
    median_ms: float
    ratios: dict[str, float]


#: By load and receiver, one row a round: objects/s, MB/s, median ms.
Taken = dict[tuple[Load, str], list[tuple[float, float, float]]]

LOADS = [Load(payload, n) for payload in (CT_LIKE, DX_LIKE, TINY) for n in (1, 4, 8)]


@contextlib.contextmanager
def receivers(folder: Path) -> Iterator[list[Receiver]]:
    """Start the three."""
    with contextlib.ExitStack() as stack:
        storescp = stack.enter_context(DcmtkStorescp(folder / "storescp"))
        orthanc = stack.enter_context(Orthanc(folder / "orthanc"))
        bench = ["BENCH", "127.0.0.1", "11113", "--sends", "--results", "none"]
        ours = stack.enter_context(Osteoscreen(folder / "ours", peers=[bench], only="listener"))
        yield [
            Receiver(DCMTK, storescp, storescp.store),
            Receiver(ORTHANC, orthanc, orthanc.folder / "storage"),
            Receiver(OURS, ours, ours.home / "spool"),
        ]


def measure(running: Sequence[Receiver], loads: Sequence[Load], rounds: int) -> list[Figures]:
    """Send every load to every receiver, round after round."""
    taken: Taken = {}
    turns = [(load, one) for _ in range(rounds) for load in loads for one in _shuffled(running)]
    for receiver in running:
        receiver.take(make(TINY, 5), 1)
    for load, receiver in track(turns, "sending", console=Console(stderr=True)):
        objects = make(load.payload, load.objects)
        sent = receiver.take(objects, load.associations)
        megabytes = sum(len(one.data) for one in objects) / 1e6
        row = (len(objects) / sent.wall_s, megabytes / sent.wall_s, sent.median_ms)
        taken.setdefault((load, receiver.name), []).append(row)
    return [_figures(load, receiver.name, taken) for load in loads for receiver in running]


def _shuffled(running: Sequence[Receiver]) -> list[Receiver]:
    return random.sample(running, len(running))


def _figures(load: Load, name: str, taken: Taken) -> Figures:
    columns = zip(*taken[load, name], strict=True)
    objects_per_s, mb_per_s, median_ms = map(statistics.median, columns)
    ratios = {
        other: objects_per_s / statistics.median(row[0] for row in rows)
        for (its_load, other), rows in taken.items()
        if its_load == load
    }
    return Figures(load.name, name, objects_per_s, mb_per_s, median_ms, ratios)


def show(figures: Sequence[Figures]) -> Table:
    table = Table(title="C-STORE on loopback, medians; a load is payload:associations")
    against = [f"x {name}" for name in (DCMTK, ORTHANC)]
    for column in ("load", "receiver", "objects/s", "MB/s", "median ms", *against):
        table.add_column(column, justify="left" if column in ("load", "receiver") else "right")
    for row in figures:
        rates = f"{row.objects_per_s:.0f}", f"{row.mb_per_s:.0f}", f"{row.median_ms:.2f}"
        ratios = [f"{row.ratios[name]:.2f}" for name in (DCMTK, ORTHANC)]
        table.add_row(row.load, row.receiver, *rates, *ratios, end_section=row.receiver == OURS)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        receivers(Path(folder)) as running,
    ):
        figures = measure(running, LOADS, options.rounds)
    Console().print(show(figures))
    RESULTS.mkdir(exist_ok=True)
    rows = [vars(row) for row in figures]
    (RESULTS / "listener.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
