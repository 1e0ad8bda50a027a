"""Train a model on a cohort: a run, and the folder it leaves.

``RUN/run.json`` says what was asked, ``RUN/cohort.csv`` who was split how, ``RUN/left_out.csv``
who was left out and why; ``RUN/nets/NETWORK/`` holds checkpoint and log, ``RUN/fold-K/NETWORK/``
those of each fold, ``RUN/scores.csv`` what set the thresholds, and ``RUN/MODEL/`` the weights.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.model_selection import StratifiedGroupKFold
from torch import nn

from engines.cards import OperatingPoint, TrainedOn
from engines.catalog import named
from engines.lab.build import Release, export, write_manifest
from engines.lab.cohort import TRAIN, TUNE, Cohort, write_cohort
from engines.lab.evaluation import (
    Evaluation,
    evaluation_of,
    outputs_of,
    scores_table,
    torch_engine,
)
from engines.lab.figures import amid_gap, threshold_for_sensitivity
from engines.lab.likeness import likeness_told
from engines.lab.loop import Examples, Logbook, train
from engines.lab.recipes import Outputs, Target, answered, recipe_of
from engines.lab.seeing import Look, Seen, see
from engines.likeness import KEY
from engines.runtime.loading import load

_ORDER = "run.json"
#: The folder of checkpoints in a run.
NETS = "nets"


class OtherRun(Exception):
    """The folder holds a run that was ordered otherwise."""


@dataclass(frozen=True)
class Order:
    """What is to be trained.

    Attributes
    ----------
    model : str
        The card's name.
    cohort : Cohort
        Every row has a split; those in ``test`` are not looked at.
    config : str
        One of the recipe's configurations.
    seed : int
        Of nets, order, augmentation and folds.
    folds : int
        For cross-validation; 0 for none. With folds, ``tune`` is trained on as well in the end, and
        the scores of patients out of the fold set the thresholds.
    command : str
        What makes the same again.
    changed : mapping
        Parameters that differ from the configuration's.
    """

    model: str
    cohort: Cohort
    config: str = "reference"
    seed: int = 0
    folds: int = 0
    command: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the configuration, with what was changed."""
        return {**recipe_of(self.model).CONFIGS[self.config], **self.changed}

    def said(self) -> dict[str, Any]:
        """Return the order as JSON values, the same for the same order."""
        return {
            "model": self.model,
            "version": recipe_of(self.model).VERSION,
            "config": self.config,
            "cohort": self.cohort.name,
            "seed": self.seed,
            "folds": self.folds,
            "command": self.command,
            **({"changed": dict(self.changed)} if self.changed else {}),
        }


def train_run(
    order: Order, out: Path, console: Console, kept: Path | None = None
) -> list[Evaluation]:
    """Train a model and release its weights to ``out / model``; go on where it was broken off.

    Parameters
    ----------
    order : Order
        What.
    out : Path
        The run's folder.
    console : Console
        Where progress is shown.
    kept : Path, optional
        Folder for sights; inside the run where not given.

    Returns
    -------
    list of Evaluation
        For each target that the configuration answers, on the patients who set its threshold: no
        figures to report.

    Raises
    ------
    OtherRun
        If the folder holds another run.
    """
    recipe = recipe_of(order.model)
    _keep_to_one_order(out, order)
    look = Look(named(order.model).CARD.exam, recipe, order.parameters, kept or out / "sights")
    seen = see(order.cohort.of(TRAIN, TUNE), look, console)
    write_cohort(order.cohort, out / "cohort.csv")
    seen.left_out.to_csv(out / "left_out.csv", index=False)
    return _Run(order, out, console).train(seen)


def order_of(run: Path) -> dict[str, Any]:
    """Return what a run was ordered to be, as :meth:`Order.said` has it."""
    said: dict[str, Any] = json.loads((run / _ORDER).read_text())
    return said


def _keep_to_one_order(out: Path, order: Order) -> None:
    out.mkdir(parents=True, exist_ok=True)
    file, said = out / _ORDER, order.said()
    if file.exists() and json.loads(file.read_text()) != said:
        raise OtherRun(f"{out} holds another run ({_ORDER} says which); choose another folder")
    file.write_text(json.dumps(said, indent=2) + "\n")


class _Run:
    """One order, its recipe and its folder."""

    def __init__(self, order: Order, out: Path, console: Console) -> None:
        self._order, self._out, self._console = order, out, console
        self._recipe = recipe_of(order.model)
        self._parameters = order.parameters
        self._networks = self._recipe.networks(self._parameters)
        self._answered = answered(self._recipe.TARGETS, self._parameters)

    def train(self, seen: Seen) -> list[Evaluation]:
        if self._order.folds:
            outputs = self._out_of_fold(seen)
            files = self._export(self._nets(seen, self._out / NETS), seen)
            return self._release(files, seen, seen, outputs)
        tuned = (seen.rows["split"] == TUNE).to_numpy()
        trained, tuning = seen.only(~tuned), seen.only(tuned)
        files = self._export(self._nets(trained, self._out / NETS), trained)
        engines = {name: load(file) for name, file in files.items()}
        outputs = outputs_of(self._networks, engines, tuning)
        return self._release(files, trained, tuning, outputs)

    def _nets(self, seen: Seen, folder: Path) -> list[nn.Module]:
        nets = []
        for network in self._networks:
            if network.schedule is None:
                nets.append(network.lesson.build().eval())
                continue
            there = np.all([seen.there[name] for name in network.inputs], axis=0)
            arrays = {name: seen.arrays[name][there] for name in network.inputs}
            examples = Examples(arrays, seen.labels[there])
            schedule = replace(network.schedule, seed=self._order.seed)
            logbook = Logbook(self._console, folder / network.name)
            nets.append(train(network.lesson, examples, schedule, logbook)[0])
        return nets

    def _out_of_fold(self, seen: Seen) -> dict[str, Outputs]:
        """Return what the networks make of each patient while trained on the others alone."""
        outputs: dict[str, dict[str, NDArray[np.float32]]] = {}
        _, main = self._answered[0]
        for number, held in enumerate(folds_of(seen, main, self._order), 1):
            nets = self._nets(seen.only(~held), self._out / f"fold-{number}")
            engines = {
                network.name: torch_engine(net, network)
                for network, net in zip(self._networks, nets, strict=True)
            }
            for network, part in outputs_of(self._networks, engines, seen.only(held)).items():
                for name, array in part.items():
                    whole = outputs.setdefault(network, {}).setdefault(
                        name, np.full((len(held), *array.shape[1:]), np.nan, np.float32)
                    )
                    whole[held] = array
        return dict(outputs)

    def _export(self, nets: Sequence[nn.Module], seen: Seen) -> dict[str, Path]:
        home, files = self._out / self._order.model, {}
        for network, net in zip(self._networks, nets, strict=True):
            name = "model" if len(nets) == 1 else network.name
            example = {one: seen.arrays[one][:4].astype(np.float32) for one in network.inputs}
            files[network.name] = export(net, example, network.outputs, home / f"{name}.onnx")
        return files

    def _release(
        self, files: Mapping[str, Path], trained: Seen, tuning: Seen, outputs: Mapping[str, Outputs]
    ) -> list[Evaluation]:
        parameters = {**self._parameters, **self._recipe.tune(outputs, tuning.labels)}
        if told := likeness_told(trained, self._kind()):
            parameters[KEY] = told
        scores = self._recipe.scores(outputs, parameters)
        points = {
            target.finding: self._point(target, tuning, scores[:, i])
            for i, target in self._answered
        }
        simulated = self._order.cohort.simulated
        release = Release(
            model=self._order.model,
            version=self._recipe.VERSION,
            training=self._told(trained),
            trained_on=TrainedOn.SIMULATED if simulated else TrainedOn.PATIENTS,
            operating_points=points,
            parameters=parameters,
        )
        write_manifest(release, files, self._out / self._order.model)
        table = scores_table(tuning, self._recipe.TARGETS, scores)
        table.to_csv(self._out / "scores.csv", index=False)
        return [
            evaluation_of(target, tuning, scores[:, i], points[target.finding].threshold)
            for i, target in self._answered
        ]

    def _point(self, target: Target, tuning: Seen, scores: NDArray[np.float64]) -> OperatingPoint:
        truth = target.truth(tuning.labels)
        judged = np.isfinite(truth) & np.isfinite(scores)
        ill = truth[judged] > 0
        least = threshold_for_sensitivity(scores[judged], ill, target.wanted_sensitivity)
        found = amid_gap(least, scores[judged])
        people = tuning.rows.loc[judged, "PatientID"].nunique()
        kind = self._kind()
        others = (
            f"{people} {kind} out of their fold"
            if self._order.folds
            else (f"{people} other {kind}")
        )
        # four digits, downwards: rounding must not lose a patient
        return OperatingPoint(
            math.floor(found * 1e4) / 1e4,
            f"{target.wanted_sensitivity:.0%} sensitivity on {others} "
            f"({int(ill.sum())} with {target.finding})",
        )

    def _kind(self) -> str:
        return "simulated patients" if self._order.cohort.simulated else "patients"

    def _told(self, trained: Seen) -> str:
        _, target = self._answered[0]
        ill = int(np.nansum(target.truth(trained.labels)))
        people = trained.rows["PatientID"].nunique()
        kind = self._kind()
        taught = [n.schedule for n in self._networks if n.schedule]
        epochs = " and ".join(dict.fromkeys(str(schedule.epochs) for schedule in taught))
        others = "".join(f"; {n.name}: {n.origin}" for n in self._networks if n.origin)
        return (
            f"{people} {kind} ({ill} with {target.finding}), {epochs} epochs, by: "
            f"{self._order.command}{others}"
        )


def folds_of(seen: Seen, target: Target, order: Order) -> list[NDArray[np.bool_]]:
    """Return who is held out in each fold, shape (example,): all of a patient in one fold.

    Raises
    ------
    ValueError
        If there are fewer patients of a class than folds.
    """
    truth = np.nan_to_num(target.truth(seen.labels), nan=2.0).astype(int)
    splitter = StratifiedGroupKFold(order.folds, shuffle=True, random_state=order.seed)
    parts = splitter.split(truth, truth, seen.rows["PatientID"])
    held = []
    for _, out in parts:
        chosen = np.zeros(len(truth), bool)
        chosen[out] = True
        held.append(chosen)
    return held
