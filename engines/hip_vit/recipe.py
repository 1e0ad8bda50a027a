"""How the reference weights are trained: label, augmentation, loss, schedule.

The paper states three classes and its two baselines. The rest of this file is ours, not stated by
the paper.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engines.hip_vit.model import ATTENTION, ENGINE, FEMUR, PROBABILITY
from engines.hip_vit.net import HipViT
from engines.hip_vit.sights import prepare as prepare
from engines.hip_vit.sights import sights as sights
from engines.lab.camera import known
from engines.lab.jitter import Jitter
from engines.lab.loop import Inputs, Lesson, Schedule
from engines.lab.recipes import Filming, Network, Outputs, Row, Target, fit_nothing
from engines.phantoms.people.person import OSTEOPOROSIS_T

#: Of the weights that this recipe makes; goes up whenever they would come out differently.
VERSION = "3"

#: ``paper`` is the transformer for those who have films enough; the baselines are the paper's,
#: Inception at the size that its weights were made for.
CONFIGS = {
    "reference": {"input_size_px": 144, "backbone": "small-hybrid"},
    "paper": {"input_size_px": 224, "backbone": "vit_b_16"},
    "paper-resnet50": {"input_size_px": 224, "backbone": "resnet50"},
    "paper-inception": {"input_size_px": 299, "backbone": "inception_v3"},
    # the paper's baselines beside the reference, at its size
    "reference-resnet50": {"input_size_px": 144, "backbone": "resnet50"},
    "reference-inception": {"input_size_px": 144, "backbone": "inception_v3"},
}

#: The film of the pelvis alone: both hips.
FILMING = Filming(longer_side_px=(560, 720), images=1)

#: One against the rest each; thresholds are set for the first alone to be used.
TARGETS = (
    Target("osteoporosis", label=0, wanted_sensitivity=0.9),
    Target("osteopenia", label=1, wanted_sensitivity=0.9),
    Target("normal", label=2, wanted_sensitivity=0.9),
)
HEAT = (ENGINE, ATTENTION)

#: WHO's lower limit of the normal.
NORMAL_T = -1.0

SCHEDULE = Schedule(epochs=40, batch_size=16, learning_rate=1.5e-3, weight_decay=2e-2)

# How far a training film is moved and its tones are bent.
_JITTER = Jitter(shift=0.02, zoom=0.04, turn_rad=0.05, gamma=0.2, noise=0.01)

# The T-score says more of a patient than the class does.
_DENSITY_WEIGHT = 1.0


def labels(row: Row, site: str) -> tuple[float, float, float, float]:
    """Return osteoporosis, osteopenia and normal (1, 0 or NaN), and the hip's T-score.

    The lower T-score of femoral neck and total hip; of both sides the same, DXA measures one.
    """
    told = [float(row[name]) for name in ("t_neck", "t_hip") if known(row, name)]
    if not told:
        return (float("nan"),) * 4
    t = min(told)
    return float(t <= OSTEOPOROSIS_T), float(OSTEOPOROSIS_T < t < NORMAL_T), float(t >= NORMAL_T), t


def networks(parameters: Mapping[str, Any]) -> tuple[Network]:
    """Return the one network."""
    backbone, size = str(parameters["backbone"]), int(parameters["input_size_px"])
    lesson = Lesson(lambda: HipViT(backbone, size), augment, loss)
    return (Network(ENGINE, (FEMUR,), (PROBABILITY, ATTENTION), lesson, SCHEDULE),)


tune = fit_nothing


def scores(outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the probabilities, in the order of the targets."""
    return np.asarray(outputs[ENGINE][PROBABILITY], np.float64)[:, ::-1]


def loss(net: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
    """Score the class and, beside it, the T-score it was made from.

    Parameters
    ----------
    net : HipViT
        In training.
    inputs : mapping
        ``femur``: float32, shape (N, 1, size, size), range [0, 1].
    labels : Tensor
        float32, shape (N, 4), as :func:`labels` gives them.
    """
    assert isinstance(net, HipViT)
    features, _ = net.backbone(inputs[FEMUR])
    # the network counts from normal up
    which = functional.cross_entropy(net.head(features), labels[:, :3].flip(1))
    density = functional.smooth_l1_loss(net.density(features), labels[:, 3:])
    return which + _DENSITY_WEIGHT * density


def augment(inputs: Inputs, draw: torch.Generator) -> Inputs:
    """Move, turn and re-expose femora; never mirror them: outwards is to the right."""
    return {FEMUR: _JITTER.changed(inputs[FEMUR], draw)}
