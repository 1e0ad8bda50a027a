"""What training and evaluation look at: the views that service would show, prepared as there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.cases import Case
from engines.ct_multitask import model
from engines.ct_multitask.inputs import prepared
from engines.lab.recipes import Array, Row, Sight


def sights(case: Case) -> tuple[Sight]:
    """Return the one stack of views of a case.

    Raises
    ------
    NotEligible, BadSeries
        As in service.
    """
    model.eligible(case)
    return (Sight("", model.read(case).views.astype(np.float16)),)


def prepare(pixels: Array | None, row: Row, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Part what was seen from what was not; there is nothing without images."""
    if pixels is None:
        return {}
    views, seen = prepared(pixels)
    return {model.VIEWED: views.astype(np.float16), model.SEEN: seen}
