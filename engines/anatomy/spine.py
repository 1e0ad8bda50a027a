"""What is known of a spine in a CT: its vertebrae, where they lie and what they are called."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.canal import Canal

Vector = NDArray[np.float64]
_OR = " or "
_LOINS = frozenset({"T12", "L1", "L2", "L3", "L4", "L5"})


def either(upper: str, lower: str) -> str:
    """Return the level of a vertebra that two counts call differently, e.g. ``L1 or L2``."""
    return f"{upper}{_OR}{lower}"


def readings(level: str) -> frozenset[str]:
    """Return what a vertebra of that level may be: one name, or two where counts disagree."""
    return frozenset(level.split(_OR))


@dataclass(frozen=True)
class Vertebra:
    """One vertebra, roughly: enough to look closely at its body.

    Attributes
    ----------
    level : str
        ``T12``, ``L1`` and so on; ``L1 or L2`` where it is one of two; else empty.
    middle_mm : ndarray
        float64, shape (3,): the middle of the vertebral body, LPS.
    up, front : ndarray
        float64, shape (3,), unit vectors in LPS: along the spine towards the head, and from the
        canal towards the front of the body, at right angles to ``up``.
    height_mm, depth_mm, width_mm : float
        Of the body, between the endplates, from front to back, from side to side.
    """

    level: str
    middle_mm: Vector
    up: Vector
    front: Vector
    height_mm: float
    depth_mm: float
    width_mm: float


def is_of_the_loins(vertebra: Vertebra) -> bool:
    """Tell whether a vertebra is one of T12 to L5, whichever of its names is the right one."""
    return readings(vertebra.level) <= _LOINS


@dataclass(frozen=True)
class Spine:
    """The vertebrae that a CT shows.

    Attributes
    ----------
    canal : Canal
        The middle of the spinal canal.
    vertebrae : tuple of Vertebra
        From the feet to the head, those whose body is wholly in view.
    confidence : float
        In [0, 1], of the levels: how well the anchors agree. Ours.
    anchors : tuple of str
        What the levels were counted from, in words, e.g. ``sacrum``, ``last rib``.
    why : str
        Why no level is certain, where none is.

    Notes
    -----
    Where ``why`` is there and vertebrae have levels, those are two names each: "level uncertain".
    """

    canal: Canal
    vertebrae: tuple[Vertebra, ...]
    confidence: float
    anchors: tuple[str, ...]
    why: str = ""

    def at(self, level: str) -> Vertebra | None:
        """Return the vertebra of that name."""
        return next((one for one in self.vertebrae if one.level == level), None)
