"""Solids for a film: what lies in two of them at once is counted once.

A CT paints solids over one another; a film adds up differences along each ray, which is right only
where a solid lies wholly in what it stands for. Here those that do not are cut to where they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.conduit import Tube
from engines.phantoms.body.deep import Deep, within
from engines.phantoms.body.marching import march_mm
from engines.phantoms.body.shapes import Common
from engines.phantoms.body.solids import Shape, Solid, Tissue
from engines.phantoms.xray.chords import has_formula

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Cut:
    """How solids whose names begin so are cut.

    Attributes
    ----------
    names : tuple of str
        How the names begin.
    inside, outside : tuple of str
        Names of the solids that they are cut to, and that are cut out.
    instead_of : Tissue, optional
        What they then stand for, if not what they say.
    """

    names: tuple[str, ...]
    inside: tuple[str, ...]
    outside: tuple[str, ...]
    instead_of: Tissue | None = None


_BESIDE = ("upper caval", "brachiocephalic", "subclavian")
_HEART = ("heart muscle", "mediastinal fat")

_CUTS = (
    _Cut(("arm ", "breast"), (), ("skin",)),
    _Cut(("mediastinal fat",), ("lungs",), ("heart muscle",)),
    _Cut(("heart muscle",), ("lungs",), ()),
    _Cut(("windpipe",), ("mediastinal fat",), (), Tissue.FAT),
    _Cut(("bronchus left",), ("mediastinal fat",), ("windpipe", "bronchus right"), Tissue.FAT),
    _Cut(("bronchus right",), ("mediastinal fat",), ("windpipe",), Tissue.FAT),
    _Cut(("aortic arch",), ("lungs",), _HEART),
    _Cut(("thoracic aorta", "ascending aorta"), ("lungs",), (*_HEART, "aortic arch")),
    _Cut(_BESIDE, ("lungs",), (*_HEART, "aortic arch", "ascending aorta")),
)

#: What no film shows: thin planes, small branches, and what differs by a few per cent from what it
#: lies in; each costs time and none is what another stands for. Vessels of the lungs are too many
#: for chords: they are splatted as bones are.
_UNSEEN = (
    *("fat plane", "multifidus", "mesenteric", "hepatic vein", "portal vein", "diaphragm crus"),
    *("pericardial fat", "heart left ventricle", "heart right ventricle", "heart atria"),
    *("small bowel content", "colon stool", "erector", "gullet", "pancreas", "lung vessel"),
    *("quadratus", "iliacus", "perirenal", "arm fat", "arm muscle", "renal", "stomach content"),
)

#: Deep muscles and bowel are lost behind lungs and ribs; lungs and arms lie beyond a pelvis.
_UNSEEN_CHEST = (
    *("psoas", "small bowel", "kidney", "iliac", "stool gas", "thigh", "bladder"),
    *("aorta", "caval vein", "duodenum"),
)
_UNSEEN_PELVIS = (
    *("lung", "arm", "heart", "mediastinal", "aortic", "thoracic", "wind", "bronch", "breast"),
    *("ascending", *_BESIDE),
)

_SIDES = ("left", "right")

#: Samples on a ray through what has no formula of its own; what is deep and has sharp borders
#: needs more.
_STEPS = 16
_FINE = {
    **dict.fromkeys(("lungs", "arm skin left", "arm skin right"), 32),
    **dict.fromkeys(("heart muscle", "aortic arch"), 24),
    **dict.fromkeys(("skin", "subcutaneous fat", "body wall muscle"), 40),
    **{f"thigh {layer} {side}": 40 for layer in ("skin", "fat", "muscle") for side in _SIDES},
}


@dataclass(frozen=True, eq=False)
class _Marched:
    """A shape whose chords are marched, more coarsely than its own."""

    shape: Deep
    steps: int = _STEPS

    def box(self) -> tuple[Values, Values]:
        return self.shape.box()

    def inside(self, points_mm: Values) -> NDArray[np.bool_]:
        return within(self.shape, points_mm)

    def chord_mm(self, source_mm: Values, targets_mm: Values) -> Values:
        return march_mm(self.shape, source_mm, targets_mm, self.steps)


#: Where the trunk passes into the thighs on a film, mm: lowest in the midline, in front higher than
#: behind; and over how much of the height a part of each counts.
_GROIN_MM, _GROIN_RISE, _GROIN_SLOPE, _GROIN_HIGH_MM = -310.0, 0.13, 0.06, 64.0
_TRUNK = ("skin", "subcutaneous fat", "body wall muscle", "visceral fat")


@dataclass(frozen=True, eq=False)
class _Groin:
    """All that lies over the folds of both groins, or under it, with a soft border.

    Trunk and thigh differ there by a few millimetres, which a sharp one would show as a step.
    """

    stature: float
    above: bool
    step_mm: float

    def box(self) -> tuple[Values, Values]:
        return np.full(3, -1e4), np.full(3, 1e4)

    def depth_mm(self, x: Values, y: Values, z: Values) -> Values:
        over = z - _GROIN_MM * self.stature + _GROIN_SLOPE * y - _GROIN_RISE * np.abs(x)
        # a sample counts whole from half a step under a border, and not at all as far outside
        over *= self.step_mm / _GROIN_HIGH_MM
        return over if self.above else np.negative(over, out=over)


def _ended(solid: Solid, stature: float) -> Solid:
    thigh = solid.name.startswith("thigh ")
    if not thigh and solid.name not in _TRUNK:
        return solid
    low, high = solid.shape.box()
    step_mm = float(high[1] - low[1]) / _FINE.get(solid.name, _STEPS)
    # the fold first, which is asked quickly
    side = Common((_Groin(stature, not thigh, step_mm), _deep(solid.shape)), (1, 1))
    return replace(solid, shape=side)


def painted(solids: Sequence[Solid], chest: bool, stature: float = 1.0) -> list[Solid]:
    """Return what a film adds up.

    Parameters
    ----------
    solids : sequence of Solid
        One body's, in painter's order.
    chest : bool
        Leave out what a chest film does not show.
    stature : float
        The body's, for where its trunk ends on films of hips.
    """
    unseen = _UNSEEN + (_UNSEEN_CHEST if chest else _UNSEEN_PELVIS)
    ended = list(solids) if chest else [_ended(solid, stature) for solid in solids]
    of = {solid.name: solid.shape for solid in ended}
    cut = [_cut(solid, of) for solid in ended if not solid.name.startswith(unseen)]
    return [
        solid
        if has_formula(solid.shape) and not _sharply_bent(solid)
        else replace(solid, shape=_Marched(_deep(solid.shape), _FINE.get(solid.name, _STEPS)))
        for solid in cut
    ]


def _sharply_bent(solid: Solid) -> bool:
    """Tell whether a wide tube's mitred pieces would be seen: gas in bowel."""
    return solid.name.endswith("gas") and isinstance(solid.shape, Tube)


def _cut(solid: Solid, of: dict[str, Shape]) -> Solid:
    cut = next((cut for cut in _CUTS if solid.name.startswith(cut.names)), None)
    if cut is None:
        return solid
    kept = [solid.shape, *(of[name] for name in cut.inside if name in of)]
    gone = [of[name] for name in cut.outside if name in of]
    parts = [part for shape in kept for part in _parts(shape)]
    # what is cut out stays whole: a place is outside of it if it is outside of any part
    parts += [(_deep(shape), -1) for shape in gone]
    both = Common(tuple(shape for shape, _ in parts), tuple(sign for _, sign in parts))
    return Solid(solid.name, both, solid.tissue, cut.instead_of or solid.instead_of)


def _parts(shape: Shape) -> list[tuple[Deep, int]]:
    """What is cut already is taken apart, so that boxes stay small."""
    if isinstance(shape, Common):
        return list(zip(shape.shapes, shape.signs, strict=True))
    return [(_deep(shape), 1)]


def _deep(shape: Shape) -> Deep:
    # all of body.shapes and body.conduit know their depth, which a solid does not promise
    return cast(Deep, shape)
