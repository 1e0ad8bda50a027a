"""What training and evaluation look at: the film and the values that service would score."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.cxr_multimodal.clinical import encoded, missing
from engines.cxr_multimodal.model import FILM, VALUES
from engines.cxr_osporscreen.inputs import prepare as fit
from engines.cxr_osporscreen.sights import sights as sights
from engines.lab.camera import clinical_of
from engines.lab.recipes import Array, Row


def prepare(pixels: Array | None, row: Row, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Fit the film into the network's square and write down the values, where there are any."""
    arrays: dict[str, Array] = {}
    if pixels is not None:
        film = fit(pixels.astype(np.float32), int(parameters["input_size_px"]))
        arrays[FILM] = film.astype(np.float16)
    clinical = clinical_of(row)
    if not missing(clinical):
        arrays[VALUES] = encoded(clinical)
    return arrays
