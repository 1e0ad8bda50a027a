"""Foreign bodies: implants of the hip, pedicle screws, cement, pacemaker; usual sizes, ours."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.hip_implants import nail, prosthesis
from engines.phantoms.body.shapes import Ellipsoid, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

#: This module's random stream.
STREAM = 4140

#: Where cement may lie, and how many drops of it flow into one another in a vertebra.
_CEMENTED = ("T11", "T12", "L1", "L2", "L3")
_DROPS = 9


def foreign_bodies(build: Build) -> list[Solid]:
    """Return all of a body, to be painted last; bones have made room for them."""
    makers: dict[Extra, Callable[[Build], list[Solid]]] = {
        Extra.HIP_LEFT: lambda b: prosthesis(b, "L"),
        Extra.HIP_RIGHT: lambda b: prosthesis(b, "R"),
        Extra.NAIL_LEFT: lambda b: nail(b, "L"),
        Extra.NAIL_RIGHT: lambda b: nail(b, "R"),
        Extra.SCREWS: _screws,
        Extra.CEMENT: _cement,
        Extra.PACEMAKER: _pacemaker,
    }
    return [solid for one in build.extras if one in makers for solid in makers[one](build)]


def _screws(build: Build) -> list[Solid]:
    """Return screws in both pedicles of L4 and L5, and their rods."""
    parts = []
    for sign in (-1, 1):
        heads = []
        for level in ("L4", "L5"):
            width, depth, _ = build.vertebra_size_mm(level)
            local = np.array(
                [[sign * 0.36 * width, depth * 1.15, 2], [sign * 8.0, -0.25 * depth, 2]]
            )
            path = build.vertebra_centre_mm(level) + local @ build.vertebra_axes(level).T
            heads.append(path[0])
            parts.append(
                Solid("screw", Tube(path, np.full(2, 3.1)), Tissue.TITANIUM, Tissue.MUSCLE)
            )
        rod = np.array(heads) + np.array([0.0, 4, 0])
        parts.append(Solid("rod", Tube(rod, np.full(2, 2.9)), Tissue.TITANIUM, Tissue.MUSCLE))
    return parts


def _cement(build: Build) -> list[Solid]:
    """Return what fills a vertebral body after vertebroplasty; the level is drawn, not chosen."""
    rng = np.random.default_rng([build.person.seed, STREAM])
    level = str(rng.choice(_CEMENTED))
    width, depth, height = build.vertebra_size_mm(level)
    half = np.array([0.34 * width, 0.26 * depth, 0.30 * height])
    middle, axes = build.vertebra_centre_mm(level), build.vertebra_axes(level)
    drops = []
    for drop in range(_DROPS):
        off = rng.uniform(-1.0, 1.0, 3) * half
        # it is pressed in through both pedicles
        off[0] = abs(off[0]) * (1 if drop % 2 else -1)
        size = rng.uniform(0.13, 0.24, 3) * np.array([width, width, height])
        drops.append(Ellipsoid(middle + axes @ off, np.minimum(size, 9.0), axes))
    return [Solid("cement", drop, Tissue.CEMENT, Tissue.MUSCLE) for drop in drops]


def _pacemaker(build: Build) -> list[Solid]:
    """Return the can under the left collar bone, and leads to the right atrium and ventricle."""
    z = np.array([build.vertebra_centre_mm("T4")[2]])
    half, deep, middle = (float(v[0]) for v in build.trunk_mm(z))
    can = np.array([0.56 * half, middle - 0.80 * deep, z[0]])
    battery = _from(can, -2, 0, -8)
    solids = [
        Solid("can", _rounded(can, (24.0, 4.2, 22.0)), Tissue.TITANIUM, Tissue.FAT),
        Solid("battery", _rounded(battery, (17, 3.0, 11)), Tissue.STEEL, Tissue.TITANIUM),
    ]
    vein = _from(build.vertebra_centre_mm("T3"), 34, -62, 2)
    cava = _from(build.vertebra_centre_mm("T5"), -24, -54, 0)
    atrium = _from(build.vertebra_centre_mm("T8"), -28, -64, 4)
    ends = (
        (atrium, _from(atrium, 8, -24, -6), _from(atrium, 2, -34, 22)),
        (atrium, _from(atrium, 22, -18, -22), _from(build.vertebra_centre_mm("T9"), 40, -92, 2)),
    )
    for number, end in enumerate(ends):
        loop = (_from(can, -12, 2, 20), _from(can, 8, 5, 30 + 5 * number), _from(can, -26, 6, 34))
        path = curve(np.array([*loop, vein, _from(cava, 2 * number, 0, 26), cava, *end]), 70)
        radii = np.full(70, 0.75)
        # the electrodes at the tip
        radii[-3:] = radii[-9:-6] = 1.3
        # in short pieces: a film looks for large shapes at few places, and a wire lies between them
        solids += [
            Solid("lead", Tube(path[i : i + 4], radii[i : i + 4]), Tissue.STEEL, Tissue.BLOOD)
            for i in range(0, 69, 3)
        ]
    return solids


def _from(place: Values, left: float, back: float, up: float) -> Values:
    return np.asarray(place + np.array([left, back, up]))


def _rounded(centre: Values, half: tuple[float, float, float]) -> Stack:
    """Return a flat box with round corners, seen from in front."""
    z = np.linspace(-1.0, 1.0, 17)
    across = np.maximum((1 - np.abs(z) ** 3) ** (1 / 3), 0.3) * half[0]
    size = np.stack([across, np.full(17, half[1])], axis=1)
    return Stack(centre[2] + z * half[2], np.repeat(centre[None, :2], 17, axis=0), size, 4.0)
