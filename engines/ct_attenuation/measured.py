"""What is measured of a CT before anything is judged; once, for all models that read the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from engines.anatomy.composition import Composition, Refused, compose
from engines.anatomy.spine import Spine
from engines.anatomy.vertebrae import find_spine
from engines.cases import Case
from engines.ct_attenuation import muscle
from engines.ct_attenuation.levels import Level, look_at
from engines.ct_attenuation.quality import quality
from engines.errors import BadSeries, Reason
from engines.sights import Scan, scan_of
from engines.volume import Volume, read_volume

_KEPT: Final = "ct"


@dataclass(frozen=True)
class Measured:
    """One CT.

    Attributes
    ----------
    volume : Volume
        Its voxels.
    scan : Scan
        Which images these were.
    spine : Spine
        Its vertebrae.
    levels : tuple of Level
        Those that were looked at closely, from the feet to the head; at least one.
    l3 : Composition or Refused
        Muscle and fat at L3, or why not.
    facts : mapping
        How the scan was made; see :func:`engines.ct_attenuation.quality.quality`.
    """

    volume: Volume
    scan: Scan
    spine: Spine
    levels: tuple[Level, ...]
    l3: Composition | Refused
    facts: Mapping[str, Any]


def measured(case: Case) -> Measured:
    """Measure the one CT series of a case; a second model is given what the first one found.

    Raises
    ------
    BadSeries
        What reading says; SPINE_NOT_FOUND, LEVEL_UNCERTAIN.
    """
    kept = case.kept.get(_KEPT)
    if isinstance(kept, Measured):
        return kept
    volume = read_volume(case.images)
    spine = find_spine(volume)
    levels = look_at(volume, spine)
    if not levels:
        raise BadSeries(Reason.LEVEL_UNCERTAIN, spine.why or "no vertebra is wholly in view")
    scan = scan_of([plane.SOPInstanceUID for plane in volume.planes], volume.hu)
    facts = quality(case.images, volume, spine.vertebrae)
    found = Measured(volume, scan, spine, levels, _composed(volume, spine), facts)
    case.kept[_KEPT] = found
    return found


def _composed(volume: Volume, spine: Spine) -> Composition | Refused:
    vertebra = spine.at(muscle.LEVEL)
    if vertebra is None:
        why = f"level uncertain ({spine.why})" if spine.why else f"{muscle.LEVEL} is not in view"
        return Refused(why)
    return compose(volume, spine.canal, vertebra)
