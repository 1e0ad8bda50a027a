"""What the marrow of each bone is made of: yellow or red.

Epiphyses and shafts turn yellow first; pelvis and spine keep red marrow longest, in women longer
than in men, less with age. That much is textbook; the parts are ours.
"""

from engines.phantoms.people.person import Person

RED_AT_FIFTY = {"femur": 0.15, "hip": 0.5, "sacrum": 0.6, "vertebra": 0.6}
"""By the first word of a bone's name (hip: the hip bone); what is not named is yellow."""

LESS_A_YEAR = 0.006
MORE_IN_WOMEN = 1.15


def red_part(bone: str, person: Person) -> float:
    """Return how much of a bone's marrow is red, 0 to 1."""
    begin = RED_AT_FIFTY.get(bone.split()[0], 0.0)
    aged = begin * (1.0 - LESS_A_YEAR * (person.age_years - 50))
    return min(1.0, max(0.0, aged * (MORE_IN_WOMEN if person.sex == "F" else 1.0)))
