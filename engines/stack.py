"""Put the planes of a series in order: which belong together, and how far apart they lie."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.errors import BadSeries, Reason
from engines.planes import Plane

Vector = NDArray[np.float64]

#: Fewer are no volume: four vertebrae of 35 mm in slices of 5 mm are 28 (ours).
FEWEST = 8

# Ours. Directions closer than this are one; spacings within 1 % are one; positions closer than this
# are one; steps within this part of their median are even.
_SAME_COSINE = np.cos(np.deg2rad(0.5))
_SAME_SPACING = 0.01
_SAME_PLACE_MM = 0.02
_EVEN = 0.05
_STRAIGHT_MM = 1.0
#: Between two neighbours no vertebra's end plate hides; beyond it values would be invented (ours).
WIDEST_GAP_MM = 6.5
# Others than the stack's own that are left out and not taken for a second stack.
_FEW_OTHERS = 3


@dataclass(frozen=True)
class Stack:
    """Parallel planes in order along their normal.

    Attributes
    ----------
    planes : tuple of Plane
        In order, no two at one place.
    twins : tuple of (Plane, Plane)
        Others at the place of one of them, beside that one; their pixels must be alike.
    at_mm : ndarray
        Each plane's distance along the normal, rising, shape (plane,).
    even : bool
        Whether all steps are alike.
    remarks : tuple of str
        What a reader should know of how it was put together.
    """

    planes: tuple[Plane, ...]
    twins: tuple[tuple[Plane, Plane], ...]
    at_mm: Vector
    even: bool
    remarks: tuple[str, ...]

    @property
    def step_mm(self) -> float:
        """The usual distance from plane to plane."""
        return float(np.median(np.diff(self.at_mm)))


def stacked(planes: Sequence[Plane]) -> Stack:
    """Find the one stack in a series.

    Raises
    ------
    BadSeries
        TOO_FEW_SLICES, also where they lie too far apart; GEOMETRY_MIXED where planes do not lie
        parallel, differ in size or are shifted against each other; SLICES_MISSING where a gap is
        wider than :data:`WIDEST_GAP_MM`.
    """
    alike, remarks = _alike(planes)
    normal = alike[0].normal
    ordered = sorted(alike, key=lambda plane: (float(plane.position_mm @ normal), plane.frame))
    kept, twins = _apart(ordered, normal)
    if len(kept) < FEWEST:
        detail = f"{len(kept)} slices at different places; a volume has at least {FEWEST}"
        raise BadSeries(Reason.TOO_FEW_SLICES, detail)
    if twins:
        remarks.append(f"{len(twins)} slices came twice")
    _require_straight(kept)
    at_mm = np.array([float(plane.position_mm @ normal) for plane in kept])
    even = _evenness(at_mm, remarks)
    return Stack(tuple(kept), tuple(twins), at_mm, even, tuple(remarks))


def _alike(planes: Sequence[Plane]) -> tuple[list[Plane], list[str]]:
    groups: list[list[Plane]] = []
    for plane in (one for one in planes if not one.localizer):
        group = next((some for some in groups if _match(some[0], plane)), None)
        if group is None:
            groups.append([plane])
        else:
            group.append(plane)
    if not groups:
        raise BadSeries(Reason.TOO_FEW_SLICES, "the series holds localizers alone")
    most = max(groups, key=len)
    others = sum(map(len, groups)) - len(most)
    if others > _FEW_OTHERS or others >= len(most):
        kinds = f"{len(groups)} orientations or sizes in one series"
        detail = f"{kinds}, {others} slices beside {len(most)}"
        raise BadSeries(Reason.GEOMETRY_MIXED, detail)
    left_out = len(planes) - len(most)
    return most, [f"{left_out} images beside the stack were left out"] if left_out else []


def _match(one: Plane, other: Plane) -> bool:
    turned = (one.along_row @ other.along_row, one.down_column @ other.down_column)
    ratios = [b / a for a, b in zip(one.spacing_mm, other.spacing_mm, strict=True)]
    return (
        one.shape == other.shape
        and min(turned) > _SAME_COSINE
        and all(abs(ratio - 1) < _SAME_SPACING for ratio in ratios)
    )


def _apart(
    ordered: Sequence[Plane], normal: Vector
) -> tuple[list[Plane], list[tuple[Plane, Plane]]]:
    kept: list[Plane] = []
    twins = []
    for plane in ordered:
        if kept and (plane.position_mm - kept[-1].position_mm) @ normal < _SAME_PLACE_MM:
            twins.append((kept[-1], plane))
        else:
            kept.append(plane)
    return kept, twins


def _require_straight(planes: Sequence[Plane]) -> None:
    """Refuse slices that are shifted sideways; a steady shift is a gantry's tilt."""
    corners = np.array([plane.position_mm for plane in planes])
    middle = corners.mean(axis=0)
    direction = np.linalg.svd(corners - middle)[2][0]
    along = np.outer((corners - middle) @ direction, direction)
    off_mm = float(np.linalg.norm(corners - middle - along, axis=1).max())
    if off_mm > _STRAIGHT_MM:
        detail = f"slices are shifted sideways against each other by up to {off_mm:.1f} mm"
        raise BadSeries(Reason.GEOMETRY_MIXED, detail)


def _evenness(at_mm: Vector, remarks: list[str]) -> bool:
    steps = np.diff(at_mm)
    usual = float(np.median(steps))
    if usual > WIDEST_GAP_MM:
        detail = f"slices lie {usual:.1f} mm apart; up to {WIDEST_GAP_MM} mm are measured"
        raise BadSeries(Reason.TOO_FEW_SLICES, detail)
    if steps.max() > WIDEST_GAP_MM:
        wide = int((steps > WIDEST_GAP_MM).sum())
        detail = f"{wide} gaps of up to {steps.max():.1f} mm where slices lie {usual:.1f} mm apart"
        raise BadSeries(Reason.SLICES_MISSING, detail)
    even = bool(np.all(np.abs(steps - usual) <= _EVEN * usual))
    if not even:
        between = f"{steps.min():.2f} to {steps.max():.2f} mm"
        remarks.append(f"slices lie unevenly, {between} apart: interpolated to {usual:.2f} mm")
    return even
