"""Prostheses and nails of the upper femur, in its own frame: they follow each person's bone.

Sizes as such implants usually have, in millimetres, whatever the bone's size; ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.build import Build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.conduit import Tube, curve
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.femur import WAY, placed_mm
from engines.phantoms.body.shapes import Common, Ellipsoid, Stack
from engines.phantoms.body.solids import Solid, Tissue

Values = NDArray[np.float64]

_FAR_MM = 1e4

#: Radii of ball, liner and cup; how far the cup's rim lies below the ball's middle.
_BALL_MM, _LINER_MM, _CUP_MM = 16.0, 23.0, 27.0
_RIM_MM = 3.0
#: Where the cup opens to: outwards, forward, down (inclination 42, anteversion 15 degrees).
_OPENS = np.array([0.65, -0.26, -0.72]) / np.linalg.norm([0.65, -0.26, -0.72])
#: Where the neck of the femur is cut, and the implant's neck ends, from the head's middle.
_CUT_MM, _NECK_ENDS_MM = 31.0, 46.0

#: A stem: heights in the femur's frame, places and half sizes across and along there.
_STEM = np.array(
    [
        (-168, 37.2, 9, 4.0, 4.0),
        (-140, 39.2, 9, 5.6, 5.0),
        (-105, 41.4, 9, 6.8, 6.0),
        (-75, 41.4, 9.4, 9.0, 6.5),
        (-50, 38.5, 9.4, 13.5, 7.0),
        (-36, 36.0, 9, 14.0, 7.0),
        (-30, 36.5, 9, 11.0, 7.0),
        (-23, 37.5, 9, 4.0, 5.0),
    ]
)

#: A nail from the tip of the trochanter, and its bolt; the screw runs along the neck.
_NAIL = np.array([(48, 14, 3), (44.5, 11, -55), (42, 9, -98), (38.6, 9, -150), (36, 9, -188)])
_NAIL_MM = np.array([8.3, 8.0, 5.6, 5.4, 5.0])
_BOLT = np.array([(16, 9, -166), (58, 9, -166)])
_SCREW_MM = (-6.0, 88.0)


@dataclass(frozen=True, eq=False)
class _Half:
    """All that lies on one side of a plane."""

    point_mm: Values
    into: Values

    def box(self) -> tuple[Values, Values]:
        return np.full(3, -_FAR_MM), np.full(3, _FAR_MM)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        off = [w - c for w, c in zip((x, y, z), self.point_mm, strict=True)]
        return np.asarray(self.into[0] * off[0] + (self.into[1] * off[1] + self.into[2] * off[2]))


def prosthesis(build: Build, side: str) -> list[Solid]:
    """Return cup, liner, ball, neck and stem of the hip 'L' or 'R'."""
    head = build.femoral_head_mm(side)
    opens = _OPENS * _mirror(side)
    cup_half = _Half(head + opens * _RIM_MM, -opens)
    cup, liner, ball = (
        Ellipsoid(head, np.full(3, radius), np.eye(3)) for radius in (_CUP_MM, _LINER_MM, _BALL_MM)
    )
    neck = _placed(build, side, WAY[None] * [[_BALL_MM - 3], [_NECK_ENDS_MM]])
    levels = _placed(build, side, np.stack([_STEM[:, 1], _STEM[:, 2], _STEM[:, 0]], axis=1))
    stem = Stack(levels[:, 2], levels[:, :2], _STEM[:, 3:], 2.6)
    return [
        Solid("cup", Common((cup, liner, cup_half), (1, -1, 1)), Tissue.TITANIUM, Tissue.MUSCLE),
        Solid("liner", Common((liner, ball, cup_half), (1, -1, 1)), Tissue.FAT, Tissue.MUSCLE),
        Solid("ball", ball, Tissue.STEEL, Tissue.MUSCLE),
        Solid("neck", Tube(neck, np.array([6.0, 7.5])), Tissue.TITANIUM, Tissue.MUSCLE),
        Solid("stem", stem, Tissue.TITANIUM, Tissue.MUSCLE),
    ]


def nail(build: Build, side: str) -> list[Solid]:
    """Return a proximal femoral nail of the side 'L' or 'R', its screw into the head, its bolt."""
    along = curve(_NAIL, 24)
    radii = np.interp(np.linspace(0, 4, 24), range(5), _NAIL_MM)
    screw = _placed(build, side, WAY[None] * np.array(_SCREW_MM)[:, None])
    return [
        Solid("nail", Tube(_placed(build, side, along), radii), Tissue.TITANIUM, Tissue.MUSCLE),
        Solid("neck screw", Tube(screw, np.full(2, 5.3)), Tissue.TITANIUM, Tissue.MUSCLE),
        Solid(
            "bolt",
            Tube(_placed(build, side, _BOLT), np.full(2, 2.5)),
            Tissue.TITANIUM,
            Tissue.MUSCLE,
        ),
    ]


def made_room(build: Build, bones: Mapping[str, Cloud], solids: list[Solid]) -> dict[str, Cloud]:
    """Return bones without what implants stand for: what was cut off and what was drilled out."""
    left = dict(bones)
    for side, name, extra in (("L", "left", Extra.HIP_LEFT), ("R", "right", Extra.HIP_RIGHT)):
        femur = left.get(f"femur {name}")
        if extra in build.extras and femur is not None:
            ends = _placed(build, side, WAY[None] * [[_CUT_MM], [_CUT_MM + 1.0]])
            kept = (femur.points_mm - ends[0]) @ (ends[1] - ends[0]) > 0
            left[f"femur {name}"] = femur.part(kept)
    for name, cloud in left.items():
        low, high = cloud.points_mm.min(axis=0), cloud.points_mm.max(axis=0)
        for solid in solids:
            begin, end = solid.shape.box()
            if (begin < high).all() and (end > low).all():
                left[name] = left[name].part(~solid.shape.inside(left[name].points_mm))
    return left


def _placed(build: Build, side: str, template_mm: Values) -> Values:
    """Return where places of the adult table's femur lie in this body."""
    size = build.stature * build.width
    return placed_mm(build, side, np.asarray(template_mm, dtype=np.float64) * size)


def _mirror(side: str) -> Values:
    return np.array([1.0 if side == "L" else -1.0, 1.0, 1.0])
