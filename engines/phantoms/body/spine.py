"""The vertebrae C7 to L5 of one person, fractures and all."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body import adult
from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.template import cast, posed
from engines.phantoms.body.texture import coarseness, struts
from engines.phantoms.body.vertebra import arch_template, body_template
from engines.phantoms.people.person import FractureShape

Values = NDArray[np.float64]

#: Spongy bone of C7 to S1 against L1's: denser upwards, least at L3 (ours, as QCT has it).
SPONGY_BY_LEVEL = np.concatenate(
    [
        [1.6, 1.45, 1.38, 1.32, 1.28, 1.24, 1.2, 1.17, 1.14, 1.12, 1.09, 1.06, 1.03],  # to T12
        [1.0, 0.97, 0.95, 0.97, 1.02, 1.05],
    ]
)

#: Compact bone of a young adult, mm: round a vertebral body, on its endplates, on its arch.
WALL_MM = 0.42
ENDPLATE_MM = 0.60
ARCH_MM = 1.75

#: The oval in which density is measured, as parts of the body's width and depth, and its height, as
#: Comp2Comp takes it; there a body has its person's density.
QCT_WIDE, QCT_DEEP, QCT_HIGH_MM = 0.65, 0.5, 7.5
#: Endplates sink in as bone is lost, most in the middle: what of it the oval's mean sees.
_OVAL_HOLLOW = 1 - (QCT_WIDE**2 + QCT_DEEP**2) / 4

#: Spongy bone of arch and processes against the body's, where marrow is little.
ARCH_SPONGY = 1.2


def spongy_mg_cm3(build: Build, level: str) -> float:
    """Return the mineral of a level's spongy bone before any fracture, mg/cm3."""
    i = adult.LEVELS.index(level)
    return float(build.person.trabecular_mg_cm3 * SPONGY_BY_LEVEL[i])


def vertebra(build: Build, level: str, spacing_mm: float, compact: float = 1.0) -> Cloud:
    """Return one vertebra where it is.

    Parameters
    ----------
    build : Build
        Whose.
    level : str
        C7 to L5.
    spacing_mm : float
        Between lumps.
    compact : float
        Factor of compact bone's thickness beyond the person's own (:mod:`.density`).
    """
    parts = [_body(build, level, spacing_mm, compact), _arch(build, level, spacing_mm, compact)]
    local = Cloud.together(parts)
    return posed(local, build.vertebra_axes(level), build.vertebra_centre_mm(level))


def vertebral_body(build: Build, level: str, spacing_mm: float, compact: float = 1.0) -> Cloud:
    """Return one vertebral body where it is, without its arch."""
    local = _body(build, level, spacing_mm, compact)
    return posed(local, build.vertebra_axes(level), build.vertebra_centre_mm(level))


def intact_vertebra(build: Build, level: str, spacing_mm: float, compact: float) -> Cloud:
    """Return one vertebra in its own frame as it would be without a fracture."""
    local = _body_cast(build, level, spacing_mm, compact)
    return Cloud.together([local, _arch(build, level, spacing_mm, compact)])


def _scale(build: Build, level: str) -> Values:
    return np.asarray(np.array(build.intact_mm(level)) / np.array(adult.size_mm(level)))


def _body(build: Build, level: str, spacing_mm: float, compact: float) -> Cloud:
    return _given_way(build, level, _body_cast(build, level, spacing_mm, compact))


def _body_cast(build: Build, level: str, spacing_mm: float, compact: float) -> Cloud:
    template = body_template(level, spacing_mm)
    scale = _scale(build, level)
    coarse = coarseness(build.person.trabecular_mg_cm3)
    upright = np.abs(template.normals[:, 2])
    shell = WALL_MM + (ENDPLATE_MM - WALL_MM) * np.clip(2 * upright - 0.8, 0, 1)
    core = template.core_mm
    number = adult.LEVELS.index(level)
    grain = struts(core * scale, coarse, (build.person.seed, number))
    # more struts near the endplates, fewer in the middle
    half = float(adult.HEIGHTS_MM[number]) / 2
    layers = 0.92 + 0.24 * np.abs(core[:, 2] / half) ** 3
    rich = grain * layers
    found = rich[_measured(core, level)].mean() / (1 - _OVAL_HOLLOW * _hollow(build, level))
    spongy = spongy_mg_cm3(build, level) * rich / found
    shell = shell * build.person.cortex * compact
    return cast(template, scale, shell, spongy)


def _hollow(build: Build, level: str) -> float:
    """Return how much lower a body is in its middle as bone is lost, as a part of its height."""
    return 1.8 * coarseness(build.person.trabecular_mg_cm3) / build.intact_mm(level)[2]


def _measured(points_mm: Values, level: str) -> NDArray[np.bool_]:
    """Tell which points of a table's body QCT measures: a flat oval in its middle."""
    width, depth, _ = adult.size_mm(level)
    x, y, z = points_mm.T
    oval = np.square(x / (QCT_WIDE * width / 2)) + np.square(y / (QCT_DEEP * depth / 2)) < 1
    return np.asarray(oval & (np.abs(z) < QCT_HIGH_MM / 2))


def _given_way(build: Build, level: str, whole: Cloud) -> Cloud:
    """Press a body together where it is fractured, and hollow its endplates as bone is lost.

    Mineral stays, so that what is pressed together grows dense.
    """
    width, depth, height = build.intact_mm(level)
    front, middle, back = np.array(build.heights_mm(level)) / height
    x, y, z = whole.points_mm.T
    forward = np.clip(-2 * y / depth, -1, 1)
    ends = np.where(forward > 0, front, back)
    bow = np.abs(forward) ** 1.6
    left = middle + (ends - middle) * bow
    broken = build.fracture(level)
    if broken is not None and broken.shape is FractureShape.BICONCAVE:
        rim = np.clip(np.abs(2 * x / width), 0, 1) ** 2
        left = left + (np.maximum(front, back) - left) * rim
    within = np.clip(1 - (2 * x / width) ** 2 - (2 * y / depth) ** 2, 0, 1)
    left = left - _hollow(build, level) * within
    # the upper endplate gives way more than the lower
    down = (np.mean([front, middle, back]) - left) * 0.2 * height
    swell = 1 + 0.12 * (1 - left) * (broken is not None)
    points = np.stack([x * swell, y * (1 + (swell - 1) * 0.5), z * left - down]).T
    return Cloud(points, whole.volume_mm3 * left * swell, whole.mineral_mg)


def _arch(build: Build, level: str, spacing_mm: float, compact: float) -> Cloud:
    template = arch_template(level, spacing_mm)
    scale = _scale(build, level)
    person = build.person
    grain = struts(template.core_mm, coarseness(person.trabecular_mg_cm3), (person.seed, 40))
    spongy = ARCH_SPONGY * spongy_mg_cm3(build, level) * grain
    # processes have thinner walls the further out they reach
    far = np.abs(template.shell_mm[:, 0]) / adult.size_mm(level)[0]
    thin = np.interp(far, [0.45, 0.75], [1.0, 0.5])
    shell = ARCH_MM * person.cortex * compact * thin
    return cast(template, scale, shell, spongy)
