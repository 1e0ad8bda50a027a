"""Every sentence that a radiologist may read, by language.

A result below its threshold never reassures: the most that it says is *not flagged*. The models
are not made to rule anything out, and cleared devices of this kind say so too (DEN230023: "should
not be used to rule out low BMD").
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from engines.errors import Verdict
from engines.findings import HOUNSFIELD, Finding, Result
from workers.phrases import DEFAULT_LANGUAGE, Phrases, phrases
from workers.report import Report

#: Two roundings of one number differ by no more.
_ROUNDED: Final = 0.06
FRACTURE: Final = "vertebral fracture"
RISK: Final = "vertebral fracture within 5 years"
ATTENUATION: Final = "trabecular attenuation"
#: The fewest decimals by unit, one where it is not named; a mean in HU is not known to a tenth.
DECIMALS: Final = MappingProxyType({HOUNSFIELD: 0, "1": 2})


def sentence(report: Report, language: str = DEFAULT_LANGUAGE) -> str:
    """Say the whole outcome in one breath: number, threshold, state, model, notice.

    Parameters
    ----------
    report : Report
        A result or a verdict.
    language : str
        RFC 5646 tag, one of ``PHRASES``.

    Returns
    -------
    str
        The sentence that the SR and the picture share.
    """
    say = phrases(language)
    model = {"model": report.weights.model, "version": report.weights.version}
    outcome = report.outcome
    if isinstance(outcome, Verdict):
        detail = outcome.detail.strip().rstrip(".")
        said = say.not_measured if report.measured else say.not_assessed
        return said.format(
            detail=detail, reason=outcome.reason.value, notice=notice(report, language), **model
        )
    if report.measured:
        return say.measured.format(
            findings=_measured(outcome, say),
            facts=f"{conditions(outcome, language)}{set_aside(outcome, language)}",
            notice=notice(report, language),
            **model,
        )
    findings = "; ".join(_finding(finding, say) for finding in outcome.findings)
    facts = set_aside(outcome, language)
    return say.result.format(
        findings=findings, facts=facts, notice=notice(report, language), **model
    )


def notice(report: Report, language: str = DEFAULT_LANGUAGE) -> str:
    """Say how far a result may be trusted."""
    say = phrases(language)
    if report.simulated:
        return say.simulated
    return say.research if report.research_only else say.not_a_diagnosis


def advice(report: Report, result: Result, language: str = DEFAULT_LANGUAGE) -> str:
    """Say what to do now, and what not to."""
    say = phrases(language, report.card.exam)
    if not result.flagged:
        return say.advice_not_flagged
    what = say.advice_flagged_research if report.research_only else say.advice_flagged
    flagged = {one.name for one in result.findings if one.flagged}
    told = []
    if FRACTURE in flagged:
        told.append(say.advice_fracture if report.measured else say.advice_fracture_scored)
    if RISK in flagged:
        told.append(say.advice_risk)
    return " ".join([*told, what])


def state(result: Result, language: str = DEFAULT_LANGUAGE) -> str:
    """Name the state of a result; below the threshold there is no better one than not flagged."""
    say = phrases(language)
    if not result.findings:
        return say.not_judged_state
    return say.flagged if result.flagged else say.not_flagged


def place(site: str, laterality: str | None, language: str = DEFAULT_LANGUAGE) -> str:
    """Name a site with its side, e.g. ``femoral head, left``."""
    return _place(site, laterality, phrases(language))


def amount(value: float, unit: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Write a measured number with its unit for the eye."""
    return f"{value:.{DECIMALS.get(unit, 1)}f} {_unit(unit, phrases(language))}".strip()


def conditions(result: Result, language: str = DEFAULT_LANGUAGE) -> str:
    """Say under what conditions it was measured, as far as that is known.

    The words for what is in ``Result.quality``, by its key.
    """
    say = phrases(language)
    told = [
        words.format(result.quality[key])
        for key, words in say.conditions.items()
        if result.quality.get(key)
    ]
    words = say.corrected_at if _corrected(result) else say.measured_at
    return words.format(conditions="".join(f", {one}" for one in told))


def _corrected(result: Result) -> bool:
    """Tell whether what is held against a threshold is another number than was measured."""
    measured = {(one.name, one.site): one.value for one in result.measurements}
    held = ((measured.get((one.quantity, one.site)), one.value) for one in result.findings)
    return any(raw is not None and abs(raw - value) > _ROUNDED for raw, value in held)


def set_aside(result: Result, language: str = DEFAULT_LANGUAGE) -> str:
    """Name the levels that were seen and not counted, with the reason; empty where none was."""
    if not result.set_aside:
        return ""
    levels = ", ".join(f"{site} ({why})" for site, why in result.set_aside)
    return phrases(language).set_aside.format(levels=levels)


def series(report: Report, kind: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Describe the series of a kind of object; what was only measured is never called AI.

    Several models may look at one film, so what was learned is named.
    """
    say = phrases(language)
    if report.measured:
        return say.series_measured[kind]
    return say.series[kind].format(title=report.card.title)


def numbers(finding: Finding) -> tuple[str, str]:
    """Write probability and threshold with as few decimals as still show which is larger.

    The threshold is a setting, so a third decimal of it is not rounded away.
    """
    fewest = 2 if round(finding.threshold, 2) == round(finding.threshold, 3) else 3
    for decimals in range(fewest, 9):
        p, t = round(finding.value, decimals), round(finding.threshold, decimals)
        if (p >= t) == finding.flagged and (p == t) == (finding.value == finding.threshold):
            return f"{p:.{decimals}f}", f"{t:.{decimals}f}"
    return repr(finding.value), repr(finding.threshold)


def _place(site: str, laterality: str | None, say: Phrases) -> str:
    site = say.terms.get(site, site)
    return f"{site}, {say.sides[laterality]}" if laterality else site


def _finding(finding: Finding, say: Phrases) -> str:
    probability, threshold = numbers(finding)
    return say.probability_of.format(
        state=say.flagged if finding.flagged else say.not_flagged,
        finding=possible(finding, say),
        site=_place(finding.site, finding.laterality, say),
        probability=probability,
        threshold=threshold,
        words=f" ({finding.words})" if finding.words else "",
    )


def possible(finding: Finding, say: Phrases) -> str:
    """Name a finding that is called possible."""
    return say.possible.get(finding.name, say.terms.get(finding.name, finding.name))


def _measured(result: Result, say: Phrases) -> str:
    """Say each flagged finding on its own, those not reached in one breath for each name."""
    if not result.findings:
        return say.not_judged.format(numbers=_in_short(result, say))
    flagged = [_held([one], say) for one in result.findings if one.flagged]
    rest: dict[str, list[Finding]] = {}
    for finding in result.findings:
        if not finding.flagged:
            rest.setdefault(finding.name, []).append(finding)
    return "; ".join([*flagged, *(_held(found, say) for found in rest.values())])


def _held(found: Sequence[Finding], say: Phrases) -> str:
    """Say some findings of one name that are held against one threshold."""
    first = found[0]
    threshold = f"{say.sides_of[first.flagged_when]} {first.threshold:g} {_unit(first.unit, say)}"
    table = say.table.format(table=first.table) if first.table else ""
    about = [threshold.strip(), table, *dict.fromkeys(one.words for one in found)]
    return say.measured_finding.format(
        state=say.flagged if first.flagged else say.not_flagged,
        finding=say.terms.get(first.name, first.name),
        site=", ".join(_place(one.site, one.laterality, say) for one in found),
        value=_range(found, say),
        about="; ".join(filter(None, about)),
    )


def _range(found: Sequence[Finding], say: Phrases) -> str:
    lowest = min(found, key=lambda one: one.value)
    highest = max(found, key=lambda one: one.value)
    ends = [held(lowest), held(highest)] if highest.value > lowest.value else [held(lowest)]
    # a number without a unit says what it is
    what = say.terms.get(lowest.quantity, lowest.quantity) if lowest.unit == "1" else ""
    return f"{what} {' to '.join(ends)} {_unit(lowest.unit, say)}".strip()


def _unit(unit: str, say: Phrases) -> str:
    return say.terms.get(unit, unit)


def held(finding: Finding) -> str:
    """Write a measured value with as few decimals as still show on which side it is."""
    for decimals in range(DECIMALS.get(finding.unit, 1), 9):
        v, t = round(finding.value, decimals), finding.threshold
        if replace(finding, value=v).flagged == finding.flagged and (v == t) == (
            finding.value == t
        ):
            return f"{v:.{decimals}f}"
    return repr(finding.value)


def _in_short(result: Result, say: Phrases) -> str:
    """List what was measured of the bone, where nothing is held against a threshold."""
    measured = [one for one in result.measurements if one.name == ATTENUATION]
    return f"{ATTENUATION} " + ", ".join(
        f"{one.site} {one.value:.0f} {_unit(one.unit, say)}" for one in measured
    )
