"""What working together costs: series a second with 1, 2, 4 and 8 workers that only wait.

``PYTHONPATH=tests python -m bench.scaling``: each worker is a process of its own with one thread,
as one a host would be, at a real PostgreSQL and Redis. Screening is a wait of known length, so
whatever is missing from linear is claims, leases, rings and results.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import radiographs
import waiting_film
from peers import PostgresServer, RedisServer, wait_for
from pydicom import Dataset
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, update

from daemon import config, schema
from daemon.jobs import Doorbell
from daemon.records import arrivals, peers, settling
from daemon.records.arrivals import Arrival, Receipt
from daemon.records.ledger import Ledger, now
from daemon.records.settling import Patience
from daemon.records.tables import Series, SeriesState, Stage
from daemon.settings import Settings
from daemon.spool import Spool

WORKERS = (1, 2, 4, 8)
WAITS_S = 5.0
EACH = 10
AIM = 0.95


@dataclass(frozen=True)
class Row:
    """One run: how long it took from the first ring to the last result."""

    workers: int
    series: int
    took_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.series / self.took_s


def measure(counts: Sequence[int], waits_s: float, each: int) -> Iterator[Row]:
    """Screen ``each`` series a worker with so many workers, one run after the other."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="osteoscreen-")))
        ledgers = stack.enter_context(PostgresServer())
        broker = stack.enter_context(RedisServer(folder / "redis"))
        environment = waiting_film.environment(folder / "model")
        environment["WAITS_S"] = str(waits_s)
        for count in counts:
            site = Site(folder / str(count), ledgers.new_database(), broker, environment)
            yield site.run(count, each * count)


class Site:
    """A home with films in it, and workers for them."""

    def __init__(
        self, home: Path, url: str, broker: RedisServer, environment: dict[str, str]
    ) -> None:
        home.mkdir()
        self.home = home
        self.environment = {**os.environ, **environment}
        self.environment["OSTEOSCREEN_HOME"] = str(home)
        self.environment["OSTEOSCREEN_DATABASE_URL"] = url
        # a database of the broker for each run: no ring of another is heard
        self.environment["OSTEOSCREEN_BROKER_URL"] = f"{broker.url[:-1]}{home.name}"
        self.environment["OSTEOSCREEN_WORKER_THREADS"] = "1"
        ours = {"database_url": url, "broker_url": self.environment["OSTEOSCREEN_BROKER_URL"]}
        self.settings: Settings = config.load(home).model_copy(update=ours)
        schema.migrate(self.settings)
        self.ledger: Ledger = schema.open_ledger(self.settings)
        self.spool = Spool(self.settings.spool)
        self.spool.prepare()
        self.settings.outbox.mkdir()
        peers.set_stage(self.ledger, waiting_film.NAME, Stage.RESEARCH)

    def start(self, name: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker that says what it does in a log of its name."""
        command = [sys.executable, "-m", "workers", "screen", "--home", str(self.home)]
        with self.log(name).open("wb") as out:
            return subprocess.Popen(command, env=self.environment | settings, stderr=out)

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def wait_for_workers(self, *names: str) -> None:
        logs = [self.log(name) for name in names]
        wait_for("all workers", lambda: all("worker-ready" in log.read_text() for log in logs), 300)

    def run(self, workers: int, count: int) -> Row:
        names = [str(number) for number in range(workers)]
        running = [self.start(name) for name in names]
        self.wait_for_workers(*names)
        series = self.receive([radiographs.cr() for _ in range(count)])
        before = sum(map(_cpu_s, running))
        began = time.monotonic()
        bell = Doorbell(self.settings)
        for one in arrivals.queue(self.ledger, series, "cxr"):
            assert bell.screen(one.SeriesInstanceUID, "cxr")
        wait_for("all results", lambda: self._screened() == count, 1200)
        row = Row(workers, count, time.monotonic() - began, sum(map(_cpu_s, running)) - before)
        for process in running:
            process.kill()
            process.wait()
        self.ledger.close()
        return row

    def receive(self, images: Sequence[Dataset]) -> list[Series]:
        """Put images of a series each into spool and ledger, settled."""
        known = []
        for ds in images:
            place = self.spool.place(ds.SeriesInstanceUID, ds.SOPInstanceUID)
            place.parent.mkdir()
            ds.save_as(place, enforce_file_format=True)
            receipt = Receipt(place.name, "CR1", now(), "0" * 64, place.stat().st_size)
            uids = (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID, ds.SOPClassUID)
            known.append(Arrival(receipt, *map(str, uids), "1.2.840.10008.1.2.1", ds.Modality))
        arrivals.index(self.ledger, known)
        with self.ledger.write() as session:
            session.execute(update(Series).values(first_at=now()))
        return settling.quiet(self.ledger, Patience({}, 0), most=len(images))

    def _screened(self) -> int:
        with self.ledger.read() as session:
            ended = select(func.count()).where(Series.state == SeriesState.SCREENED)
            return session.scalar(ended) or 0


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(rows: Sequence[Row], waits_s: float) -> Table:
    table = Table(title=f"series that take {waits_s:g} s, a worker each thread")
    for title in (
        "workers",
        "series",
        "took s",
        "series/s",
        "of linear",
        "of waiting alone",
        "CPU ms",
    ):
        table.add_column(title, justify="right")
    for row in rows:
        linear = row.per_s / (row.workers * rows[0].per_s / rows[0].workers)
        alone = row.per_s * waits_s / row.workers
        cells = (row.per_s, linear, alone)
        told = [f"{cell:.3f}" for cell in cells]
        cpu = f"{row.cpu_s / row.series * 1000:.0f}"
        table.add_row(str(row.workers), str(row.series), f"{row.took_s:.1f}", *told, cpu)
    return table


def main() -> None:
    rows = list(measure(WORKERS, WAITS_S, EACH))
    console = Console(width=120)
    console.print(show(rows, WAITS_S))
    first = rows[0].per_s
    worst = min(row.per_s / (row.workers * first) for row in rows)
    console.print(f"least of linear {worst:.3f}, aim {AIM}: {'met' if worst >= AIM else 'not met'}")


if __name__ == "__main__":
    main()
