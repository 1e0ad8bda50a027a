"""Muscle and fat in the axial slice through the middle of L3.

What is muscle and what is fat follows from HU alone, within regions that are found by shape: the
belly's wall, psoas, quadratus lumborum, the muscles of the back. The HU ranges are the usual ones
(-29 to +150 muscle, -190 to -30 fat between muscles and under the skin, -150 to -50 visceral fat:
Yoon 2020 and those it cites); the regions are ours, and no network is asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.anatomy.back_muscles import BackMuscles, find_back_muscles
from engines.anatomy.belly_wall import Wall, find_wall
from engines.anatomy.canal import Canal
from engines.anatomy.section import Section, body_mask, bone_mask, section
from engines.anatomy.spine import Spine, Vertebra, is_of_the_loins
from engines.volume import Volume

Mask = NDArray[np.bool_]

MUSCLE_HU = (-29.0, 150.0)
FAT_HU = (-190.0, -30.0)
VISCERAL_FAT_HU = (-150.0, -50.0)
# All ours: above this patient's usual muscle by so much is no muscle but an organ or a vessel.
_BRIGHTER_HU = 45.0
# So near the edge of the field is cut; an outline that touches it for less is whole.
_AT_EDGE_MM, _TOUCHING_MM, _MOST_CLIPPED_MM = 4.0, 15.0, 40.0
_POSSIBLE_CM2 = (25.0, 350.0)
_ARM_BONE_HU, _ARM_BONE_CM2, _UNEVEN = 250.0, 1.0, 0.5
_ARM = "an arm lies at the body: subcutaneous fat not measured"


@dataclass(frozen=True)
class Composition:
    """Muscle and fat of one slice.

    Attributes
    ----------
    slice : int
        Its number in the volume.
    muscle_cm2, muscle_hu : float
        Area of skeletal muscle and its mean HU.
    intermuscular_fat_cm2, visceral_fat_cm2 : float
        Fat between muscles and their fibres; fat within the belly's wall.
    subcutaneous_fat_cm2 : float or None
        Fat outside the wall; None where the field of view cuts it off.
    muscle : ndarray
        bool, shape (row, column): what was counted as muscle.
    psoas, paraspinal : (left, right)
        bool masks, shape (row, column): the patient's left and right; what of the muscle they are.
    intermuscular_fat, visceral_fat, subcutaneous_fat : ndarray
        bool, shape (row, column): what was counted as fat; the last None where its area is.
    remarks : tuple of str
        What a reader should know.
    """

    slice: int
    muscle_cm2: float
    muscle_hu: float
    intermuscular_fat_cm2: float
    visceral_fat_cm2: float
    subcutaneous_fat_cm2: float | None
    muscle: Mask
    psoas: tuple[Mask, Mask]
    paraspinal: tuple[Mask, Mask]
    intermuscular_fat: Mask
    visceral_fat: Mask
    subcutaneous_fat: Mask | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """Muscle and fat could not be measured.

    Attributes
    ----------
    why : str
        In words.
    """

    why: str


@dataclass(frozen=True)
class _Clipped:
    """How much of the outline of skin and of muscle lies at the edge of what was measured, mm."""

    skin_mm: float
    muscle_mm: float


@dataclass(frozen=True)
class Regions:
    """All regions of a slice; bool masks, shape (row, column), fat within muscles included.

    Attributes
    ----------
    body, bone : ndarray
        The patient without table; bone with its marrow.
    wall : Wall
        Of the belly.
    back : BackMuscles
        Psoas, quadratus lumborum, muscles behind the spine.
    muscles : ndarray
        All regions of muscle.
    """

    body: Mask
    bone: Mask
    wall: Wall
    back: BackMuscles
    muscles: Mask


def find_regions(cut: Section, canal: Canal) -> Regions:
    """Find the regions of a slice."""
    body = body_mask(cut)
    bone = bone_mask(cut, body)
    row, column = np.round(canal.at[cut.number]).astype(int)
    canal_front_mm = float(cut.front_mm[row, column])
    like = _muscle_like(cut, body, bone, canal_front_mm)
    wall = find_wall(cut, body, like)
    back = find_back_muscles(cut, wall.within_fascia, like, bone, canal_front_mm)
    ring = wall.within_fascia & ~wall.within_wall
    muscles = ring | back.quadratus
    for mask in (*back.psoas, *back.paraspinal):
        muscles |= mask
    return Regions(body, bone, wall, back, muscles & ~bone)


def _muscle_like(cut: Section, body: Mask, bone: Mask, canal_front_mm: float) -> Mask:
    """Return what is as dense as muscle, and not as bright as enhanced organs of this patient."""
    back = body & ~bone & cut.soft & (np.abs(cut.left_mm) < 50)
    back &= cut.front_mm < canal_front_mm - 15
    usual = float(np.median(cut.smooth_hu[back])) if back.any() else 50.0
    like: Mask = cut.soft & (cut.smooth_hu < usual + _BRIGHTER_HU) & body
    return like


def compose(volume: Volume, canal: Canal, vertebra: Vertebra) -> Composition | Refused:
    """Measure muscle and fat.

    Parameters
    ----------
    volume : Volume
        A CT.
    canal : Canal
        Of this volume.
    vertebra : Vertebra
        L3.
    """
    cut = section(volume, vertebra)
    if cut is None:
        return Refused(f"the middle of {vertebra.level} is not in the scan")
    if not body_mask(cut).any():
        return Refused("there is no body around the vertebra")
    regions = find_regions(cut, canal)
    clipped = _clipped(cut, regions)
    if clipped.muscle_mm > _MOST_CLIPPED_MM:
        return Refused(f"the field of view cuts off {clipped.muscle_mm:.0f} mm of the muscles")
    found = _measured(cut, regions, clipped)
    if not _POSSIBLE_CM2[0] <= found.muscle_cm2 <= _POSSIBLE_CM2[1]:
        return Refused(f"a muscle area of {found.muscle_cm2:.0f} cm2 cannot be")
    return found


def muscles(volume: Volume, spine: Spine) -> Mapping[str, Mask]:
    """Find psoas and paraspinal muscles in all slices from T12 to L5 that a spine shows.

    Parameters
    ----------
    volume : Volume
        A CT.
    spine : Spine
        Of this volume; between the middles of its vertebrae all is interpolated.

    Returns
    -------
    mapping of str to ndarray
        ``psoas left``, ``psoas right``, ``paraspinal left``, ``paraspinal right``: bool, shape
        (slice, row, column), the patient's sides; empty outside the slices between.
    """
    names = ("psoas left", "psoas right", "paraspinal left", "paraspinal right")
    found = {name: np.zeros(volume.hu.shape, np.bool_) for name in names}
    for vertebra in _each_slice(volume, spine):
        cut = section(volume, vertebra)
        if cut is None or not body_mask(cut).any():
            continue
        regions = find_regions(cut, spine.canal)
        muscle = regions.muscles & _between(cut, MUSCLE_HU)
        each = (*regions.back.psoas, *regions.back.paraspinal)
        for name, mask in zip(names, each, strict=True):
            found[name][cut.number] = mask & muscle
    return found


def _each_slice(volume: Volume, spine: Spine) -> Iterator[Vertebra]:
    """Return a vertebra for each slice between the lowest middle and the highest, T12 to L5."""
    known = [one for one in spine.vertebrae if is_of_the_loins(one)]
    if len(known) < 2:
        return
    known.sort(key=lambda one: float(one.middle_mm[2]))
    heights = np.array([one.middle_mm[2] for one in known])
    middles = np.array([one.middle_mm for one in known])
    at_mm = volume.origin_mm[2] + volume.spacing_mm[0] * np.arange(len(volume.hu))
    for height in at_mm[(at_mm >= heights[0]) & (at_mm <= heights[-1])]:
        middle = np.array([np.interp(height, heights, middles[:, axis]) for axis in range(3)])
        nearest = known[int(np.abs(heights - height).argmin())]
        yield replace(nearest, middle_mm=middle)


def _clipped(cut: Section, regions: Regions) -> _Clipped:
    edge = ndimage.binary_dilation(~cut.measured)
    # what lies beyond the picture is not measured either
    edge[[0, -1]] = edge[:, [0, -1]] = True
    near = ndimage.binary_dilation(edge & regions.body, cut.pixels(_AT_EDGE_MM)) & regions.body
    area = cut.pixel_cm2 * 100 / _AT_EDGE_MM
    return _Clipped(
        float(near.sum()) * area, float((near & regions.wall.within_fascia).sum()) * area
    )


def _between(cut: Section, limits: tuple[float, float]) -> Mask:
    # slightly smoothed, for noise moves a pixel in and out of a range
    inside: Mask = (cut.smooth_hu >= limits[0]) & (cut.smooth_hu <= limits[1]) & cut.measured
    return inside


def _measured(cut: Section, regions: Regions, clipped: _Clipped) -> Composition:
    muscle = regions.muscles & _between(cut, MUSCLE_HU)
    fat = _between(cut, FAT_HU)
    belly = regions.wall.within_wall & ~regions.muscles & ~regions.bone
    outside = regions.body & ~regions.wall.within_fascia
    psoas, paraspinal = (
        (pair[0] & muscle, pair[1] & muscle)
        for pair in (regions.back.psoas, regions.back.paraspinal)
    )
    remarks = _remarks(cut, regions, clipped, psoas)
    whole = clipped.skin_mm <= _TOUCHING_MM and _ARM not in remarks

    between, within = regions.muscles & fat, belly & _between(cut, VISCERAL_FAT_HU)
    under_the_skin = outside & fat if whole else None

    def cm2(mask: Mask) -> float:
        return float(mask.sum()) * cut.pixel_cm2

    return Composition(
        slice=cut.number,
        muscle_cm2=cm2(muscle),
        muscle_hu=float(cut.hu[muscle].mean()) if muscle.any() else float("nan"),
        intermuscular_fat_cm2=cm2(between),
        visceral_fat_cm2=cm2(within),
        subcutaneous_fat_cm2=None if under_the_skin is None else cm2(under_the_skin),
        muscle=muscle,
        psoas=psoas,
        paraspinal=paraspinal,
        intermuscular_fat=between,
        visceral_fat=within,
        subcutaneous_fat=under_the_skin,
        remarks=remarks,
    )


def _remarks(
    cut: Section, regions: Regions, clipped: _Clipped, psoas: tuple[Mask, Mask]
) -> tuple[str, ...]:
    said = []
    if clipped.muscle_mm > _TOUCHING_MM:
        said.append("the field of view cuts off a little muscle")
    elif clipped.skin_mm > _TOUCHING_MM:
        said.append("the field of view cuts off subcutaneous fat")
    hard = cut.smooth_hu > _ARM_BONE_HU
    if (hard & regions.body & ~regions.wall.within_fascia).sum() * cut.pixel_cm2 > _ARM_BONE_CM2:
        said.append(_ARM)
    elif _arms_apart(cut, regions.body, hard):
        said.append("arms beside the body")
    areas = sorted(float(mask.sum()) * cut.pixel_cm2 for mask in psoas)
    if areas[0] < _UNEVEN * areas[1] or areas[1] == 0:
        said.append("the psoas muscles differ much, or one was not found")
    return tuple(said)


def _arms_apart(cut: Section, body: Mask, hard: Mask) -> bool:
    apart = ndimage.binary_opening((cut.smooth_hu > FAT_HU[0]) & ~body, cut.pixels(8.0))
    labels, count = ndimage.label(apart)
    bones = ndimage.sum_labels(hard, labels, np.arange(1, count + 1))
    return bool((np.atleast_1d(bones) * cut.pixel_cm2 > _ARM_BONE_CM2).any())
