"""The JSON of one result: a contract, kept from the first release on."""

from collections.abc import Mapping
from typing import Any

from engines.errors import BadSeries, Verdict
from engines.findings import HOUNSFIELD, Finding, Measurement, Result


def entry(model: str | None, version: str | None, outcome: Result | Verdict) -> dict[str, Any]:
    """Return one model's look at one series, as ``osteoscreen-lab screen --json`` prints it.

    Keys: model, version, state (screened, skipped or failed), reason, detail, flagged, findings,
    measurements, set_aside, quality; all are always there. Of a model that looks at several visits
    also visit: its date, and what a later one is held against.
    """
    if isinstance(outcome, Verdict):
        state = "failed" if isinstance(outcome, BadSeries) else "skipped"
        return _entry(model, version, state, outcome, Result("", ""))
    return _entry(model, version, "screened", None, outcome)


def _entry(
    model: str | None, version: str | None, state: str, verdict: Verdict | None, result: Result
) -> dict[str, Any]:
    return {
        "model": model,
        "version": version,
        "state": state,
        "reason": str(verdict.reason) if verdict else None,
        "detail": verdict.detail if verdict else None,
        # neither true nor false where nobody looked: a refusal is never a negative
        "flagged": None if verdict else result.flagged,
        "findings": [_finding(finding) for finding in result.findings],
        "measurements": [_measurement(measurement) for measurement in result.measurements],
        "set_aside": [{"site": site, "why": why} for site, why in result.set_aside],
        "quality": dict(result.quality),
    } | ({"visit": _visit(result)} if result.features else {})


def _visit(result: Result) -> dict[str, Any]:
    features = {side: [round(one, 5) for one in told] for side, told in result.features.items()}
    return {"StudyDate": result.StudyDate, "features": features}


def number_of(finding: Mapping[str, Any], key: str = "value") -> str:
    """Write the value or the threshold of a finding's JSON for a person, with its unit.

    Findings that were kept by an earlier version have a probability only.
    """
    number = finding["probability"] if finding.get(key) is None else finding[key]
    unit = finding.get("unit", "1")
    if unit == "1":
        return f"{number:.3f}"
    return f"{number:.1f} {'HU' if unit == HOUNSFIELD else unit}"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "site": finding.site,
        "laterality": finding.laterality,
        # null where the value was measured, not learned
        "probability": None if finding.probability is None else round(finding.probability, 6),
        "threshold": finding.threshold,
        "flagged": finding.flagged,
        "quantity": finding.quantity,
        "value": round(finding.value, 6),
        "unit": finding.unit,
        "flagged_when": finding.flagged_when,
        "table": finding.table,
        "words": finding.words,
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    told = {
        "name": measurement.name,
        "site": measurement.site,
        "value": round(measurement.value, 6),
        "unit": measurement.unit,
    }
    return told | ({"laterality": measurement.laterality} if measurement.laterality else {})
