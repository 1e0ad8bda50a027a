"""Muscle and fat in the axial slice through the middle of L3.

What is muscle and what is fat follows from HU alone, within regions that are found by shape: the
belly's wall, psoas, quadratus lumborum, the muscles of the back. The HU ranges are the usual ones
(-29 to +150 muscle, -190 to -30 fat between muscles and under the skin, -150 to -50 visceral fat:
Yoon 2020 and those it cites); the regions are ours, and no network is asked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.back_muscles import BackMuscles, find_back_muscles
from engines.anatomy.belly_wall import Wall, find_wall
from engines.anatomy.canal import Canal
from engines.anatomy.section import Section, body_mask, bone_mask, section
from engines.anatomy.spine import Vertebra
from engines.volume import Volume

Mask = NDArray[np.bool_]

MUSCLE_HU = (-29.0, 150.0)
FAT_HU = (-190.0, -30.0)
VISCERAL_FAT_HU = (-150.0, -50.0)
# All ours: above this patient's usual muscle by so much is no muscle but an organ or a vessel.
_BRIGHTER_HU = 45.0


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
    remarks: tuple[str, ...]


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


def compose(volume: Volume, canal: Canal, vertebra: Vertebra) -> Composition | None:
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
        return None
    regions = find_regions(cut, canal)
    return _measured(cut, regions)


def _between(cut: Section, limits: tuple[float, float]) -> Mask:
    inside: Mask = (cut.hu >= limits[0]) & (cut.hu <= limits[1]) & cut.measured
    return inside


def _measured(cut: Section, regions: Regions) -> Composition:
    muscle = regions.muscles & _between(cut, MUSCLE_HU)
    fat = _between(cut, FAT_HU)
    belly = regions.wall.within_wall & ~regions.muscles & ~regions.bone
    outside = regions.body & ~regions.wall.within_fascia
    areas = {
        "muscle_cm2": muscle,
        "intermuscular_fat_cm2": regions.muscles & fat,
        "visceral_fat_cm2": belly & _between(cut, VISCERAL_FAT_HU),
        "subcutaneous_fat_cm2": outside & fat,
    }
    psoas, paraspinal = (
        (pair[0] & muscle, pair[1] & muscle)
        for pair in (regions.back.psoas, regions.back.paraspinal)
    )
    return Composition(
        slice=cut.number,
        muscle_hu=float(cut.hu[muscle].mean()),
        **{name: float(mask.sum()) * cut.pixel_cm2 for name, mask in areas.items()},
        muscle=muscle,
        psoas=psoas,
        paraspinal=paraspinal,
        remarks=(),
    )
