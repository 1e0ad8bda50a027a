"""What the marrow of each bone gives: yellow, red, or ill.

Epiphyses and shafts turn yellow first; pelvis and spine keep red marrow longest, in women longer
than in men, less with age. That much is textbook; the parts are ours.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.necrosis import Necrosis
from engines.phantoms.mri.brightness import Substance
from engines.phantoms.people.person import Person

Values = NDArray[np.float64]

#: Signal of a substance in the series that is taken.
Gives = Callable[[Substance], float]

RED_AT_FIFTY = {"femur": 0.15, "hip": 0.5, "sacrum": 0.6, "vertebra": 0.6}
"""By the first word of a bone's name (hip: the hip bone); what is not named is yellow."""

LESS_A_YEAR = 0.006
MORE_IN_WOMEN = 1.15

ISLANDS = 1.6
"""How far red marrow departs from its mean, where half of the marrow is red four times less."""

OEDEMA_REACH = 3.0
"""From the middle of an ill head, in its radii: beyond there is no oedema worth seeing."""

SCLEROSIS_LEFT = 0.3
"""Of the signal of fibrous tissue, in the dark outer half of the band (ours)."""


def red_part(bone: str, person: Person) -> float:
    """Return how much of a bone's marrow is red, 0 to 1."""
    begin = RED_AT_FIFTY.get(bone.split()[0], 0.0)
    aged = begin * (1.0 - LESS_A_YEAR * (person.age_years - 50))
    return min(1.0, max(0.0, aged * (MORE_IN_WOMEN if person.sex == "F" else 1.0)))


def healthy_marrow(bone: str, person: Person, islands: Values, gives: Gives) -> Values:
    """Return what a bone's marrow gives where nothing ails it.

    Parameters
    ----------
    bone : str
        Its name.
    person : Person
        Whose.
    islands : ndarray
        float64, any shape: where it is redder than on average, about 0.
    gives : callable
        Substance -> signal.

    Returns
    -------
    ndarray
        float64, shape of ``islands``.
    """
    mean = red_part(bone, person)
    # no islands where all is yellow, or all red
    red = np.clip(mean + ISLANDS * mean * (1 - mean) * islands, 0.0, 1.0)
    yellow = gives(Substance.YELLOW_MARROW)
    return np.asarray(yellow + red * (gives(Substance.RED_MARROW) - yellow))


def ill_marrow(lesion: Necrosis, points_mm: Values, healthy: Values, gives: Gives) -> Values:
    """Return what the marrow of a femur with a lesion gives at places.

    Parameters
    ----------
    lesion : Necrosis
        Of its head.
    points_mm : ndarray
        float64, shape (..., 3), patient LPS, at the lesion's visit.
    healthy : ndarray
        float64, shape (...), from :func:`healthy_marrow`.
    gives : callable
        Substance -> signal.

    Returns
    -------
    ndarray
        float64, shape (...).
    """
    zone = lesion.zones(lesion.before_mm(points_mm))
    dead = gives(Substance.YELLOW_MARROW)
    dead += lesion.worn * (gives(Substance.FIBROUS) - dead)
    shown = healthy + zone.oedema * (gives(Substance.OEDEMA) - healthy)
    shown = shown + zone.necrotic * (dead - shown)
    shown = shown + zone.granulation * (gives(Substance.GRANULATION) - shown)
    sclerotic = SCLEROSIS_LEFT * gives(Substance.FIBROUS)
    return np.asarray(shown + zone.sclerotic * (sclerotic - shown))
