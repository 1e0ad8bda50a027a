"""Measure spongy bone, vertebral heights and muscle on a CT of the abdomen; nothing is learned."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engines import eligibility
from engines.anatomy.composition import Composition, Refused
from engines.anatomy.spine import Spine
from engines.cards import Weights
from engines.cases import Case
from engines.ct_attenuation import muscle, tables
from engines.ct_attenuation.card import CARD
from engines.ct_attenuation.corrections import correction
from engines.ct_attenuation.decision import deciding_first, findings, measurements
from engines.ct_attenuation.levels import THICKEST_MM, UNFOUND
from engines.ct_attenuation.masks import bone_mask, wall_contour
from engines.ct_attenuation.measured import measured
from engines.ct_attenuation.views import views_of
from engines.findings import Result
from engines.runtime import Run
from engines.volume import Volume

__all__ = ["CARD", "eligible", "screen"]


def eligible(case: Case) -> None:
    """Raise NotEligible unless the patient is an adult the measurement is meant for."""
    eligibility.require_patient(case)


def screen(case: Case, run: Run, weights: Weights) -> Result:
    """Measure the one CT series of a case.

    Parameters
    ----------
    case : Case
        An eligible case.
    run : Run
        Not used: nothing here is learned.
    weights : Weights
        Of which only the version counts.

    Raises
    ------
    BadSeries
        What reading says; SPINE_NOT_FOUND, LEVEL_UNCERTAIN.
    """
    found = measured(case)
    volume, spine, levels = found.volume, found.spine, found.levels
    facts = found.facts
    measuring, phase = case.rules.measuring, facts["contrast_phase"]
    bands = tables.bands_in(phase, measuring.bands)
    counted = deciding_first(level for level in levels if level.region and not level.why)
    body = found.l3 if isinstance(found.l3, Composition) else None
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=findings(counted, bands, correction(measuring, facts), bool(spine.why)),
        measurements=(
            *measurements(levels),
            *(muscle.measurements(body, case.clinical) if body else ()),
        ),
        quality=_quality(facts, volume, spine) | _of_muscle(found.l3, case),
        scan=found.scan,
        contours=(
            *(level.region.contour for level in counted if level.region),
            *(wall_contour(volume, level.body) for level in levels if level.why != UNFOUND),
        ),
        masks=(
            *(bone_mask(volume, one.body, one.region.oval) for one in counted if one.region),
            *(muscle.masks(volume, body) if body else ()),
        ),
        set_aside=tuple((level.name, level.why) for level in levels if level.why),
        views=replace(
            views_of(volume, spine, levels, next(iter(counted), None), bands),
            muscle=muscle.section(volume, body) if body else None,
        ),
        configuration=measuring.told,
    )


def _quality(facts: Mapping[str, Any], volume: Volume, spine: Spine) -> dict[str, Any]:
    """Put what a reader needs in a few words beside the facts of the scan."""
    remarks = list(volume.remarks)
    step_mm = volume.spacing_mm[0]
    if step_mm > THICKEST_MM:
        remarks.append(f"no heights: slices lie {step_mm:.3g} mm apart, more than {THICKEST_MM} mm")
    if facts["contrast_phase"] in tables.NO_BAND:
        remarks.append("no threshold is applied in an arterial phase")
    if spine.why:
        remarks.append("level uncertain: each vertebra has the names of both counts")
    return {
        **facts,
        "levels counted from": ", ".join(spine.anchors) + (f" ({spine.why})" if spine.why else ""),
        "level confidence": round(spine.confidence, 2),
        "remarks": "; ".join(remarks),
    }


def _of_muscle(l3: Composition | Refused, case: Case) -> dict[str, Any]:
    if isinstance(l3, Refused):
        return {"muscle": f"not measured: {l3.why}"}
    said = muscle.judged(l3, case.clinical, case.rules.measuring.muscle_cutoffs)
    return {"muscle": "; ".join(each for each in (said, *l3.remarks) if each)}
