"""How the reference weights are trained: label, networks, fusion, schedule.

Tang 2025 states none of it but five folds; what is here is ours.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.cxr_multimodal import clinical_recipe
from engines.cxr_multimodal.clinical import fitted_weight, fuse, probability
from engines.cxr_multimodal.model import (
    CAM,
    CLINICAL_BRANCH,
    FILM,
    FILM_ALONE,
    FILM_BRANCH,
    FINDING,
    LOG_ODDS,
    PROBABILITY,
    VALUES,
)
from engines.cxr_multimodal.net import Design, ImageBranch
from engines.cxr_multimodal.sights import prepare as prepare
from engines.cxr_multimodal.sights import sights as sights
from engines.cxr_osporscreen.recipe import FILMING as FILMING
from engines.cxr_osporscreen.recipe import augment, loss
from engines.cxr_osporscreen.recipe import labels as labels
from engines.lab.loop import Lesson, Schedule
from engines.lab.recipes import Network, Outputs, Target

#: Of the weights that this recipe makes; goes up whenever they would come out differently.
VERSION = "5"

_REFERENCE = {
    "backbone": "small-residual",
    "input_size_px": 256,
    "wavelet": "haar",
    "attention": True,
    # as trained on real patients; ``trained`` is on the cohort's own
    "clinical": "released",
}
#: ``paper`` is for those who have films enough; the last three are the ablation.
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "reference": _REFERENCE,
    "paper": {**_REFERENCE, "backbone": "resnet50", "input_size_px": 512, "clinical": "trained"},
    "wavelet-off": {**_REFERENCE, "wavelet": "off"},
    "attention-off": {**_REFERENCE, "attention": False},
    "both-off": {**_REFERENCE, "wavelet": "off", "attention": False},
}

#: The fused score, and what it is made of; the thresholds of the first two are used.
TARGETS = (
    Target(FINDING, label=0),
    Target(FILM_ALONE, label=0),
    Target(f"{FINDING}, clinical values alone", label=0),
)
HEAT = (FILM_BRANCH, CAM)

SCHEDULE = Schedule(epochs=36, batch_size=16, learning_rate=2e-3, weight_decay=1e-2)


def networks(parameters: Mapping[str, Any]) -> tuple[Network, Network]:
    """Return the branches."""
    design = Design(
        backbone=str(parameters["backbone"]),
        wavelet=str(parameters["wavelet"]),
        attention=bool(parameters["attention"]),
    )
    lesson = Lesson(lambda: ImageBranch(design), augment, loss)
    film = Network(FILM_BRANCH, (FILM,), (PROBABILITY, CAM), lesson, SCHEDULE)
    is_released = parameters["clinical"] == "released"
    build = clinical_recipe.released if is_released else clinical_recipe.untrained
    taught = Lesson(build, clinical_recipe.hide, clinical_recipe.loss)
    schedule = None if is_released else clinical_recipe.SCHEDULE
    origin = clinical_recipe.ORIGIN if is_released else ""
    return film, Network(CLINICAL_BRANCH, (VALUES,), (LOG_ODDS,), taught, schedule, origin)


def tune(outputs: Mapping[str, Outputs], labels: NDArray[np.float32]) -> dict[str, Any]:
    """Fit the weight of the film's probability."""
    film, clinical = _probabilities(outputs)
    judged = np.isfinite(film) & np.isfinite(clinical) & np.isfinite(labels[:, 0])
    weight = fitted_weight(film[judged], clinical[judged], labels[judged, 0] > 0)
    return {"film_weight": weight}


def scores(outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the fused probability, the film's and the clinical one, shape (example, 3).

    Who is scored by the film alone has no fused one, being held against another threshold.
    """
    film, clinical = _probabilities(outputs)
    fused = fuse(film, clinical, float(parameters["film_weight"]))
    return np.column_stack([fused, film, clinical])


def _probabilities(
    outputs: Mapping[str, Outputs],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    film = np.asarray(outputs[FILM_BRANCH][PROBABILITY][:, 0], np.float64)
    odds = np.asarray(outputs[CLINICAL_BRANCH][LOG_ODDS][:, 0], np.float64)
    return film, probability(odds)
