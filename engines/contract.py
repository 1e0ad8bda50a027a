"""The JSON of one result: a contract, kept from the first release on."""

from typing import Any

from engines.errors import BadSeries, Verdict
from engines.findings import Finding, Measurement, Result


def entry(model: str | None, version: str | None, outcome: Result | Verdict) -> dict[str, Any]:
    """Return one model's look at one series, as ``osteoscreen-lab screen --json`` prints it.

    Keys: model, version, state (screened, skipped or failed), reason, detail, flagged, findings,
    measurements, quality; all are always there.
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
        "quality": dict(result.quality),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "site": finding.site,
        "laterality": finding.laterality,
        "probability": round(finding.probability, 6),
        "threshold": finding.threshold,
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        "name": measurement.name,
        "site": measurement.site,
        "value": measurement.value,
        "unit": measurement.unit,
    }
