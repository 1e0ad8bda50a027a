"""Which hip is which on coronal MRI, which of them can be read, and what the network is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines.anatomy.heads_mri import LEAST_EDGE, WIDE_MM, HeadBall, find_heads
from engines.coronal import Coronal
from engines.errors import NotEligible, Reason
from engines.header import terms

Grey = NDArray[np.float32]

#: Slices of a hip that the network is shown, and where: in head radii before and behind the middle.
SLICES: Final = 6
OFFSETS: Final = np.linspace(-0.65, 0.65, SLICES)
#: Side of the square that is cut out, in head radii, and its pixels before the network's own size.
CUT: Final = 3.6
CUT_PX: Final = 128

_OTHER: Final = {"L": "R", "R": "L"}
#: How much of a cut-out may lie beyond the image, and how far a lone head lies from the middle.
_BEYOND = 0.08
_ASIDE_MM = 45.0
#: Metal leaves a void: less than this part of what tissue gives, in so much of a cut-out. Of 190
#: virtual hips without metal none had more than 0.14, five in a hundred more than 0.07; beside a
#: prosthesis it is about half. A nail hides the head: what is taken for it has a weak edge (ours).
_VOID, _VOID_SHARE, _VOID_SHARE_WEAK = 0.12, 0.25, 0.12

_SAID: Final = {
    Reason.HIP_METAL: "a void as of metal lies about the hip",
    Reason.HIP_CUT_OFF: "the slices do not show the whole femoral head",
    Reason.HIP_NOT_FOUND: "no femoral head can be made out",
}
_WHY: Final = {
    Reason.HIP_METAL: "void as of metal",
    Reason.HIP_CUT_OFF: "cut off by the field",
    Reason.HIP_NOT_FOUND: "not found",
}


@dataclass(frozen=True, eq=False)
class Hip:
    """One hip, as the network is shown it.

    Attributes
    ----------
    ball : HeadBall
        Its head.
    slices : tuple of int
        Numbers of the stack's slices that were cut, from the front to the back.
    cut_out : ndarray
        float32, shape (slice, row, column), range [0, 1]; outwards to the right.
    """

    ball: HeadBall
    slices: tuple[int, ...]
    cut_out: Grey


@dataclass(frozen=True, eq=False)
class Hips:
    """The hips that can be read by ``L`` and ``R``, at least one, and why others cannot."""

    found: dict[str, Hip]
    set_aside: dict[str, str]


def read_hips(images: Sequence[Dataset], stack: Coronal, bright: bool) -> Hips:
    """Find the hips of a stack, name their sides, and cut them out.

    Patient coordinates name the sides: of two heads the left one lies farther to the left. A lone
    head is named by its place in a field that is wide enough for both, or by Laterality; where
    both speak they must agree.

    Raises
    ------
    NotEligible
        HIP_NOT_FOUND, HIP_CUT_OFF, HIP_METAL; LATERALITY_MISSING, LATERALITY_CONTRADICTORY.
    """
    stated = _stated(images)
    balls = find_heads(stack, bright)
    if "" in balls:
        balls = {_side_of_one(stack, balls[""], stated): balls[""]}
    asked = {stated} if stated else {"L", "R"}
    refused = dict.fromkeys(asked - set(balls), Reason.HIP_NOT_FOUND)
    found: dict[str, Hip] = {}
    for side in sorted(asked & set(balls)):
        hip = cut(stack, balls[side], side)
        why = _refusal(stack, hip, side)
        if why is None:
            found[side] = hip
        else:
            refused[side] = why
    if not found:
        reason = next(iter(refused.values()), Reason.HIP_NOT_FOUND)
        raise NotEligible(reason, _SAID[reason])
    return Hips(found, {side: _WHY[why] for side, why in refused.items()})


def cut(stack: Coronal, ball: HeadBall, side: str) -> Hip:
    """Cut one hip out of the slices through its head."""
    back = ball.own_mm[0]
    half = CUT / 2 * ball.radius_mm
    rows, columns = np.meshgrid(*_places_mm(ball, side), indexing="ij")
    numbers = tuple(stack.slice_at(float(back + off * ball.radius_mm)) for off in OFFSETS)
    pixel_mm = 2 * half / CUT_PX
    cuts = np.stack([stack.sample(n, rows, columns, blur_mm=pixel_mm / 2) for n in numbers])
    bright = max(float(np.percentile(cuts, 97)), 1e-6)
    return Hip(ball, numbers, np.clip(cuts / bright, 0, 1).astype(np.float32))


def _places_mm(ball: HeadBall, side: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the rows and columns of a cut-out lie, down and left; outwards comes last."""
    half = CUT / 2 * ball.radius_mm
    steps = half * (2 * (np.arange(CUT_PX) + 0.5) / CUT_PX - 1)
    return ball.own_mm[1] + steps, ball.own_mm[2] + (1.0 if side == "L" else -1.0) * steps


def _void_share(stack: Coronal, hip: Hip, side: str) -> float:
    """Return how much of what the field shows of a cut-out gives next to nothing."""
    low, high = stack.field_mm()
    shown = [
        (at > low[axis]) & (at < high[axis])
        for axis, at in enumerate(_places_mm(hip.ball, side), start=1)
    ]
    seen = hip.cut_out[:, shown[0]][:, :, shown[1]]
    return float((seen < _VOID).mean()) if seen.size else 0.0


def _refusal(stack: Coronal, hip: Hip, side: str) -> Reason | None:
    low, high = stack.field_mm()
    half = CUT / 2 * hip.ball.radius_mm
    beyond = np.maximum(low[1:] - (hip.ball.own_mm[1:] - half), 0)
    beyond = beyond + np.maximum(hip.ball.own_mm[1:] + half - high[1:], 0)
    first, last = hip.ball.own_mm[0] + OFFSETS[[0, -1]] * hip.ball.radius_mm
    step = stack.step_mm
    most = _VOID_SHARE if hip.ball.edge >= LEAST_EDGE else _VOID_SHARE_WEAK
    # before the field's end: beside metal another place may be taken for the head
    if _void_share(stack, hip, side) > most:
        return Reason.HIP_METAL
    if beyond.max() > 2 * half * _BEYOND or first < low[0] - step or last > high[0] + step:
        return Reason.HIP_CUT_OFF
    return None


def _stated(images: Sequence[Dataset]) -> str:
    """Return ``L`` or ``R`` where Laterality names one side, as far as the images agree."""
    named = {side for ds in images for side in terms(ds, "Laterality")[:1] if side in _OTHER}
    if len(named) > 1:
        detail = "the images of the series name different sides"
        raise NotEligible(Reason.LATERALITY_CONTRADICTORY, detail)
    return named.pop() if named else ""


def _side_of_one(stack: Coronal, ball: HeadBall, stated: str) -> str:
    low, high = stack.field_mm()
    aside = float(ball.own_mm[2] - (low[2] + high[2]) / 2)
    wide = high[2] - low[2] >= WIDE_MM and abs(aside) >= _ASIDE_MM
    seen = ("L" if aside > 0 else "R") if wide else ""
    if stated and seen and stated != seen:
        detail = "the only hip that is seen lies on the side that Laterality does not name"
        raise NotEligible(Reason.LATERALITY_CONTRADICTORY, detail)
    if not (stated or seen):
        detail = "one hip is seen, the field is too narrow for both, and Laterality names no side"
        raise NotEligible(Reason.LATERALITY_MISSING, detail)
    return stated or seen
