"""Time our listener beside the other receivers, and hold it against its aims.

Run with `make bench`. All are up all the time and get each load in turn, in another order in every
round; figures are medians over the rounds. Only ratios within one run mean anything: machines
differ and drift. After each load everything must be stored, byte for byte.

What each has made durable before it answers: storescp nothing; Orthanc the file and its index row;
the C floor the file; pynetdicom and ours the file and its name in the folder. Intake and ledger of
ours are at work beside it. MB is the peak memory of the receiver's largest process during the load.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.payloads import CT_LIKE, DX_LIKE, TINY, Object, Payload, make, write_part10
from bench.receivers import DCMTK, FLOOR, ORTHANC, OURS, STOCK, Receiver, receivers
from bench.sender import Manner, Sent, send
from programs import find_program
from rich.console import Console
from rich.progress import track
from rich.table import Table

RESULTS = Path("bench-results")
EVERYBODY = (FLOOR, DCMTK, ORTHANC, STOCK, OURS)


@dataclass(frozen=True)
class Load:
    """What is sent at once, how, and to whom."""

    name: str
    payload: Payload
    manner: Manner
    objects: int | None = None
    to: tuple[str, ...] = EVERYBODY
    by_dcmsend: bool = False


CT8 = Load("CT x 8", CT_LIKE, Manner(8), 300)
FILM4 = Load("film x 4", DX_LIKE, Manner(4), 60)
TINY8 = Load("tiny x 8", TINY, Manner(8), 2000)
TINY1 = Load("tiny x 1", TINY, Manner(1))
CALLS = Load("an association per object x 4", TINY, Manner(4, 1), 200, (DCMTK, OURS))
NAGLE = Load("dcmsend as it comes, CT x 1", CT_LIKE, Manner(1), 40, (DCMTK, OURS), True)
LOADS = (CT8, FILM4, TINY8, TINY1, CALLS, NAGLE)


@dataclass(frozen=True)
class Taken:
    """How one receiver took one load, once."""

    objects_per_s: float
    mb_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_s_per_gb: float
    peak_mb: float


@dataclass(frozen=True)
class Row:
    """Medians of one load on one receiver."""

    load: str
    receiver: str
    objects_per_s: float
    mb_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_s_per_gb: float
    peak_mb: float


@dataclass(frozen=True)
class Aim:
    """A ratio of objects a second: ours to another's."""

    load: Load
    against: str
    at_least: float


AIMS = (
    Aim(CT8, FLOOR, 0.85),
    Aim(FILM4, FLOOR, 0.95),
    Aim(TINY8, FLOOR, 0.70),
    Aim(CT8, ORTHANC, 3.5),
    Aim(FILM4, ORTHANC, 2.5),
    Aim(TINY8, ORTHANC, 5.0),
    Aim(CT8, STOCK, 10.0),
    Aim(CT8, DCMTK, 0.8),
    Aim(NAGLE, DCMTK, 5.0),
    Aim(CALLS, DCMTK, 1.0),
)
P50_MS, P99_MS, CPU_S_PER_GB, PEAK_MB = 0.6, 1.5, 1.9, 100.0


def take(receiver: Receiver, load: Load, objects: Sequence[Object], folder: Path) -> Taken:
    """Send one load to one receiver, and check that it is stored byte for byte."""
    os.sync()
    receiver.forget_peak()
    cpu_s = receiver.cpu_s()
    if load.by_dcmsend:
        sent = _dcmsend(receiver, objects, folder)
    else:
        sent = send(objects, receiver.running.port, receiver.running.aet, load.manner)
    cpu_s = receiver.cpu_s() - cpu_s
    receiver.check(objects)
    gigabytes = sum(len(one.data) for one in objects) / 1e9
    latencies_ms = sorted(one * 1e3 for one in sent.latencies_s) or [0.0]
    return Taken(
        len(objects) / sent.wall_s,
        gigabytes * 1e3 / sent.wall_s,
        latencies_ms[len(latencies_ms) // 2],
        latencies_ms[len(latencies_ms) * 99 // 100],
        cpu_s / gigabytes,
        receiver.peak_mb(),
    )


def _dcmsend(receiver: Receiver, objects: Sequence[Object], folder: Path) -> Sent:
    """Send with DCMTK's defaults, Nagle's algorithm among them."""
    files = [write_part10(folder, one) for one in objects]
    where = ["127.0.0.1", str(receiver.running.port)]
    command = [find_program("dcmsend"), "-aec", receiver.running.aet, *where, *map(str, files)]
    plain = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=plain)
    wall_s = time.perf_counter() - began
    for file in files:
        file.unlink()
    return Sent(wall_s, ())


def measure(running: Sequence[Receiver], loads: Sequence[Load], rounds: int) -> list[Row]:
    """Send every load to every receiver that gets it, round after round."""
    taken: dict[tuple[str, str], list[Taken]] = {}
    turns = [
        (load, one)
        for _ in range(rounds)
        for load in loads
        for one in random.sample(running, len(running))
        if one.name in load.to
    ]
    with tempfile.TemporaryDirectory() as folder:
        for receiver in running:
            take(receiver, TINY1, make(TINY, 5), Path(folder))
        taken.update({(load.name, name): [] for load in loads for name in load.to})
        for load, receiver in track(turns, "sending", console=Console(stderr=True)):
            objects = make(load.payload, load.objects)
            one = take(receiver, load, objects, Path(folder))
            taken[load.name, receiver.name].append(one)
    return [
        Row(load.name, name, *_medians(taken[load.name, name]))
        for load in loads
        for name in load.to
    ]


def _medians(taken: Sequence[Taken]) -> list[float]:
    return [statistics.median(column) for column in zip(*map(_values, taken), strict=True)]


def _values(taken: Taken) -> tuple[float, ...]:
    return tuple(vars(taken).values())


def show(rows: Sequence[Row]) -> Table:
    table = Table(title=f"C-STORE on loopback, medians; {os.cpu_count()} cores")
    for column in ("load", "receiver", "objects/s", "MB/s", "p50 ms", "p99 ms", "CPU s/GB", "MB"):
        table.add_column(column, justify="left" if column in ("load", "receiver") else "right")
    for row in rows:
        figures = f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}"
        rates = f"{row.objects_per_s:.0f}", f"{row.mb_per_s:.0f}"
        costs = f"{row.cpu_s_per_gb:.2f}", f"{row.peak_mb:.0f}"
        table.add_row(
            row.load, row.receiver, *rates, *figures, *costs, end_section=row.receiver == OURS
        )
    return table


def judge(rows: Sequence[Row]) -> Table:
    """Hold what was measured against the aims."""
    by_name = {(row.load, row.receiver): row for row in rows}
    table = Table(title="ours against its aims")
    for column in ("what", "measured", "aim", ""):
        table.add_column(column, justify="left" if column == "what" else "right")
    for aim in AIMS:
        ours, other = by_name[aim.load.name, OURS], by_name[aim.load.name, aim.against]
        ratio = ours.objects_per_s / other.objects_per_s
        _judge(table, f"{aim.load.name}, against {aim.against}", ratio, aim.at_least, True)
    one = by_name[TINY1.name, OURS]
    _judge(table, "one C-STORE of 31 KB, p50 ms", one.p50_ms, P50_MS, False)
    _judge(table, "one C-STORE of 31 KB, p99 ms", one.p99_ms, P99_MS, False)
    _judge(table, "CPU s/GB at CT x 8", by_name[CT8.name, OURS].cpu_s_per_gb, CPU_S_PER_GB, False)
    peak_mb = by_name[FILM4.name, OURS].peak_mb
    _judge(table, "film x 4, peak memory of a process, MB", peak_mb, PEAK_MB, False)
    return table


def _judge(table: Table, what: str, measured: float, aim: float, more_is_better: bool) -> None:
    met = measured >= aim if more_is_better else measured <= aim
    bound = "at least" if more_is_better else "at most"
    table.add_row(what, f"{measured:.2f}", f"{bound} {aim:g}", "met" if met else "not met")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        receivers(Path(folder)) as running,
    ):
        rows = measure(running, LOADS, options.rounds)
    console = Console()
    console.print(show(rows))
    console.print(judge(rows))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "listener.json").write_text(json.dumps([vars(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
