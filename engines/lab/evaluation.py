"""What weights make of a cohort, through the runtime that serves them: outputs, scores, figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import nn

from engines.cards import Weights, read_weights
from engines.catalog import named
from engines.lab.cohort import Cohort, Table
from engines.lab.figures import Figure, auc, sensitivity, specificity, youden_threshold
from engines.lab.recipes import AS_SEEN, Network, Outputs, Recipe, Target, answered, recipe_of
from engines.lab.seeing import Look, Seen, see
from engines.operating_points import OperatingPoint
from engines.rules import Measuring
from engines.runtime import Arrays
from engines.runtime.loading import load
from engines.validation import configuration_of

_BATCH = 16


@dataclass(frozen=True)
class Evaluation:
    """Figures of one target on one cohort, each with a 95 % interval.

    Attributes
    ----------
    finding : str
        What the target is.
    patients, examples, positive : int
        Who was judged: truth and score are known.
    threshold : float
        The operating point.
    unit : str
        As the target's: of something measured thresholds are negative values.
    """

    finding: str
    unit: str
    patients: int
    examples: int
    positive: int
    threshold: float
    auc: Figure
    sensitivity: Figure
    specificity: Figure
    youden_threshold: float


@dataclass(frozen=True)
class Subject:
    """Whose figures are wanted.

    Attributes
    ----------
    model : str
        The card's name.
    root : Path, optional
        Other weights than the reference ones.
    kept : Path, optional
        Folder for sights.
    measuring : Measuring
        The site's settings, for what is measured and not learned.
    """

    model: str
    root: Path | None = None
    kept: Path | None = None
    measuring: Measuring = field(default_factory=Measuring)


@dataclass(frozen=True)
class Measured:
    """Weights and what they made of a cohort.

    Attributes
    ----------
    weights : Weights
        Whose.
    recipe : Recipe
        Its targets are the columns of ``scores``.
    seen : Seen
        Of whom.
    outputs : mapping
        By network and output.
    raw : ndarray
        float64, shape (example, target): scores as the recipe makes them.
    configuration : mapping of str to str
        The site's settings, where nothing is learned and they decide.
    """

    weights: Weights
    recipe: Recipe
    seen: Seen
    outputs: Mapping[str, Outputs]
    raw: NDArray[np.float64]
    configuration: Mapping[str, str] = field(default_factory=dict)

    @property
    def points(self) -> Mapping[str, OperatingPoint]:
        """Operating points by finding, as served."""
        return self.weights.operating_points or self.recipe.points

    @property
    def answered(self) -> Sequence[tuple[int, Target]]:
        """The targets that the weights were taught, each after its column of the scores."""
        return answered(self.recipe.TARGETS, self.weights.parameters)

    @cached_property
    def judged(self) -> NDArray[np.float64]:
        """Score and threshold as served: calibrated, and of the patient's group.

        float64, shape (example, target, 2); NaN where there is no score.
        """
        sexes = _column(self.seen.rows, "sex")
        ages = _column(self.seen.rows, "age_years")
        told = np.full((*self.raw.shape, 2), np.nan)
        for i, target in self.answered:
            point = self.points[target.finding]
            for row in np.flatnonzero(np.isfinite(self.raw[:, i])):
                told[row, i] = point.judge(float(self.raw[row, i]), sexes[row], ages[row])
        return told

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores as served, shape (example, target)."""
        return self.judged[..., 0]

    def evaluations(self) -> list[Evaluation]:
        """Return the figures of each target of which there are cases of both classes."""
        found = []
        for i, target in self.answered:
            scores, truth = self.scores[:, i], target.truth(self.seen.labels)
            known = truth[np.isfinite(truth) & np.isfinite(scores)]
            if 0 < known.sum() < len(known):
                threshold = self.points[target.finding].threshold
                at = self.judged[:, i, 1]
                found.append(evaluation_of(target, self.seen, scores, threshold, at))
        return found


def measure(subject: Subject, cohort: Cohort, console: Console) -> Measured:
    """Let a model's weights score a cohort.

    Parameters
    ----------
    subject : Subject
        The model, as it is served.
    cohort : Cohort
        Of patients whom the weights were not trained with.
    console : Console
        Where the progress bar goes.

    Raises
    ------
    EngineMismatch
        If the weights are not what their manifest promises.
    """
    recipe = recipe_of(subject.model, subject.measuring)
    weights = read_weights(subject.model, subject.root)
    look = Look(named(subject.model).CARD.exam, recipe, weights.parameters, subject.kept)
    seen = see(cohort, look, console)
    engines = {name: load(weights.folder / file) for name, (file, _) in weights.engines.items()}
    networks = recipe.networks(weights.parameters)
    outputs = outputs_of(networks, engines, seen) if networks else {AS_SEEN: seen.arrays}
    scores = recipe.scores(outputs, weights.parameters)
    settings = configuration_of(weights, subject.measuring)
    return Measured(weights, recipe, seen, outputs, scores, settings)


def outputs_of(
    networks: Sequence[Network], engines: Mapping[str, Callable[[Arrays], Arrays]], seen: Seen
) -> dict[str, Outputs]:
    """Run networks; where one lacks an input of an example, its outputs there are NaN."""
    found: dict[str, Outputs] = {}
    for network in networks:
        there = np.flatnonzero(np.all([seen.there[name] for name in network.inputs], axis=0))
        parts = []
        for start in range(0, len(there), _BATCH):
            chosen = there[start : start + _BATCH]
            batch = {name: seen.arrays[name][chosen] for name in network.inputs}
            parts.append(engines[network.name](_exact(batch)))
        whole = {}
        for name in network.outputs:
            array = np.concatenate([part[name] for part in parts])
            whole[name] = np.full((len(seen.labels), *array.shape[1:]), np.nan, np.float32)
            whole[name][there] = array
        found[network.name] = whole
    return found


def torch_engine(net: nn.Module, network: Network) -> Callable[[Arrays], Arrays]:
    """Return an engine that runs a net as it is, without export."""

    def run(arrays: Arrays) -> Arrays:
        with torch.no_grad():
            out = net(*(torch.from_numpy(arrays[name]) for name in network.inputs))
        outputs = out if isinstance(out, tuple) else (out,)
        return {name: array.numpy() for name, array in zip(network.outputs, outputs, strict=True)}

    return run


def evaluation_of(
    target: Target,
    seen: Seen,
    scores: NDArray[np.float64],
    threshold: float,
    thresholds: NDArray[np.float64] | None = None,
) -> Evaluation:
    """Return the figures of one target over the examples whose truth and score are known.

    Parameters
    ----------
    target : Target
        Says what is true.
    seen : Seen
        Whom the scores are of.
    scores : ndarray
        float64, shape (example,).
    threshold : float
        The operating point's own.
    thresholds : ndarray, optional
        float64, shape (example,): of each patient's group, where groups have their own.
    """
    truth = target.truth(seen.labels)
    judged = np.isfinite(truth) & np.isfinite(scores)
    ill, known = truth[judged] > 0, scores[judged]
    # how far above the threshold: the same comparison, exactly, where each has another one
    above = known - (threshold if thresholds is None else thresholds[judged])
    return Evaluation(
        finding=target.finding,
        unit=target.unit,
        patients=int(seen.rows.loc[judged, "PatientID"].nunique()),
        examples=len(known),
        positive=int(ill.sum()),
        threshold=threshold,
        auc=auc(known, ill),
        sensitivity=sensitivity(above, ill, 0.0),
        specificity=specificity(above, ill, 0.0),
        youden_threshold=youden_threshold(known, ill),
    )


def scores_table(seen: Seen, targets: Sequence[Target], scores: NDArray[np.float64]) -> Table:
    """Return the cohort's rows with ``truth FINDING`` and ``score FINDING`` of each target."""
    rows = seen.rows.copy()
    for i, target in enumerate(targets):
        rows[f"truth {target.finding}"] = target.truth(seen.labels)
        rows[f"score {target.finding}"] = scores[:, i]
    return rows


def _column(rows: Table, name: str) -> list[Any]:
    """Return a column's values, None for what is unknown."""
    if name not in rows:
        return [None] * len(rows)
    return [None if value != value else value for value in rows[name].astype(object)]


def _exact(arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    return {name: array.astype(np.float32) for name, array in arrays.items()}
