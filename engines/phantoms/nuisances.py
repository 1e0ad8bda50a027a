"""What makes a patient or a picture harder to read, each to be switched on by name."""

from enum import StrEnum

import numpy as np

from engines.phantoms.body.extra import Extra

#: On which side implants are.
_STREAM = 73


class Nuisance(StrEnum):
    """Something in the picture that is no fault of its file; none is ever drawn by chance."""

    #: The chest is taken in bed, AP, without a grid.
    PORTABLE = "portable"
    #: The lead letter stands at the other side.
    WRONG_MARKER = "wrong-marker"
    #: A part of the anatomy is cut off.
    CLIPPED = "clipped"
    #: Under the left collar bone, with two leads.
    PACEMAKER = "pacemaker"
    #: One hip is replaced.
    PROSTHESIS = "hip-prosthesis"
    #: A nail in one femur, at the other side than the prosthesis would be.
    NAIL = "nail"
    #: In both pedicles of L4 and L5, with rods.
    SCREWS = "screws"
    #: One vertebra of T11 to L3 is filled.
    CEMENT = "cement"
    #: Fluid about the lungs; in MRI in the hip joints.
    EFFUSION = "effusion"


NO_NUISANCES: frozenset[Nuisance] = frozenset()


def extras_of(nuisances: frozenset[Nuisance], seed: int) -> tuple[Extra, ...]:
    """Return what is in a body, the same for all its exams.

    Parameters
    ----------
    nuisances : frozenset of Nuisance
        Those that are no body's are passed over.
    seed : int
        Of the person; draws sides, whatever is true of the person.
    """
    left = bool(np.random.default_rng([seed, _STREAM]).random() < 0.5)
    held = {
        Nuisance.PACEMAKER: Extra.PACEMAKER,
        Nuisance.PROSTHESIS: Extra.HIP_LEFT if left else Extra.HIP_RIGHT,
        Nuisance.NAIL: Extra.NAIL_RIGHT if left else Extra.NAIL_LEFT,
        Nuisance.SCREWS: Extra.SCREWS,
        Nuisance.CEMENT: Extra.CEMENT,
        Nuisance.EFFUSION: Extra.EFFUSION,
    }
    return tuple(extra for nuisance, extra in held.items() if nuisance in nuisances)
