"""Time a chest film through the whole embedded system: seconds from sent to SR stored.

Run with `make bench`. Films go one after another over a real association into our system, whose
results go to DCMTK's storescp. The clock starts when the success of the last image is read, and
stops when the SR's file is complete at the receiver (its last modification). The quiet time that
ends a series is part of it, as it is for a hospital.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import films
import pydicom
from bench.payloads import Object
from bench.sender import Association, encode_pdus
from ours import Osteoscreen
from peers import LOOPBACK, DcmtkStorescp, wait_for
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage
from pynetdicom.dsutils import encode
from rich.console import Console
from rich.progress import track
from rich.table import Table

RESULTS = Path("bench-results")
MODEL = "cxr_osporscreen"


def turnaround_s(film: Dataset, system: Osteoscreen, pacs: DcmtkStorescp) -> float:
    """Send one film and wait for its SR; return the seconds between."""
    one = Object(film.SOPClassUID, film.SOPInstanceUID, encode(film, False, True))
    before = set(pacs.files())
    association = Association(system.port, system.aet, "BENCH", one.sop_class)
    association.store(encode_pdus(one, association.maximum_length))
    sent_at = time.time()
    association.release()
    wait_for("SR and picture", lambda: len(set(pacs.files()) - before) == 2)
    # storescp may still be writing the second of them
    time.sleep(0.2)
    (report,) = [path for path in set(pacs.files()) - before if _is_report(path)]
    return report.stat().st_mtime - sent_at


def _is_report(path: Path) -> bool:
    return bool(pydicom.dcmread(path).SOPClassUID == Comprehensive3DSRStorage)


def measure(folder: Path, count: int, size: int) -> list[float]:
    """Send films one after another through one running system; the first is a warm-up."""
    made = [films.film(seed, size=size) for seed in range(count + 1)]
    with DcmtkStorescp(folder / "storescp", aet="PACS") as pacs:
        bench = ["BENCH", LOOPBACK, "11113", "--sends", "--results", "none"]
        place = ["PACS", LOOPBACK, str(pacs.port), "--no-sends"]
        receives = [*place, "--results", "all", "--role", "research"]
        with Osteoscreen(folder / "ours", [bench, receives]) as system:
            system.cli("models", "stage", MODEL, "research")
            each = track(made, "films", console=Console(stderr=True))
            return [turnaround_s(film, system, pacs) for film in each][1:]


def show(seconds: Sequence[float], size: int) -> Table:
    title = f"a {size} x {size} chest film, last image sent to SR stored; {os.cpu_count()} cores"
    table = Table(title=title)
    for column in ("films", "min s", "median s", "p95 s", "max s"):
        table.add_column(column, justify="right")
    figures = min(seconds), statistics.median(seconds), quantile_95(seconds), max(seconds)
    table.add_row(str(len(seconds)), *(f"{value:.2f}" for value in figures))
    return table


def quantile_95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, round(0.95 * len(seconds)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--size", type=int, default=2048, help="rows and columns")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(Path(folder), options.films, options.size)
    Console().print(show(seconds, options.size))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "turnaround.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
