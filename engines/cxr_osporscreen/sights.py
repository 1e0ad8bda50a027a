"""What training and evaluation look at: the film that service would score, prepared as there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.anatomy import thorax
from engines.cases import Case
from engines.cxr_osporscreen import model
from engines.cxr_osporscreen.inputs import prepare as fit
from engines.lab.recipes import Array, Row, Sight


def sights(case: Case) -> tuple[Sight, ...]:
    """Return the frontal film of a case.

    Raises
    ------
    NotEligible
        As in service, but for a film that is too small: virtual ones are, to be made sooner.
    BadSeries
        If no film can be read.
    """
    model.eligible(case)
    _, film = model.read_film(case)
    thorax.require_frontal_chest(film)
    return (Sight("", film.pixels.astype(np.float16)),)


def prepare(pixels: Array | None, row: Row, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Fit a film into the network's square; there is nothing without one."""
    if pixels is None:
        return {}
    size, region = int(parameters["input_size_px"]), str(parameters["region"])
    return {model.FILM: fit(pixels.astype(np.float32), size, region).astype(np.float16)}
