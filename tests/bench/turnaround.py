"""Time chest films and CTs through the whole embedded system: seconds from sent to SR stored.

Run with `make bench`. Studies go one after another over a real association into our system, whose
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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import films
import pydicom
from bench.long_ct import as_another_study, long_ct
from bench.payloads import Object
from bench.receivers import cpu_s, peak_mb, tree
from bench.sender import Association, encode_pdus
from ours import Osteoscreen
from peers import LOOPBACK, DcmtkStorescp, wait_for
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage
from pynetdicom.dsutils import encode
from rich.console import Console
from rich.table import Table

RESULTS = Path("bench-results")
MODELS = ("cxr_osporscreen", "ct_attenuation")
WITHIN_S = 300.0


@dataclass(frozen=True)
class Figures:
    """How studies of one kind went: ``cpu_s`` is the CPU time of all our processes for each."""

    what: str
    seconds: list[float]
    cpu_s: list[float]
    peak_mb: dict[str, float]


def turnaround_s(
    images: Iterable[Dataset], system: Osteoscreen, pacs: DcmtkStorescp
) -> tuple[float, float]:
    """Send one study and wait for its SR; return the seconds between, and the CPU time of it."""
    assert system.process is not None, "it is running"
    objects = [Object(d.SOPClassUID, d.SOPInstanceUID, encode(d, False, True)) for d in images]
    before = set(pacs.files())
    association = Association(system.port, system.aet, "BENCH", objects[0].sop_class)
    for one in objects:
        association.store(encode_pdus(one, association.maximum_length))
    sent_at, used_s = time.time(), cpu_s(system.process.pid)
    association.release()
    wait_for("SR and picture", lambda: len(set(pacs.files()) - before) == 2, WITHIN_S)
    used_s = cpu_s(system.process.pid) - used_s
    # storescp may still be writing the second of them
    time.sleep(0.2)
    (report,) = [path for path in set(pacs.files()) - before if _is_report(path)]
    return report.stat().st_mtime - sent_at, used_s


def _is_report(path: Path) -> bool:
    return bool(pydicom.dcmread(path).SOPClassUID == Comprehensive3DSRStorage)


def measure(folder: Path, what: str, studies: Iterable[Iterable[Dataset]]) -> Figures:
    """Send studies one after another through one running system; the first is a warm-up."""
    with DcmtkStorescp(folder / "storescp", aet="PACS") as pacs:
        bench = ["BENCH", LOOPBACK, "11113", "--sends", "--results", "none"]
        place = ["PACS", LOOPBACK, str(pacs.port), "--no-sends"]
        receives = [*place, "--results", "all", "--role", "research"]
        with Osteoscreen(folder / "ours", [bench, receives]) as system:
            for model in MODELS:
                system.cli("models", "stage", model, "research")
            each = [turnaround_s(images, system, pacs) for images in studies][1:]
            assert system.process is not None, "it is running"
            peaks = peaks_mb(system.process.pid)
            return Figures(what, [wall for wall, _ in each], [cpu for _, cpu in each], peaks)


def peaks_mb(pid: int) -> dict[str, float]:
    """Return the peak memory of each process of a running system, the largest of equal ones."""
    found: dict[str, float] = {}
    for one in tree(pid):
        with suppress(OSError):
            words = Path(f"/proc/{one}/cmdline").read_text().split("\0")
            at = words.index("-m") + 1 if "-m" in words else 1
            name = " ".join(words[at : at + 2]).rpartition("/")[2]
            found[name] = max(found.get(name, 0.0), peak_mb(one))
    return found


def show(figures: Sequence[Figures]) -> Table:
    table = Table(title=f"last image sent to SR stored; {os.cpu_count()} cores")
    for column in ("studies", "number", "min s", "median s", "p95 s", "max s", "CPU s", "peak MB"):
        table.add_column(column, justify="right")
    for one in figures:
        seconds = one.seconds
        told = [min(seconds), statistics.median(seconds), quantile_95(seconds), max(seconds)]
        told.append(statistics.median(one.cpu_s))
        peaks = "\n".join(f"{name}: {mb:.0f}" for name, mb in one.peak_mb.items())
        table.add_row(one.what, str(len(seconds)), *(f"{value:.2f}" for value in told), peaks)
    return table


def quantile_95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, round(0.95 * len(seconds)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--size", type=int, default=2048, help="rows and columns of a film")
    parser.add_argument("--scans", type=int, default=8, help="CTs of 300 slices")
    options = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        if options.films:
            each = ([films.film(n, size=options.size)] for n in range(options.films + 1))
            name = f"chest films {options.size} x {options.size}"
            figures.append(measure(Path(folder, "films"), name, each))
        if options.scans:
            slices = long_ct(RESULTS / "ct300")
            scans = (as_another_study(slices, str(n)) for n in range(options.scans + 1))
            name = f"CTs of {len(slices)} slices 512 x 512"
            figures.append(measure(Path(folder, "scans"), name, scans))
    Console().print(show(figures))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "turnaround.json").write_text(json.dumps([asdict(one) for one in figures]))


if __name__ == "__main__":
    main()
