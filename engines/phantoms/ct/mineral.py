"""Bones splatted into slices; mass is kept, whatever the voxels' size."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from engines.phantoms.body.cloud import Cloud, among_four
from engines.phantoms.ct.grid import Grid

Values = NDArray[np.float64]

#: HU of the marrow between the trabeculae: fat in the long bones, as much as water in the spine,
#: where the mineral of calibrated CT counts what is not water already (ours).
_MARROW_HU = {"femur": -70.0, "upper arm": -70.0, "hip bone": -25.0}


class Skeleton:
    """All bones of an exam, sorted by height."""

    def __init__(self, grid: Grid, bones: Mapping[str, Cloud]) -> None:
        self._grid = grid
        marrow = [
            np.full(
                len(cloud.volume_mm3),
                next((hu for key, hu in _MARROW_HU.items() if name.startswith(key)), 0.0),
            )
            for name, cloud in bones.items()
        ]
        every = Cloud.together(bones.values())
        place = grid.pixels(every.points_mm)
        size = grid.protocol.matrix
        seen = np.flatnonzero(((place[:, :2] >= 0) & (place[:, :2] < size - 1)).all(axis=1))
        order = seen[np.argsort(place[seen, 2], kind="stable")]
        self._place = place[order]
        volume = every.volume_mm3[order]
        self._masses = (every.mineral_mg[order], volume, volume * np.concatenate(marrow)[order])

    def slice(self, height_mm: float) -> tuple[Values, Values, Values]:
        """Return mineral (mg/cm3), bone's part of the volume, marrow (HU x part): (row, column).

        The slice profile is a triangle as wide at half its height as the slice is thick.
        """
        size, thick = self._grid.protocol.matrix, self._grid.protocol.slice_thickness_mm
        first, last = np.searchsorted(self._place[:, 2], [height_mm - thick, height_mm + thick])
        column, row, height = self._place[first:last].T
        weight = (1 - np.abs(height - height_mm) / thick) / (thick * self._grid.pixel_mm**2)
        pixels, shares = zip(*among_four(row, column, size, weight), strict=True)
        where, share = np.concatenate(pixels), np.stack(shares)
        mineral, volume, marrow = (self._image(where, share * m[first:last]) for m in self._masses)
        even = _evenness(volume)
        return 1000 * mineral * even, volume * even, marrow * even

    def _image(self, where: NDArray[np.intp], share: Values) -> Values:
        size = self._grid.protocol.matrix
        heap = np.bincount(where, share.ravel(), size * size)
        return np.asarray(heap.reshape(size, size), dtype=np.float64)


def _evenness(volume: Values) -> Values:
    """Return what makes bone fill the voxels within it: float64, (row, column).

    Lumps lie evenly in the body, but not on the voxels' grid; a voxel that lies wholly in bone gets
    a little more or less than its volume of them. Those at a border are left as they are.
    """
    around = uniform_filter(volume, 5, mode="constant")
    within = np.clip((around - 0.8) / 0.15, 0, 1) * np.clip((1.25 - around) / 0.1, 0, 1)
    return np.asarray(1 + within * (1 / np.clip(volume, 0.5, 2.0) - 1))
