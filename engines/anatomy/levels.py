"""Name vertebrae from two anchors: the sacrum below and the last rib above. Ours.

Five vertebrae lie between them in most people. Where there are four or six, people have a rib more
or less or an L5 that belongs to the sacrum, and no one can tell which from the abdomen alone: each
vertebra then has two names, counted from either anchor. Where more is odd, no name is given.
"""

from dataclasses import dataclass
from itertools import pairwise

from engines.anatomy.flanks import Flanks
from engines.anatomy.spine import either

LEVELS = (*(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6)))
_L5, _T12 = LEVELS.index("L5"), LEVELS.index("T12")
# what may lie below L5 is its like
_WITH_SIXTH = (*LEVELS, "L6")

# All ours. How far a rib reaches from the midline, and no transverse process does.
_RIB_MM = 58.0
# Where in a vertebra, from the disc below to the one above, processes and ribs leave it.
_PROCESS_AT, _RIB_AT = (0.4, 0.85), (0.25, 1.0)
# A rib that is shorter, and by how much it is longer than the process of the vertebra below.
_SHORT_RIB_MM, _LONGER_MM = 50.0, 10.0
# How far transverse processes of L1 reach, and how far T12 does without its rib.
_LUMBAR_MM, _THORACIC_MM = 30.0, 28.0
# What leaves T12 reaches no more than this part of what leaves L1, if it is no rib.
_SHORTER = 0.75
# How much bone there is at each side of the sacrum, and how far below the last disc one looks.
_WINGS_MM, _LEAST_WING_MM, _BELOW_MM, _LEAST_BELOW_MM = 25.0, 10.0, 45, 6
# So much at either side where the last rib says otherwise.
_CLEAR_WING_MM = 20.0
# Hip bones are denser than kidneys, but in osteoporosis: then they count where the last rib agrees.
_HIP_HU, _FAINT_HU = 220.0, 150.0
# With so much in view below the lowest disc, that must be the last one.
_MORE_BELOW_MM = 60
#: Where both anchors agree.
SURE = 0.95
_SACRUM_ALONE, _RIB_ALONE, _ODD = 0.8, 0.6, 0.5
# Of one of two names: less than that of any one.
_EITHER = 0.3


@dataclass(frozen=True)
class Naming:
    """What the vertebrae of a chain of discs are called.

    Attributes
    ----------
    names : tuple of str
        From the feet up; two in one, e.g. ``L1 or L2``, where anchors disagree by one; all empty
        where nothing is known.
    confidence : float
        In [0, 1].
    anchors : tuple of str
        What was counted from.
    why : str
        Why there are no names, or two.
    """

    names: tuple[str, ...]
    confidence: float
    anchors: tuple[str, ...]
    why: str = ""


def name_levels(discs: list[int], flanks: Flanks) -> Naming:
    """Name the vertebrae between discs, which are places along the line in mm from the feet up."""
    count = max(0, len(discs) - 1)
    ribs = _last_ribs(discs, flanks)
    faint = _L5 - _T12 in ribs and _above_sacrum(discs, flanks, _FAINT_HU)
    if faint or _above_sacrum(discs, flanks, _HIP_HU):
        return _from_sacrum(discs, flanks, ribs)
    if not ribs:
        return _unnamed(count, (), "neither the sacrum nor the last rib is in view")
    if len(ribs) > 1:
        if _apart(ribs) and _L5 - _T12 in ribs and _beside_one_hip(discs, flanks):
            return _counted(count, _L5, _ODD, (HIPS, _RIB))
        return _either(count, ribs, (_RIB,), "the last rib is seen at one side alone")
    rib = ribs[0]
    if discs[0] > _MORE_BELOW_MM and rib != _L5 - _T12:
        why = "the column goes on below the last disc, and no sacrum is recognised"
        return _unnamed(count, (_RIB,), why)
    if _beside_one_hip(discs, flanks) or _above_sacrum(discs[1:], flanks, _HIP_HU):
        return _beside_hips(discs, flanks, rib)
    if rib > 1 and _ribless(discs, flanks, rib - 1):
        return _counted(count, _T12 + rib - 1, _ODD, (_PROCESS,))
    if rib > 1 and _maybe_twelfth(discs, flanks, rib - 1):
        return _either(count, [rib - 1, rib], (_RIB,), _UNCLEAR)
    if rib > 0 and _lumbar(discs, flanks, rib - 1):
        return _counted(count, _T12 + rib, _RIB_ALONE, (_RIB,))
    return _unnamed(count, (_RIB,), _UNCLEAR)


SACRUM, HIPS, _RIB, _PROCESS = "sacrum", "hip bones", "last rib", "first transverse process"
_UNCLEAR = "the vertebra below the last rib is not clearly one of the loins"


def _beside_hips(discs: list[int], flanks: Flanks, rib: int) -> Naming:
    """Name a chain beside whose lowest vertebra hip bones stand, where the view ends below it."""
    count = len(discs) - 1
    lumbar = _L5 - _T12
    if rib == lumbar + 1 and _ribless(discs, flanks, lumbar):
        return _counted(count, _L5, _SACRUM_ALONE, (HIPS, _PROCESS))
    if rib != lumbar:
        why = "hip bones stand beside a vertebra too high for them"
        return _either(count, [rib, lumbar], (HIPS, _RIB), why)
    if _maybe_twelfth(discs, flanks, rib - 1):
        return _either(count, [rib - 1, rib], (HIPS, _RIB), _UNCLEAR)
    return _counted(count, _L5, _SACRUM_ALONE, (HIPS, _RIB))


def _from_sacrum(discs: list[int], flanks: Flanks, ribs: list[int]) -> Naming:
    """Count from the sacrum where the last rib agrees or is out of view."""
    count, lumbar = len(discs) - 1, _L5 - _T12
    if not ribs:
        if count > lumbar:
            return _unnamed(count, (SACRUM,), "no rib at the sixth vertebra above the sacrum")
        return _counted(count, _L5, _SACRUM_ALONE, (SACRUM,))
    # of two sides the lower one counts: a rib that is not seen is commoner than one too many
    if ribs[0] == lumbar and not _maybe_twelfth(discs, flanks, lumbar - 1):
        return _counted(count, _L5, _ODD if _apart(ribs) else SURE, (SACRUM, _RIB))
    if _apart(ribs) and ribs[-1] == lumbar and not _maybe_twelfth(discs, flanks, lumbar - 1):
        return _counted(count, _L5, _SACRUM_ALONE, (SACRUM, _RIB))
    if lumbar + 1 in ribs and _ribless(discs, flanks, lumbar):
        return _counted(count, _L5, _SACRUM_ALONE, (SACRUM, _PROCESS))
    if ribs[0] == lumbar + 1 and _short_rib(discs, flanks, lumbar):
        return _counted(count, _L5, _SACRUM_ALONE, (SACRUM, _RIB))
    if ribs[0] == lumbar:
        return _either(count, [lumbar - 1, lumbar], (SACRUM, _RIB), _UNCLEAR)
    why = f"{ribs[0]} vertebrae between the sacrum and the last rib, not 5"
    if _apart(ribs) or not _beside_both_hips(discs, flanks):
        return _unnamed(count, (SACRUM, _RIB), why)
    return _either(count, [ribs[0], lumbar], (SACRUM, _RIB), why)


def _counted(count: int, lowest: int, confidence: float, anchors: tuple[str, ...]) -> Naming:
    """Count upwards from the name of the lowest vertebra."""
    if lowest >= len(LEVELS):
        twelfth, why = lowest - _T12, "more than five vertebrae below the last rib"
        return _either(count, [twelfth - 1, twelfth], anchors, why)
    return Naming(_filled([LEVELS[n] for n in range(lowest, -1, -1)], count), confidence, anchors)


def _either(count: int, twelfth: list[int], anchors: tuple[str, ...], why: str) -> Naming:
    """Give two names each where one of two neighbours, counted from below, is T12.

    Where they are no neighbours, more is odd than a rib or a segment too many: no name.
    """
    low, high = min(twelfth), max(twelfth)
    if high - low != 1 or _T12 + high >= len(_WITH_SIXTH):
        return _unnamed(count, anchors, why)
    names = [either(*_WITH_SIXTH[n : n + 2]) for n in range(_T12 + low, -1, -1)]
    return Naming(_filled(names, count), _EITHER, anchors, why)


def _filled(names: list[str], count: int) -> tuple[str, ...]:
    """Give so many vertebrae their names from below; those of the neck have none."""
    return (*names[:count], *("",) * (count - len(names)))


def _unnamed(count: int, anchors: tuple[str, ...], why: str) -> Naming:
    return Naming(("",) * count, 0.0, anchors, why)


def _above_sacrum(discs: list[int], flanks: Flanks, hip_hu: float) -> bool:
    """Tell whether hip bones stand at both sides below the lowest disc."""
    if not discs or discs[0] < _LEAST_BELOW_MM:
        return False
    wings = _wings_mm(discs, flanks, hip_hu)
    return sum(wings) / 2 > _WINGS_MM and min(wings) > _LEAST_WING_MM


def _beside_one_hip(discs: list[int], flanks: Flanks) -> bool:
    """Tell whether a hip bone stands at one side at least below the lowest disc."""
    return max(_wings_mm(discs, flanks, _HIP_HU)) > _WINGS_MM


def _beside_both_hips(discs: list[int], flanks: Flanks) -> bool:
    """Tell whether hip bones stand clearly at either side below the lowest disc."""
    return min(_wings_mm(discs, flanks, _FAINT_HU)) > _CLEAR_WING_MM


def _wings_mm(discs: list[int], flanks: Flanks, hip_hu: float) -> list[float]:
    """Return how much of the hip bone lies at the right and at the left below the lowest disc."""
    below = slice(max(0, discs[0] - _BELOW_MM), discs[0])
    return [float(wing[below].mean()) for wing in flanks.wings_mm(hip_hu)]


def _apart(ribs: list[int]) -> bool:
    """Tell whether two sides' last ribs lie two vertebrae apart: one is something else."""
    return ribs[-1] - ribs[0] > 1


def _last_ribs(discs: list[int], flanks: Flanks) -> list[int]:
    """Return which vertebrae, counted from below, bear the lowest rib at either side.

    One number where both sides agree, none where no rib is seen.
    """
    # one more may bear it whose upper disc is out of view
    borders = [*discs, discs[-1] + (discs[-1] - discs[-2])]
    found = set()
    for side in (-1, 1):
        for number, (low, high) in enumerate(pairwise(borders)):
            first, last = (low + part * (high - low) for part in _RIB_AT)
            if any(
                one.reach_mm > _RIB_MM
                for one in flanks.branches
                if one.side == side and first <= one.at_mm < last
            ):
                found.add(number)
                break
    return sorted(found)


def _short_rib(discs: list[int], flanks: Flanks, number: int) -> bool:
    """Tell whether what leaves a vertebra is a rib though it does not reach as far as one.

    Transverse processes grow longer from the first of the loins to the third, never shorter.
    """
    here, below = (_reach_mm(discs, flanks, one) for one in (number, number - 1))
    return here >= _SHORT_RIB_MM and here - below >= _LONGER_MM and below > 0


def _reach_mm(discs: list[int], flanks: Flanks, number: int) -> float:
    """Return how far what leaves a vertebra reaches at the longer side; 0 where none is seen.

    A rib that falls past the vertebra from the one above is not part of it.
    """
    low, high = discs[number], discs[number + 1]
    first, last = (low + part * (high - low) for part in _PROCESS_AT)
    reaches = (one.reach_mm for one in flanks.branches if first <= one.at_mm < last)
    return max(reaches, default=0.0)


def _process_mm(discs: list[int], flanks: Flanks, number: int) -> tuple[float, float]:
    """Return how far the processes of a vertebra reach, the shorter and the longer."""
    both = sorted(_sides_mm(discs, flanks, number))
    return both[0], both[1]


def _sides_mm(discs: list[int], flanks: Flanks, number: int) -> list[float]:
    """Return how far the processes of a vertebra reach, to the right and to the left."""
    low, high = discs[number], discs[number + 1]
    first, last = (low + part * (high - low) for part in _PROCESS_AT)
    return [flanks.process_mm(first, last, side) for side in (-1, 1)]


def _lumbar(discs: list[int], flanks: Flanks, number: int) -> bool:
    return _process_mm(discs, flanks, number)[1] >= _LUMBAR_MM


def _maybe_twelfth(discs: list[int], flanks: Flanks, number: int) -> bool:
    """Tell whether the vertebra below the last rib may be T12: with a short rib, or with none."""
    here, below = (_reach_mm(discs, flanks, one) for one in (number, number - 1))
    # what leaves L1 is a little shorter than what leaves L2; what is a rib there is none of them
    shorter = 0 < here <= _SHORTER * below <= _SHORTER * _RIB_MM
    return shorter or _short_rib(discs, flanks, number) or _ribless(discs, flanks, number)


def _ribless(discs: list[int], flanks: Flanks, number: int) -> bool:
    """Tell whether this is a T12 with no rib to speak of: it has no process, the next one has."""
    if number + 1 >= len(discs):
        return False
    here, below = (_process_mm(discs, flanks, one) for one in (number, number - 1))
    # of a turned spine one side looks longer, the other shorter
    return sum(here) / 2 <= _THORACIC_MM and sum(below) / 2 >= _LUMBAR_MM
