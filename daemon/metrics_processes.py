"""What processes on the roll say of themselves, and engines of theirs: slots, disks, GPUs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from daemon.records import roll
from daemon.records.ledger import Ledger
from daemon.settings import Settings
from engines import card_index
from engines.engine_records import read_records
from engines.product import PRODUCT

MIB = 1 << 20
LISTENER = "listener"


def families(settings: Settings, ledger: Ledger) -> Iterator[Metric]:
    """Return the metrics of who is at work now, on all hosts."""
    rows = roll.everyone(ledger.engine)
    yield from _processes([(one.part, one.host, one.version, one.facts) for one in rows])
    yield from _gpus({one.host: one.facts["gpus"] for one in rows if one.facts.get("gpus")})
    yield from _engines(settings)


def _processes(rows: list[tuple[str, str, str, dict[str, Any]]]) -> Iterator[Metric]:
    at_work = _labelled("processes", "Processes at work.", "part", "host", "version")
    for labels, count in Counter(row[:3] for row in rows).items():
        at_work.add_metric(labels, count)
    slots = _labelled("slots", "What they may do at once.", "part", "host")
    used = _labelled("slots_used", "What they do at once.", "part", "host")
    free = _labelled("listener_disk_free_bytes", "Free where a listener keeps images.", "host")
    for family, fact in ((slots, "slots"), (used, "slots_used")):
        counts = Counter[tuple[str, str]]()
        for part, host, _, facts in rows:
            counts[part, host] += facts.get(fact, 0)
        for key, count in counts.items():
            family.add_metric(key, count)
    disks = {
        host: facts.get("disk_free_bytes") for part, host, _, facts in rows if part == LISTENER
    }
    for host, size_bytes in disks.items():
        if size_bytes is not None:
            free.add_metric([host], size_bytes)
    yield from (at_work, slots, used, free)


def _gpus(by_host: dict[str, list[dict[str, Any]]]) -> Iterator[Metric]:
    told = {
        "used_percent": ("gpu_used_ratio", "Part of the time that a GPU is at work.", 0.01),
        "memory_used_mib": ("gpu_memory_used_bytes", "Memory in use.", MIB),
        "memory_mib": ("gpu_memory_bytes", "Memory of a GPU.", MIB),
        "celsius": ("gpu_celsius", "Temperature.", 1),
    }
    for key, (name, words, unit) in told.items():
        family = _labelled(name, words, "host", "gpu", "name")
        for host, gpu in ((host, gpu) for host, gpus in by_host.items() for gpu in gpus):
            if key in gpu:
                family.add_metric([host, gpu["index"], gpu["name"]], gpu[key] * unit)
        yield family


def _engines(settings: Settings) -> Iterator[Metric]:
    worst = _labelled(
        "engine_difference",
        "Most by which what serves a network is off full precision on known cases.",
        *("model", "network", "host", "runtime"),
    )
    refused = _labelled("engines_refused", "Runtimes there and not right.", "model", "host")
    parked = _labelled("engine_parked", "1 where a model serves no more.", "model", "host")
    for record in (
        record for card in card_index.CARDS for record in read_records(settings.engines, card.model)
    ):
        where = [record["model"], record["host"]]
        faults = [one["fault"] for net in record["networks"].values() for one in net["refused"]]
        refused.add_metric(where, sum(map(bool, faults)))
        parked.add_metric(where, int(bool(record["parked"])))
        for name, one in record["networks"].items():
            # the reference itself is off by nothing
            off = one["parity"]["largest_error"] if one["parity"] else 0.0
            labels = [record["model"], name, record["host"], one["runtime"]]
            worst.add_metric(labels, float("nan") if off is None else off)
    yield from (worst, refused, parked)


def _labelled(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PRODUCT}_{name}", words, labels=labels)
