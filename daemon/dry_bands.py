"""What another table of CT thresholds, or another correction, would say of kept results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.records.looks import Look
from engines.ct_attenuation.corrections import correction
from engines.ct_attenuation.tables import BANDS, bands_in
from engines.findings import HOUNSFIELD
from engines.rules import Measuring

MODEL = "ct_attenuation"


@dataclass
class BandsRun:
    """What came of it, in results.

    ``now`` and ``then`` count those that are low, between both thresholds, and above. ``newly`` and
    ``no_longer`` are studies that would be flagged as low, or would not any more; ``unjudged`` have
    no value that may be held against a threshold.
    """

    looks: int = 0
    unjudged: int = 0
    now: list[int] = field(default_factory=lambda: [0, 0, 0])
    then: list[int] = field(default_factory=lambda: [0, 0, 0])
    newly: list[str] = field(default_factory=list)
    no_longer: list[str] = field(default_factory=list)

    def note(self, study_uid: str, now: int, then: int) -> None:
        """Count one result: where it lies, and where it would."""
        self.looks += 1
        self.now[now] += 1
        self.then[then] += 1
        changed = self.newly if then == 0 < now else self.no_longer if now == 0 < then else None
        if changed is not None and study_uid not in changed:
            changed.append(study_uid)


def try_bands(looks: Sequence[Look], measuring: Measuring) -> BandsRun:
    """Judge kept results anew; values are told to a tenth of an HU, and so are those made of them.

    Parameters
    ----------
    looks : sequence of Look
        Results of ``ct_attenuation`` that stand.
    measuring : Measuring
        Another table, other corrections.
    """
    run = BandsRun()
    for look in looks:
        found = _judged(look.result, measuring)
        if found is None:
            run.unjudged += 1
        else:
            run.note(look.StudyInstanceUID, *found)
    return run


def _judged(result: dict[str, Any], measuring: Measuring) -> tuple[int, int] | None:
    """Return the band of a result, and the one it would have."""
    facts = result["quality"]
    bands = bands_in(str(facts.get("contrast_phase", "unknown")), measuring.bands)
    finding = next((one for one in result["findings"] if one["unit"] == HOUNSFIELD), None)
    stood = BANDS.get(finding["table"].partition(" ")[0]) if finding else None
    if finding is None or stood is None or bands is None:
        return None
    uncorrected = next(
        one["value"]
        for one in result["measurements"]
        if (one["name"], one["site"]) == (finding["quantity"], finding["site"])
    )
    value = correction(measuring, facts).of(uncorrected)
    return stood.band(finding["value"]), bands.band(value)
