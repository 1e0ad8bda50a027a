"""The network: a chest film in, a probability and its class activation map out.

Jang 2022 does not name a backbone, so this one is ours: a small residual network that trains on a
laptop and runs anywhere. ``BACKBONES`` is where another one is added; it only has to turn a film
and its fine detail (N, 2, size, size) into feature maps (N, channels, h, w).

Why the map is Grad-CAM: the score is ``w . mean(A) + b`` over feature maps ``A``. The gradient of
the score by any pixel of ``A_k`` is then ``w_k / (h w)``, which is what Grad-CAM averages to weight
``A_k``. So ``relu(sum_k w_k A_k)`` is Grad-CAM up to a constant factor, without a backward pass,
and it can leave the same exported graph as the score (Selvaraju 2017, section 3.1; Zhou 2016).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

#: What is finer than so many pixels is detail, and how much it is lifted.
_FINE_PX, _LIFT = 9, 4.0


class Block(nn.Module):
    """Two convolutions with a shortcut; halves the map."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.first = _convolve(channels_in, channels, stride=2)
        self.second = _convolve(channels, channels, stride=1)
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(channels_in, channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Shape (N, channels_in, h, w) -> (N, channels, h / 2, w / 2)."""
        deeper = self.second(functional.relu(self.first(maps)))
        return functional.relu(deeper + self.shortcut(maps))


def _convolve(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )


def small_residual() -> tuple[nn.Module, int]:
    """Build the default backbone: 0.2 million weights, maps of 1/16 of the film's size."""
    stem = nn.Sequential(
        nn.Conv2d(2, 32, kernel_size=8, stride=4, padding=2, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
    )
    return nn.Sequential(stem, Block(32, 48), Block(48, 96)), 96


#: Name -> builder of (backbone, its number of channels).
BACKBONES: dict[str, Callable[[], tuple[nn.Module, int]]] = {"small-residual": small_residual}


def normalised(film: Tensor) -> Tensor:
    """Return films (N, 1, h, w) without their exposure's brightness and contrast, same shape."""
    centred = film - film.mean(dim=(2, 3), keepdim=True)
    spread = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
    return centred / (spread + 1e-3)


def with_detail(shown: Tensor) -> Tensor:
    """Return normalised films (N, 1, h, w) and beside them what is fine: (N, 2, h, w).

    Ribs and struts are faint beside lungs and heart; alone they are seen as well.
    """
    around = _FINE_PX // 2
    # along rows, then along columns: ONNX Runtime sums a square window pixel by pixel
    along_rows = functional.avg_pool2d(shown, (1, _FINE_PX), stride=1, padding=(0, around))
    coarse = functional.avg_pool2d(along_rows, (_FINE_PX, 1), stride=1, padding=(around, 0))
    return torch.cat([shown, _LIFT * (shown - coarse)], dim=1)


class ChestNet(nn.Module):
    """Chest film -> osteoporosis probability, with the map that explains it.

    Attributes
    ----------
    head : Linear
        Mean of the feature maps -> logit.
    density : Linear
        Mean of the feature maps -> T-score, learned beside the label to teach the features; not
        exported.
    """

    head: nn.Linear
    density: nn.Linear

    def maps(self, film: Tensor) -> Tensor:
        """Return feature maps (N, channels, h, w) of films (N, 1, size, size)."""
        raise NotImplementedError

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor]:
        """Screen films.

        Parameters
        ----------
        film : Tensor
            float32, shape (N, 1, size, size), range [0, 1], bone white.

        Returns
        -------
        probability : Tensor
            float32, shape (N, 1), range [0, 1].
        cam : Tensor
            float32, shape (N, h, w), at least 0: Grad-CAM of the score, up to a constant factor.
        """
        maps = self.maps(film)
        logit = self.head(maps.mean(dim=(2, 3)))
        cam = torch.einsum("nchw,c->nhw", maps, self.head.weight[0])
        return torch.sigmoid(logit), functional.relu(cam)


class OsPorScreen(ChestNet):
    """Chest film -> osteoporosis probability, with the map that explains it.

    Parameters
    ----------
    backbone : str
        A name in ``BACKBONES``; not stated by the paper.
    """

    def __init__(self, backbone: str = "small-residual") -> None:
        super().__init__()
        self.features, channels = BACKBONES[backbone]()
        self.head = nn.Linear(channels, 1)
        self.density = nn.Linear(channels, 1)

    def maps(self, film: Tensor) -> Tensor:
        """Return feature maps (N, channels, h, w) of films (N, 1, size, size)."""
        found: Tensor = self.features(with_detail(normalised(film)))
        return found
