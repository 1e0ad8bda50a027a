"""What training and evaluation look at: the hips that service would score, cut out as there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.cases import Case
from engines.lab.recipes import Array, Row, Sight
from engines.onfh_mri import model
from engines.onfh_mri.inputs import fit


def sights(case: Case) -> tuple[Sight, ...]:
    """Return the readable hips of a case, ``L`` and ``R``.

    Raises
    ------
    NotEligible
        As in service.
    BadSeries
        If the stack cannot be read.
    """
    model.eligible(case)
    _, hips = model.read_case_hips(case)
    return tuple(Sight(side, hip.cut_out.astype(np.float16)) for side, hip in hips.found.items())


def prepare(pixels: Array | None, row: Row, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Fit a hip's slices into the network's squares; there is nothing without them."""
    if pixels is None:
        return {}
    size = int(parameters["input_size_px"])
    return {model.HIP: fit(pixels.astype(np.float32), size).astype(np.float16)}
