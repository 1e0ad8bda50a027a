"""Films of a virtual patient: chest PA, left lateral and portable AP, pelvis and one hip AP."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.conduit import Branches
from engines.phantoms.body.discs import spine_soft_parts
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.pelvis import sacrum
from engines.phantoms.body.skeleton import Region, bones
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.body.solids import Solid
from engines.phantoms.people.person import Person
from engines.phantoms.xray.detector import Raw
from engines.phantoms.xray.exposure import Exam, Exposure, Flaws, draw_exposure
from engines.phantoms.xray.geometry import Geometry, Stand
from engines.phantoms.xray.painted import painted
from engines.phantoms.xray.take import Scene, develop, take_raw

Values = NDArray[np.float64]

#: Pixels finer than this are worth finer lumps of bone, mm.
_FINE_MM = 0.45

#: Between lumps: on fine pixels and on coarse ones. Templates are made once for each, so few do.
_LUMPS_MM = (0.7, 1.2)

#: How much larger lumps of vertebrae are drawn where they are seen from in front: the walls of
#: arches curve and are rough in life; ours run along the ray and would look drawn with a pen.
_SOFTER = {Exam.CHEST_PA: 4.0, Exam.CHEST_AP: 4.0, Exam.PELVIS: 2.0, Exam.HIP: 2.0}

_CHESTS = (Exam.CHEST_PA, Exam.CHEST_LATERAL, Exam.CHEST_AP)

#: Where films have painted something else already.
_NO_LUNG = ("heart muscle", "mediastinal fat", "aortic arch", "ascending aorta")

_VIEWS = {
    Exam.CHEST_PA: "PA",
    Exam.CHEST_LATERAL: "LL",
    Exam.CHEST_AP: "AP",
    Exam.PELVIS: "AP",
    Exam.HIP: "AP",
}


@dataclass(frozen=True)
class Order:
    """What shall be taken.

    Attributes
    ----------
    exam : Exam
        Which film.
    shape : (rows, columns)
        Of the film.
    side : {'L', 'R'}
        Of a hip.
    visit : int
        Which of the person's visits: osteonecrosis grows.
    flaws : Flaws
        What goes wrong on purpose.
    extras : tuple of Extra
        What is in the body beyond its own parts.
    altered : callable, optional
        Exposure as drawn -> exposure to take, so that films differ in one thing alone.
    """

    exam: Exam
    shape: tuple[int, int] = (512, 512)
    side: str = "L"
    visit: int = 0
    flaws: Flaws = field(default_factory=Flaws)
    extras: tuple[Extra, ...] = ()
    altered: Callable[[Exposure], Exposure] | None = None


@dataclass(frozen=True)
class Film:
    """A film, and all that its header can tell.

    Attributes
    ----------
    pixels : ndarray
        float64, shape (row, column), range [0, 1] in steps of 1/65535, bone white.
    raw : Raw
        What the detector measured, with mAs and dose.
    geometry : Geometry
        Where tube and detector were; its pitch is that at the detector.
    exposure : Exposure
        Settings.
    source_patient_mm : float
        From the focal spot to the skin.
    """

    pixels: Values
    raw: Raw
    geometry: Geometry
    exposure: Exposure
    source_patient_mm: float


def take(person: Person, seed: int, order: Order) -> Film:
    """Take one film.

    Parameters
    ----------
    person : Person
        Whose body.
    seed : int
        Of the film: exposure and noise. The body hangs on the person alone.
    order : Order
        Which film.
    """
    build = replace(_posed(person, order.exam), extras=order.extras)
    size = build.stature if order.exam in _CHESTS else 1.0
    exposure = draw_exposure(seed, order.exam, order.flaws, order.side, size)
    exposure = order.altered(exposure) if order.altered else exposure
    aim, thickness_mm = _aim(build, order)
    stand = _stand(aim, thickness_mm, exposure)
    geometry = stand.geometry(exposure.field_mm, order.shape)
    vessels = _vessels(build) if order.exam in _CHESTS else None
    scene = Scene(_bones(build, geometry, order), _solids(build, order.exam), vessels)
    raw = take_raw(scene, geometry, exposure, seed)
    pixels = develop(raw, geometry.pitch_mm, exposure, order.flaws.burnt_in)
    skin_mm = stand.distance_mm - stand.detector_mm - thickness_mm / 2
    return Film(pixels, raw, geometry, exposure, skin_mm)


def chest_film(
    person: Person, seed: int, shape: tuple[int, int] = (512, 512), view: str = "PA"
) -> Values:
    """Take a chest film.

    Parameters
    ----------
    person : Person
        Whose.
    seed : int
        Of the film: exposure and noise.
    shape : (rows, columns)
        Of the film.
    view : {'PA', 'LL', 'AP'}
        Upright PA or left lateral, or portable AP without grid.

    Returns
    -------
    ndarray
        float64, shape (row, column), range [0, 1], bone white.
    """
    exams = {"PA": Exam.CHEST_PA, "LL": Exam.CHEST_LATERAL, "AP": Exam.CHEST_AP}
    return take(person, seed, Order(exams[view], shape)).pixels


def hip_film(
    person: Person, seed: int, shape: tuple[int, int] = (512, 512), side: str | None = None
) -> Values:
    """Take an AP film of the hip ``L`` or ``R``, or of the pelvis: as :func:`chest_film`."""
    exam = Exam.PELVIS if side is None else Exam.HIP
    return take(person, seed, Order(exam, shape, side or "L")).pixels


def _posed(person: Person, exam: Exam) -> Build:
    lying = exam in (Exam.CHEST_AP, Exam.PELVIS, Exam.HIP)
    build = draw_build(person, lying=lying)
    return replace(build, arms_raised=True) if exam is Exam.CHEST_LATERAL else build


def _aim(build: Build, order: Order) -> tuple[Values, float]:
    """Return the point for the central ray and how thick the body is there, along the beam."""
    if order.exam in (Exam.PELVIS, Exam.HIP):
        heads = [build.femoral_head_mm(side) for side in ("L", "R")]
        aim = (heads[0] + heads[1]) / 2 + np.array([0.0, 0.0, 40.0])
        if order.exam is Exam.HIP:
            outwards = 14.0 if order.side == "L" else -14.0
            aim = build.femoral_head_mm(order.side) + np.array([outwards, 0.0, -22.0])
    else:
        top, bottom = (build.vertebra_centre_mm(level) for level in ("T1", "L1"))
        aim = np.array([0.0, 0.0, (top[2] + bottom[2]) / 2 + 14.0 * build.stature])
    across, deep, middle = (float(v) for v in build.trunk_mm(np.array(aim[2])))
    aim[1] = middle
    return aim, 2 * (across if order.exam is Exam.CHEST_LATERAL else deep)


def _stand(aim: Values, thickness_mm: float, exposure: Exposure) -> Stand:
    posture, view = exposure.posture, _VIEWS[exposure.exam]
    across, down = posture.aim_off_mm
    sideways = np.array([0.0, 1.0, 0.0] if view == "LL" else [1.0, 0.0, 0.0])
    aimed = aim + sideways * across - np.array([0.0, 0.0, down])
    return Stand(
        view=view,
        aim_mm=(float(aimed[0]), float(aimed[1]), float(aimed[2])),
        detector_mm=thickness_mm / 2 + posture.gap_mm,
        distance_mm=posture.distance_mm,
        turn_deg=posture.turn_deg,
        tip_deg=posture.tip_deg,
        tilt_deg=posture.tilt_deg,
        shift_mm=posture.shift_mm,
    )


def _bones(build: Build, geometry: Geometry, order: Order) -> Cloud:
    spacing_mm = _LUMPS_MM[0] if geometry.pitch_mm < _FINE_MM else _LUMPS_MM[1]
    hips = order.exam in (Exam.PELVIS, Exam.HIP)
    region = Region.PELVIS if hips else Region.CHEST
    parts = bones(build, region, spacing_mm, order.visit)
    if hips:
        # foramina slant and widen in life: seen through, a lining all round would be a ring
        parts["sacrum"] = sacrum(build, spacing_mm, lined=False)
    softer = _SOFTER.get(order.exam, 1.0)
    for name, one in parts.items():
        if name.startswith("vertebra "):
            parts[name] = replace(one, volume_mm3=softer * one.volume_mm3)
    return Cloud.together(parts.values())


def _solids(build: Build, exam: Exam) -> list[Solid]:
    of_chest = exam in _CHESTS
    soft = (*soft_parts(build, of_chest), *spine_soft_parts(build))
    return painted((*soft, *foreign_bodies(build)), of_chest, build.stature)


def _vessels(build: Build) -> Cloud:
    """Return the blood in the lungs, as far as nothing else is painted there."""
    of = {solid.name: solid.shape for solid in soft_parts(build, True)}
    tree = of["lung vessel"]
    assert isinstance(tree, Branches)
    points_mm, volume_mm3 = tree.lumps()
    kept = of["lungs"].inside(points_mm)
    for name in (*_NO_LUNG, "pleural effusion"):
        if name in of:
            kept &= ~of[name].inside(points_mm)
    return Cloud(points_mm[kept], volume_mm3[kept], volume_mm3[kept])
