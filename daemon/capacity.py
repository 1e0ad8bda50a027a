"""How many listeners, workers and GPUs, how much disk and how many rows so many studies a day need.

From what the ledger of this installation has measured of itself, not from a data sheet. Workers are
found by simulation: the busiest hour, its cases at random moments, so many slots, and the wait of
all but one in twenty.
"""

import heapq
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.records import rates, roll
from daemon.records.ledger import Ledger
from daemon.records.rates import ExamRate, Rates
from daemon.settings import Settings

HOUR_S = 3600.0
BUSIEST_AT_LEAST = 0.12
"""Part of a day in its busiest hour where few days were seen: a working day's (ours)."""
FEW_DAYS = 5
SEED = 9
MOST_CASES = 200_000
"""Cases of a simulated hour; of a larger one a part is simulated, with its part of the slots."""


@dataclass(frozen=True)
class Wanted:
    """What is planned for.

    Attributes
    ----------
    studies_a_day : float
        How many studies come.
    wait_s : float
        How long all but one in twenty cases may wait for a slot in the busiest hour.
    days : float
        How long images are kept.
    """

    studies_a_day: float
    wait_s: float = 120.0
    days: float = 30.0


def plan(settings: Settings, ledger: Ledger, wanted: Wanted) -> dict[str, Any] | None:
    """Return what is needed, with what was measured; None where nothing has come yet."""
    seen = rates.measured(ledger)
    if seen is None:
        return None
    workers = [one.facts for one in roll.everyone(ledger.engine) if one.part == "screen"]
    slots_each = max((int(one.get("slots", 0)) for one in workers), default=settings.worker_threads)
    has_gpu = bool(workers) and all(one.get("gpus") for one in workers)
    return {"measured": _told(seen)} | needs(seen, wanted, slots_each, has_gpu)


def needs(seen: Rates, wanted: Wanted, slots_each: int, has_gpu: bool) -> dict[str, Any]:
    """Return what so many studies need, of workers with so many slots each."""
    studies = wanted.studies_a_day
    peak = busiest_hour(seen)
    images_s = studies * seen.images_a_study * peak / HOUR_S
    bytes_s = studies * seen.bytes_a_study * peak / HOUR_S
    slots = slots_for(seen.exams, studies * peak, wanted.wait_s)
    workers = math.ceil(slots / slots_each)
    listeners = max(_shares(images_s, seen.images_a_s), _shares(bytes_s, seen.bytes_a_s))
    return {
        "busiest_hour": {
            "part_of_the_day": round(peak, 3),
            "images_a_s": round(images_s, 2),
            "mib_a_s": round(bytes_s / 2**20, 2),
        },
        "listeners": listeners,
        "slots": slots,
        "workers": workers,
        "gpus": workers if has_gpu else 0,
        "disk_gib": round(studies * seen.bytes_a_study * wanted.days / 2**30, 1),
        "disk_days": wanted.days,
        "rows_a_day": round(studies * seen.rows_a_study),
        "ledger_gib_a_year": round(studies * seen.ledger_bytes_a_study * 365 / 2**30, 1),
    }


def busiest_hour(seen: Rates) -> float:
    """Return the part of a day that comes in its busiest hour; few days tell too little of it."""
    if (seen.until - seen.since).days < FEW_DAYS:
        return BUSIEST_AT_LEAST
    return max(seen.busiest_hour, BUSIEST_AT_LEAST)


def _shares(needed: float, each: float) -> int:
    """How many that were each seen to do so much; one where too little was seen."""
    return max(1, math.ceil(needed / each)) if each else 1


def slots_for(exams: Mapping[str, ExamRate], studies_an_hour: float, wait_s: float) -> int:
    """Return the fewest slots with which all but one case in twenty wait no longer.

    Parameters
    ----------
    exams : mapping
        How many cases a study brings of each exam, and how long each takes.
    studies_an_hour : float
        In the busiest hour.
    wait_s : float
        How long a case may wait.
    """
    cases = sum(exam.a_study for exam in exams.values()) * studies_an_hour
    if not cases:
        return 1
    scale = max(1.0, cases / MOST_CASES)
    arrivals = _arrivals(exams, studies_an_hour / scale)
    # fewer than the work itself takes cannot do
    low = max(1, math.floor(sum(took_s for _, took_s in arrivals) / HOUR_S))
    slots = low
    while _wait_s(arrivals, slots) > wait_s:
        slots += max(1, slots // 50)
    return math.ceil(slots * scale)


def _arrivals(exams: Mapping[str, ExamRate], studies_an_hour: float) -> list[tuple[float, float]]:
    """Return when cases come within an hour, and how long each takes; the same each time."""
    rng = random.Random(SEED)
    came = []
    for exam in exams.values():
        for _ in range(round(exam.a_study * studies_an_hour)):
            came.append((rng.random() * HOUR_S, exam.case_s))
    return sorted(came)


def _wait_s(arrivals: list[tuple[float, float]], slots: int) -> float:
    """Return how long all but one in twenty cases wait for one of so many slots."""
    free_at = [0.0] * slots
    waits_s = []
    for at, took_s in arrivals:
        begin = max(at, free_at[0])
        heapq.heapreplace(free_at, begin + took_s)
        waits_s.append(begin - at)
    return sorted(waits_s)[int(0.95 * len(waits_s))]


def _told(seen: Rates) -> dict[str, Any]:
    return {
        "studies": seen.studies,
        "since": seen.since.isoformat(timespec="minutes"),
        "until": seen.until.isoformat(timespec="minutes"),
        "images_a_study": round(seen.images_a_study, 2),
        "mib_a_study": round(seen.bytes_a_study / 2**20, 2),
        "rows_a_study": round(seen.rows_a_study, 1),
        "ledger_kib_a_study": round(seen.ledger_bytes_a_study / 1024, 1),
        "listener_images_a_s": round(seen.images_a_s, 1),
        "listener_mib_a_s": round(seen.bytes_a_s / 2**20, 1),
        "cases": {
            name: {"a_study": round(exam.a_study, 3), "seconds": round(exam.case_s, 2)}
            for name, exam in seen.exams.items()
        },
    }
