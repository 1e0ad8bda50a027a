"""Both femoral heads on coronal MR slices, as balls: found by their edge, nothing learned.

The head is the one ball with a radius of 14 to 29 mm in the hip whose edge is seen from above, from
the midline and from front and back; towards the neck there is none. Edges are judged by their
direction alone, so neither coils nor windows matter. All numbers are ours.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engines.coronal import Coronal

Values = NDArray[np.float64]

#: Of the grid that edges are looked for on, and of the places that are tried first.
_GRID_MM, _COARSE_MM = 2.0, 6.0
_RADII_MM: Final = np.arange(16.0, 27.1, 3.5)
#: Around a first place: how far and how finely.
_NEAR: Final = ((4.0, 2.0), (1.0, 1.0))
#: How far from each other the two heads lie, how much higher, farther back, larger one may be.
_APART_MM: Final = (110.0, 235.0)
_TILT_MM: Final = (25.0, 22.0, 4.0)
#: A field of that width shows both hips, one on each side of its middle.
WIDE_MM: Final = 260.0
#: How many candidates of a side are held against those of the other, and the least a ball has.
_CANDIDATES = 12
LEAST_EDGE: Final = 0.42
#: What is enough opposite a head that is seen well.
LEAST_OF_PAIR: Final = 0.26
#: By how much the better one of a pair may be worse than the best ball of all.
_WORSE = 0.1
#: Over the whole ball.
_DIRECTIONS = 70
#: What the unevenness of a pair costs.
_COST = 0.06


@dataclass(frozen=True)
class HeadBall:
    """One femoral head.

    Attributes
    ----------
    own_mm : ndarray
        Its middle, shape (3,): (back, down, left) of the stack.
    radius_mm : float
        Of the ball.
    edge : float
        Mean cosine between the edge that is seen and the one that a ball would have, -1 to 1.
    """

    own_mm: Values
    radius_mm: float
    edge: float


def find_heads(stack: Coronal, bright: bool) -> dict[str, HeadBall]:
    """Find the femoral heads of a stack.

    Parameters
    ----------
    stack : Coronal
        Of the hips; both, or one.
    bright : bool
        Whether fat marrow is bright (T1, T2) or dark (fat suppressed).

    Returns
    -------
    dict of str to HeadBall
        By the side of the pair that it is, ``L`` and ``R``; one under an empty name where only one
        was found: which one it is, the stack alone does not say.
    """
    edges = _Edges(stack, bright)
    found = {side: [edges.refined(ball, side) for ball in edges.candidates(side)] for side in "LR"}
    best = max((*found["L"], *found["R"]), key=lambda ball: ball.edge, default=None)
    if best is None:
        return {}
    pairs = [
        (_together(left, right), left, right)
        for left in found["L"]
        for right in found["R"]
        if _is_pair(left, right)
    ]
    if pairs:
        _, left, right = max(pairs, key=lambda pair: pair[0])
        pair = _alike(edges, {"L": left, "R": right})
        weaker, stronger = sorted(ball.edge for ball in pair.values())
        if stronger >= max(LEAST_EDGE, best.edge - _WORSE) and weaker >= LEAST_OF_PAIR:
            return pair
    return {"": best} if best.edge >= LEAST_EDGE else {}


def _alike(edges: "_Edges", pair: dict[str, HeadBall]) -> dict[str, HeadBall]:
    """Let a head whose edge is hard to see have the size of the other."""
    weak, strong = sorted(pair, key=lambda side: pair[side].edge)
    if pair[weak].edge >= LEAST_EDGE:
        return pair
    like = replace(pair[weak], radius_mm=pair[strong].radius_mm)
    return pair | {weak: edges.refined(like, weak, grown=1.0)}


def _is_pair(left: HeadBall, right: HeadBall) -> bool:
    back, down, apart = np.abs(left.own_mm - right.own_mm)
    grown = abs(left.radius_mm - right.radius_mm)
    near = down <= _TILT_MM[0] and back <= _TILT_MM[1] and grown <= _TILT_MM[2]
    rightly = left.own_mm[2] > right.own_mm[2] and _APART_MM[0] <= apart <= _APART_MM[1]
    return bool(near and rightly)


def _together(left: HeadBall, right: HeadBall) -> float:
    back, down, _ = np.abs(left.own_mm - right.own_mm)
    uneven = (down / _TILT_MM[0]) ** 2 + (back / _TILT_MM[1]) ** 2
    return left.edge + right.edge - _COST * float(uneven)


class _Edges:
    """The direction of the edges of a stack, on an even grid."""

    def __init__(self, stack: Coronal, bright: bool) -> None:
        low, high = stack.field_mm()
        self._low = low
        count = np.maximum(((high - low) / _GRID_MM).astype(int) + 1, 1)
        down = low[1] + _GRID_MM * np.arange(count[1])
        left = low[2] + _GRID_MM * np.arange(count[2])
        rows, columns = np.meshgrid(down, left, indexing="ij")
        cut = np.stack(
            [stack.sample(n, rows, columns, blur_mm=_GRID_MM / 2) for n in range(len(stack.planes))]
        )
        # logarithms, for coils shade by factors; what is darker than noise is noise
        floor = 0.03 * float(np.percentile(cut, 99))
        signal = np.log(cut + floor)
        at = (low[0] + _GRID_MM * np.arange(count[0]) - stack.at_mm[0]) / stack.step_mm
        signal = ndimage.map_coordinates(
            signal,
            np.meshgrid(at, np.arange(count[1]), np.arange(count[2]), indexing="ij"),
            order=1,
            mode="nearest",
        )
        signal = ndimage.gaussian_filter(signal, 0.8)
        way = np.stack(np.gradient(signal))
        strength = np.sqrt((way**2).sum(axis=0))
        weak = 0.5 * float(np.percentile(strength, 80)) + 1e-6
        self._way = (way / (strength + weak) * (-1.0 if bright else 1.0)).astype(np.float32)

    def candidates(self, side: str) -> list[HeadBall]:
        """Return the best balls of a side, the best first."""
        shape = self._way.shape[1:]
        steps = int(_COARSE_MM / _GRID_MM)
        axes = [np.arange(0, n, steps) for n in shape]
        if shape[2] * _GRID_MM >= WIDE_MM:
            leftwards = axes[2] * 2 >= shape[2]
            axes[2] = axes[2][leftwards if side == "L" else ~leftwards]
        middle = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        best = np.full(middle.shape[:-1], -1.0)
        size = np.zeros(best.shape)
        for radius_mm in _RADII_MM:
            edge = self._edge(middle, radius_mm, side)
            better = edge > best
            best, size = np.where(better, edge, best), np.where(better, radius_mm, size)
        tops = (best == ndimage.maximum_filter(best, 3)) & (best > 0.5 * LEAST_EDGE)
        order = sorted(np.argwhere(tops), key=lambda at: -best[tuple(at)])[:_CANDIDATES]
        return [
            HeadBall(
                self._low + middle[tuple(at)] * _GRID_MM,
                float(size[tuple(at)]),
                float(best[tuple(at)]),
            )
            for at in order
        ]

    def refined(self, ball: HeadBall, side: str, grown: float = 4.0) -> HeadBall:
        """Return the best ball near one, to a millimetre, its radius changed by no more."""
        least = max(_RADII_MM[0] - 2.0, ball.radius_mm - grown)
        most = min(_RADII_MM[-1] + 2.5, ball.radius_mm + grown)
        for far_mm, step_mm in _NEAR:
            steps = np.arange(-far_mm, far_mm + 0.1, step_mm)
            off = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
            middle = (ball.own_mm + off - self._low) / _GRID_MM
            tried = [
                (float(edge.max()), radius_mm, np.unravel_index(int(edge.argmax()), edge.shape))
                for radius_mm in np.clip(ball.radius_mm + np.arange(-2, 2.1) * step_mm, least, most)
                for edge in [self._edge(middle, radius_mm, side)]
            ]
            edge, radius_mm, at = max(tried)
            ball = replace(
                ball, own_mm=ball.own_mm + off[at], radius_mm=float(radius_mm), edge=edge
            )
        return ball

    def _edge(self, middle: Values, radius_mm: float, side: str) -> Values:
        """Return how well balls about places of the grid, shape (..., 3), fit: shape (...)."""
        total = np.zeros(middle.shape[:-1])
        directions = _seen_from(side)
        for way in directions:
            at = np.rint(middle + way * radius_mm / _GRID_MM).astype(np.intp)
            inside = np.ones(at.shape[:-1], bool)
            for axis, n in enumerate(self._way.shape[1:]):
                inside &= (at[..., axis] >= 0) & (at[..., axis] < n)
                at[..., axis] = np.clip(at[..., axis], 0, n - 1)
            edges = self._way[:, at[..., 0], at[..., 1], at[..., 2]]
            total += inside * np.tensordot(way, edges, axes=1)
        return np.asarray(total / len(directions))


def _seen_from(side: str) -> Values:
    """Return the directions, (back, down, left), in which a head has an edge: not to its neck."""
    golden = np.pi * (3 - np.sqrt(5))
    number = np.arange(_DIRECTIONS)
    height = 1 - 2 * (number + 0.5) / len(number)
    ring = np.sqrt(1 - height**2)
    ways = np.stack([ring * np.sin(golden * number), height, ring * np.cos(golden * number)], -1)
    out = 1.0 if side == "L" else -1.0
    neck = np.array([0.0, 0.6, 0.8 * out])
    return np.asarray(ways[ways @ neck < 0.35])
