"""The network: five vertebral bodies and the muscles in, fractures and the years to the next out.

The abstract says multitask and no more. One encoder reads every view; bone and muscle have a first
layer of their own. Detection scores each vertebra and asks whether any is fractured. Attention
weighs the vertebrae, as in the authors' earlier attention CNN-RNN (Kong 2024); from them and the
muscle it is told what can be measured. Prediction rests on that and on the fracture that is seen:
four weights and a baseline, for in a cohort that can be had few fracture (ours).

``small`` is ours and trains on a laptop: 0.2 million weights.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines import zoo
from engines.ct_multitask.hazards import YEARS, fracture_free
from engines.ct_multitask.inputs import LEVELS
from engines.cxr_osporscreen.net import Block

DETECTION, PREDICTION = "detection", "prediction"
HAZARDS, COX = "hazards", "cox"

_FEATURES = 64
#: What can be measured on the same scan, learned beside the tasks to teach the features.
MEASURED = 3
# A fracture is rare in one vertebra, and rarer in one year.
_RARE, _RARER = -3.0, -4.0
# How far a step moves the few weights of time, against those of the encoder: else the steps of a
# training are spent on how many fracture, and none is left for who.
_PACE = 10.0
# Views are shown larger to networks that were made for photographs.
_PAPER_PX = 96


class Small(nn.Module):
    """Views (N, 1, 48, 48) -> maps (N, 96, 6, 6)."""

    channels = 96

    def __init__(self) -> None:
        super().__init__()
        self.bone, self.muscle = _first(), _first()
        self.deeper = nn.Sequential(Block(24, 48), Block(48, self.channels))

    def forward(self, bone: Tensor, muscle: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps of both kinds of view."""
        return self.deeper(self.bone(bone)), self.deeper(self.muscle(muscle))


def _first() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 24, kernel_size=5, stride=2, padding=2, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
    )


class Large(nn.Module):
    """A well-known network for both kinds of view, each with a first layer of its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.bone, self.muscle = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)
        self.trunk = zoo.trunk(name, zoo.supplied(name))
        self.channels = self.trunk.channels

    def forward(self, bone: Tensor, muscle: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps of both kinds of view."""
        return self._maps(self.bone(bone)), self._maps(self.muscle(muscle))

    def _maps(self, views: Tensor) -> Tensor:
        shown = functional.interpolate(views, size=(_PAPER_PX, _PAPER_PX), mode="bilinear")
        return self.trunk.maps(shown)


class Encoder(nn.Module):
    """All views of a patient -> features (N, 6, 64), zero for a view that there is not."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.backbone: Any = Small() if backbone == "small" else Large(backbone)
        self.place = nn.Parameter(torch.zeros(len(LEVELS) + 1, _FEATURES))
        self.read = nn.Linear(2 * self.backbone.channels, _FEATURES)

    def forward(self, views: Tensor, seen: Tensor) -> Tensor:
        """Views (N, 6, 48, 48) and which there are (N, 6)."""
        count = len(LEVELS)
        bone, muscle = self.backbone(views[:, :count].flatten(0, 1)[:, None], views[:, count:])
        pooled = [
            _pooled(bone).reshape(-1, count, 2 * self.backbone.channels),
            _pooled(muscle)[:, None],
        ]
        features = functional.relu(self.read(torch.cat(pooled, dim=1)) + self.place)
        return features * seen[:, :, None]


def _pooled(maps: Tensor) -> Tensor:
    return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


class CtMultitask(nn.Module):
    """Views -> fractures seen, each vertebra's part in it, and the fracture-free curve.

    Parameters
    ----------
    backbone : str
        ``small``, or a name in :data:`engines.zoo.NAMES`.
    muscle : bool
        Whether the muscle is looked at; else the bone alone (the paper's ablation).
    head : {'hazards', 'cox'}
        Of prediction.
    """

    def __init__(self, backbone: str = "small", muscle: bool = True, head: str = HAZARDS) -> None:
        super().__init__()
        self.with_muscle, self.head = muscle, head
        self.encoder = Encoder(backbone)
        self.level = nn.Linear(3 * _FEATURES, 1)
        self.attention = nn.Linear(_FEATURES, 1)
        self.drop = nn.Dropout(0.2)
        self.together = nn.Linear(2 * _FEATURES, 32)
        self.measured = nn.Linear(32, MEASURED)
        self.risk = nn.Linear(MEASURED + 1, 1, bias=False)
        self.yearly = nn.Parameter(torch.full((YEARS,), _RARER / _PACE))
        nn.init.constant_(self.level.bias, _RARE)
        nn.init.zeros_(self.risk.weight)

    def told(self, views: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the losses need.

        Returns
        -------
        level : Tensor
            Shape (N, 5): log odds of a fracture in each vertebra; very low where it is not seen.
        time : Tensor
            Shape (N, 5), log odds of the yearly hazards; or (N, 1), the log of Cox's risk. Both
            rise by the same with what is seen of a patient, whatever the year.
        measured : Tensor
            Shape (N, 3): density, muscle area and its fat, each about 0 with an SD of about 1.
        """
        features = self.encoder(views, seen)
        bone, there = features[:, :-1], seen[:, :-1]
        level = self.level(_beside_neighbours(bone))[..., 0]
        level = torch.where(there > 0, level, torch.full_like(level, -12.0))
        weight = torch.where(there > 0, self.attention(bone)[..., 0], torch.full_like(there, -12.0))
        spine = (torch.softmax(weight, dim=1)[..., None] * bone).sum(dim=1)
        muscle = features[:, -1] if self.with_muscle else torch.zeros_like(spine)
        found = functional.relu(self.together(self.drop(torch.cat([spine, muscle], dim=1))))
        measured = self.measured(found)
        return level, self.ahead(measured, _any(level)), measured

    def ahead(self, measured: Tensor, fracture: Tensor) -> Tensor:
        """Return ``time``, of what is measured (N, 3) and of a fracture seen (N, 1)."""
        risk: Tensor = _PACE * self.risk(torch.cat([measured, fracture], dim=1))
        return risk + _PACE * self.yearly if self.head == HAZARDS else risk

    def forward(self, views: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Screen patients.

        Parameters
        ----------
        views, seen : Tensor
            float32, shape (N, 6, 48, 48) and (N, 6); as
            :func:`engines.ct_multitask.inputs.prepared` gives them.

        Returns
        -------
        fracture : Tensor
            float32, shape (N, 1), range [0, 1]: that any vertebra that is seen is fractured.
        level : Tensor
            float32, shape (N, 5), range [0, 1]: that each one is.
        time : Tensor
            float32, shape (N, 5): probability of no new fracture by the end of each year; of a Cox
            head, shape (N, 1), the log of the risk against the baseline.
        """
        level, time, _ = self.told(views, seen)
        free = fracture_free(time) if self.head == HAZARDS else time
        return _any(level), torch.sigmoid(level), free


def _any(level: Tensor) -> Tensor:
    """Return the probability that any vertebra is fractured, shape (N, 1)."""
    return 1 - torch.exp(-functional.softplus(level).sum(dim=1, keepdim=True))


def _beside_neighbours(bone: Tensor) -> Tensor:
    """Show each vertebra with those above and below: lost height is seen against theirs."""
    around = functional.pad(bone, (0, 0, 1, 1))
    return torch.cat([bone, around[:, :-2], around[:, 2:]], dim=2)


def transferred(net: CtMultitask, kept: Path) -> CtMultitask:
    """Give a net what another one learned, e.g. to predict what one that detects has learned.

    Parameters
    ----------
    net : CtMultitask
        Gets the encoder and the scores of vertebrae; its head of time begins anew.
    kept : Path
        ``checkpoint.pt`` of a run of the same backbone.
    """
    state = torch.load(kept, map_location="cpu", weights_only=True)["net"]
    shared = {k: v for k, v in state.items() if k.startswith(("encoder.", "level."))}
    net.load_state_dict(shared, strict=False)
    return net
