"""The image branch: a chest film in, a probability and its class activation map out.

As far as Tang 2025 is known to us: a ResNet50 pretrained on photographs; wavelet features of the
image gradient; an attention that lets them weight the feature map. How these are joined is ours::

    film -+-> backbone ------------------> maps A --> A' = A x channel gate x spatial gate --> mean
          +-> gradient -> wavelet -> maps W -----------------^-----------^             -> linear

Off switches, for the ablation: without the wavelet the gates see A alone; without the attention W
is added to A; without both A stays as it is. The map is Grad-CAM of A', exactly: see
:mod:`engines.cxr_osporscreen.net`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.cxr_multimodal.wavelet import CHANNELS, GradientWavelet
from engines.cxr_osporscreen.net import ChestNet, normalised, small_residual, with_detail

#: The backbone that is ours and trains on a laptop; every other name is the zoo's.
SMALL = "small-residual"

_WAVELET_MAPS, _SQUEEZE, _WINDOW_PX = 32, 4, 7


@dataclass(frozen=True)
class Design:
    """What the image branch is made of; the switches are those of the ablation.

    Attributes
    ----------
    backbone : str
        ``small-residual``, or a name of :data:`engines.zoo.NAMES`; the paper's is ``resnet50``.
    wavelet : str
        One of :data:`engines.cxr_multimodal.wavelet.WAVELETS`, or ``off``.
    attention : bool
        Whether gates weight the maps.
    """

    backbone: str = SMALL
    wavelet: str = "haar"
    attention: bool = True


class WithDetail(nn.Module):
    """A normalised film (N, 1, h, w) -> (N, 2, h, w): beside it what is fine in it, lifted."""

    def forward(self, shown: Tensor) -> Tensor:
        """As :func:`engines.cxr_osporscreen.net.with_detail`."""
        return with_detail(shown)


class WaveletMaps(nn.Module):
    """Wavelet features of a film's gradient, learned into as many maps as the backbone has."""

    def __init__(self, family: str, channels: int) -> None:
        super().__init__()
        self.seen = nn.Sequential(
            GradientWavelet(family),
            nn.BatchNorm2d(CHANNELS),
            nn.Conv2d(CHANNELS, _WAVELET_MAPS, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(_WAVELET_MAPS),
            nn.ReLU(),
        )
        self.widened = nn.Sequential(
            nn.Conv2d(_WAVELET_MAPS, channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )

    def forward(self, shown: Tensor, like: Tensor) -> Tensor:
        """Shape (N, 1, h, w) and maps -> shape of the maps."""
        seen: Tensor = self.seen(shown)
        size, factor = like.shape[-2:], seen.shape[-1] // like.shape[-1]
        if factor * size[-1] == seen.shape[-1]:
            seen = functional.avg_pool2d(seen, factor)
        else:
            seen = functional.interpolate(seen, size=size, mode="bilinear")
        widened: Tensor = self.widened(seen)
        return widened


class Gate(nn.Module):
    """Channel and spatial attention, after SE (Hu 2018) and CBAM (Woo 2018); not stated by Tang."""

    def __init__(self, channels: int, sources: int) -> None:
        super().__init__()
        self.channel = nn.Sequential(
            nn.Linear(sources * channels, channels // _SQUEEZE),
            nn.ReLU(),
            nn.Linear(channels // _SQUEEZE, channels),
        )
        self.place = nn.Conv2d(2 * sources, 1, _WINDOW_PX, padding=_WINDOW_PX // 2)

    def forward(self, maps: Tensor, *others: Tensor) -> Tensor:
        """Weight maps (N, C, h, w) by what they and others of their shape show."""
        sources = (maps, *others)
        which = self.channel(torch.cat([each.mean(dim=(2, 3)) for each in sources], dim=1))
        seen = [part for each in sources for part in _over_channels(each)]
        where = self.place(torch.cat(seen, dim=1))
        return maps * torch.sigmoid(which)[:, :, None, None] * torch.sigmoid(where)


def _over_channels(maps: Tensor) -> tuple[Tensor, Tensor]:
    return maps.mean(dim=1, keepdim=True), maps.amax(dim=1, keepdim=True)


class ImageBranch(ChestNet):
    """Chest film -> osteoporosis probability, with the map that explains it."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.backbone, channels, self.takes_normalised = _backbone(design)
        self.wavelet = None if design.wavelet == "off" else WaveletMaps(design.wavelet, channels)
        sources = 1 if self.wavelet is None else 2
        self.gate = Gate(channels, sources) if design.attention else None
        self.head = nn.Linear(channels, 1)
        self.density = nn.Linear(channels, 1)

    def maps(self, film: Tensor) -> Tensor:
        """Return the maps A' (N, channels, h, w) of films (N, 1, size, size)."""
        shown = normalised(film)
        maps: Tensor = self.backbone(shown if self.takes_normalised else film)
        others = () if self.wavelet is None else (self.wavelet(shown, maps),)
        if self.gate is not None:
            gated: Tensor = self.gate(maps, *others)
            return gated
        return maps + others[0] if others else maps


class _MapsOnly(nn.Module):
    """A trunk of the zoo, of which the maps alone are used."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, film: Tensor) -> Tensor:
        maps: Tensor = self.trunk(film)[0]
        return maps


def _backbone(design: Design) -> tuple[nn.Module, int, bool]:
    """Return a backbone, its number of channels, and whether it takes a normalised film."""
    if design.backbone == SMALL:
        layers, channels = small_residual()
        return nn.Sequential(WithDetail(), layers), channels, True
    # here, so that the small one needs no torchvision
    from engines import zoo

    trunk = zoo.trunk(design.backbone, zoo.supplied(design.backbone))
    return _MapsOnly(trunk), trunk.channels, False
