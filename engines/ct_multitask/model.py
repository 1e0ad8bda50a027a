"""Screen a CT: gate, measurement shared with ct_attenuation, views, network, operating points."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engines import eligibility
from engines.anatomy.composition import Composition
from engines.cards import Weights
from engines.cases import Case
from engines.ct_attenuation.levels import UNFOUND, Level
from engines.ct_attenuation.masks import wall_contour
from engines.ct_attenuation.measured import Measured, measured
from engines.ct_multitask.card import CARD as CARD
from engines.ct_multitask.inputs import LEVELS, SIDE_PX, Grey, bone_view, muscle_view, prepared
from engines.ct_multitask.shown import views_of
from engines.ct_multitask.survival import HORIZONS_YEARS, Curve, fracture_free
from engines.errors import BadSeries, NotEligible, Reason
from engines.findings import Finding, Measurement, Result
from engines.runtime import Run
from engines.sights import Prognosis

#: The engine's name in the manifest, and its arrays.
ENGINE: Final = "ct_multitask"
VIEWED, SEEN = "views", "seen"
FRACTURE, LEVEL, TIME = "fracture", "level", "time"

#: Findings, by which operating points go too.
DETECTED: Final = "vertebral fracture"
PREDICTED: Final = "vertebral fracture within 5 years"
SEEN_SITE: Final = "T12 to L4"
SITE: Final = "spine"

#: Whom the paper trained on; others are scored and told apart.
AGES_YEARS: Final = (50, 80)
#: Ours: where slices lie farther apart, endplates and disc run into each other; and how many
#: vertebrae are enough, as a cleared device asks for heights (HealthOST K213944: four).
THICKEST_MM, FEWEST_LEVELS = 5.0, 4
#: A view of what is in these is one of metal or cement.
_FOREIGN: Final = frozenset({"metal", "cement"})


@dataclass(frozen=True)
class Views:
    """What the network is shown of a case.

    Attributes
    ----------
    measured : Measured
        The CT.
    views : ndarray
        float32, shape (6, 48, 48), as :func:`engines.ct_multitask.inputs.prepared` takes it.
    set_aside : tuple of (site, why)
        Which views are missing.
    """

    measured: Measured
    views: Grey
    set_aside: tuple[tuple[str, str], ...]


def eligible(case: Case) -> None:
    """Raise NotEligible unless the patient is an adult the model is meant for."""
    eligibility.require_patient(case)


def read(case: Case) -> Views:
    """Cut the views of a case.

    Raises
    ------
    NotEligible
        UNLIKE_EXAM where slices lie too far apart.
    BadSeries
        As :func:`engines.ct_attenuation.measured.measured`; LEVEL_UNCERTAIN where L1 or too many
        other vertebrae cannot be looked at.
    """
    found = measured(case)
    step_mm = found.volume.spacing_mm[0]
    if step_mm > THICKEST_MM + 1e-3:
        detail = f"slices lie {step_mm:.3g} mm apart, more than {THICKEST_MM:g} mm"
        raise NotEligible(Reason.UNLIKE_EXAM, detail)
    levels = {level.name: level for level in found.levels}
    why = {name: _why_not(levels.get(name)) for name in LEVELS}
    usable = [name for name in LEVELS if not why[name]]
    if "L1" not in usable or len(usable) < FEWEST_LEVELS:
        detail = f"of T12 to L4 {len(usable)} can be looked at; L1 and {FEWEST_LEVELS} are needed"
        raise BadSeries(Reason.LEVEL_UNCERTAIN, found.spine.why or detail)
    missing = np.full((SIDE_PX, SIDE_PX), np.nan, np.float32)
    views = [
        missing if why[name] else bone_view(found.volume, levels[name].body.axes) for name in LEVELS
    ]
    l3 = found.spine.at("L3")
    aside = [(name, reason) for name, reason in why.items() if reason]
    if isinstance(found.l3, Composition) and l3 is not None:
        views.append(muscle_view(found.volume, found.l3, l3.middle_mm))
    else:
        views.append(missing)
        aside.append(("L3", f"muscle: {getattr(found.l3, 'why', 'not found')}"))
    return Views(found, np.stack(views), tuple(aside))


def _why_not(level: Level | None) -> str:
    """Say why a vertebra is not shown; a suspected fracture is what is looked for, and is."""
    if level is None:
        return "not in view"
    return level.why if level.why in (UNFOUND, *_FOREIGN) else ""


def screen(case: Case, run: Run, weights: Weights) -> Result:
    """Score the one CT series of a case.

    Parameters
    ----------
    case : Case
        An eligible case.
    run : Run
        Runs engine ``ct_multitask``.
    weights : Weights
        Of a Cox head their ``parameters`` give ``baseline_hazard``.

    Returns
    -------
    Result
        Two findings, fractures seen and the risk of the next one within five years; risks at 2, 3
        and 5 years; each vertebra's score; the fracture-free curve.

    Raises
    ------
    NotEligible, BadSeries
        As :func:`read`; ENGINE_FAILED with weights that were taught one task alone.
    """
    _require_both_tasks(weights)
    shown = read(case)
    views, seen = prepared(shown.views)
    found = run(ENGINE, {VIEWED: views[None], SEEN: seen[None]})
    free = fracture_free(found[TIME], weights.parameters)[0]
    scores = {
        name: float(score)
        for name, score, there in zip(LEVELS, found[LEVEL][0], seen[:-1], strict=True)
        if there
    }
    scan = shown.measured
    contours = [wall_contour(scan.volume, one.body) for one in scan.levels if one.name in scores]
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=(
            _detected(case, weights, float(found[FRACTURE][0, 0]), scores),
            _predicted(case, weights, free),
        ),
        measurements=(*_risks(free), *_of_levels(scores)),
        quality=_told(case, scan),
        scan=scan.scan,
        contours=tuple(contours),
        set_aside=shown.set_aside,
        views=views_of(scan, scores),
        prognosis=Prognosis(tuple(float(one) for one in free)),
    )


def _require_both_tasks(weights: Weights) -> None:
    for name in (DETECTED, PREDICTED):
        if name not in weights.operating_points:
            detail = f"weights without a threshold of {name}: for comparison, not for service"
            raise BadSeries(Reason.ENGINE_FAILED, detail)


def _detected(case: Case, weights: Weights, score: float, scores: Mapping[str, float]) -> Finding:
    """Name the vertebra that the score comes from most, where it is flagged."""
    value, threshold = _judged(case, weights, DETECTED, score)
    worst = max(scores, key=lambda name: scores[name])
    words = f"most of it from {worst}" if value >= threshold else ""
    return Finding(DETECTED, SEEN_SITE, value, threshold, words=words)


def _predicted(case: Case, weights: Weights, free: Curve) -> Finding:
    value, threshold = _judged(case, weights, PREDICTED, 1 - float(free[-1]))
    calibrated = weights.operating_points[PREDICTED].calibration is not None
    words = "" if calibrated else "not calibrated here: a rank, not a percentage"
    return Finding(PREDICTED, SITE, value, threshold, words=words)


def _judged(case: Case, weights: Weights, name: str, score: float) -> tuple[float, float]:
    patient = case.clinical
    return weights.operating_points[name].judge(score, patient.sex, patient.age_years)


def _risks(free: Curve) -> Iterator[Measurement]:
    for years in HORIZONS_YEARS:
        risk = round(1 - float(free[years - 1]), 4)
        yield Measurement(f"vertebral fracture risk at {years} years", SITE, risk, "1")


def _of_levels(scores: Mapping[str, float]) -> Iterator[Measurement]:
    for name, score in scores.items():
        yield Measurement("vertebral fracture score", name, round(score, 4), "1")


def _told(case: Case, scan: Measured) -> dict[str, Any]:
    """Put what a reader needs in a few words beside the facts of the scan."""
    remarks: Sequence[str] = list(scan.volume.remarks)
    age = case.clinical.age_years or 0.0
    low, high = AGES_YEARS
    if not low <= age < high + 1:
        remarks = [*remarks, f"outside of the ages that the paper trained on, {low} to {high}"]
    return {
        **scan.facts,
        "levels counted from": ", ".join(scan.spine.anchors),
        "level confidence": round(scan.spine.confidence, 2),
        "remarks": "; ".join(remarks),
    }
