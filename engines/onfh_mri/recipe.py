"""How the slice network is trained: labels, augmentation, loss, schedule.

The paper names its network, the nine others that it was held against are in
:data:`BASELINES`, and nothing else; the rest of this file is ours, not stated by the paper. The
LSTM is trained after it, by :mod:`engines.onfh_mri.course_recipe`.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engines.lab.camera import known
from engines.lab.jitter import Jitter
from engines.lab.loop import Inputs, Lesson, Schedule
from engines.lab.recipes import Filming, Network, Outputs, Row, Target, fit_nothing
from engines.onfh_mri.model import ENGINE, FEATURES, FINDING, HIP, PROBABILITY, SLICES
from engines.onfh_mri.model import HEAT as HEAT_MAP
from engines.onfh_mri.net import OnfhNet
from engines.onfh_mri.sides import OFFSETS
from engines.onfh_mri.sights import prepare as prepare
from engines.onfh_mri.sights import sights as sights
from engines.phantoms.body.necrosis import lesion_in
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Clinic

#: Of the weights that this recipe makes; goes up whenever they would come out differently.
VERSION = "3"

#: Ten networks as the paper has them: MobileNetV3-Large, DenseNet201 and ResNet50 are named in its
#: abstract; its own lists differ, so the others are the usual ones (ours).
BASELINES: Final = (
    "mobilenet_v3_large",
    "densenet201",
    "resnet50",
    "densenet121",
    "resnet18",
    "resnet101",
    "mobilenet_v2",
    "efficientnet_b0",
    "vgg16_bn",
    "inception_v3",
)

_SHARED: Final = {"weightings": ["T1"], "top": 2}
_PAPER: Final = {**_SHARED, "input_size_px": 224, "finer": False}
CONFIGS = {
    "reference": {
        **_SHARED,
        "input_size_px": 64,
        "backbone": "mobilenet_v3_small",
        "finer": True,
    },
    "paper": {**_PAPER, "backbone": BASELINES[0]},
    **{f"paper-{name}": {**_PAPER, "backbone": name} for name in BASELINES[1:]},
    # the ten small enough for a CPU; InceptionV3 takes no less than 75 px
    **{
        f"reference-{name}": {**_SHARED, "input_size_px": 80, "backbone": name, "finer": False}
        for name in BASELINES
    },
}

FILMING = Filming()
#: All: between ill and sound hips of virtual patients lies a wide gap, and to wish for less would
#: leave ill ones out for nothing.
TARGETS = (Target(FINDING, label=0, wanted_sensitivity=1.0),)
HEAT = (ENGINE, HEAT_MAP)

SCHEDULE = Schedule(epochs=10, batch_size=8, learning_rate=2e-3, weight_decay=2e-2)

#: What of a slice of the head is ill from which on it is a lesion, and up to which it is none.
_ILL, _SOUND = 0.06, 0.015
#: How far a training hip is moved and its tones are bent.
_JITTER = Jitter(shift=0.05, zoom=0.08, turn_rad=0.10, gamma=0.25, noise=0.03)
#: Of the loss: slices against hips, and extent and collapse, which teach the features.
_SLICE_WEIGHT, _SEVERITY_WEIGHT = 1.0, 0.5
_COLLAPSE_MM = 4.0


def labels(row: Row, site: str) -> tuple[float, ...]:
    """Return osteonecrosis (1, 0 or NaN), extent, collapse against 4 mm, and each slice's.

    A slice is labelled where the row is a virtual patient's visit; else by its hip alone.
    """
    side = {"L": "left", "R": "right"}[site]
    nothing = (float("nan"),) * len(OFFSETS)
    if not known(row, f"osteonecrosis_{side}"):
        return (float("nan"),) * 3 + nothing
    ill = float(str(row[f"osteonecrosis_{side}"]).lower() in ("1", "1.0", "true"))
    if not (known(row, "seed") and known(row, "visit")):
        return ill, float("nan"), float("nan"), *nothing
    visit = int(float(row["visit"]))
    extent = _at(row, f"osteonecrosis_{side}_extent", visit) if ill else 0.0
    collapse = _at(row, f"osteonecrosis_{side}_collapse_mm", visit) / _COLLAPSE_MM if ill else 0.0
    return ill, extent, collapse, *_of_slices(int(row["seed"]), site, visit)


def _at(row: Row, column: str, visit: int) -> float:
    return float(str(row[column]).split(";")[visit])


def _of_slices(seed: int, side: str, visit: int) -> tuple[float, ...]:
    """Say of each slice whether it shows a lesion, by how much of the head's disc is ill."""
    person = draw_person(seed, Clinic.HIP.population)
    lesion = lesion_in(person, side, visit, (np.zeros(3), 1.0))
    if lesion is None:
        return (0.0,) * len(OFFSETS)
    steps = np.linspace(-1, 1, 25)
    across, up = np.meshgrid(steps, steps)
    told = []
    for back in OFFSETS:
        places = np.stack([across, np.full_like(across, back), up], axis=-1)
        inside = np.linalg.norm(places, axis=-1) < 1.0
        part = float((lesion.depth_mm(places)[inside] > 0).mean())
        told.append(1.0 if part >= _ILL else 0.0 if part <= _SOUND else float("nan"))
    return tuple(told)


def networks(parameters: Mapping[str, Any]) -> tuple[Network]:
    """Return the slice network."""
    backbone, size = str(parameters["backbone"]), int(parameters["input_size_px"])
    top, finer = int(parameters["top"]), bool(parameters["finer"])
    lesson = Lesson(lambda: OnfhNet(backbone, size, top, finer), augment, loss)
    outputs = (PROBABILITY, SLICES, FEATURES, HEAT_MAP)
    return (Network(ENGINE, (HIP,), outputs, lesson, SCHEDULE),)


tune = fit_nothing


def scores(outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the probability of each hip."""
    return np.asarray(outputs[ENGINE][PROBABILITY], np.float64)


def loss(net: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
    """Score slices and hips, and beside them extent and collapse where they are known.

    Parameters
    ----------
    net : OnfhNet
        In training.
    inputs : mapping
        ``hip``: float32, shape (N, slice, size, size), range [0, 1].
    labels : Tensor
        float32, shape (N, 3 + slices), as :func:`labels` gives them.
    """
    assert isinstance(net, OnfhNet)
    _, slices, features = net.looked(inputs[HIP])
    ranked, where = torch.topk(slices, net.top, dim=1)
    of_hip = functional.binary_cross_entropy_with_logits(ranked.mean(dim=1), labels[:, 0])
    of_slices = _where_known(functional.binary_cross_entropy_with_logits, slices, labels[:, 3:])
    kept = torch.gather(features, 1, where.unsqueeze(2).expand(-1, -1, features.shape[2]))
    told = net.severity(kept.mean(dim=1))
    severity = _where_known(functional.smooth_l1_loss, told, labels[:, 1:3])
    return of_hip + _SLICE_WEIGHT * of_slices + _SEVERITY_WEIGHT * severity


def _where_known(of: Any, told: Tensor, truth: Tensor) -> Tensor:
    known_there = torch.isfinite(truth)
    each: Tensor = of(told, torch.nan_to_num(truth), reduction="none")
    return (each * known_there).sum() / known_there.sum().clamp(min=1)


def augment(inputs: Inputs, draw: torch.Generator) -> Inputs:
    """Move, turn and re-shade hips, all slices of one alike; never mirror: outwards is right."""
    return {HIP: _JITTER.changed(inputs[HIP], draw)}
