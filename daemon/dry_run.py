"""What other thresholds would have flagged among kept results; nothing is changed by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.records.looks import Look
from engines.findings import AT_LEAST, AT_MOST


@dataclass(frozen=True)
class Threshold:
    """A finding's threshold as it stands in the newest result that has the finding."""

    name: str
    value: float
    flagged_when: str
    quantity: str
    unit: str


@dataclass(frozen=True)
class DryRun:
    """How many results were looked at, and what would become of their studies.

    ``now`` and ``then`` count flagged results; the rest are the studies whose flag would change.
    """

    looks: int
    now: int
    then: int
    newly: list[str] = field(default_factory=list)
    no_longer: list[str] = field(default_factory=list)


def thresholds(looks: Sequence[Look]) -> list[Threshold]:
    """Return the thresholds that the newest results were held against, by finding."""
    found: dict[str, Threshold] = {}
    for look in looks:
        for one in look.result["findings"]:
            name = one["name"]
            if name not in found:
                when, quantity = (
                    one.get("flagged_when", AT_LEAST),
                    one.get("quantity", "probability"),
                )
                found[name] = Threshold(
                    name, one["threshold"], when, quantity, one.get("unit", "1")
                )
    return [found[name] for name in sorted(found)]


def dry_run(looks: Sequence[Look], changed: Mapping[str, float]) -> DryRun:
    """Hold kept values against other thresholds.

    Parameters
    ----------
    looks : sequence of Look
        Results that stand.
    changed : mapping
        New threshold by finding; a finding that is not in it stays as it was.
    """
    now = [any(one["flagged"] for one in look.result["findings"]) for look in looks]
    then = [any(_flagged(one, changed) for one in look.result["findings"]) for look in looks]
    both = list(zip(looks, now, then, strict=True))
    return DryRun(
        looks=len(looks),
        now=sum(now),
        then=sum(then),
        newly=_studies([look for look, before, after in both if after and not before]),
        no_longer=_studies([look for look, before, after in both if before and not after]),
    )


def _studies(looks: Sequence[Look]) -> list[str]:
    return list(dict.fromkeys(look.StudyInstanceUID for look in looks))


def _flagged(finding: Mapping[str, Any], changed: Mapping[str, float]) -> bool:
    if finding["name"] not in changed:
        return bool(finding["flagged"])
    value = finding["probability"] if finding.get("value") is None else finding["value"]
    threshold = changed[finding["name"]]
    if finding.get("flagged_when") == AT_MOST:
        return bool(value <= threshold)
    return bool(value >= threshold)
