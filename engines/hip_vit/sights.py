"""What training and evaluation look at: the femora that service would score, prepared as there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.cases import Case
from engines.hip_vit import model
from engines.hip_vit.inputs import prepare as fit
from engines.lab.recipes import Array, Row, Sight


def sights(case: Case) -> tuple[Sight, ...]:
    """Return the readable hips of a case, ``L`` and ``R``.

    Raises
    ------
    NotEligible
        As in service, but for a film that is too small: virtual ones are, to be made sooner.
    BadSeries
        If no film can be read.
    """
    model.eligible(case)
    _, _, hips = model.read_film(case)
    return tuple(
        Sight(side, femur.cut_out.astype(np.float16)) for side, femur in hips.femora.items()
    )


def prepare(pixels: Array | None, row: Row, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Fit a femur into the network's square; there is nothing without one."""
    if pixels is None:
        return {}
    size = int(parameters["input_size_px"])
    return {model.FEMUR: fit(pixels.astype(np.float32), size).astype(np.float16)}
