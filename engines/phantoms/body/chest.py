"""What the chest holds: lungs with vessels, mediastinum with heart and airways."""

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.heart import great_vessels, heart, place
from engines.phantoms.body.lung_vessels import lung_vessels
from engines.phantoms.body.organs import Dome
from engines.phantoms.body.shapes import Common, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: Between the lungs, without heart and large vessels: level, height over it, half width, reach
#: before and behind the spine's middle, mm (ours).
_BETWEEN: tuple[tuple[str, float, float, float, float], ...] = (
    ("L1", 0, 25, 24, 20),
    ("T11", 0, 24, 24, 22),
    ("T9", 0, 22, 24, 24),
    ("T7", 0, 21, 27, 24),
    ("T6", 0, 22, 36, 24),
    ("T5", 0, 24, 56, 24),
    ("T4", 0, 26, 62, 24),
    ("T3", 0, 25, 56, 24),
    ("T2", 0, 26, 46, 24),
    ("T1", 0, 34, 44, 24),
    ("T1", 24, 40, 44, 24),
    ("C7", 70, 40, 44, 24),
)

#: Airways: level, x, y before and height over it, mm; radii at both ends.
_AIRWAYS: dict[str, tuple[tuple[tuple[str, float, float, float], ...], tuple[float, float]]] = {
    "windpipe": (
        (
            ("T5", 1, -31, 2),
            ("T4", 3, -31, 0),
            ("T2", 2, -29, 0),
            ("C7", 0, -27, 0),
            ("C7", 0, -28, 46),
        ),
        (9.0, 8.5),
    ),
    "bronchus left": ((("T5", 1, -31, 2), ("T6", 16, -31, 8), ("T6", 33, -29, -3)), (6.5, 5.2)),
    "bronchus right": ((("T5", 1, -31, 2), ("T6", -11, -31, 6), ("T6", -24, -30, -10)), (7.2, 6.2)),
}


def chest(build: Build, dome: Dome, branches: bool = True) -> list[Solid]:
    """Return lungs, with their vessels or without, then what of the mediastinum stands there."""
    air = lungs(build, dome)
    around, core = mediastinum(build), heart(build, dome)
    outline = next(solid.shape for solid in core if solid.name == "heart muscle")
    assert isinstance(outline, Stack)
    trees = [lung_vessels(build, air, (outline,))] if branches else []
    return [
        Solid("lungs", air, Tissue.LUNG, Tissue.FAT),
        *(Solid("lung vessel", tree, Tissue.BLOOD, Tissue.LUNG) for tree in trees),
        Solid("mediastinal fat", around, Tissue.FAT, Tissue.LUNG),
        *core,
        *great_vessels(build),
        *_airways(build),
    ]


def lungs(build: Build, dome: Dome) -> Common:
    """Return what the ribs enclose over the diaphragm; the mediastinum is painted over it."""
    z = np.linspace(-15 * build.stature, build.vertebra_centre_mm("T1")[2] + 11, 44)
    half, deep, middle = build.cage_mm(z)
    apex = np.clip((z[-1] - z) / 32, 0.02, 1)[:, None] ** 0.5
    size = np.maximum(np.stack([half, deep], axis=1) * apex - 1.5, 2.0)
    cage = Stack(z, np.stack([np.zeros_like(z), middle], axis=1), size, 2.2)
    return Common((cage, dome), (1, -1))


def mediastinum(build: Build) -> Stack:
    """Return what lies between the lungs around spine and windpipe, from the neck to L1."""
    s = build.stature
    centres = np.array([place(build, level, (0, 0, up)) for level, up, *_ in _BETWEEN])
    wide, ahead, behind = (np.array(column) * s for column in list(zip(*_BETWEEN, strict=True))[2:])
    middle = centres[:, :2] + np.stack([0 * wide, (behind - ahead) / 2], axis=1)
    half = np.stack([wide, (behind + ahead) / 2], axis=1)
    return Stack(centres[:, 2], middle, half, 2.4)


def _airways(build: Build) -> list[Solid]:
    parts = []
    gullet = (("T11", 8, -30, 0), ("T8", 4, -26, 0), ("T4", 2, -20, 0), ("T1", 0, -18, 0))
    path = curve(np.array([place(build, row[0], row[1:]) for row in gullet]), 20)
    parts.append(Solid("gullet", Tube(path, np.full(20, 7.0)), Tissue.MUSCLE, Tissue.LUNG))
    for name, (rows, radii) in _AIRWAYS.items():
        steps = 4 * len(rows) - 3
        path = curve(np.array([place(build, row[0], row[1:]) for row in rows]), steps)
        around = np.linspace(*radii, steps) * build.stature
        parts.append(Solid(name, Tube(path, around), Tissue.AIR, Tissue.LUNG))
    return parts
