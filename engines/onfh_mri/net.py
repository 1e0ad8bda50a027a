"""The networks: slices of a hip in, osteonecrosis out; visits of a hip in, progression out.

The paper names MobileNetV3-Large, chosen among ten, and an LSTM over time. Any trunk of
:mod:`engines.zoo` may take the first's place. What joins slices to a hip is ours: the mean of the
highest slices, which also say what the visit is remembered by.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.zoo import trunk

#: How many numbers a visit is remembered by, and the most visits that the LSTM looks at.
FEATURES: Final = 16
VISITS: Final = 4
#: Beside the features of a visit: whether there was one, and years before the present one.
COURSE: Final = FEATURES + 2

_HIDDEN = 24


class OnfhNet(nn.Module):
    """Slices of a hip -> probability of osteonecrosis.

    Parameters
    ----------
    backbone : str
        One of :data:`engines.zoo.NAMES`.
    input_size_px : int
        Side of a slice's cut-out.
    top : int
        How many of the highest slices a hip is judged by.
    finer : bool
        Whether the last halving of a convolutional trunk is left out: maps of twice the side.
    """

    def __init__(self, backbone: str, input_size_px: int, top: int, finer: bool) -> None:
        super().__init__()
        self.trunk = trunk(backbone, image_size_px=input_size_px)
        if finer:
            _leave_out_last_halving(self.trunk)
        _quicken(self.trunk)
        self.top = top
        # both linear, so that the map of the score is exact (Grad-CAM of a linear head)
        self.embed = nn.Linear(self.trunk.channels, FEATURES)
        self.slice_score = nn.Linear(FEATURES, 1)
        # learned beside to teach the features; not exported
        self.severity = nn.Linear(FEATURES, 2)

    def forward(self, hip: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Screen hips.

        Parameters
        ----------
        hip : Tensor
            float32, shape (N, slice, size, size), range [0, 1], outwards to the right.

        Returns
        -------
        probability : Tensor
            float32, shape (N, 1), of osteonecrosis of the hip.
        slices : Tensor
            float32, shape (N, slice), of each slice.
        features : Tensor
            float32, shape (N, FEATURES): what the visit is remembered by.
        heat : Tensor
            float32, shape (N, slice, h, w), at least 0: where each slice's score came from.
        """
        maps, scores, features = self.looked(hip)
        # not by chances: those of sure slices are all 1, and each runtime picks others among equals
        highest, where = torch.topk(scores, self.top, dim=1)
        kept = torch.gather(features, 1, where.unsqueeze(2).expand(-1, -1, FEATURES)).mean(dim=1)
        weight = (self.slice_score.weight @ self.embed.weight)[0]
        heat = functional.relu(torch.einsum("nkchw,c->nkhw", maps, weight))
        probability = torch.sigmoid(highest).mean(dim=1, keepdim=True)
        return probability, torch.sigmoid(scores), kept, heat

    def looked(self, hip: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return maps (N, slice, C, h, w), scores (N, slice), features (N, slice, FEATURES)."""
        slices = hip.shape[1]
        maps, pooled = self.trunk(hip.flatten(0, 1).unsqueeze(1))
        features = self.embed(pooled)
        scores = self.slice_score(features).squeeze(1)
        return (
            maps.unflatten(0, (-1, slices)),
            scores.unflatten(0, (-1, slices)),
            features.unflatten(0, (-1, slices)),
        )


class CourseNet(nn.Module):
    """Dated visits of one hip -> probability of progression until the next: an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(FEATURES + 1, _HIDDEN)
        self.score = nn.Linear(_HIDDEN, 1)

    def forward(self, course: Tensor) -> Tensor:
        """Look at courses.

        Parameters
        ----------
        course : Tensor
            float32, shape (N, VISITS, COURSE), the present visit last: features, years before the
            present visit, and 1 where there was a visit, 0 where the course is shorter.

        Returns
        -------
        Tensor
            float32, shape (N, 1).
        """
        return torch.sigmoid(self.scored(course))

    def scored(self, course: Tensor) -> Tensor:
        """Return log odds, shape (N, 1)."""
        told, memory = (course.new_zeros(course.shape[0], _HIDDEN) for _ in range(2))
        for visit in range(VISITS):
            there = course[:, visit, -1:]
            next_told, next_memory = self.cell(course[:, visit, :-1], (told, memory))
            told = there * next_told + (1 - there) * told
            memory = there * next_memory + (1 - there) * memory
        score: Tensor = self.score(told)
        return score


def _quicken(net: nn.Module) -> None:
    """Let statistics of a batch count soon: MobileNet's own pace is that of ImageNet's steps."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.1


def _leave_out_last_halving(net: nn.Module) -> None:
    """Set the stride of the last convolution that has one of two to one."""
    strided = [
        layer for layer in net.modules() if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)
    ]
    strided[-1].stride = (1, 1)
