"""How the reference weights are trained: label, augmentation, loss, schedule.

Jang 2022 states the label. The rest of this file is ours, not stated by the paper.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engines.cxr_osporscreen.model import CAM, ENGINE, FILM, PROBABILITY
from engines.cxr_osporscreen.net import ChestNet, OsPorScreen
from engines.cxr_osporscreen.sights import prepare as prepare
from engines.cxr_osporscreen.sights import sights as sights
from engines.lab.jitter import Jitter
from engines.lab.labels import lowest_t_score
from engines.lab.loop import Inputs, Lesson, Schedule
from engines.lab.recipes import Filming, Network, Outputs, Row, Target, fit_nothing
from engines.phantoms.people.person import OSTEOPOROSIS_T

#: Of the weights that this recipe makes; goes up whenever they would come out differently.
VERSION = "6"

#: Not stated by the paper, which compares several sizes and regions. ``paper`` is for those who
#: have films enough: a larger input, the same net.
CONFIGS = {
    "reference": {"input_size_px": 256, "region": "whole", "backbone": "small-residual"},
    "paper": {"input_size_px": 512, "region": "whole", "backbone": "small-residual"},
}

#: Larger than the input sizes in use, so that films are reduced as in service; the frontal alone.
FILMING = Filming(longer_side_px=(320, 460), images=1)

#: Part of the osteoporotic that the threshold is set to find; not stated by the paper.
TARGETS = (Target("osteoporosis", label=0, wanted_sensitivity=0.9),)
HEAT = (ENGINE, CAM)

#: Not stated by the paper.
SCHEDULE = Schedule(epochs=36, batch_size=16, learning_rate=2e-3, weight_decay=1e-2)

# Not stated by the paper. How far a training film is moved and its tones are bent.
_JITTER = Jitter(shift=0.06, zoom=0.10, turn_rad=0.07, gamma=0.2, noise=0.01, mirrors=True)

# Not stated by the paper. The T-score says more of a patient than the label does.
_DENSITY_WEIGHT = 1.0


def labels(row: Row, site: str) -> tuple[float, float]:
    """Return osteoporosis (1, 0 or NaN) and the lowest T-score, as Jang 2022 labels its films."""
    lowest = lowest_t_score(row)
    return (float(lowest <= OSTEOPOROSIS_T) if lowest == lowest else lowest), lowest


def networks(parameters: Mapping[str, Any]) -> tuple[Network]:
    """Return the one network."""
    lesson = Lesson(lambda: OsPorScreen(str(parameters["backbone"])), augment, loss)
    return (Network(ENGINE, (FILM,), (PROBABILITY, CAM), lesson, SCHEDULE),)


tune = fit_nothing


def scores(outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the network's probability."""
    return np.asarray(outputs[ENGINE][PROBABILITY], np.float64)


def loss(net: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
    """Score the label and, beside it, the T-score it was made from.

    Parameters
    ----------
    net : ChestNet
        In training.
    inputs : mapping
        ``film``: float32, shape (N, 1, size, size), range [0, 1].
    labels : Tensor
        float32, shape (N, 2): osteoporosis (0 or 1), lowest T-score of the three sites.
    """
    assert isinstance(net, ChestNet)
    features = net.maps(inputs[FILM]).mean(dim=(2, 3))
    ill = functional.binary_cross_entropy_with_logits(net.head(features), labels[:, :1])
    density = functional.smooth_l1_loss(net.density(features), labels[:, 1:])
    return ill + _DENSITY_WEIGHT * density


def augment(inputs: Inputs, draw: torch.Generator) -> Inputs:
    """Move, turn, mirror and re-expose films."""
    return {FILM: _JITTER.changed(inputs[FILM], draw)}
