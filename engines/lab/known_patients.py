"""Choose the virtual patients that lie beside a model's weights as its known cases."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from engines.cards import Weights
from engines.catalog import named
from engines.lab.cohort import Cohort
from engines.lab.evaluation import outputs_of
from engines.lab.recipes import Network, recipe_of
from engines.lab.seeing import Look, Seen, see
from engines.runtime.known import write_known_cases
from engines.runtime.loading import load

#: How far from every threshold a score of a known case is to be: what rounding may not flip.
_MARGIN = 0.003
#: A float32 value of known cases is a picture's 256 steps away from what was looked at.
_STEPS = np.float32(255)


def keep_known_patients(weights: Weights, wanted: int, drawn: Cohort, console: Console) -> Path:
    """Write the known cases of a model beside its weights.

    Of the patients drawn, those are kept whose scores spread the most, lowest and highest
    among them, and of which none is near a threshold.

    Parameters
    ----------
    weights : Weights
        Of a model that was learned.
    wanted : int
        Cases for each network.
    drawn : Cohort
        Virtual patients, more than are wanted.
    console : Console
        Where the progress bar goes.
    """
    recipe = recipe_of(weights.model)
    look = Look(named(weights.model).CARD.exam, recipe, weights.parameters)
    seen = see(drawn, look, console)
    kept = {
        one.name: _chosen(weights, one, seen, wanted) for one in recipe.networks(weights.parameters)
    }
    return write_known_cases(weights.folder, kept)


def _chosen(
    weights: Weights, network: Network, seen: Seen, wanted: int
) -> dict[str, NDArray[np.float32]]:
    shown = {name: _in_steps(seen.arrays[name]) for name in network.inputs}
    rounded = Seen(seen.rows, {**seen.arrays, **shown}, seen.there, seen.labels, seen.left_out)
    engine = load(weights.folder / weights.engines[network.name][0])
    outputs = outputs_of([network], {network.name: engine}, rounded)[network.name]
    scores = next(array for array in outputs.values() if array.ndim == 2)
    thresholds = np.array([one.threshold for one in weights.operating_points.values()])
    near = np.abs(scores[:, :, None] - thresholds).min(axis=(1, 2)) < _MARGIN
    usable = np.flatnonzero(np.isfinite(scores).all(axis=1) & ~near)
    if not len(usable):
        raise ValueError(f"{network.name}: none of those drawn gives a score off every threshold")
    order = usable[np.argsort(scores[usable, -1], kind="stable")]
    places = np.unique(np.linspace(0, len(order) - 1, min(wanted, len(order))).round().astype(int))
    return {name: array[order[places]].astype(np.float32) for name, array in shown.items()}


def _in_steps(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return pictures as they will be kept."""
    if array.ndim < 3:
        return array.astype(np.float32)
    steps: NDArray[np.float32] = np.round(array.astype(np.float32) * _STEPS)
    return steps / _STEPS
