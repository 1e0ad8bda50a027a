"""All soft parts of one body, in the order in which they are painted."""

from functools import lru_cache

from engines.phantoms.body.bowel import bowel
from engines.phantoms.body.build import Build
from engines.phantoms.body.chest import chest
from engines.phantoms.body.effusion import effusion
from engines.phantoms.body.muscles import deep_muscles, muscle_scale
from engines.phantoms.body.organs import Room, diaphragm, organs
from engines.phantoms.body.outside import arms, breasts
from engines.phantoms.body.solids import Solid
from engines.phantoms.body.trunk import layers, trunk
from engines.phantoms.body.vessels import vessels


@lru_cache(maxsize=4)
def soft_parts(build: Build, lung_vessels: bool = True) -> tuple[Solid, ...]:
    """Return skin, fat, muscles, organs, bowel, vessels and lungs, each painted over the last.

    The many vessels of the lungs can be left out where no lung is seen; nothing else hangs on them.
    Plaques of the arteries are mineral: :func:`~engines.phantoms.body.vessels.calcifications`.
    """
    muscle = muscle_scale(build)
    dome = diaphragm(build)
    room = Room(build, layers(build, muscle), dome)
    in_chest = chest(build, dome, lung_vessels)
    return (
        *arms(build),
        *breasts(build),
        *trunk(build, muscle),
        *in_chest,
        *effusion(build, {solid.name: solid.shape for solid in in_chest}),
        *organs(room),
        *bowel(room),
        *vessels(room),
        *deep_muscles(build, muscle),
    )
