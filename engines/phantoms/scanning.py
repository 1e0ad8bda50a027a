"""CT and MRI of a visit: the series that are taken, and what their headers are told."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines.phantoms.body.build import draw_build
from engines.phantoms.body.discs import spine_soft_parts
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.hip_joint import hip_joints
from engines.phantoms.body.hip_muscles import with_muscles_apart
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.skeleton import Region, bones
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.ct.protocol import CtProtocol, Kernel, draw_ct_protocol
from engines.phantoms.ct.volume import CtVolume, ct_volume
from engines.phantoms.dicom.ct import Scan, ct_series, localizer
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.mr import Contrast, mr_series
from engines.phantoms.dicom.slices import TILT_DEG, Slices
from engines.phantoms.mri.protocol import draw_protocol
from engines.phantoms.mri.series import Filled, Hips, fill, mri_series

#: Whether there is a second kernel.
_STREAM = 72
_SECOND_KERNEL = 0.3

#: Between lumps of bone in an MRI.
_LUMPS_MM = 0.7
#: Tube charge for 10.5 HU of noise in 3 mm with a standard kernel (ours), and noise of the others.
_USUAL_MAS = 120.0
_NOISE = {Kernel.SOFT: 0.85, Kernel.STANDARD: 1.0, Kernel.BONE: 2.6}


def abdomen_ct(
    visit: Visit, matrix: int = 512, extras: tuple[Extra, ...] = ()
) -> Iterator[Dataset]:
    """Take an abdominal CT.

    Parameters
    ----------
    visit : Visit
        Whose, with what.
    matrix : int
        Rows and columns.
    extras : tuple of Extra
        What is in the body beyond its own parts.

    Yields
    ------
    Dataset
        Localizer, then the series; in some studies the same scan again with a bone kernel.
    """
    protocol = replace(draw_ct_protocol(visit.seed), matrix=matrix, padding_hu=None)
    build = replace(draw_build(visit.person, lying=True), arms_raised=True, extras=extras)
    if Flaw.GANTRY_TILT in visit.flaws:
        protocol = replace(protocol, tilt_deg=TILT_DEG)
    first = ct_volume(build, protocol, visit.seed)
    yield localizer(visit, _slices(first), _scan(protocol))
    yield from ct_series(visit, _slices(first), _scan(protocol))
    rng = np.random.default_rng([visit.seed, _STREAM])
    if rng.random() < _SECOND_KERNEL and protocol.kernel is not Kernel.BONE:
        louder = protocol.noise_hu * _NOISE[Kernel.BONE] / _NOISE[protocol.kernel]
        sharp = replace(protocol, kernel=Kernel.BONE, noise_hu=louder)
        again = ct_volume(build, sharp, visit.seed)
        yield from ct_series(visit, _slices(again), _scan(sharp), number=3)


def one_ct(visit: Visit, protocol: CtProtocol) -> Iterator[Dataset]:
    """Take one axial series.

    Parameters
    ----------
    visit : Visit
        Whose, with what.
    protocol : CtProtocol
        How; the visit's flaws change nothing of it.

    Yields
    ------
    Dataset
        The images by InstanceNumber.
    """
    build = replace(draw_build(visit.person, lying=True), arms_raised=True)
    volume = ct_volume(build, protocol, visit.seed)
    yield from ct_series(visit, _slices(volume), _scan(protocol))


def _slices(volume: CtVolume) -> Slices:
    column, row, step, first = volume.affine[:3].T
    across, down = float(np.linalg.norm(column)), float(np.linalg.norm(row))

    def place(values: NDArray[np.float64]) -> tuple[float, float, float]:
        x, y, z = (float(value) for value in values)
        return x, y, z

    return Slices(
        volume.hu,
        place(first),
        place(column / across),
        place(row / down),
        place(step),
        (down, across),
        volume.protocol.slice_thickness_mm,
    )


def _scan(protocol: CtProtocol) -> Scan:
    usual_hu = 10.5 * _NOISE[protocol.kernel] * float(np.sqrt(3 / protocol.slice_thickness_mm))
    mas = _USUAL_MAS * (usual_hu / protocol.noise_hu) ** 2
    return Scan(float(protocol.kvp), round(mas), protocol.phase, str(protocol.kernel))


def hip_mri(visit: Visit, extras: tuple[Extra, ...] = ()) -> Iterator[Dataset]:
    """Take the hips at one visit.

    Parameters
    ----------
    visit : Visit
        Its number says how far an osteonecrosis has come.
    extras : tuple of Extra
        What is in the body beyond its own parts.

    Yields
    ------
    Dataset
        Coronal T1, then STIR, slice by slice.
    """
    build = replace(draw_build(visit.person, lying=True), extras=extras)
    parts = bones(build, Region.PELVIS, _LUMPS_MM, visit.number)
    solids = (
        *with_muscles_apart(build, soft_parts(build)),
        *spine_soft_parts(build),
        *hip_joints(build, visit.number),
        *foreign_bodies(build),
    )
    hips = Hips(build, parts, solids, visit.number)
    filled: Filled | None = None
    for contrast in Contrast:
        protocol = draw_protocol(visit.seed, contrast, visit.device.mr.field_t, visit.number)
        filled = filled or fill(hips, protocol)
        slices = mri_series(hips, protocol, visit.seed, filled)
        yield from mr_series(visit, slices, contrast, protocol.timing)
