"""What makes a patient or a picture harder to read, each to be switched on by name."""

from enum import StrEnum


class Nuisance(StrEnum):
    """Something in the picture that is no fault of its file; none is ever drawn by chance."""

    #: The chest is taken in bed, AP, without a grid.
    PORTABLE = "portable"
    #: The lead letter stands at the other side.
    WRONG_MARKER = "wrong-marker"
    #: A part of the anatomy is cut off.
    CLIPPED = "clipped"


NO_NUISANCES: frozenset[Nuisance] = frozenset()
