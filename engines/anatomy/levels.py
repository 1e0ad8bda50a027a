"""Name vertebrae from two anchors: the sacrum below and the last rib above. Ours.

Five vertebrae lie between them in most people. Where there are not five, or where one anchor is
seen and looks odd, no name is given.
"""

from dataclasses import dataclass
from itertools import pairwise

from engines.anatomy.flanks import Flanks

LEVELS = (*(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6)))
_L5, _T12 = LEVELS.index("L5"), LEVELS.index("T12")

# All ours. How far a rib reaches from the midline, and no transverse process does; how far a
# transverse process of L1 does.
_RIB_MM, _PROCESS_MM = 58.0, 30.0
# How much bone there is at each side of the sacrum, and how far below the last disc one looks.
_WING_MM, _BELOW_MM, _LEAST_BELOW_MM = 20.0, 40, 8
_BOTH, _SACRUM_ALONE, _RIB_ALONE = 0.95, 0.8, 0.6


@dataclass(frozen=True)
class Naming:
    """What the vertebrae of a chain of discs are called.

    Attributes
    ----------
    names : tuple of str
        From the feet up; all empty where none is certain.
    confidence : float
        In [0, 1].
    anchors : tuple of str
        What was counted from.
    why : str
        Why there are no names.
    """

    names: tuple[str, ...]
    confidence: float
    anchors: tuple[str, ...]
    why: str = ""


def name_levels(discs: list[int], flanks: Flanks) -> Naming:
    """Name the vertebrae between discs, which are places along the line in mm from the feet up."""
    count = max(0, len(discs) - 1)
    sacrum, rib = _above_sacrum(discs, flanks), _last_rib(discs, flanks)
    seen = [name for name, there in (("sacrum", sacrum), ("last rib", rib is not None)) if there]
    if sacrum and rib is not None:
        if rib != _L5 - _T12:
            why = f"{rib} vertebrae between the sacrum and the last rib, not 5"
            return _unnamed(count, tuple(seen), why)
        return _counted(count, _L5, _BOTH, seen)
    if sacrum:
        return _counted(count, _L5, _SACRUM_ALONE, seen)
    if rib is None:
        return _unnamed(count, (), "neither the sacrum nor the last rib is in view")
    if rib == 0 or not _has_process(discs, flanks, rib - 1):
        why = "the vertebra below the last rib has no transverse process of the loins"
        return _unnamed(count, tuple(seen), why)
    return _counted(count, _T12 + rib, _RIB_ALONE, seen)


def _counted(count: int, lowest: int, confidence: float, anchors: list[str]) -> Naming:
    """Count upwards from the name of the lowest vertebra."""
    if lowest >= len(LEVELS):
        return _unnamed(count, tuple(anchors), "more than five vertebrae below the last rib")
    names = tuple(LEVELS[lowest - n] for n in range(count))
    return Naming(names, confidence, tuple(anchors))


def _unnamed(count: int, anchors: tuple[str, ...], why: str) -> Naming:
    return Naming(("",) * count, 0.0, anchors, why)


def _above_sacrum(discs: list[int], flanks: Flanks) -> bool:
    """Tell whether hip bones stand at both sides below the lowest disc."""
    if not discs or discs[0] < _LEAST_BELOW_MM:
        return False
    below = slice(max(0, discs[0] - _BELOW_MM), discs[0])
    return all(float(wing[below].mean()) > _WING_MM for wing in flanks.wings)


def _last_rib(discs: list[int], flanks: Flanks) -> int | None:
    """Return which vertebra bears the lowest rib, counted from below."""
    if len(discs) < 2:
        return None
    # one more may bear it whose upper disc is out of view
    borders = [*discs, discs[-1] + (discs[-1] - discs[-2])]
    for number, (low, high) in enumerate(pairwise(borders)):
        reaches = [one.reach_mm for one in flanks.branches if low <= one.at_mm < high]
        if max(reaches, default=0) > _RIB_MM:
            return number
    return None


def _has_process(discs: list[int], flanks: Flanks, number: int) -> bool:
    low, high = discs[number], discs[number + 1]
    reaches = [one.reach_mm for one in flanks.branches if low <= one.at_mm < high]
    return max(reaches, default=0) > _PROCESS_MM
