"""What became of a virtual patient, held against what is true of it and what the site is set to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.commission.patients import Probe
from daemon.records import peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Stage
from daemon.story import current_results, deliveries, outcome
from engines import catalog

KINDS = {"SR", "SC"}


@dataclass(frozen=True)
class Verdict:
    """One virtual patient's way through the site.

    Attributes
    ----------
    probe : Probe
        What was sent.
    expected, outcome : str
        ``flagged``, ``not flagged``, or a state with its reason.
    series : mapping
        Its story in the ledger, empty if nothing of it came.
    problems : tuple of str
        Whatever is not as it should be, in words for who must act on it.
    """

    probe: Probe
    expected: str
    outcome: str
    series: Mapping[str, Any]
    problems: tuple[str, ...]


def judge(ledger: Ledger, probe: Probe, story: Mapping[str, Any] | None) -> Verdict:
    """Hold one patient's story against its truth, and against the site's own settings."""
    expected = _expected(ledger, probe)
    if story is None:
        why = "nothing of it came to us: does the receiver pass images on to our AE title?"
        return Verdict(probe, expected, "never came", {}, (why,))
    [series] = story["series"][:1]
    seen = outcome(series)
    problems = [] if seen == expected else [f"{seen}, expected {expected}"]
    if series["state"] == "screened":
        problems += _undelivered(ledger, series)
    return Verdict(probe, expected, seen, series, tuple(problems))


def _expected(ledger: Ledger, probe: Probe) -> str:
    switched_on = any(
        peers.stage_of(ledger, model.CARD.model) is not Stage.OFF
        for model in catalog.for_exam(probe.exam)
    )
    return probe.expected if switched_on else "skipped: no-model"


def _undelivered(ledger: Ledger, series: Mapping[str, Any]) -> Iterator[str]:
    """Say which peer that should have the result has not got it whole."""
    for result in current_results(series):
        made = deliveries({"results": [result]})
        for peer in peers.receivers(ledger, Stage(result["stage"]), result["flagged"]):
            sent = [one for one in made if one["aet"] == peer.aet and one["state"] == "sent"]
            if {one["kind"] for one in sent} != KINDS:
                told = {f"{one['kind']} {one['state']}" for one in made if one["aet"] == peer.aet}
                yield (
                    f"{peer.aet} should have SR and SC of {result['model']}: "
                    f"{', '.join(sorted(told)) or 'none made'}"
                )
