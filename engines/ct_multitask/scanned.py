"""Virtual patients' views at a twentieth of the cost of a whole CT; imported without torch.

Only what the views show is imaged: a narrow block of T12 to L4, and one wide slice through L3. The
vertebrae are where the phantom says; in service they are where they are found. The muscles are
found as in service. Ribs and pelvis are missing, which neither view would show but at its edge.
"""

from dataclasses import replace
from math import exp

import numpy as np

from engines.anatomy.block import Axes
from engines.anatomy.canal import Canal
from engines.anatomy.composition import Refused, compose
from engines.anatomy.spine import Vertebra
from engines.ct_multitask.inputs import LEVELS, SIDE_PX, Grey, bone_view, muscle_view
from engines.lab.recipes import Sight
from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.ct.grid import Grid
from engines.phantoms.ct.protocol import CtProtocol, Kernel, draw_ct_protocol
from engines.phantoms.ct.volume import ct_slab
from engines.phantoms.people.hazard import VERTEBRAL_FRACTURE
from engines.phantoms.people.person import Person
from engines.volume import Volume

#: This module's random stream.
_STREAM = 5301
_FIELD_MM, _MATRIX = 76.0, 84
_WIDE_MATRIX, _WIDE_SLICE_MM = 256, 5.0
_ABOVE_MM = 26.0
# Between the vertebral body and the middle of the canal.
_CANAL_MM = 8.0
# What the views tell of the log of the risk, beside log 4 for a fracture: as a Cox model of 12,000
# virtual patients has it, by 40 mg/cm3, 30 cm2 and a tenth of fat.
_DENSITY, _AREA, _FAT = 0.9, 0.35, 0.3
# With what chance a patient of 90 mg/cm3, 105 cm2 and a fifth of fat is taken, ours.
_TAKEN = 0.05


def wanted(person: Person) -> float:
    """Return with what probability a virtual patient is taken into a cohort.

    In proportion to the risk as far as the views tell it. Among those who look alike as many
    fracture as in all people, so what is learned of risk is not biased by the choice; how many
    have a fracture is. A choice by the true risk, of which the views do not show age or
    glucocorticoids, would: who is taken for these looks healthy and fractures.
    """
    log_ratio = (
        -_DENSITY * (person.trabecular_mg_cm3 - 90) / 40
        - _AREA * (person.muscle_area_cm2 - 105) / 30
        + _FAT * (person.muscle_fat - 0.2) / 0.1
        + VERTEBRAL_FRACTURE * any(one.level in LEVELS for one in person.vertebral_fractures)
    )
    return min(1.0, _TAKEN * exp(log_ratio))


def scanned(person: Person, seed: int) -> tuple[Sight]:
    """Image a virtual patient and cut the views.

    Parameters
    ----------
    person : Person
        Whom.
    seed : int
        Of the scan.

    Returns
    -------
    tuple of Sight
        One: float16, shape (6, 48, 48), as :func:`engines.ct_multitask.inputs.prepared` takes it.
    """
    build = replace(draw_build(person, lying=True), arms_raised=True)
    protocol = _protocol(seed)
    bone = _volume(build, _spine_grid(build, protocol), ("T11", *LEVELS, "L5"), seed)
    views = [bone_view(bone, _axes(build, level)) for level in LEVELS]
    return (Sight("", np.stack([*views, _muscle(build, protocol, seed)]).astype(np.float16)),)


def _protocol(seed: int) -> CtProtocol:
    """Draw a scan as a site would choose it: no bone kernel, thin enough for heights."""
    rng = np.random.default_rng([seed, _STREAM])
    drawn = draw_ct_protocol(seed)
    kernel = Kernel.STANDARD if drawn.kernel is Kernel.BONE else drawn.kernel
    thick = float(rng.choice([2.0, 3.0, 4.0]))
    return replace(
        drawn,
        kernel=kernel,
        slice_thickness_mm=thick,
        spacing_mm=thick,
        noise_hu=float(np.clip(10.5 * np.sqrt(3 / thick) * rng.lognormal(0, 0.25), 5, 30)),
        padding_hu=None,
        table=False,
    )


def _spine_grid(build: Build, protocol: CtProtocol) -> Grid:
    centres = np.array([build.vertebra_centre_mm(level) for level in LEVELS])
    narrow = replace(protocol, matrix=_MATRIX, field_mm=_FIELD_MM)
    low, high = centres[-1, 2] - _ABOVE_MM, centres[0, 2] + _ABOVE_MM
    middle = (centres.min(axis=0) + centres.max(axis=0)) / 2
    count = int((high - low) / protocol.spacing_mm) + 1
    return Grid(narrow, (float(middle[0]), float(middle[1])), float(low), count)


def _muscle(build: Build, protocol: CtProtocol, seed: int) -> Grey:
    """Return the view of muscle; NaN where none was found."""
    wide = replace(
        protocol, matrix=_WIDE_MATRIX, slice_thickness_mm=_WIDE_SLICE_MM, spacing_mm=_WIDE_SLICE_MM
    )
    middle = build.vertebra_centre_mm("L3")
    _, deep, at = build.trunk_mm(middle[2:])
    grid = Grid(wide, (0.0, float(at[0]) + 0.08 * float(deep[0])), float(middle[2]), 1)
    volume = _volume(build, grid, ("L2", "L3", "L4"), seed)
    found = compose(volume, _canal(build, volume), _vertebra(build))
    if isinstance(found, Refused):
        return np.full((SIDE_PX, SIDE_PX), np.nan, np.float32)
    return muscle_view(volume, found, middle)


def _volume(build: Build, grid: Grid, levels: tuple[str, ...], seed: int) -> Volume:
    made = ct_slab(build, grid, levels, seed)
    pixel = float(made.affine[0, 0])
    x, y, z = (float(value) for value in made.affine[:3, 3])
    spacing = (grid.protocol.spacing_mm, pixel, pixel)
    return Volume(made.hu.astype(np.float32), spacing, (x, y, z), ())


def _axes(build: Build, level: str) -> Axes:
    turned = build.vertebra_axes(level)
    return Axes(build.vertebra_centre_mm(level), turned[:, 2], -turned[:, 1])


def _vertebra(build: Build) -> Vertebra:
    axes = _axes(build, "L3")
    width, depth, height = build.vertebra_size_mm("L3")
    return Vertebra("L3", axes.middle_mm, axes.up, axes.front, height, depth, width)


def _canal(build: Build, volume: Volume) -> Canal:
    x, y = build.spine_mm(np.array([volume.origin_mm[2]]))
    back = build.vertebra_size_mm("L3")[1] / 2 + _CANAL_MM
    row = (y + back - volume.origin_mm[1]) / volume.spacing_mm[1]
    column = (x - volume.origin_mm[0]) / volume.spacing_mm[2]
    return Canal(np.stack([row, column], axis=1), np.ones(1))
