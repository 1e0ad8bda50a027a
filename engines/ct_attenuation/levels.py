"""Every level looked at: measured, or set aside by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.anatomy.block import Axes, block_of
from engines.anatomy.spine import Spine, Vertebra
from engines.anatomy.vertebral_body import VertebralBody, look_closely
from engines.ct_attenuation.heights import Ratios, ratios_of
from engines.ct_attenuation.region import Region, measure, oval_in
from engines.volume import Volume

#: Heights are measured at all of these, spongy bone at all but the last.
LEVELS: Final = ("T12", "L1", "L2", "L3", "L4", "L5")
_NO_BONE: Final = frozenset({"L5"})

#: Where slices lie farther apart, endplates and disc run into each other: no heights (ours).
THICKEST_MM = 3.5

# All ours, in HU and cm3. No bone is as dense as metal; spongy bone that is as dense as cortex is
# cement where there is much of it.
METAL_HU, _METAL_CM3 = 2600.0, 0.05
CEMENT_HU, _CEMENT_CM3 = 650.0, 0.4
# A spot denser than the region by this is no spongy bone, where it fills so much of the region.
_SPOT_HU, _SPOT_PART = 200.0, 0.03
# The whole region against the median of the other levels: sclerotic above, haemangioma-like below
# where it is coarse too.
_DENSE, _DENSE_HU = 1.6, 80.0
_DARK, _COARSE = 0.6, 1.6
#: Levels that others are compared with are at least so many.
_OTHERS = 2


@dataclass(frozen=True)
class Level:
    """One vertebra.

    Attributes
    ----------
    body : VertebralBody
        Its walls, endplates and heights.
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
        """E.g. ``L1``."""
        return self.body.level


def look_at(volume: Volume, spine: Spine) -> tuple[Level, ...]:
    """Measure all levels that are wholly in view.

    Parameters
    ----------
    volume : Volume
        The CT.
    spine : Spine
        Its vertebrae, those without a certain level left out.

    Returns
    -------
    tuple of Level
        From the feet to the head.
    """
    named = [one for one in spine.vertebrae if one.level in LEVELS and _in_view(volume, one)]
    bodies = [look_closely(volume, vertebra) for vertebra in named]
    bodies = [body for body in bodies if _like_a_body(body)]
    ratios = ratios_of(bodies) if volume.spacing_mm[0] <= THICKEST_MM else {}
    seen = [_level(volume, body, ratios.get(body.level)) for body in bodies]
    return tuple(_compared(level, seen) for level in seen)


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
    if body.level in _NO_BONE:
        return Level(body, own, None)
    foreign = _foreign(volume, body)
    if foreign:
        return Level(body, own, None, foreign)
    oval = oval_in(body, volume.spacing_mm[0])
    region = measure(volume, body, oval) if oval else None
    if region is None or not region.hu.size:
        return Level(body, own, None, "too small for a region clear of its walls")
    return Level(body, own, region, _odd(region, own))


def _foreign(volume: Volume, body: VertebralBody) -> str:
    """Say which foreign body lies in a vertebra, as far as its density tells."""
    # without the pedicles' roots: a young arch is as dense in a thin slice at low voltage
    reach = (body.posterior_mm / 2, body.depth_mm / 2 + 0.5, body.width_mm / 2 + 2)
    around = block_of(volume, body.axes.moved(0.0, 3.5, 0.0), reach, 1.0).hu
    if (around > METAL_HU).sum() / 1000 > _METAL_CM3:
        return "metal"
    core = (max(1.0, body.middle_mm / 2 - 4), body.depth_mm / 2 - 4, body.width_mm / 2 - 5)
    inside = block_of(volume, body.axes, core, 1.0).hu
    return "cement" if (inside > CEMENT_HU).sum() / 1000 > _CEMENT_CM3 else ""


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
