"""Foreign bodies: hip stem, nail, pedicle screws, pacemaker; sizes as the devices usually have."""

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from engines.phantoms.body.build import Build
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.shapes import Ellipsoid
from engines.phantoms.body.solids import Solid, Tissue


class Device(StrEnum):
    """What may be in a body."""

    HIP_LEFT = "hip prosthesis left"
    HIP_RIGHT = "hip prosthesis right"
    NAIL_LEFT = "nail left"
    NAIL_RIGHT = "nail right"
    SCREWS = "pedicle screws"
    PACEMAKER = "pacemaker"


def devices(build: Build, which: tuple[Device, ...]) -> list[Solid]:
    """Return foreign bodies, to be painted last."""
    makers: dict[Device, Callable[[Build], list[Solid]]] = {
        Device.HIP_LEFT: lambda b: _hip(b, "L"),
        Device.HIP_RIGHT: lambda b: _hip(b, "R"),
        Device.NAIL_LEFT: lambda b: _nail(b, "L"),
        Device.NAIL_RIGHT: lambda b: _nail(b, "R"),
        Device.SCREWS: _screws,
        Device.PACEMAKER: _pacemaker,
    }
    return [solid for device in which for solid in makers[device](build)]


def _hip(build: Build, side: str) -> list[Solid]:
    """Return cup, head and stem of a total hip replacement."""
    head, sign = build.femoral_head_mm(side), 1 if side == "L" else -1
    cup = Ellipsoid(head, np.full(3, 26.0), np.eye(3))
    liner = Ellipsoid(head, np.full(3, 21.0), np.eye(3))
    ball = Ellipsoid(head, np.full(3, 15.0), np.eye(3))
    neck = np.array([head, head + np.array([sign * 34, 4, -30])])
    shaft = head + np.array([sign * 42.0, 6, -42])
    stem = curve(
        np.array(
            [
                neck[1],
                shaft,
                shaft + np.array([sign * 2.0, 0, -60]),
                shaft + np.array([sign * 4.0, 0, -120]),
            ]
        ),
        14,
    )
    return [
        Solid("cup", cup, Tissue.TITANIUM, Tissue.MUSCLE),
        Solid("liner", liner, Tissue.CARTILAGE, Tissue.TITANIUM),
        Solid("head", ball, Tissue.STEEL, Tissue.CARTILAGE),
        Solid("neck", Tube(neck, np.full(2, 6.5)), Tissue.TITANIUM, Tissue.MUSCLE),
        Solid("stem", Tube(stem, np.linspace(10, 5, 14)), Tissue.TITANIUM, Tissue.MUSCLE),
    ]


def _nail(build: Build, side: str) -> list[Solid]:
    """Return a proximal femoral nail with its screw into the head."""
    head, sign = build.femoral_head_mm(side), 1 if side == "L" else -1
    top = head + np.array([sign * 46.0, 6, 18])
    nail = np.array(
        [top, top + np.array([sign * 3.0, 0, -70]), top + np.array([sign * 5.0, 0, -190])]
    )
    screw = np.array([head + np.array([-sign * 8.0, 0, 6]), head + np.array([sign * 62.0, 6, -50])])
    return [
        Solid("nail", Tube(nail, np.array([8.0, 7, 5.5])), Tissue.TITANIUM, Tissue.MUSCLE),
        Solid("neck screw", Tube(screw, np.full(2, 5.3)), Tissue.TITANIUM, Tissue.MUSCLE),
    ]


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


def _pacemaker(build: Build) -> list[Solid]:
    """Return the can under the left collar bone and one lead to the right ventricle."""
    z = np.array([build.vertebra_centre_mm("T4")[2]])
    half, deep, middle = (float(v[0]) for v in build.trunk_mm(z))
    can = np.array([0.55 * half, middle - 0.80 * deep, z[0]])
    tip = build.vertebra_centre_mm("T9") + np.array([38.0, -92, 4])
    cava = build.vertebra_centre_mm("T5") + np.array([-24.0, -54, 0])
    atrium = build.vertebra_centre_mm("T8") + np.array([-26.0, -66, 0])
    lead = curve(
        np.array(
            [can, can + np.array([-40.0, 10, 40]), cava + np.array([0, 0, 30.0]), cava, atrium, tip]
        ),
        60,
    )
    return [
        Solid(
            "can", Ellipsoid(can, np.array([23.0, 4, 21]), np.eye(3)), Tissue.TITANIUM, Tissue.FAT
        ),
        Solid("lead", Tube(lead, np.full(60, 0.9)), Tissue.STEEL, Tissue.BLOOD),
    ]
