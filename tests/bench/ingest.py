"""Time the intake: objects a second, from a file in the spool to a settled series in the ledger.

Run with `PYTHONPATH=tests python -m bench.ingest`. The spool is filled first, as listeners leave
it. Then one intake indexes all of it, judges every series and ends it; the quiet time that ends
the last series is part of it. SQLite commits to the disk; PostgreSQL is that of the tests, which
does not wait for its disk.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import pydicom
from bench.payloads import TINY, make
from peers import PostgresServer
from pydicom.uid import ExplicitVRLittleEndian
from rich.console import Console
from rich.table import Table

from daemon import config, schema
from daemon.intake import Intake
from daemon.part import IDLE_S
from daemon.records import summary
from daemon.settings import Settings
from daemon.spool import Spool

RESULTS = Path("bench-results")
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
SETTLE_S = 0.5
SCANNER_ELEMENTS = 100
SOP, SERIES = b"1.2.826.100000000", b"1.2.840.100000000"


class NoBell:
    """What rings for workers; none of these objects is for one."""

    def screen(self, _series_uid: str, exam: str) -> NoReturn:
        raise AssertionError(f"a series of noise was taken for {exam}")


@dataclass(frozen=True)
class Figures:
    """How one load went on one database."""

    load: str
    database: str
    objects_per_s: float
    cpu_ms: float


def files(objects: int, a_series: int) -> Iterator[bytes]:
    """Give objects of 31 KB, alike but for their UIDs, with a header as long as a scanner's."""
    [tiny] = make(TINY, 1)
    ds = pydicom.dcmread(BytesIO(tiny.data), force=True)
    ds.StudyInstanceUID = "1.2.3"
    ds.SOPInstanceUID, ds.SeriesInstanceUID = SOP.decode(), SERIES.decode()
    ds.Manufacturer, ds.StudyDescription, ds.BodyPartExamined = "Bench", "Pelvis", "HEAD"
    block = ds.private_block(0x0019, "BENCH", create=True)
    for number in range(SCANNER_ELEMENTS):
        block.add_new(number, "LO", f"value {number}")
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.SourceApplicationEntityTitle = "BENCH"
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    for number in range(objects):
        content = out.getvalue().replace(SOP, SOP[:9] + f"{number:08d}".encode())
        yield content.replace(SERIES, SERIES[:9] + f"{number // a_series:08d}".encode())


def take_in(settings: Settings, objects: int, a_series: int) -> tuple[float, float]:
    """Fill a spool and empty it; return seconds, and seconds of CPU of the intake."""
    schema.migrate(settings)
    spool = Spool(settings.spool)
    spool.prepare()
    for number, content in enumerate(files(objects, a_series)):
        (spool.incoming / f"{number:08d}.dcm").write_bytes(content)
    os.sync()
    ledger = schema.open_ledger(settings)
    intake = Intake(settings, ledger, NoBell())
    wanted = -(-objects // a_series)
    began, cpu_began = time.perf_counter(), time.process_time()
    while True:
        if not intake.turn():
            if summary.status(ledger)["series"]["by_state"]["skipped"] == wanted:
                break
            time.sleep(IDLE_S)
    figures = time.perf_counter() - began, time.process_time() - cpu_began
    told = summary.status(ledger)
    ledger.close()
    assert (told["instances"], told["set_aside"], spool.arrived()) == (objects, 0, [])
    assert sum(1 for _ in spool.kept.glob("*/*.dcm")) == objects
    return figures


def measure(folder: Path, objects: int, rounds: int = 1) -> list[Figures]:
    """Take in series of 100 and of 1 on both databases; the best of some rounds."""
    rows = []
    with PostgresServer() as server:
        for a_series in (100, 1):
            for database in (SQLITE, POSTGRESQL):
                taken = []
                for number in range(rounds):
                    url = server.new_database() if database == POSTGRESQL else ""
                    home = folder / f"{database}-{a_series}-{number}"
                    settings = config.Settings(
                        home=home, database_url=url, volume_settle_s=SETTLE_S
                    )
                    taken.append(take_in(settings, objects, a_series))
                wall_s, cpu_s = min(taken)
                load = f"{objects} objects, {a_series} a series"
                rows.append(Figures(load, database, objects / wall_s, cpu_s / objects * 1e3))
    return rows


def show(figures: list[Figures]) -> Table:
    table = Table(title=f"from spool to settled series, 31 KB objects; {os.cpu_count()} cores")
    for column in ("load", "database", "objects/s", "CPU ms/object"):
        table.add_column(column, justify="left" if column in ("load", "database") else "right")
    for row in figures:
        table.add_row(row.load, row.database, f"{row.objects_per_s:.0f}", f"{row.cpu_ms:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = measure(Path(folder), options.objects, options.rounds)
    Console().print(show(figures))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ingest.json").write_text(json.dumps([vars(row) for row in figures], indent=1))


if __name__ == "__main__":
    main()
