"""What the picture of a measured CT shows: the spine from the side, L1 with its region."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.spine import Spine
from engines.ct_attenuation.levels import Level
from engines.ct_attenuation.region import border_mm
from engines.ct_attenuation.tables import Bands
from engines.sights import Mark, Section, Views
from engines.volume import Volume

Points = NDArray[np.float64]

#: How much of the patient a picture shows, mm: before and behind the canal, about L1.
_BEFORE_MM, _BEHIND_MM, _AROUND_MM = 105.0, 60.0, 55.0
#: The side view is the mean over so much, for less noise.
_THICK_MM = 3.0


def views_of(
    volume: Volume,
    spine: Spine,
    levels: Sequence[Level],
    shown: Level | None,
    bands: Bands | None,
) -> Views:
    """Cut what a reader needs to check the measurement.

    Parameters
    ----------
    volume : Volume
        The CT.
    spine : Spine
        All its vertebrae.
    levels : sequence of Level
        Those that were looked at.
    shown : Level or None
        The one whose region is shown.
    bands : Bands or None
        What colours follow; None where no band may be given.
    """
    side = _Side(volume, spine)
    marks = [side.mark(level, bands) for level in reversed(levels)]
    return Views(
        sagittal=side.section,
        marks=tuple(marks),
        bone=bone_section(volume, shown) if shown else None,
        bands_hu=(bands.low_hu, bands.high_hu) if bands else None,
    )


class _Side:
    """The spine from its left side, along the middle of its bodies, head up and front left."""

    def __init__(self, volume: Volume, spine: Spine) -> None:
        self._volume = volume
        slices, rows, columns = volume.hu.shape
        middles = np.array([volume.voxel_of(one.middle_mm) for one in spine.vertebrae])
        along = np.arange(slices)
        column = np.interp(along, middles[:, 0], middles[:, 2])
        half = max(0, round(_THICK_MM / 2 / volume.spacing_mm[2]))
        canal = float(np.median(spine.canal.at[:, 0]))
        self._first = max(0, int(canal - _BEFORE_MM / volume.spacing_mm[1]))
        last = min(rows, int(canal + _BEHIND_MM / volume.spacing_mm[1]))
        shifts = np.arange(-half, half + 1)
        at = np.clip(np.rint(column)[:, None] + shifts, 0, columns - 1).astype(int)
        cut = volume.hu[along[:, None], self._first : last, at].mean(axis=1)
        self.section = Section(np.ascontiguousarray(cut[::-1]), volume.spacing_mm[:2])

    def mark(self, level: Level, bands: Bands | None) -> Mark:
        """Mark one level."""
        region, body = level.region, level.body
        value = region.mean_hu if region and not level.why else None
        fronts = (body.front_mm[-1], 0.0, body.front_mm[0])
        corners = [
            self._at(body.axes.place_mm(float(np.interp(front, body.front_mm, end)), front, 0.0))
            for front in fronts
            for end in (body.upper_mm, body.lower_mm)
        ]
        return Mark(
            site=level.name,
            at=self._at(body.axes.middle_mm),
            value=value,
            band=bands.band(value) if bands and value is not None else None,
            note=level.why,
            ratio=level.ratios.lowest if level.ratios else None,
            corners=np.array(corners) if level.ratios else None,
        )

    def _at(self, place_mm: Points) -> tuple[float, float]:
        z, y, _ = self._volume.voxel_of(place_mm)
        return float(self._volume.hu.shape[0] - 1 - z), float(y - self._first)


def bone_section(volume: Volume, level: Level) -> Section:
    """Cut the slice through a level's region, with its border."""
    region, body = level.region, level.body
    assert region is not None, "only levels with one are shown"
    z, y, x = volume.voxel_of(body.axes.place_mm(0.0, region.oval.front_mm, 0.0))
    number = int(np.clip(round(float(z)), 0, volume.hu.shape[0] - 1))
    reach = [round(_AROUND_MM / spacing) for spacing in volume.spacing_mm[1:]]
    row, column = (max(0, round(float(at)) - by) for at, by in zip((y, x), reach, strict=True))
    cut = volume.hu[number, row : row + 2 * reach[0], column : column + 2 * reach[1]]
    border = volume.voxel_of(border_mm(body, region.oval))[:, 1:]
    return Section(cut, volume.spacing_mm[1:], level.name, (border - (row, column),))
