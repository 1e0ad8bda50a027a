"""Every sentence that a radiologist may read, by language.

A result below its threshold never reassures: the most that it says is *not flagged*. The models
are not made to rule anything out, and cleared devices of this kind say so too (DEN230023: "should
not be used to rule out low BMD").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engines.errors import Verdict
from engines.findings import Finding, Result
from workers.report import Report

DEFAULT_LANGUAGE: Final = "en-US"


@dataclass(frozen=True)
class Phrases:
    """The sentences of one language; words in braces are filled in.

    The built-in font of the picture has the letters of English only: a language that needs others
    also needs a font.
    """

    flagged: str
    not_flagged: str
    result: str
    probability_of: str
    not_assessed: str
    simulated: str
    research: str
    not_a_diagnosis: str
    advice_flagged: str
    advice_flagged_research: str
    advice_not_flagged: str
    limits: str
    ai: str
    film: str
    heat_map: str
    no_heat_map: str
    less: str
    more: str
    probability: str
    one_of_several: str
    threshold: str
    threshold_source: str
    what_to_do: str
    limits_title: str
    about: str
    derivation: str
    facts: Mapping[str, str]
    series: Mapping[str, str]
    sides: Mapping[str, str]
    terms: Mapping[str, str]


ENGLISH: Final = Phrases(
    flagged="FLAGGED",
    not_flagged="not flagged",
    result="AI screening: {findings}. Model {model} {version}. {notice}",
    probability_of="{state} for possible {finding} ({site}), probability {probability}, "
    "threshold {threshold}",
    not_assessed="Not assessed by AI: {detail} ({reason}). This is not a negative result. "
    "Model {model} {version}. {notice}",
    simulated="Research use only: trained on simulated patients, research only, "
    "not for clinical use.",
    research="Research use only, not for clinical use.",
    not_a_diagnosis="A screening aid, not a diagnosis.",
    advice_flagged="Consider DXA of spine and hip, according to clinical judgement, unless a "
    "recent one is known. DXA measures bone density; this image analysis does not.",
    advice_flagged_research="Do not act on this output alone. If low bone density is suspected "
    "on clinical grounds or on the images, DXA of spine and hip is the test that measures it.",
    advice_not_flagged="Do not act on this output. It cannot be used to rule out low bone density "
    "or fracture risk; usual indications for DXA remain as they are.",
    limits="The heat map shows what moved the score, not a lesion. Not a measurement of bone "
    "density; not comparable with a T-score.",
    ai="AI RESULT",
    film="Film as analysed",
    heat_map="Where the model looked ({method})",
    no_heat_map="This model gives no heat map.",
    less="less",
    more="more",
    probability="Probability of possible {finding} ({site})",
    one_of_several="Possible {finding}, {site}",
    threshold="threshold {threshold}",
    threshold_source="Threshold: {source}",
    what_to_do="What to do",
    limits_title="Limits",
    about="About this result",
    derivation="Film as analysed, the same film with the heat map of an AI model, and its result "
    "in words",
    facts=MappingProxyType(
        {
            "model": "Model",
            "weights": "Weights",
            "runtime": "Runtime",
            "study": "Study",
            "analysed": "Analysed",
            "product": "Software",
            "image": "Image",
        }
    ),
    series=MappingProxyType(
        {"SR": "AI osteoporosis screening - report", "SC": "AI osteoporosis screening - picture"}
    ),
    sides=MappingProxyType({"L": "left", "R": "right"}),
    # the names of findings and sites are English already
    terms=MappingProxyType({}),
)

PHRASES: Final[Mapping[str, Phrases]] = MappingProxyType({DEFAULT_LANGUAGE: ENGLISH})


def phrases(language: str = DEFAULT_LANGUAGE) -> Phrases:
    """Return the sentences of a language, or raise KeyError."""
    return PHRASES[language]


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
        return say.not_assessed.format(
            detail=detail, reason=outcome.reason.value, notice=notice(report, language), **model
        )
    findings = "; ".join(_finding(finding, say) for finding in outcome.findings)
    return say.result.format(findings=findings, notice=notice(report, language), **model)


def notice(report: Report, language: str = DEFAULT_LANGUAGE) -> str:
    """Say how far a result may be trusted."""
    say = phrases(language)
    if report.simulated:
        return say.simulated
    return say.research if report.research_only else say.not_a_diagnosis


def advice(report: Report, result: Result, language: str = DEFAULT_LANGUAGE) -> str:
    """Say what to do now, and what not to."""
    say = phrases(language)
    if not result.flagged:
        return say.advice_not_flagged
    return say.advice_flagged_research if report.research_only else say.advice_flagged


def state(flagged: bool, language: str = DEFAULT_LANGUAGE) -> str:
    """Name the state of a result; below the threshold there is no better one than not flagged."""
    say = phrases(language)
    return say.flagged if flagged else say.not_flagged


def place(finding: Finding, language: str = DEFAULT_LANGUAGE) -> str:
    """Name the site of a finding with its side, e.g. ``femoral head, left``."""
    return _place(finding, phrases(language))


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


def _place(finding: Finding, say: Phrases) -> str:
    site = say.terms.get(finding.site, finding.site)
    return f"{site}, {say.sides[finding.laterality]}" if finding.laterality else site


def _finding(finding: Finding, say: Phrases) -> str:
    probability, threshold = numbers(finding)
    return say.probability_of.format(
        state=say.flagged if finding.flagged else say.not_flagged,
        finding=say.terms.get(finding.name, finding.name),
        site=_place(finding, say),
        probability=probability,
        threshold=threshold,
    )
