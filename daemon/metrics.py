"""What a monitoring system should know, in the Prometheus text format; no name, no UID.

Everything is counted in the ledger when somebody asks, so that it is the same whichever process
answers, and does not begin at nought after a restart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from daemon import metrics_processes
from daemon.disk import Door
from daemon.records import peers, tally, turnaround
from daemon.records.ledger import Ledger, now
from daemon.settings import Settings
from daemon.standing import standing
from engines.product import PRODUCT, VERSION

LATELY_S = 3600.0
QUANTILES = (0.5, 0.95, 1.0)


def exposition(settings: Settings, ledger: Ledger) -> bytes:
    """Return all metrics as a scrape wants them.

    Parameters
    ----------
    settings : Settings
        Where spool and disk are.
    ledger : Ledger
        What is counted.
    """
    registry = CollectorRegistry()
    registry.register(_Numbers(settings, ledger))
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger

    def describe(self) -> Iterable[Metric]:
        """Say nothing before somebody asks: counting takes a look at the ledger."""
        return ()

    def collect(self) -> Iterator[Metric]:
        numbers = standing(self._settings, self._ledger)
        yield InfoMetricFamily(PRODUCT, "What answers.", value={"version": VERSION})
        yield from chain(
            _series(numbers),
            _results(numbers),
            _waiting(numbers["oldest"]),
            _disk(numbers["disk"]),
            _peers(self._ledger),
            _turnaround(self._ledger),
            metrics_processes.families(self._settings, self._ledger),
        )


def _series(numbers: Mapping[str, Any]) -> Iterator[Metric]:
    yield _counter("objects_received", "Objects in the index.", numbers["instances"])
    yield _gauge("objects_set_aside", "Objects that cannot be indexed.", numbers["set_aside"])
    by_state = _labelled("series", "Series by what became of them.", "state")
    for state, count in numbers["series"]["by_state"].items():
        by_state.add_metric([state], count)
    yield by_state
    reasons = _labelled("series_ended", "Series without a result, and why.", "state", "reason")
    for row in numbers["reasons"]:
        reasons.add_metric([row["state"], row["reason"]], row["series"])
    yield reasons


def _results(numbers: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("results_flagged", "Current results that are flagged.", numbers["flagged"])
    deliveries = _labelled("deliveries", "Objects of ours by where they stand.", "state")
    for state, count in numbers["deliveries"].items():
        deliveries.add_metric([state], count)
    yield deliveries
    parked = _labelled("deliveries_parked", "Objects given up, by peer.", "aet")
    by_peer: dict[str, int] = {}
    for row in numbers["parked_deliveries"]:
        by_peer[row["aet"]] = by_peer.get(row["aet"], 0) + row["objects"]
    for aet, count in by_peer.items():
        parked.add_metric([aet], count)
    yield parked
    confirmations = _labelled("confirmations", "Objects sent, by what the peer says.", "state")
    for state, count in numbers["confirmations"].items():
        confirmations.add_metric([state], count)
    yield confirmations


def _waiting(oldest: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    waits = _labelled("oldest_seconds", "How long the oldest of a stage has waited.", "stage")
    for stage, item in oldest.items():
        waits.add_metric([stage], item.get("waits_s") or 0.0)
    yield waits
    incoming = oldest.get("incoming", {}).get("files", 0)
    yield _gauge("objects_incoming", "Objects received and not indexed yet.", incoming)


def _disk(disk: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("disk_free_bytes", "Free where images are kept.", disk["free_mib"] << 20)
    open_door = disk["lets_in"] == Door.OPEN.reason
    yield _gauge("accepts_images", "1 while there is room for images.", int(open_door))


def _peers(ledger: Ledger) -> Iterator[Metric]:
    ages = _labelled("peer_last_image_seconds", "Since a peer sent its newest image.", "aet")
    senders = [peer.aet for peer in peers.everyone(ledger) if peer.sends]
    for aet, at in tally.last_images(ledger, senders).items():
        if at is not None:
            ages.add_metric([aet], max(0.0, (now() - at).total_seconds()))
    yield ages
    taken = _labelled("peer_last_result_seconds", "Since a peer stored its newest result.", "aet")
    for aet, at in tally.last_results(ledger).items():
        taken.add_metric([aet], max(0.0, (now() - at).total_seconds()))
    yield taken


def _turnaround(ledger: Ledger) -> Iterator[Metric]:
    taken_s = turnaround.turnaround_s(ledger, LATELY_S)
    words = "Last image received to result stored at its peer, of the last hour."
    quantiles = _labelled("turnaround_seconds", words, "quantile")
    for part in QUANTILES if taken_s else ():
        at = min(len(taken_s) - 1, int(part * len(taken_s)))
        quantiles.add_metric([str(part)], taken_s[at])
    yield quantiles
    yield _gauge("turnaround_results", "Results in those quantiles.", len(taken_s))
    yield _histogram(turnaround.counted(ledger))


def _histogram(rows: Sequence[tuple[float, int, float]]) -> Metric:
    """All results since the first: whoever scrapes can take any quantile of any span of time."""
    words = "Last image received to result stored at its peer."
    buckets, results = [], 0
    for upto_s, count, _ in rows:
        results += count
        buckets.append((f"{upto_s:g}", float(results)))
    # the last row has no end
    buckets[-1] = ("+Inf", float(results))
    total_s = sum(taken_s for _, _, taken_s in rows)
    name = f"{PRODUCT}_image_to_result_seconds"
    return HistogramMetricFamily(name, words, buckets=buckets, sum_value=total_s)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PRODUCT}_{name}", words, value=value)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PRODUCT}_{name}", words, value=value)


def _labelled(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PRODUCT}_{name}", words, labels=labels)
