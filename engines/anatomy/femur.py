"""The proximal femora of a frontal film of a hip or pelvis, cut out the same way each time.

What is cut out holds head, neck, trochanters and the beginning of the shaft, the head always at the
same place and size; a right femur is mirrored, so that each looks like a left one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engines.anatomy.femoral_head import head_near
from engines.anatomy.femur_match import ABOVE, INNER, SIDE, Match, bone_drawn, matches
from engines.anatomy.implants import edge_of_metal
from engines.errors import Reason
from engines.images import Radiograph

Grey = NDArray[np.float32]

#: Pixels of the head's radius in a cut-out, and its side: 132 mm of an average patient.
RADIUS_PX: Final = 32
CUT_PX: Final = round(SIDE * RADIUS_PX)

#: Below this confidence nothing was found: 99 of 100 femora of virtual patients have more, and so
#: have some of other things. The header's gates come first, this is no check of the body part.
CONFIDENCE: Final = 0.81
#: From this sharpness on there is metal, and from this share of a femur without a film it is cut.
METAL: Final = 7.0
CUT_OFF: Final = 0.03

# The circle found about a head is the wall of its socket, so much wider in virtual patients.
_SOCKET = 1.16
# How alike the heads of one patient are, and how far apart at least, in radii.
_ALIKE = 1.3
_APART = 4.0
_CANDIDATES = 8
_BLACK = 0.015


@dataclass(frozen=True, eq=False)
class Femur:
    """One proximal femur.

    Attributes
    ----------
    outwards : {1, -1}
        1 where columns run to the outer side of the hip: a left hip, on a film that is read as if
        facing the patient.
    row, column, radius_px : float
        The femoral head, in the film's pixels.
    confidence : float
        Agreement with a drawing, and half of how much of the head's edge was seen; at most 1.5.
    cut_out : ndarray
        float32, shape (CUT_PX, CUT_PX), range [0, 1]; outwards is to the right.
    refused : Reason or None
        HIP_METAL or HIP_CUT_OFF.
    """

    outwards: int
    row: float
    column: float
    radius_px: float
    confidence: float
    cut_out: Grey
    refused: Reason | None


def find_femora(film: Radiograph) -> tuple[Femur, ...]:
    """Find the femora of a film: none, one, or one of each side.

    Parameters
    ----------
    film : Radiograph
        A frontal film of one hip or of the pelvis; the form of a femur says which side it is of.

    Returns
    -------
    tuple of Femur
        In the order of their columns.
    """
    judged = [_judged(film, match) for match in matches(film.pixels, film.spacing_mm)[:_CANDIDATES]]
    likely = sorted((one for one in judged if one[0] >= CONFIDENCE), key=lambda one: -one[0])
    if not likely:
        return ()
    first = likely[0]
    chosen = [first, *[other for other in likely[1:] if _a_pair(first[1], other[1])][:1]]
    return tuple(
        _femur(film.pixels, match, confidence)
        for confidence, match in sorted(chosen, key=lambda one: one[1].column)
    )


def cut_box(femur: Femur) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what was cut out, in the film's pixels."""
    return _box(femur.row, femur.column, femur.radius_px, femur.outwards)


def metal_opposite(film: Radiograph, femur: Femur) -> bool:
    """Tell whether there is metal where the other hip of a pelvis would be."""
    column = film.pixels.shape[1] - 1 - femur.column
    part = _cut(film.pixels, _box(femur.row, column, femur.radius_px, -femur.outwards))
    return edge_of_metal(part, RADIUS_PX) >= METAL


def _judged(film: Radiograph, match: Match) -> tuple[float, Match]:
    head = head_near(film.pixels, match)
    radius_px = head.radius_px / _SOCKET
    place = Match(head.row, head.column, radius_px, match.outwards, match.score)
    return match.score + 0.5 * head.edge, place


def _a_pair(one: Match, other: Match) -> bool:
    """Tell whether two places may be both hips of one patient, each on its own side."""
    sizes = sorted((one.radius_px, other.radius_px))
    across = (one.column - other.column) * one.outwards
    level = abs(one.row - other.row) < 0.5 * across
    return (
        one.outwards != other.outwards
        and sizes[1] < _ALIKE * sizes[0]
        and across > _APART * sizes[1]
        and level
    )


def _femur(pixels: Grey, place: Match, confidence: float) -> Femur:
    part = _cut(pixels, _box(place.row, place.column, place.radius_px, place.outwards))
    # a left femur is the canonical one: outwards is to the right
    part = part if place.outwards > 0 else np.ascontiguousarray(part[:, ::-1])
    return Femur(
        outwards=place.outwards,
        row=place.row,
        column=place.column,
        radius_px=place.radius_px,
        confidence=confidence,
        cut_out=part,
        refused=_refused(part),
    )


def _refused(part: Grey) -> Reason | None:
    if edge_of_metal(part, RADIUS_PX) >= METAL:
        return Reason.HIP_METAL
    bone = bone_drawn(RADIUS_PX)
    missing = part[: bone.shape[0], : bone.shape[1]][bone] <= _BLACK
    return Reason.HIP_CUT_OFF if missing.mean() >= CUT_OFF else None


def _box(
    row: float, column: float, radius_px: float, outwards: int
) -> tuple[float, float, float, float]:
    left = column - (INNER if outwards > 0 else SIDE - INNER) * radius_px
    top = row - ABOVE * radius_px
    return left, top, left + SIDE * radius_px, top + SIDE * radius_px


def _cut(pixels: Grey, box: tuple[float, float, float, float]) -> Grey:
    """Cut a box out, at the cut-out's scale; black where the film ends."""
    left, top, right, bottom = (int(np.floor(edge)) for edge in box)
    rows, columns = pixels.shape
    margins = [max(0, -top), max(0, bottom + 2 - rows), max(0, -left), max(0, right + 2 - columns)]
    part = pixels[max(0, top) : max(0, bottom + 2), max(0, left) : max(0, right + 2)]
    part = np.pad(part, ((margins[0], margins[1]), (margins[2], margins[3])))
    within = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    image = Image.fromarray(np.ascontiguousarray(part), mode="F")
    resized = image.resize((CUT_PX, CUT_PX), Image.Resampling.BILINEAR, box=within)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
