"""Mixed traffic at a fixed rate for as long as you like; memory, descriptors, threads must be flat.

Run with `make soak`. Slices that no model reads, films that are screened, duplicates, echoes,
strangers and health checks go to a whole site with Orthanc as its PACS, and somebody looks at its
pages. Every few seconds each process is looked at. At the end all that was acknowledged is proved
as after a kill, and each process is judged: what it holds in the last third against the first third
after the warm-up.
"""

import argparse
import contextlib
import csv
import itertools
import json
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from bench.payloads import Object, make
from browsing import signed_in
from faults.hostile import Vitals, reset, vitals
from faults.site import PARTS, SUPERVISOR, pids, prove
from faults.traffic import SLICE, Accounts, Films, by_hand
from line import Line, running_line
from peers import LOOPBACK, Orthanc, answers, free_port, wait_for
from rich.console import Console

from daemon import scu
from daemon.errors import DeliveryError
from daemon.records import summary
from daemon.records.people_tables import Right

RESULTS = Path("soak-results")
SAMPLE_S = 5.0
WARM_UP = 0.2
"""Share of the run in which caches fill and engines load."""
BATCH = 10

# what may differ between the first and the last third and still be called flat
RSS_GROWTH_MIB, RSS_GROWTH_SHARE = 24.0, 0.15
DESCRIPTORS_GROWTH, THREADS_GROWTH = 12, 4


@dataclass(frozen=True)
class Sample:
    """One process at one moment."""

    at_s: float
    process: str
    pid: int
    vitals: Vitals


class Soak:
    """The traffic: each actor a thread with a period of its own."""

    def __init__(self, line: Line, rate: float, film_every_s: float) -> None:
        self.accounts = Accounts()
        self.failures: list[str] = []
        self._line = line
        self._leave = threading.Event()
        self._films = Films()
        self._send = by_hand(line.system.port, line.system.aet)
        self._visitor = signed_in(site_of(line), line.system.ledger, Right.VIEWER)
        self._last: Sequence[Object] = ()
        actors: list[tuple[float, Callable[[], object]]] = [
            (BATCH / rate, self._slices),
            (film_every_s, self._film),
            (7.0, self._duplicates),
            (3.0, self._echo),
            (5.0, self._stranger),
            (1.0, self._health_check),
            (2.0, self._visit),
        ]
        self._threads = [threading.Thread(target=self._act, args=actor) for actor in actors]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Have all actors at work."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._leave.set()
            for thread in self._threads:
                thread.join()

    def _act(self, period_s: float, act: Callable[[], object]) -> None:
        due = time.monotonic() + random.uniform(0, period_s)
        while not self._leave.wait(max(0.0, due - time.monotonic())):
            due += period_s
            try:
                act()
            except (OSError, DeliveryError, httpx.HTTPError) as error:
                self.failures.append(f"{act.__name__}: {error}")

    def _slices(self) -> None:
        self._last = make(SLICE, BATCH)
        self._store(self._last)

    def _film(self) -> None:
        study, one = self._films.new()
        self.accounts.films.append(study)
        self._store([one])

    def _duplicates(self) -> None:
        self._store(self._last)

    def _store(self, objects: Sequence[Object]) -> None:
        self.accounts.sent.update({one.uid: one.digest for one in objects})
        acknowledged = self._send(objects)
        self.accounts.acknowledged |= acknowledged
        if len(acknowledged) < len(objects):
            self.failures.append(f"{len(objects) - len(acknowledged)} not acknowledged")

    def _echo(self) -> None:
        system = self._line.system
        scu.echo(scu.Address(system.aet, LOOPBACK, system.port, "MODALITY", timeout_s=20))

    def _stranger(self) -> None:
        system = self._line.system
        with contextlib.suppress(DeliveryError):
            scu.echo(scu.Address(system.aet, LOOPBACK, system.port, "STRANGER", timeout_s=20))

    def _visit(self) -> None:
        for page in ("/", "/studies"):
            self._visitor.get(page).raise_for_status()

    def _health_check(self) -> None:
        sock = socket.create_connection((LOOPBACK, self._line.system.port), timeout=10)
        reset(sock) if random.random() < 0.5 else sock.close()


def site_of(line: Line) -> str:
    """Return where the pages are."""
    return f"http://{LOOPBACK}:{line.system.environment['OSTEOSCREEN_WEB_PORT']}"


def look(line: Line, at_s: float) -> list[Sample]:
    """Return what each process of the site holds."""
    system = line.system
    samples = []
    processes = {name: pids(f"{words} --home {system.home}") for name, words in PARTS.items()}
    processes[SUPERVISOR] = [system.process.pid]
    for name, found in processes.items():
        for number, pid in enumerate(sorted(found)):
            with contextlib.suppress(OSError):
                label = f"{name} {number}" if len(found) > 1 else name
                samples.append(Sample(at_s, label, pid, vitals(pid)))
    return samples


def count(line: Line, soak: Soak, at_s: float) -> dict[str, Any]:
    """Return how far the ledger and the spool are behind what was acknowledged."""
    told = summary.status(line.system.ledger)
    spool = line.system.home / "spool"
    return {
        "at_s": round(at_s, 1),
        "acknowledged": len(soak.accounts.acknowledged),
        "indexed": told["instances"],
        "incoming": sum(1 for _ in (spool / "incoming").glob("*.dcm")),
        "kept": sum(1 for _ in (spool / "kept").glob("*/*.dcm")),
        **{f"series {state}": number for state, number in told["series"]["by_state"].items()},
        **{f"deliveries {state}": number for state, number in told["deliveries"].items()},
    }


@dataclass(frozen=True)
class Judgement:
    """One process over the whole run: medians of the first and the last third after warm-up."""

    process: str
    first: Vitals
    last: Vitals
    restarts: int
    rss_mib_an_hour: float

    @property
    def is_flat(self) -> bool:
        rss_most = self.first.rss_mib + max(RSS_GROWTH_MIB, RSS_GROWTH_SHARE * self.first.rss_mib)
        return (
            self.last.rss_mib <= rss_most
            and self.last.descriptors <= self.first.descriptors + DESCRIPTORS_GROWTH
            and self.last.threads <= self.first.threads + THREADS_GROWTH
            and self.restarts == 0
        )


def judge(samples: Sequence[Sample]) -> list[Judgement]:
    """Judge each process by its samples."""
    processes = dict.fromkeys(sample.process for sample in samples)
    return [_judge_one(name, [one for one in samples if one.process == name]) for name in processes]


def _judge_one(name: str, samples: Sequence[Sample]) -> Judgement:
    warm = samples[int(len(samples) * WARM_UP) :]
    third = max(1, len(warm) // 3)
    moments = [one.at_s / 3600 for one in warm]
    memory = [one.vitals.rss_mib for one in warm]
    slope = statistics.linear_regression(moments, memory).slope if len(warm) > 1 else 0.0
    restarts = len({one.pid for one in samples}) - 1
    return Judgement(name, _median(warm[:third]), _median(warm[-third:]), restarts, slope)


def _median(samples: Sequence[Sample]) -> Vitals:
    return Vitals(
        threads=round(statistics.median(one.vitals.threads for one in samples)),
        descriptors=round(statistics.median(one.vitals.descriptors for one in samples)),
        rss_mib=round(statistics.median(one.vitals.rss_mib for one in samples), 1),
    )


def write_samples(
    folder: Path, samples: Sequence[Sample], counts: Sequence[dict[str, Any]]
) -> None:
    """Write what was seen as two tables."""
    with (folder / "processes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["at_s", "process", "pid", "rss_mib", "descriptors", "threads"])
        for one in samples:
            held = one.vitals
            row = [f"{one.at_s:.1f}", one.process, one.pid, f"{held.rss_mib:.1f}"]
            table.writerow([*row, held.descriptors, held.threads])
    with (folder / "totals.csv").open("w", newline="") as file:
        totals = csv.DictWriter(file, list(counts[0]))
        totals.writeheader()
        totals.writerows(counts)


COLOURS = ("#0b6e99", "#d9730d", "#0f7b6c", "#ad1a72", "#6940a5", "#64473a", "#e03e3e")
WIDTH, HEIGHT, MARGIN = 760, 180, 46


def draw(samples: Sequence[Sample]) -> str:
    """Draw memory, descriptors and threads of each process over time as one SVG."""
    panels = [
        ("resident memory, MiB", lambda one: one.vitals.rss_mib),
        ("open descriptors", lambda one: one.vitals.descriptors),
        ("threads", lambda one: one.vitals.threads),
    ]
    drawn = [
        _panel(samples, title, value, top)
        for (title, value), top in zip(panels, itertools.count(0, HEIGHT + MARGIN), strict=False)
    ]
    names = list(dict.fromkeys(one.process for one in samples))
    tall = len(panels) * (HEIGHT + MARGIN)
    key = [
        f'<text x="{MARGIN + 110 * at}" y="{tall + 14}" fill="{_colour(at)}">{name}</text>'
        for at, name in enumerate(names)
    ]
    size = f'width="{WIDTH + 2 * MARGIN}" height="{tall + 24}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    )
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head, ground, *drawn, *key, "</svg>"])


def _panel(
    samples: Sequence[Sample], title: str, value: Callable[[Sample], float], top: int
) -> str:
    most = max(map(value, samples)) * 1.1
    last = max(one.at_s for one in samples) or 1.0
    floor, lines = top + 24 + HEIGHT, []
    for at, name in enumerate(dict.fromkeys(one.process for one in samples)):
        points = " ".join(
            f"{MARGIN + WIDTH * one.at_s / last:.1f},{floor - HEIGHT * value(one) / most:.1f}"
            for one in samples
            if one.process == name
        )
        lines.append(f'<polyline points="{points}" fill="none" stroke="{_colour(at)}"/>')
    box = f'x="{MARGIN}" y="{top + 24}" width="{WIDTH}" height="{HEIGHT}"'
    return "\n".join(
        [
            f'<rect {box} fill="none" stroke="#bbb"/>',
            f'<text x="{MARGIN}" y="{top + 18}">{title}; to {last / 60:.0f} min</text>',
            f'<text x="4" y="{top + 34}">{most:.0f}</text>',
            f'<text x="4" y="{top + 24 + HEIGHT}">0</text>',
            *lines,
        ]
    )


def _colour(at: int) -> str:
    return COLOURS[at % len(COLOURS)]


def run(line: Line, minutes: float, rate: float, film_every_s: float) -> tuple[bool, str]:
    """Soak a site; return whether it stayed sound and flat, and the figures as text."""
    soak = Soak(line, rate, film_every_s)
    samples: list[Sample] = []
    counts: list[dict[str, Any]] = []
    began = time.monotonic()
    with soak.running():
        while (at_s := time.monotonic() - began) < minutes * 60:
            samples += look(line, at_s)
            counts.append(count(line, soak, at_s))
            time.sleep(SAMPLE_S)
    proof = prove(line, soak.accounts)
    judged = judge(samples)
    RESULTS.mkdir(exist_ok=True)
    write_samples(RESULTS, samples, counts)
    (RESULTS / "soak.svg").write_text(draw(samples))
    sound = proof.is_sound and all(one.is_flat for one in judged) and not soak.failures
    verdict = {
        "minutes": minutes,
        "objects_a_second": rate,
        "sent": len(soak.accounts.sent),
        "acknowledged": len(soak.accounts.acknowledged),
        "films": len(soak.accounts.films),
        "failures_of_senders": soak.failures,
        "proof": asdict(proof),
        "processes": [{**asdict(one), "flat": one.is_flat} for one in judged],
        "sound_and_flat": sound,
    }
    (RESULTS / "verdict.json").write_text(json.dumps(verdict, indent=2))
    return sound, _words(verdict, judged)


def _words(verdict: dict[str, Any], judged: Sequence[Judgement]) -> str:
    told = [
        f"{verdict['minutes']:g} min, {verdict['objects_a_second']:g} objects/s: sent "
        f"{verdict['sent']}, acknowledged {verdict['acknowledged']}, films {verdict['films']}, "
        f"failures of senders {len(verdict['failures_of_senders'])}",
        "",
        "| process | RSS MiB | an hour | descriptors | threads | flat |",
        "|---|---|---|---|---|---|",
    ]
    for one in judged:
        told.append(
            f"| {one.process} | {one.first.rss_mib:.0f} -> {one.last.rss_mib:.0f} | "
            f"{one.rss_mib_an_hour:+.1f} | {one.first.descriptors} -> {one.last.descriptors} | "
            f"{one.first.threads} -> {one.last.threads} | {'yes' if one.is_flat else 'NO'} |"
        )
    faults = {name: found for name, found in verdict["proof"].items() if found}
    told += ["", f"proof: {faults or 'nothing lost, altered, doubled or unfinished; audit agrees'}"]
    return "\n".join(told)


def main() -> int:
    """Soak, say what was seen, and fail if anything was lost or grew."""
    parser = argparse.ArgumentParser(prog="faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=10, help="objects a second")
    parser.add_argument("--film-every-s", type=float, default=10)
    arguments = parser.parse_args()
    console = Console(width=110)
    with (
        tempfile.TemporaryDirectory(prefix="osteoscreen-soak-") as folder,
        Orthanc(Path(folder) / "pacs") as pacs,
        running_line(Path(folder) / "ours", pacs, web_port=(web_port := free_port())) as line,
    ):
        wait_for("the pages", lambda: answers(web_port))
        sound, told = run(line, arguments.minutes, arguments.rate, arguments.film_every_s)
    console.print(told, markup=False)
    console.print(f"tables and picture: {RESULTS.absolute()}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
