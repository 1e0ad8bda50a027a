"""Measure spongy bone, vertebral heights and muscle on a CT of the abdomen; nothing is learned."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from engines import eligibility
from engines.anatomy.spine import Spine
from engines.anatomy.vertebrae import find_spine
from engines.cards import Weights
from engines.cases import Case
from engines.ct_attenuation import tables
from engines.ct_attenuation.card import CARD as CARD
from engines.ct_attenuation.levels import THICKEST_MM, Level, look_at
from engines.ct_attenuation.masks import bone_mask, wall_contour
from engines.ct_attenuation.views import views_of
from engines.errors import BadSeries, Reason
from engines.findings import AT_MOST, HOUNSFIELD, Finding, Measurement, Result
from engines.runtime import Run
from engines.sights import scan_of
from engines.volume import Volume, read_volume

#: Where the decision is made, best first: the level of the published thresholds, then its
#: neighbours.
DECIDING: Final = ("L1", "L2", "T12", "L3")
FINDING: Final = "low trabecular attenuation"


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
    volume = read_volume(case.images)
    spine = find_spine(volume)
    levels = look_at(volume, spine)
    if not levels:
        raise BadSeries(Reason.LEVEL_UNCERTAIN, spine.why or "no vertebra is wholly in view")
    bands = tables.BANDS[case.rules.measuring.bands]
    counted = _deciding_first([level for level in levels if level.region and not level.why])
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=tuple(_findings(counted, bands)),
        measurements=tuple(_measurements(levels)),
        quality=_quality(volume, spine),
        scan=scan_of([plane.SOPInstanceUID for plane in volume.planes], volume.hu),
        contours=(
            *(level.region.contour for level in counted if level.region),
            *(wall_contour(volume, level.body) for level in levels),
        ),
        masks=tuple(
            bone_mask(volume, level.body, level.region.oval) for level in counted if level.region
        ),
        set_aside=tuple((level.name, level.why) for level in levels if level.why),
        views=views_of(volume, spine, levels, next(iter(counted), None), bands),
    )


def _deciding_first(levels: Sequence[Level]) -> list[Level]:
    order = {name: i for i, name in enumerate(DECIDING)}
    return sorted(levels, key=lambda level: order.get(level.name, len(order)))


def _findings(counted: Sequence[Level], bands: tables.Bands) -> Iterator[Finding]:
    """Hold the deciding level against the lower threshold."""
    level = next((one for one in counted if one.name in DECIDING), None)
    if level is None or level.region is None:
        return
    value = round(level.region.mean_hu, 1)
    yield Finding(
        name=FINDING,
        site=level.name,
        value=value,
        threshold=bands.low_hu,
        quantity="trabecular attenuation",
        unit=HOUNSFIELD,
        flagged_when=AT_MOST,
        table=f"{bands.name} ({bands.source})",
        words=tables.WORDS[bands.band(value)],
    )


def _measurements(levels: Sequence[Level]) -> Iterator[Measurement]:
    for level in reversed(levels):
        if level.region is not None and not level.why:
            region = level.region
            yield Measurement(
                "trabecular attenuation", level.name, round(region.mean_hu, 1), HOUNSFIELD
            )
            yield Measurement(
                "trabecular attenuation SD", level.name, round(region.sd_hu, 1), HOUNSFIELD
            )
            yield Measurement("trabecular area", level.name, round(region.area_cm2, 2), "cm2")
            yield Measurement("trabecular volume", level.name, round(region.volume_cm3, 2), "cm3")
        yield from _heights(level)


def _heights(level: Level) -> Iterator[Measurement]:
    ratios, body = level.ratios, level.body
    if ratios is None:
        return
    named = {
        "vertebral height ratio": ratios.lowest,
        "anterior/posterior height ratio": ratios.anterior,
        "middle/posterior height ratio": ratios.middle,
        "posterior height ratio to neighbours": ratios.neighbours,
    }
    for name, ratio in named.items():
        if ratio is not None:
            yield Measurement(name, level.name, round(ratio, 3), "1")
    for name, height_mm in (
        ("anterior height", body.anterior_mm),
        ("middle height", body.middle_mm),
        ("posterior height", body.posterior_mm),
    ):
        yield Measurement(name, level.name, round(height_mm, 1), "mm")


def _quality(volume: Volume, spine: Spine) -> dict[str, Any]:
    return {
        "levels counted from": ", ".join(spine.anchors),
        "level confidence": round(spine.confidence, 2),
        "remarks": "; ".join(_remarks(volume)),
    }


def _remarks(volume: Volume) -> Iterator[str]:
    yield from volume.remarks
    step_mm = volume.spacing_mm[0]
    if step_mm > THICKEST_MM:
        yield f"no heights: slices lie {step_mm:.3g} mm apart, more than {THICKEST_MM} mm"
