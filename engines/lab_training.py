"""Bodies of `osteoscreen-lab train` and `evaluate`."""

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from engines.cards import OperatingPoint, TrainedOn, read_weights
from engines.evaluate import (
    Figure,
    auc,
    sensitivity,
    specificity,
    threshold_for_sensitivity,
    youden_threshold,
)
from engines.phantoms.cohort import Cohort, labelled_films
from engines.runtime import Engine
from engines.runtime.loading import load

if TYPE_CHECKING:
    from engines.train import Lesson, Schedule

Films = NDArray[np.float16]

_BATCH = 16


class Recipe(Protocol):
    """What a paper's ``recipe`` module offers."""

    VERSION: str
    NETWORK: str
    ARRAYS: tuple[tuple[str, ...], tuple[str, ...]]
    FINDING: str
    PARAMETERS: dict[str, Any]
    WANTED_SENSITIVITY: float
    SCHEDULE: "Schedule"

    def preparation(
        self, parameters: Mapping[str, Any]
    ) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return what a film goes through before the network."""

    def lesson(self) -> "Lesson":
        """Return net, augmentation and loss."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of one set of weights on one cohort, each with a 95 % interval."""

    patients: int
    osteoporotic: int
    threshold: float
    auc: Figure
    sensitivity: Figure
    specificity: Figure
    youden_threshold: float


def train_model(model: str, cohort: Cohort, out: Path, console: Console) -> Evaluation:
    """Train a model on virtual patients and release its weights to ``out / model``.

    A third as many further patients, whom training never sees, set the threshold.

    Returns
    -------
    Evaluation
        On the patients who set the threshold: no figure to report, see :func:`evaluate_model`.
    """
    from engines.build import Release, export, write_manifest
    from engines.train import Examples, train

    recipe = _recipe(model)
    prepare = recipe.preparation(recipe.PARAMETERS)
    films, labels = labelled_films(prepare, cohort, console)
    schedule = replace(recipe.SCHEDULE, seed=cohort.seed)
    net, _ = train(recipe.lesson(), Examples(films, labels), schedule, console)
    others = replace(cohort, patients=max(8, cohort.patients // 3), skip=cohort.patients)
    tuning, truth = labelled_films(prepare, others, console)
    file = export(net, tuning[:4].astype(np.float32), recipe.ARRAYS, out / model)
    scores = _scores(load(file), recipe, tuning)
    ill = truth[:, 0] > 0
    found = threshold_for_sensitivity(scores, ill, recipe.WANTED_SENSITIVITY)
    point = OperatingPoint(
        # four digits, downwards: rounding must not lose a patient
        math.floor(found * 1e4) / 1e4,
        f"{recipe.WANTED_SENSITIVITY:.0%} sensitivity on {others.patients} other simulated "
        f"patients ({int(ill.sum())} with osteoporosis)",
    )
    release = Release(
        model=model,
        version=recipe.VERSION,
        training=f"{cohort.patients} simulated patients ({int(labels[:, 0].sum())} with "
        f"osteoporosis), {schedule.epochs} epochs, by: osteoscreen-lab train {model} "
        f"--patients {cohort.patients} --seed {cohort.seed}",
        trained_on=TrainedOn.SIMULATED,
        operating_points={recipe.FINDING: point},
        parameters=recipe.PARAMETERS,
    )
    write_manifest(release, {recipe.NETWORK: file}, out / model)
    return _evaluation(scores, ill, point.threshold)


def evaluate_model(
    model: str, cohort: Cohort, console: Console, root: Path | None = None
) -> Evaluation:
    """Measure a model's weights on virtual patients, through the runtime that serves them.

    Parameters
    ----------
    model : str
        The card's name.
    cohort : Cohort
        Of a seed that the weights were not trained with.
    console : Console
        Where the progress bar goes.
    root : Path, optional
        Other weights than the reference ones.
    """
    recipe = _recipe(model)
    weights = read_weights(model, root)
    point = weights.operating_points[recipe.FINDING]
    engine = load(weights.folder / weights.engines[recipe.NETWORK][0])
    prepare = recipe.preparation(weights.parameters)
    films, labels = labelled_films(prepare, cohort, console)
    return _evaluation(_scores(engine, recipe, films), labels[:, 0] > 0, point.threshold)


def _recipe(model: str) -> Recipe:
    # by name, so that only these commands load torch
    module: Any = importlib.import_module(f"engines.{model}.recipe")
    recipe: Recipe = module
    return recipe


def _scores(engine: Engine, recipe: Recipe, films: Films) -> NDArray[np.float64]:
    """Return the probabilities of films, float64, shape (film,)."""
    (name,), outputs = recipe.ARRAYS
    parts = [
        engine({name: films[i : i + _BATCH].astype(np.float32)})[outputs[0]][:, 0]
        for i in range(0, len(films), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)


def _evaluation(
    scores: NDArray[np.float64], ill: NDArray[np.bool_], threshold: float
) -> Evaluation:
    return Evaluation(
        patients=len(ill),
        osteoporotic=int(ill.sum()),
        threshold=threshold,
        auc=auc(scores, ill),
        sensitivity=sensitivity(scores, ill, threshold),
        specificity=specificity(scores, ill, threshold),
        youden_threshold=youden_threshold(scores, ill),
    )
