"""A few slices of a virtual patient's CT about L3, and where its muscles truly are.

The truth is of the body and not of the picture: the solids of the trunk's wall and of the muscles
beside the spine, cut exactly at the middle of L3, without bone. Where the phantom's bowel is pushed
into its wall, the wall counts. Of that, what a scan without noise would read as -29 to +150 HU.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.canal import Canal
from engines.anatomy.spine import Vertebra
from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.body.muscles import deep_muscles, muscle_scale
from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.body.trunk import trunk
from engines.phantoms.ct.protocol import CtProtocol, draw_ct_protocol
from engines.phantoms.ct.volume import ct_volume
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Population
from engines.volume import Volume

Mask = NDArray[np.bool_]
#: Between the vertebral body and the middle of the canal.
_CANAL_MM = 8.0


@dataclass(frozen=True)
class Slab:
    """A scan of a few slices.

    Attributes
    ----------
    build : Build
        Whose.
    protocol : CtProtocol
        How.
    volume, canal, vertebra
        As they would be found; canal and L3 are the truth.
    """

    build: Build
    protocol: CtProtocol
    volume: Volume
    canal: Canal
    vertebra: Vertebra


def slab(seed: int, top: str = "L3", **how: object) -> Slab:
    """Scan a person from L3 up to another level; every second one is of a western body."""
    person = draw_person(seed, Population(western=seed % 2 == 1))
    build = replace(draw_build(person, lying=True), arms_raised=True)
    drawn = replace(draw_ct_protocol(seed), top=top, bottom="L3", padding_hu=None)
    protocol = replace(drawn, **how)  # type: ignore[arg-type]
    made = ct_volume(build, protocol, seed)
    pixel = float(made.affine[0, 0])
    corner = made.affine[:3, 3]
    origin = (float(corner[0]), float(corner[1]), float(corner[2]))
    volume = Volume(made.hu.astype(np.float32), (protocol.spacing_mm, pixel, pixel), origin, ())
    return Slab(build, protocol, volume, _canal(build, volume), _vertebra(build))


def _vertebra(build: Build) -> Vertebra:
    axes = build.vertebra_axes("L3")
    width, depth, height = build.vertebra_size_mm("L3")
    return Vertebra(
        "L3", build.vertebra_centre_mm("L3"), axes[:, 2], -axes[:, 1], height, depth, width
    )


def _canal(build: Build, volume: Volume) -> Canal:
    height = volume.origin_mm[2] + volume.spacing_mm[0] * np.arange(len(volume.hu))
    x, y = build.spine_mm(height)
    back = build.vertebra_size_mm("L3")[1] / 2 + _CANAL_MM
    row = (y + back - volume.origin_mm[1]) / volume.spacing_mm[1]
    column = (x - volume.origin_mm[0]) / volume.spacing_mm[2]
    return Canal(np.stack([row, column], axis=1), np.ones(len(height)))


def true_regions(one: Slab) -> dict[str, Mask]:
    """Return what is muscle in the middle of L3, by name; bone is still in it."""
    build, volume = one.build, one.volume
    muscle = muscle_scale(build)
    z = np.float64(build.vertebra_centre_mm("L3")[2])
    x = volume.origin_mm[0] + volume.spacing_mm[2] * np.arange(volume.hu.shape[2])
    y = volume.origin_mm[1] + volume.spacing_mm[1] * np.arange(volume.hu.shape[1])
    painted = np.zeros((len(y), len(x)), np.int64)
    parts = [*trunk(build, muscle), *deep_muscles(build, muscle)]
    for number, part in enumerate(parts, start=1):
        painted[_cut(part, x, y, z)] = number
    within = [n for n, one in enumerate(parts, start=1) if _of_muscle(one)]
    found = {"muscle": np.isin(painted, within)}
    for name in ("psoas left", "psoas right"):
        found[name] = np.isin(painted, [n for n, p in enumerate(parts, 1) if p.name == name])
    return found


def _cut(part: Solid, x: NDArray[np.float64], y: NDArray[np.float64], z: np.float64) -> Mask:
    low, high = part.shape.box()
    inside = np.zeros((len(y), len(x)), np.bool_)
    if low[2] <= z <= high[2]:
        columns, rows = (slice(*np.searchsorted(a, (low[k], high[k]))) for k, a in ((0, x), (1, y)))
        depth = part.shape.depth_mm(x[None, columns], y[rows, None], z)  # type: ignore[arg-type]
        inside[rows, columns] = depth >= 0
    return inside


def _of_muscle(part: Solid) -> bool:
    """Tell muscle, and the thin planes of fat in it, whose HU decide, from skin and fat."""
    if part.name.startswith(("fat plane", "multifidus cleft")):
        return True
    return part.tissue is Tissue.MUSCLE and not part.name.startswith("skin")
