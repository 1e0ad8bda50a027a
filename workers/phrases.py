"""The words of every sentence that a radiologist may read, by language."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from engines.exams import Exam
from engines.findings import AT_LEAST, AT_MOST, HOUNSFIELD

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
    measured: str
    measured_finding: str
    not_judged: str
    not_judged_state: str
    not_measured: str
    set_aside: str
    not_assessed: str
    simulated: str
    research: str
    not_a_diagnosis: str
    advice_flagged: str
    advice_fracture: str
    advice_fracture_scored: str
    advice_risk: str
    advice_flagged_research: str
    advice_not_flagged: str
    limits: str
    limits_prognosis: str
    limits_measured: str
    ai: str
    automatic: str
    film: str
    sagittal: str
    region: str
    region_not_counted: str
    muscle: str
    heights: str
    attenuation: str
    not_shown: str
    not_counted: str
    table: str
    heat_map: str
    no_heat_map: str
    views: str
    fracture_free: str
    fracture_free_axis: str
    risk_at: str
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
    derivation_measured: str
    derivation_prognosis: str
    facts: Mapping[str, str]
    series: Mapping[str, str]
    series_measured: Mapping[str, str]
    measured_at: str
    corrected_at: str
    conditions: Mapping[str, str]
    sides_of: Mapping[str, str]
    sides: Mapping[str, str]
    terms: Mapping[str, str]
    possible: Mapping[str, str]


ENGLISH: Final = Phrases(
    flagged="FLAGGED",
    not_flagged="not flagged",
    result="AI screening: {findings}. {facts}Model {model} {version}. {notice}",
    probability_of="{state} for possible {finding} ({site}), probability {probability}, "
    "threshold {threshold}{words}",
    measured="Automatic measurement on CT: {findings}. {facts}Method {model} {version}, measured, "
    "not learned. {notice}",
    measured_finding="{state}: {finding}, {site}: {value} ({about})",
    not_judged="no threshold was applied: {numbers}",
    not_judged_state="no threshold applied",
    not_measured="Not measured: {detail} ({reason}). This is not a negative result. "
    "Method {model} {version}. {notice}",
    set_aside="Set aside, not counted: {levels}. ",
    not_assessed="Not assessed by AI: {detail} ({reason}). This is not a negative result. "
    "Model {model} {version}. {notice}",
    simulated="Research use only: trained on simulated patients, research only, "
    "not for clinical use.",
    research="Research use only, not for clinical use.",
    not_a_diagnosis="A screening aid, not a diagnosis.",
    advice_flagged="Consider DXA of spine and hip, according to clinical judgement, unless a "
    "recent one is known. DXA measures bone density; this image analysis does not.",
    advice_fracture="A suspected fracture is a ratio of heights, not a diagnosis: look at the "
    "sagittal images and at earlier ones.",
    advice_fracture_scored="A suspected fracture is a network's score, not a diagnosis: look at "
    "the sagittal images and at earlier ones.",
    advice_risk="A risk of fracture in years to come is weighed with age, earlier fractures and "
    "medicines, and never alone.",
    advice_flagged_research="Do not act on this output alone. If low bone density is suspected "
    "on clinical grounds or on the images, DXA of spine and hip is the test that measures it.",
    advice_not_flagged="Do not act on this output. It cannot be used to rule out low bone density "
    "or fracture risk; usual indications for DXA remain as they are.",
    limits_measured="CT attenuation is not bone density as DXA measures it, and not comparable "
    "with a T-score. It moves with tube voltage, contrast medium, kernel and scanner. Uncorrected.",
    limits_prognosis="From images alone: age, earlier fractures and medicines are not known to it. "
    "It is no FRAX and replaces none. Risks are those of the patients it was trained on; unless "
    "calibrated here, only their order means something.",
    limits="The heat map shows what moved the score, not a lesion. Not a measurement of bone "
    "density; not comparable with a T-score.",
    ai="AI RESULT",
    automatic="AUTOMATIC MEASUREMENT",
    film="Film as analysed",
    sagittal="Sagittal, along the canal",
    region="{site}: the region that was measured",
    region_not_counted="{site}: not counted, {why}",
    muscle="{site}: muscle and fat",
    heights="height ratio {ratio:.2f}",
    attenuation="Trabecular attenuation, {site}",
    not_shown="not measured",
    not_counted="not counted",
    table="table {table}",
    heat_map="Where the model looked ({method})",
    no_heat_map="This model gives no heat map.",
    views="{site}: muscles that were looked at",
    fracture_free="Probability of no new vertebral fracture",
    fracture_free_axis="years",
    risk_at="risk at {years} years",
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
    derivation_measured="Sections of a CT with the regions that were measured, and the numbers in "
    "words",
    derivation_prognosis="Sections of a CT as an AI model saw them, its expectation of the years "
    "to come, and its result in words",
    facts=MappingProxyType(
        {
            "model": "Model",
            "settings": "Settings",
            "weights": "Weights",
            "added": "Log odds",
            "runtime": "Runtime",
            "study": "Study",
            "analysed": "Analysed",
            "product": "Software",
            "image": "Image",
        }
    ),
    series=MappingProxyType({"SR": "AI: {title} - report", "SC": "AI: {title} - picture"}),
    series_measured=MappingProxyType(
        {
            "SR": "Automatic CT bone measurement - report",
            "SC": "Automatic CT bone measurement - picture",
            "SEG": "Automatic CT bone measurement - regions",
        }
    ),
    measured_at="Uncorrected HU{conditions}. ",
    corrected_at="Held against the threshold as corrected by this site{conditions}. ",
    conditions=MappingProxyType(
        {
            "contrast_phase": "contrast: {}",
            "kvp": "{:g} kVp",
            "kernel": "kernel {}",
            "slice_thickness_mm": "slices {:g} mm",
            "noise_hu": "noise {:.0f} HU",
            "levels counted from": "levels counted from {}",
        }
    ),
    sides_of=MappingProxyType({AT_MOST: "flagged at or below", AT_LEAST: "flagged at or above"}),
    sides=MappingProxyType({"L": "left", "R": "right"}),
    # beside "possible" nothing is called suspected once more
    possible=MappingProxyType({"vertebral fracture": "vertebral fracture"}),
    # the names of findings and sites are English already
    terms=MappingProxyType(
        {
            "vertebral fracture": "suspected vertebral fracture",
            HOUNSFIELD: "HU",
            "1": "",
            "vertebral height ratio": "height ratio",
        }
    ),
)

#: Of hips on MRI, where the question is another one than that of bone density.
ENGLISH_MRI: Final = replace(
    ENGLISH,
    advice_flagged="Have a radiologist read the hips on the whole MRI, soon: osteonecrosis is "
    "treated otherwise before the joint surface gives way. Stages need radiographs too.",
    advice_flagged_research="Do not act on this output alone. If osteonecrosis is suspected on "
    "clinical grounds or on the images, a radiologist's reading of the whole MRI decides.",
    advice_not_flagged="Do not act on this output. It cannot be used to rule out osteonecrosis or "
    "any other disease of the hip; the MRI is read as always.",
    limits="The heat map shows what moved the score of one slice, not a lesion's border. No stage "
    "(ARCO, Steinberg). Says nothing of bone density.",
    film="Slice with the highest score, each hip",
    derivation="Cut-outs of coronal MR slices, the same with the heat map of an AI model, and its "
    "result in words",
)

PHRASES: Final[Mapping[str, Phrases]] = MappingProxyType({DEFAULT_LANGUAGE: ENGLISH})
#: Where an examination has sentences of its own.
OF_EXAM: Final[Mapping[tuple[str, Exam], Phrases]] = MappingProxyType(
    {(DEFAULT_LANGUAGE, Exam.HIP_MRI): ENGLISH_MRI}
)


def phrases(language: str = DEFAULT_LANGUAGE, exam: Exam | None = None) -> Phrases:
    """Return the sentences of a language, for an examination where it has its own, or KeyError."""
    own = OF_EXAM.get((language, exam)) if exam else None
    return own or PHRASES[language]
