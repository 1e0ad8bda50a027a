"""How the reference weights are trained: labels, augmentation, losses, schedule.

The paper states two tasks and that the longitudinal part uses the detection model again. The rest
of this file is ours, not stated by the paper.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engines import zoo
from engines.ct_multitask.hazards import cox_loss, hazards_loss
from engines.ct_multitask.inputs import LEVELS
from engines.ct_multitask.model import (
    DETECTED,
    ENGINE,
    FRACTURE,
    LEVEL,
    PREDICTED,
    SEEN,
    TIME,
    VIEWED,
)
from engines.ct_multitask.net import (
    COX,
    DETECTION,
    HAZARDS,
    MEASURED,
    PREDICTION,
    CtMultitask,
    transferred,
)
from engines.ct_multitask.scanned import scanned, wanted
from engines.ct_multitask.sights import prepare as prepare
from engines.ct_multitask.sights import sights as sights
from engines.ct_multitask.survival import BASELINE, baseline_hazard, fracture_free
from engines.lab.camera import known
from engines.lab.jitter import Jitter
from engines.lab.loop import Inputs, Lesson, Schedule
from engines.lab.recipes import Filming, Network, Outputs, Row, Target

#: Of the weights that this recipe makes; goes up whenever they would come out differently.
VERSION = "2"

_REFERENCE: Mapping[str, Any] = {
    "backbone": "small",
    "tasks": [DETECTION, PREDICTION],
    "muscle": True,
    "head": HAZARDS,
}
#: The paper's comparisons by name. ``transfer`` begins with what a run of ``detection`` learned.
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "reference": _REFERENCE,
    "paper": {**_REFERENCE, "backbone": "densenet121"},
    "detection": {**_REFERENCE, "tasks": [DETECTION]},
    "prediction": {**_REFERENCE, "tasks": [PREDICTION]},
    "bone-only": {**_REFERENCE, "muscle": False},
    "transfer": {**_REFERENCE, "transfer": "ct_multitask-detection"},
    "cox": {**_REFERENCE, "head": COX},
}

FILMING = Filming(sights=scanned, wanted=wanted)

#: The first of the labels that tell of single vertebrae, and of what can be measured.
_LEVELS_AT = 3
_MEASURED_AT = _LEVELS_AT + len(LEVELS)
TARGETS = (
    Target(DETECTED, label=0, wanted_sensitivity=0.95, task=DETECTION),
    Target(PREDICTED, label=1, wanted_sensitivity=0.8, event=2, task=PREDICTION),
)
#: Which vertebrae the score is from is an output of its own; there is no map.
HEAT = None

SCHEDULE = Schedule(epochs=30, batch_size=24, learning_rate=2e-3, weight_decay=5e-2)

# By which mean and SD they are about 0 and 1 (rounded, of virtual patients).
_COLUMNS = {
    "trabecular_mg_cm3": (90.0, 40.0),
    "muscle_area_cm2": (105.0, 30.0),
    "muscle_fat_fraction": (0.2, 0.1),
}
_TIME_WEIGHT, _LEVEL_WEIGHT, _MEASURED_WEIGHT = 1.0, 1.0, 1.0
# How far a training view is moved and turned, and its tones are bent.
_SHIFT_PX, _TURN_RAD, _ZOOM = 2.5, 0.08, 0.04
_GAIN, _OFFSET, _NOISE = 0.05, 0.01, 0.02
# How often a vertebra, and the muscle, is not there.
_LOST, _NO_MUSCLE = 0.03, 0.05


def labels(row: Row, site: str) -> tuple[float, ...]:
    """Return what is true of a patient, NaN for what is unknown.

    Fractured (any of T12 to L4); years to the next fracture or the end of observation, and which;
    fractured, for each of T12 to L4; density, muscle area and its fat.

    Parameters
    ----------
    row : mapping
        ``vertebral_fractures`` as :mod:`engines.phantoms.people.table` writes it, or
        ``vertebral_fracture`` (1 or 0) where only that is known; ``followed_years`` and
        ``fractured``.
    site : str
        Not used: a case has one sight.
    """
    unknown = float("nan")
    each: tuple[float, ...] = (unknown,) * len(LEVELS)
    fractured = float(row["vertebral_fracture"]) if known(row, "vertebral_fracture") else unknown
    if "vertebral_fracture_count" in row:
        names = {part.split()[0] for part in _text(row, "vertebral_fractures").split(";") if part}
        each = tuple(float(level in names) for level in LEVELS)
        fractured = max(each)
    followed = known(row, "followed_years") and known(row, "fractured")
    time = (float(row["followed_years"]), float(row["fractured"])) if followed else (unknown,) * 2
    return (fractured, *time, *each, *(_standard(row, name) for name in _COLUMNS))


def _text(row: Row, column: str) -> str:
    return str(row[column]) if known(row, column) else ""


def _standard(row: Row, column: str) -> float:
    mean, spread = _COLUMNS[column]
    return (float(row[column]) - mean) / spread if known(row, column) else float("nan")


def networks(parameters: Mapping[str, Any]) -> tuple[Network]:
    """Return the one network.

    Its training raises FileNotFoundError if the configuration begins with what another run learned,
    and that is not there: its ``checkpoint.pt`` as ``ct_multitask-detection.pth`` in the folder
    PRETRAINED_NETWORKS.
    """
    lesson = Lesson(
        lambda: CtMultitask(parameters["backbone"], parameters["muscle"], parameters["head"]),
        augment,
        _Loss(parameters),
        begin=partial(_begun, str(parameters.get("transfer", ""))),
    )
    outputs = (FRACTURE, LEVEL, TIME)
    return (Network(ENGINE, (VIEWED, SEEN), outputs, lesson, SCHEDULE),)


def _begun(name: str, net: nn.Module) -> nn.Module:
    """Give a net what the named run learned, where one is named."""
    if not name:
        return net
    assert isinstance(net, CtMultitask)
    kept = zoo.supplied(name)
    if kept is None:
        raise FileNotFoundError(f"no {name}.pth in the folder that PRETRAINED_NETWORKS names")
    return transferred(net, kept)


def tune(outputs: Mapping[str, Outputs], labels: NDArray[np.float32]) -> dict[str, Any]:
    """Fit the baseline of a Cox head; discrete hazards need none."""
    time = np.asarray(outputs[ENGINE][TIME], np.float64)
    if time.shape[1] > 1:
        return {}
    known = np.isfinite(labels[:, 1])
    years, events = labels[known, 1].astype(np.float64), labels[known, 2] > 0
    return {BASELINE: baseline_hazard(time[known, 0], years, events)}


def scores(outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return fractures seen and the risk within five years; NaN for a task that was not taught."""
    found = outputs[ENGINE]
    free = fracture_free(found[TIME], parameters)
    both = np.stack([np.asarray(found[FRACTURE], np.float64)[:, 0], 1 - free[:, -1]], axis=1)
    return np.where([one.taught_by(parameters) for one in TARGETS], both, np.nan)


class _Loss:
    """The sum of the tasks' losses; what is unknown of an example counts for nothing."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._tasks = frozenset(parameters["tasks"])
        self._time = hazards_loss if parameters["head"] == HAZARDS else cox_loss

    def __call__(self, net: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
        assert isinstance(net, CtMultitask)
        level, time, measured = net.told(inputs[VIEWED], inputs[SEEN])
        if self._time is cox_loss:
            time = time[:, 0]
        loss = _MEASURED_WEIGHT * _mean(
            functional.smooth_l1_loss, measured, labels[:, _MEASURED_AT : _MEASURED_AT + MEASURED]
        )
        if DETECTION in self._tasks:
            loss = loss + _detection(level, inputs[SEEN][:, :-1], labels)
        if PREDICTION in self._tasks:
            loss = loss + _TIME_WEIGHT * self._time(time, labels[:, 1], labels[:, 2])
        return loss


def _detection(level: Tensor, seen: Tensor, labels: Tensor) -> Tensor:
    """Score the patient, and each vertebra that is there, where it is known of each."""
    each = torch.where(seen > 0, labels[:, _LEVELS_AT:_MEASURED_AT], torch.nan)
    # a fracture that is not shown is not to be seen
    told = torch.isfinite(each).any(dim=1)
    some = torch.where(told, each.nan_to_num().amax(dim=1), labels[:, 0])
    cross = functional.binary_cross_entropy_with_logits
    return _mean(cross, any_of(level), some) + _LEVEL_WEIGHT * _mean(cross, level, each)


def any_of(level: Tensor) -> Tensor:
    """Return the log odds that any is, of the log odds (N, level) that each is by itself."""
    none = -functional.softplus(level).sum(dim=1)
    return torch.log(-torch.expm1(none.clamp(max=-1e-6))) - none


def _mean(of: Any, told: Tensor, true: Tensor) -> Tensor:
    """Return a loss's mean over what is known."""
    known = torch.isfinite(true)
    if not known.any():
        return told.sum() * 0
    found: Tensor = of(told[known], true[known])
    return found


def augment(inputs: Inputs, draw: torch.Generator) -> Inputs:
    """Move, turn and re-expose views; leave some out. A vertebra is never mirrored."""
    views, seen = inputs[VIEWED], inputs[SEEN].clone()
    n, count = seen.shape
    jitter = Jitter(_SHIFT_PX / views.shape[-1], _ZOOM, _TURN_RAD, beyond="border")
    moved = jitter.moved(views.flatten(0, 1)[:, None], draw).reshape(views.shape)
    gain = 1 + _GAIN * torch.randn((n, 1, 1, 1), generator=draw)
    offset = _OFFSET * torch.randn((n, 1, 1, 1), generator=draw)
    noise = _NOISE * torch.rand((n, 1, 1, 1), generator=draw)
    bone = moved[:, :-1]
    bone = bone * gain + offset + noise * torch.randn(bone.shape, generator=draw)
    shown = torch.cat([bone, moved[:, -1:]], dim=1).clamp(0, 1)
    lost = torch.rand(seen.shape, generator=draw) < torch.tensor(
        [_LOST] * (count - 1) + [_NO_MUSCLE]
    )
    seen[lost] = 0
    return {VIEWED: shown * seen[:, :, None, None], SEEN: seen}
