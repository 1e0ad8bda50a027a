"""A coronal series of one person's hips: tissues, coils, noise."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.necrosis import necrosis
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.dicom.slices import Slices
from engines.phantoms.mri.brightness import Substance, signal
from engines.phantoms.mri.grid import Grid
from engines.phantoms.mri.marrow import OEDEMA_REACH, Gives, healthy_marrow, ill_marrow
from engines.phantoms.mri.metal import distorted, off_resonance_hz
from engines.phantoms.mri.protocol import MriProtocol
from engines.phantoms.mri.texture import Texture

Values = NDArray[np.float64]

NOISE_DRAWS, COIL_DRAWS = 0x0F3, 0x0F4

#: Mineral from which on bone is compact and gives nothing; below the lower all of it is marrow.
SPONGY_MG_CM3, COMPACT_MG_CM3 = 250.0, 800.0

#: What trabeculae take from the marrow's signal, by their mass and their field.
TRABECULAR_LOSS = 0.12

SUBSTANCE_OF = {
    Tissue.FAT: Substance.FAT,
    Tissue.MUSCLE: Substance.MUSCLE,
    Tissue.ORGAN: Substance.ORGAN,
    Tissue.FLUID: Substance.FLUID,
    Tissue.CARTILAGE: Substance.CARTILAGE,
}
"""Gas, metal, cement and flowing blood give no signal."""

SUBSTANCE_BY_NAME = {"disc": Substance.DISC}
"""Solids that are of another substance than their tissue: X-rays take discs for fluid."""

SILENT = ("liner",)
"""Solids without signal whatever their tissue: polyethylene, which X-rays take for fat."""

STREAKY = 0.9
"""How unevenly fat lies between muscle fibres, of its mean part (ours)."""

LAYERS = 3
"""Into which a slice is cut, so that slanting borders are soft."""


@dataclass(frozen=True)
class Hips:
    """What lies in the coils at one visit.

    Attributes
    ----------
    build : Build
        Whose.
    bones : mapping of str to Cloud
        By name; at about 0.7 mm.
    solids : sequence of Solid
        All else, in painter's order.
    visit : int
        Which visit.
    """

    build: Build
    bones: Mapping[str, Cloud]
    solids: Sequence[Solid]
    visit: int


@dataclass(frozen=True)
class Filled:
    """What fills a grid, whatever contrast it is taken in.

    Attributes
    ----------
    grid : Grid
        Its voxels.
    kinds : ndarray
        uint16, shape (slice, layer, row, column): which solid.
    bones : dict of str to pair of ndarray
        Part of each voxel that is bone, and the mineral in it, mg/cm3.
    texture : Texture
        How marrow and muscle vary.
    """

    grid: Grid
    kinds: NDArray[np.uint16]
    bones: dict[str, tuple[Values, Values]]
    texture: Texture


def fill(hips: Hips, protocol: MriProtocol) -> Filled:
    """Cut the body into the voxels of a protocol; series on the same slices share this."""
    grid = grid_of(hips.build, protocol)
    layers = ((np.arange(LAYERS) + 0.5) / LAYERS - 0.5) * grid.thickness_mm

    def paint(index: int) -> NDArray[np.uint16]:
        return np.stack([grid.paint(hips.solids, index, float(back)) for back in layers])

    with ThreadPoolExecutor(2) as pool:
        kinds = np.stack(list(pool.map(paint, range(grid.shape[0]))))
    bones = {name: grid.fill(cloud) for name, cloud in hips.bones.items()}
    return Filled(grid, kinds, bones, Texture(grid, hips.build.person.seed))


def mri_series(
    hips: Hips, protocol: MriProtocol, seed: int, filled: Filled | None = None
) -> Slices:
    """Take one series.

    Parameters
    ----------
    hips : Hips
        What lies in the coils.
    protocol : MriProtocol
        How it is taken.
    seed : int
        Draws coils and noise alone.
    filled : Filled, optional
        Of another series on the same slices, which saves most of the work.

    Returns
    -------
    Slices
        ``values``: float64, shape (slice, row, column), front first; magnitude, fat of T1 about 1.
    """
    filled = filled or fill(hips, protocol)
    grid = filled.grid
    shown = _tissues(hips, filled, protocol)
    hertz = off_resonance_hz(grid, filled.kinds, hips.solids, protocol.field_t)
    if hertz is not None:
        shown = distorted(shown, hertz)
    # the sampled part of k-space has a round edge
    shown = ndimage.gaussian_filter(shown, (0.0, 0.55, 0.55))
    shown *= _coils(grid, protocol, seed)
    values = _with_noise(shown, protocol, seed, hips.visit)
    between, row, column = grid.step_mm
    first = (float(grid.first_mm[0]), float(grid.first_mm[1]), float(grid.first_mm[2]))
    return Slices(
        values, first, (1, 0, 0), (0, 0, -1), (0, between, 0), (row, column), grid.thickness_mm
    )


def grid_of(build: Build, protocol: MriProtocol) -> Grid:
    """Return the voxels of a protocol on a body: in the middle between the femoral heads."""
    middle = (build.femoral_head_mm("L") + build.femoral_head_mm("R")) / 2
    middle = middle + np.array(protocol.shift_mm)
    half = (protocol.matrix - 1) / 2 * protocol.pixel_mm
    front = (protocol.slices - 1) / 2 * protocol.step_mm
    return Grid(
        first_mm=middle + np.array([-half, -front, half]),
        step_mm=(protocol.step_mm, protocol.pixel_mm, protocol.pixel_mm),
        shape=(protocol.slices, protocol.matrix, protocol.matrix),
        thickness_mm=protocol.thickness_mm,
    )


def _tissues(hips: Hips, filled: Filled, protocol: MriProtocol) -> Values:
    """Return the signal without coils and noise."""

    def gives(substance: Substance) -> float:
        return signal(substance, protocol.timing, protocol.field_t)

    grid = filled.grid
    shown, room = np.zeros(grid.shape), np.ones(grid.shape)
    for name, (bone, density) in filled.bones.items():
        held = np.flatnonzero(bone.any(axis=(1, 2)))
        if not held.size:
            continue
        part = slice(int(held[0]), int(held[-1]) + 1)
        marrow = healthy_marrow(name, hips.build.person, filled.texture.islands[part], gives)
        _add_lesion(marrow, hips, name, (grid, part.start), gives)
        compact = (density[part] - SPONGY_MG_CM3) / (COMPACT_MG_CM3 - SPONGY_MG_CM3)
        kept = (1 - TRABECULAR_LOSS) * (1 - np.clip(compact, 0.0, 1.0))
        shown[part] += bone[part] * marrow * kept
        room[part] -= bone[part]
    return np.asarray(shown + np.maximum(room, 0.0) * _soft(hips, filled, gives))


def _soft(hips: Hips, filled: Filled, gives: Gives) -> Values:
    """Return what all but bone gives, fat between the fibres of muscle included."""
    of_kind = [0.0, *(_brightness(one, gives) for one in hips.solids)]
    muscle = [0.0, *(float(one.tissue is Tissue.MUSCLE) for one in hips.solids)]
    plain = np.array(of_kind)[filled.kinds].mean(axis=1)
    fat = hips.build.person.muscle_fat * (1 + STREAKY * filled.texture.streaks)
    fat = np.clip(fat, 0.0, 1.0) * np.array(muscle)[filled.kinds].mean(axis=1)
    return np.asarray(plain + fat * (gives(Substance.FAT) - gives(Substance.MUSCLE)))


def _brightness(solid: Solid, gives: Gives) -> float:
    substance = SUBSTANCE_BY_NAME.get(solid.name, SUBSTANCE_OF.get(solid.tissue))
    return gives(substance) if substance and solid.name not in SILENT else 0.0


def _add_lesion(
    marrow: Values, hips: Hips, bone: str, where: tuple[Grid, int], gives: Gives
) -> None:
    """Draw the lesion of this bone, if it has one, into slices from a first one on."""
    side = {"femur left": "L", "femur right": "R"}.get(bone)
    lesion = necrosis(hips.build, side, hips.visit) if side else None
    if lesion is None:
        return
    grid, first = where
    reach = OEDEMA_REACH * lesion.radius_mm
    window = grid.window(lesion.centre_mm - reach, lesion.centre_mm + reach)
    if window is not None:
        for index, image in enumerate(marrow, start=first):
            points = grid.points_mm(index)[window]
            image[window] = ill_marrow(lesion, points, image[window], gives)


def _coils(grid: Grid, protocol: MriProtocol, seed: int) -> Values:
    """Return the coils' sensitivity, smooth and about 1."""
    rng = np.random.default_rng([seed, COIL_DRAWS])
    axes = np.meshgrid(*(np.linspace(-1, 1, count) for count in grid.shape), indexing="ij")
    field = sum(weight * axis for weight, axis in zip(rng.normal(0, 0.4, 3), axes, strict=True))
    # a phased array is brighter near the skin
    field = field + sum(
        weight * axis**2 for weight, axis in zip(rng.uniform(0.1, 0.6, 3), axes, strict=True)
    )
    return np.asarray(np.exp(protocol.shading * field))


def _with_noise(shown: Values, protocol: MriProtocol, seed: int, visit: int) -> Values:
    """Return the magnitude of signal and noise of two channels (Rice)."""
    stream = [seed, NOISE_DRAWS, visit, protocol.timing.inversion_ms is not None]
    rng = np.random.default_rng(stream)
    real, imaginary = rng.normal(0.0, protocol.noise, (2, *shown.shape))
    return np.asarray(np.hypot(shown + real, imaginary))
