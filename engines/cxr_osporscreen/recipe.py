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
from engines.lab.labels import lowest_t_score
from engines.lab.loop import Inputs, Lesson, Schedule
from engines.lab.recipes import Filming, Network, Outputs, Row, Target
from engines.phantoms.people.person import OSTEOPOROSIS_T

#: Of the weights that this recipe makes; goes up whenever they would come out differently.
VERSION = "3"

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
SCHEDULE = Schedule(epochs=20, batch_size=16, learning_rate=2e-3, weight_decay=1e-2)

# Not stated by the paper. How far a training film is moved and its tones are bent.
_SHIFT, _ZOOM, _TURN_RAD = 0.06, 0.10, 0.07
_GAMMA, _NOISE = 0.2, 0.01

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


def tune(outputs: Mapping[str, Outputs], labels: NDArray[np.float32]) -> dict[str, Any]:
    """Fit nothing."""
    return {}


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
    return {FILM: augmented(inputs[FILM], draw)}


def augmented(films: Tensor, draw: torch.Generator) -> Tensor:
    """Move, turn, mirror and re-expose films.

    Parameters
    ----------
    films : Tensor
        float32, shape (N, 1, size, size), range [0, 1].
    draw : Generator
        The source of chance.

    Returns
    -------
    Tensor
        Same shape and range.
    """
    moved = _move(films, draw)
    gamma = torch.exp(_GAMMA * _normal(len(films), draw)).view(-1, 1, 1, 1)
    noise = _NOISE * torch.rand(len(films), generator=draw).view(-1, 1, 1, 1)
    toned = moved.clamp(1e-4, 1) ** gamma
    return (toned + noise * torch.randn(films.shape, generator=draw)).clamp(0, 1)


def _move(films: Tensor, draw: torch.Generator) -> Tensor:
    n = len(films)
    angle = _TURN_RAD * _normal(n, draw)
    zoom = torch.exp(_ZOOM * (2 * torch.rand(n, generator=draw) - 1))
    mirror = torch.where(torch.rand(n, generator=draw) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shift = 2 * _SHIFT * (2 * torch.rand((n, 2), generator=draw) - 1)
    first = torch.stack([cos * mirror, -sin, shift[:, 0]], dim=1)
    second = torch.stack([sin * mirror, cos, shift[:, 1]], dim=1)
    grid = functional.affine_grid(
        torch.stack([first, second], dim=1), list(films.shape), align_corners=False
    )
    return functional.grid_sample(films, grid, align_corners=False)


def _normal(n: int, draw: torch.Generator) -> Tensor:
    return torch.randn(n, generator=draw).clamp(-2, 2)
