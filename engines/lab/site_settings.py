"""How a site measures CTs, from its settings, so that it is evaluated as it is served."""

import tomllib
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path

from engines.ct_attenuation.muscle_index import CUTOFFS
from engines.ct_attenuation.tables import BANDS, PHASES
from engines.rules import Measuring

_PREFIX = "ct_"


def read_measuring(file: Path) -> Measuring:
    """Read ``ct_bands`` and its like from a site's ``osteoscreen.toml``, or take the default.

    Raises
    ------
    ValueError
        If it is no TOML, or a table or a phase is unknown.
    """
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    names = {f"{_PREFIX}{one.name}": one.name for one in fields(Measuring)}
    found = Measuring(**{ours: told[name] for name, ours in names.items() if name in told})
    _require("ct_bands", [found.bands], BANDS)
    _require("ct_muscle_cutoffs", [found.muscle_cutoffs], CUTOFFS)
    _require("ct_phase_correction_hu", found.phase_correction_hu, PHASES)
    return found


def _require(name: str, said: Collection[str], known: Collection[str]) -> None:
    if not set(said) <= set(known):
        raise ValueError(f"{name}: there are {', '.join(known)}")
