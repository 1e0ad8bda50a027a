"""A body's CT series as Hounsfield units, and where the truth lies in it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.density import spine_factor
from engines.phantoms.body.discs import spine_soft_parts
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.skeleton import Region, bones
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.body.spine import vertebra
from engines.phantoms.body.vessels import calcifications
from engines.phantoms.ct.attenuating import Attenuation, attenuation
from engines.phantoms.ct.grid import Grid, grid_of
from engines.phantoms.ct.kernels import Reconstruction, WhiteNoise
from engines.phantoms.ct.metal_streaks import streaks_hu
from engines.phantoms.ct.mineral import Skeleton
from engines.phantoms.ct.paint import Canvas
from engines.phantoms.ct.protocol import CtProtocol

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4404

_LOWEST_HU, _HIGHEST_HU = -1024, 3071
#: Between lumps of bone.
_LUMPS_MM = 1.0
#: Soft parts are sampled along the body at least this often, mm.
_SAMPLE_MM = 2.0
#: How dark the middle of a body of 300 mm is against its border, HU (ours), and where between them
#: a scanner's own correction is right: at the spine.
_CUPPING_HU = 5.0
_RIGHT = 0.7


@dataclass(frozen=True, eq=False)
class CtVolume:
    """One series.

    Attributes
    ----------
    hu : ndarray
        int16, shape (slice, row, column); the lowest slice first, rows to the back, columns to the
        patient's left.
    affine : ndarray
        float64, shape (4, 4): from (column, row, slice, 1) to the body's LPS mm, origin in L1.
    protocol : CtProtocol
        How it was made.
    """

    hu: NDArray[np.int16]
    affine: Values
    protocol: CtProtocol

    def voxel(self, place_mm: Values) -> tuple[int, int, int]:
        """Return slice, row and column nearest to a place (3,), body LPS mm."""
        c, r, s = (np.linalg.inv(self.affine) @ np.append(place_mm, 1.0))[:3]
        return round(float(s)), round(float(r)), round(float(c))


def ct_volume(
    build: Build,
    protocol: CtProtocol,
    seed: int,
    threads: int = 2,
) -> CtVolume:
    """Scan a body.

    Parameters
    ----------
    build : Build
        Whose; lying, arms raised.
    protocol : CtProtocol
        How.
    seed : int
        Of noise and contrast dose; the body is the build's own.
    threads : int
        Slices that are made at a time; the voxels are the same for any number.
    """
    grid = grid_of(build, protocol)
    return _filled(build, grid, bones(build, Region.ABDOMEN, _LUMPS_MM), seed, threads)


def ct_slab(build: Build, grid: Grid, levels: Sequence[str], seed: int) -> CtVolume:
    """Scan a part of a body that holds a few vertebrae, in a tenth of the time of a whole scan.

    Parameters
    ----------
    build : Build
        Whose; lying, arms raised.
    grid : Grid
        What is imaged, and how.
    levels : sequence of str
        The vertebrae that are there; ribs, pelvis and all other bones are not.
    seed : int
        As for :func:`ct_volume`.
    """
    compact = spine_factor(build)
    there = {f"vertebra {one}": vertebra(build, one, _LUMPS_MM, compact) for one in levels}
    return _filled(build, grid, there, seed, threads=1)


def _filled(
    build: Build, grid: Grid, clouds: Mapping[str, Cloud], seed: int, threads: int
) -> CtVolume:
    protocol = grid.protocol
    scanner = _Scanner(build, grid, attenuation(protocol, seed), clouds)
    noise = WhiteNoise(grid, (seed, STREAM))
    volume = np.empty((grid.count, protocol.matrix, protocol.matrix), dtype=np.int16)

    def fill(k: int) -> None:
        volume[k] = scanner.slice(k, noise.slice(k))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(grid.count)))
    return CtVolume(volume, grid.affine, protocol)


class _Scanner:
    """All that is the same for each slice."""

    def __init__(
        self, build: Build, grid: Grid, attenuating: Attenuation, clouds: Mapping[str, Cloud]
    ) -> None:
        self.build, self.grid, self.attenuating = build, grid, attenuating
        self.skeleton = Skeleton(grid, {**clouds, "plaques": calcifications(build)})
        self.canvas = Canvas(build, (*soft_parts(build), *spine_soft_parts(build)), attenuating)
        foreign = tuple(foreign_bodies(build))
        self.metal = Canvas(build, foreign, attenuating) if foreign else None
        self.reconstruction = Reconstruction(grid)

    def slice(self, k: int, white: Values) -> NDArray[np.int16]:
        """Return slice ``k`` with noise made of ``white``: int16, shape (row, column)."""
        protocol = self.grid.protocol
        height = self.grid.bottom_mm + k * protocol.spacing_mm
        exact = self._bones(height, self._soft(height))
        if self.metal is not None:
            metal = self.metal.slice_hu(self.grid, height)
            exact = np.where(metal > -990, np.maximum(metal, exact), exact)
            exact += streaks_hu(metal, self.grid.pixel_mm)
        radius, size = self._body(height)
        middle = np.exp(-2.0 * np.square(radius))
        if protocol.table:
            exact += np.where(exact < -900, self._table, 0.0)
        exact -= _CUPPING_HU * (size / 300) ** 2 * (middle - _RIGHT) * (exact > -300)
        # tube current follows the body's size half of the way
        noise = protocol.noise_hu * np.exp(0.25 * 0.02 * (size - 300)) * (0.5 + 0.5 * middle)
        seen = self.reconstruction.slice_hu(exact, noise * white)
        return self._stored(seen)

    def _soft(self, height: float) -> Values:
        """Average soft parts over the slice's thickness."""
        thick = self.grid.protocol.slice_thickness_mm
        count = int(np.ceil(thick / _SAMPLE_MM - 1e-9))
        offs = ((np.arange(count) + 0.5) / count - 0.5) * thick
        total = self.canvas.slice_hu(self.grid, height + offs[0])
        for off in offs[1:]:
            total += self.canvas.slice_hu(self.grid, height + off)
        return total / count

    def _bones(self, height: float, soft: Values) -> Values:
        mineral, volume, marrow = self.skeleton.slice(height)
        part = np.minimum(volume, 1.0)
        inside = marrow / np.maximum(volume, 1e-9) + self.attenuating.bone_hu
        return np.asarray(
            soft * (1 - part) + part * inside + self.attenuating.hu_per_mg_cm3 * mineral
        )

    def _body(self, height: float) -> tuple[Values, float]:
        """Return the distance from the body's middle in its own half sizes; its mean diameter."""
        x, y, _ = self.grid.places(height)
        half, deep, middle = (float(v) for v in self.build.trunk_mm(np.asarray(height)))
        radius = np.sqrt(np.square(x / half) + np.square((y - middle) / deep))
        return radius, 2 * float(np.sqrt(half * deep))

    @cached_property
    def _table(self) -> Values:
        """Lay a curved table under the patient: two thin shells of carbon and foam between."""
        x, y, _ = self.grid.places(0.0)
        z = np.linspace(-250, 100, 36)
        _, deep, middle = self.build.trunk_mm(z)
        top = float((deep + middle).max()) + 4
        depth = y - top + np.square(x) / 1500
        shell = np.exp(-0.5 * np.square((depth - 3) / 1.1))
        under = np.exp(-0.5 * np.square((depth - 42) / 1.0)) * (np.abs(x) < 190)
        foam = (depth > 3) & (depth < 42)
        return np.asarray(1080 * shell * (np.abs(x) < 215) + 1000 * under + 40 * foam)

    def _stored(self, seen: Values) -> NDArray[np.int16]:
        image = np.clip(np.rint(seen), _LOWEST_HU, _HIGHEST_HU)
        padding = self.grid.protocol.padding_hu
        if padding is not None:
            n = self.grid.protocol.matrix
            side = np.arange(n) - (n - 1) / 2
            image[np.square(side[:, None]) + np.square(side) > (n / 2) ** 2] = padding
        return image.astype(np.int16)
