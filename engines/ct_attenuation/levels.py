"""Every level looked at: measured, or set aside by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.anatomy.block import Axes, block_of
from engines.anatomy.spine import Spine, Vertebra, is_of_the_loins, readings
from engines.anatomy.vertebral_body import VertebralBody, boxed, look_closely
from engines.ct_attenuation.heights import Ratios, ratios_of
from engines.ct_attenuation.region import Region, measure, oval_in
from engines.volume import Volume

#: Of T12 to L5, at all of which heights are measured, spongy bone is at all but the last.
_NO_BONE: Final = frozenset({"L5"})

#: Where slices lie farther apart, endplates and disc run into each other: no heights (ours).
THICKEST_MM = 3.5

# All ours, in HU and cm3. No bone is as dense as metal; spongy bone that is as dense as cortex is
# cement where there is much of it, which may be as dense as metal.
METAL_HU, _METAL_CM3 = 2600.0, 0.05
CEMENT_HU, _CEMENT_CM3 = 650.0, 0.4
# Half of how far behind a body a screw is looked for.
_ARCH_MM = 8.0
# A spot denser than the region by this is no spongy bone, where it fills so much of the region.
_SPOT_HU, _SPOT_PART = 200.0, 0.03
# The whole region against the median of the other levels: sclerotic above, haemangioma-like below
# where it is coarse too.
_DENSE, _DENSE_HU = 1.6, 40.0
_DARK, _COARSE = 0.6, 1.6
#: Levels that others are compared with are at least so many.
_OTHERS = 2
# A body lower or higher behind than these parts of the others' median is looked at once more with
# their height; one that stays higher was not found. A low one may be crushed.
_LOW, _HIGH = 0.75, 1.25
#: Why a level has no more than a box.
UNFOUND: Final = "its walls and endplates were not found"


@dataclass(frozen=True)
class Level:
    """One vertebra.

    Attributes
    ----------
    body : VertebralBody
        Its walls, endplates and heights; a plain box where these were not found.
    ratios : Ratios or None
        Of its heights; None where slices lie too far apart to tell.
    region : Region or None
        Where and what spongy bone was measured.
    why : str
        Why its attenuation does not count; empty where it does.
    """

    body: VertebralBody
    ratios: Ratios | None
    region: Region | None
    why: str = ""

    @property
    def name(self) -> str:
        """E.g. ``L1``, or ``L1 or L2`` where it is one of two."""
        return self.body.level


def look_at(volume: Volume, spine: Spine) -> tuple[Level, ...]:
    """Measure all levels that are wholly in view.

    Parameters
    ----------
    volume : Volume
        The CT.
    spine : Spine
        Its vertebrae; those without a certain level are left out.

    Returns
    -------
    tuple of Level
        From the feet to the head.
    """
    named = [one for one in spine.vertebrae if is_of_the_loins(one) and _in_view(volume, one)]
    found = _found(volume, named)
    ratios = ratios_of(tuple(found.values())) if volume.spacing_mm[0] <= THICKEST_MM else {}
    seen = [
        _level(volume, found[one.level], ratios.get(one.level))
        if one.level in found
        else _lost(volume, boxed(one))
        for one in named
    ]
    return tuple(_compared(level, seen) for level in seen)


def _found(volume: Volume, named: Sequence[Vertebra]) -> Mapping[str, VertebralBody]:
    """Return the bodies whose walls and endplates are found, by level, from the feet up."""
    first = {one.level: look_closely(volume, one) for one in named}
    found = {}
    for vertebra in named:
        body = first[vertebra.level]
        others = [one for one in first.values() if one is not body and _like_a_body(one)]
        if len(others) >= _OTHERS:
            usual_mm = float(np.median([one.posterior_mm for one in others]))
            if not _LOW <= body.posterior_mm / usual_mm <= _HIGH:
                body = look_closely(volume, replace(vertebra, height_mm=usual_mm))
            if body.posterior_mm > _HIGH * usual_mm:
                continue
        if _like_a_body(body):
            found[vertebra.level] = body
    return found


def _in_view(volume: Volume, vertebra: Vertebra) -> bool:
    """Tell whether all of a vertebra's body was measured, its endplates and a little more."""
    axes = Axes(vertebra.middle_mm, vertebra.up, vertebra.front)
    reach = (vertebra.height_mm / 2 + 2, vertebra.depth_mm / 2, vertebra.width_mm / 2)
    return bool(np.isfinite(block_of(volume, axes, reach, 2.0).hu).all())


def _like_a_body(body: VertebralBody) -> bool:
    """Tell whether what was found has the size of one."""
    heights = (body.anterior_mm, body.middle_mm, body.posterior_mm)
    across = (body.depth_mm, body.width_mm)
    return min(heights) > 5 and max(heights) < 50 and min(across) > 15 and max(across) < 80


def _level(volume: Volume, body: VertebralBody, own: Ratios | None) -> Level:
    foreign = _foreign(volume, body)
    if foreign:
        # its edges are not those of bone
        return Level(body, None, None, foreign)
    if readings(body.level) & _NO_BONE:
        return Level(body, own, None)
    oval = oval_in(body, volume.spacing_mm[0])
    region = measure(volume, body, oval) if oval else None
    if region is None or not region.hu.size:
        return Level(body, own, None, "too small for a region clear of its walls")
    return Level(body, own, region, _odd(region, own))


def _foreign(volume: Volume, body: VertebralBody) -> str:
    """Say which foreign body lies in a vertebra: cement is all within the body, a screw is not."""
    # without the pedicles' roots: a young arch is as dense in a thin slice at low voltage
    high, deep, wide = body.posterior_mm / 2, body.depth_mm / 2, body.width_mm / 2
    around = body.axes.moved(0.0, 3.5, 0.0), (high, deep + 0.5, wide + 2)
    core = body.axes, (max(1.0, body.middle_mm / 2 - 4), deep - 4, wide - 5)
    behind = body.axes.moved(0.0, -deep - _ARCH_MM, 0.0), (high, _ARCH_MM, wide + 2)

    def cm3(place: tuple[Axes, tuple[float, float, float]], above_hu: float) -> float:
        return float((block_of(volume, *place, 1.0).hu > above_hu).sum() / 1000)

    filled = cm3(core, CEMENT_HU) > _CEMENT_CM3
    if cm3(around, METAL_HU) > _METAL_CM3:
        return "cement" if filled and cm3(behind, METAL_HU) <= _METAL_CM3 else "metal"
    return "cement" if filled else ""


def _lost(volume: Volume, box: VertebralBody) -> Level:
    """Set a vertebra aside whose body was not found: what lies in it may be why."""
    return Level(box, None, None, _foreign(volume, box) or UNFOUND)


def _odd(region: Region, ratios: Ratios | None) -> str:
    """Say what speaks against a region by itself."""
    if not np.isfinite(region.hu).all():
        return "partly outside of what was scanned"
    if ratios and ratios.grade:
        return f"suspected fracture, grade {ratios.grade}"
    spot = region.hu > np.median(region.hu) + max(_SPOT_HU, 3 * region.sd_hu)
    return "dense spot" if spot.mean() > _SPOT_PART else ""


def _compared(level: Level, seen: Sequence[Level]) -> Level:
    """Set a level aside that is unlike all others."""
    others = [one.region for one in seen if one.region and not one.why and one.name != level.name]
    if level.why or level.region is None or len(others) < _OTHERS:
        return level
    usual = float(np.median([one.mean_hu for one in others]))
    spread = float(np.median([one.sd_hu for one in others]))
    mean, why = level.region.mean_hu, ""
    if mean > _DENSE * usual and mean > usual + _DENSE_HU:
        why = "sclerotic against its neighbours"
    elif mean < _DARK * usual and level.region.sd_hu > _COARSE * spread:
        why = "haemangioma-like: dark and coarse"
    return Level(level.body, level.ratios, level.region, why)
