"""Well-known networks by name, as trunks: films or slices in, feature maps and features out.

The networks are torchvision's; a paper's folder adds its own head. Nothing is downloaded: weights
pretrained elsewhere come from a file that the site supplies, and its licence is the site's to read.
"""

import copy
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from engines.errors import EngineMismatch

# The registry has torchvision built for CUDA alone. Beside a torch without it, its compiled part
# cannot be loaded, and its import ends in an error unless somebody declares these two operators of
# detection, which nothing here uses.
_OPERATORS: Final = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
if torch.version.cuda is None and not version("torchvision").endswith("+cpu"):
    for _name in ("nms", "qnms"):
        _declaration = f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        _OPERATORS.define(_declaration)  # type: ignore[no-untyped-call]

from torchvision import models  # noqa: E402 - not before the operators are declared

#: Mean and SD that pretrained weights expect of red, green and blue.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
#: What Inception's weights expect, which come from TensorFlow.
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

_FOLDER: Final = "PRETRAINED_NETWORKS"

#: Pixels of a side of the input unless the caller says otherwise.
IMAGE_SIZE_PX: Final = 224


class Trunk(nn.Module):
    """A network without its classifier.

    Attributes
    ----------
    channels : int
        Of its feature maps and of its pooled features.
    """

    def __init__(self, layers: nn.Module, channels: int, expected: tuple[Any, Any]) -> None:
        super().__init__()
        self.layers, self.channels = layers, channels
        for name, values in zip(("mean", "spread"), expected, strict=True):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def maps(self, images: Tensor) -> Tensor:
        """Return the last feature maps, for heads that pool themselves and for Grad-CAM.

        Parameters
        ----------
        images : Tensor
            float32, shape (N, 1 or 3, row, column), range [0, 1]; grey is shown as red, green and
            blue alike.

        Returns
        -------
        Tensor
            float32, shape (N, channels, h, w); of a transformer its patches, as they lie.
        """
        found: Tensor = self.layers(self._shown(images))
        return found

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return feature maps and, shape (N, channels), their mean; of a ViT its class token."""
        maps = self.maps(images)
        return maps, maps.mean(dim=(2, 3))

    def _shown(self, images: Tensor) -> Tensor:
        mean, spread = self.get_buffer("mean"), self.get_buffer("spread")
        return (images.expand(-1, 3, -1, -1) - mean) / spread


class TransformerTrunk(Trunk):
    """A vision transformer; ``layers`` is torchvision's, its blocks at ``layers.encoder.layers``.

    It takes one size of image: that which it was built for.
    """

    def maps(self, images: Tensor) -> Tensor:
        """As :meth:`Trunk.maps`."""
        return self.forward(images)[0]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`Trunk.forward`."""
        layers: Any = self.layers
        patches = layers._process_input(self._shown(images))
        first = layers.class_token.expand(patches.shape[0], -1, -1)
        tokens = layers.encoder(torch.cat([first, patches], dim=1))
        side = layers.image_size // layers.patch_size
        return tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side)), tokens[:, 0]


@dataclass(frozen=True)
class _Family:
    """How a family of networks is built and cut.

    Attributes
    ----------
    cut : callable
        Torchvision's network -> what makes its feature maps.
    options : mapping
        For the builder.
    expected : (mean, SD)
        Of the input that pretrained weights know.
    sized : bool
        Whether the network is built for one size of image.
    """

    cut: Callable[[Any], nn.Module]
    options: Mapping[str, Any]
    expected: tuple[Any, Any] = _IMAGENET
    sized: bool = False


def _without(*ends: str) -> Callable[[nn.Module], nn.Module]:
    """Return a cut that leaves these children out of a network that is a plain sequence."""
    return lambda net: nn.Sequential(
        *(child for name, child in net.named_children() if name not in ends)
    )


_RESIDUAL = _Family(_without("avgpool", "fc"), {})
_FEATURES = _Family(lambda net: net.features, {})
# DenseNet ends its features with a function, not a layer
_DENSE = _Family(lambda net: nn.Sequential(net.features, nn.ReLU()), {})
_INCEPTION = _Family(
    _without("AuxLogits", "avgpool", "dropout", "fc"), {"init_weights": False}, _HALF
)
_TRANSFORMER = _Family(lambda net: net, {}, sized=True)

_FAMILIES: Final[Mapping[str, _Family]] = {
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), _RESIDUAL),
    **dict.fromkeys(("resnext50_32x4d", "wide_resnet50_2"), _RESIDUAL),
    **dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), _DENSE),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"), _FEATURES),
    **dict.fromkeys(("efficientnet_b0", "efficientnet_b1", "efficientnet_b4"), _FEATURES),
    **dict.fromkeys(("convnext_tiny", "vgg16", "vgg16_bn"), _FEATURES),
    "inception_v3": _INCEPTION,
    **dict.fromkeys(("vit_b_16", "vit_b_32", "vit_l_16"), _TRANSFORMER),
}

#: The networks there are.
NAMES: Final = tuple(_FAMILIES)


def supplied(name: str) -> Path | None:
    """Return the site's own file of pretrained weights of a network, if there is one.

    It is ``NAME.pth`` in the folder that the environment variable ``PRETRAINED_NETWORKS`` names.
    """
    folder = os.environ.get(_FOLDER)
    file = Path(folder, f"{name}.pth") if folder else None
    return file if file and file.exists() else None


def trunk(name: str, pretrained: Path | None = None, image_size_px: int = IMAGE_SIZE_PX) -> Trunk:
    """Build a network without its classifier.

    Parameters
    ----------
    name : str
        One of ``NAMES``; torchvision's own.
    pretrained : Path, optional
        A file of weights for torchvision's whole network of that name, as ``torch.save`` writes
        its ``state_dict``; else they are drawn from torch's generator.
    image_size_px : int
        Side of the square image; of meaning to transformers alone.

    Raises
    ------
    KeyError
        If there is no network of that name.
    EngineMismatch
        If the file is no weights of that network.
    """
    family = _FAMILIES[name]
    options = dict(family.options)
    if family.sized:
        options["image_size"] = image_size_px
    net = models.get_model(name, weights=None, **options)
    if pretrained is not None:
        _fill(net, name, pretrained)
    if family.sized:
        return TransformerTrunk(net, net.hidden_dim, family.expected)
    layers = family.cut(net)
    return Trunk(layers, _channels(layers), family.expected)


def _fill(net: nn.Module, name: str, pretrained: Path) -> None:
    try:
        # weights_only: a file from elsewhere must not run code
        net.load_state_dict(torch.load(pretrained, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise EngineMismatch(f"{pretrained}: no weights of {name}: {error}") from error


def _channels(layers: nn.Module) -> int:
    """Count the channels of the maps, on shapes alone."""
    shapes = copy.deepcopy(layers).to("meta").eval()
    found: int = shapes(torch.empty(1, 3, 96, 96, device="meta")).shape[1]
    return found
