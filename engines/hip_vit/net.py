"""The network: a proximal femur in, probabilities of three classes and where it looked out.

The paper names a pretrained vision transformer, no variant. ``vit_b_16`` is the usual one, and the
paper's baselines are there by name. ``small-hybrid`` is ours and trains on a laptop: convolutions
make 81 patches of a femur, two layers of attention compare them.

Where a transformer looked is attention rollout (Abnar 2020): the layers' attention, averaged over
heads, half of it staying where it is, multiplied up to the class token. Of a convolutional network
it is the map of the osteoporosis score, which equals Grad-CAM for a linear head.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.cxr_osporscreen.net import Block

#: In the order of the probabilities.
CLASSES = ("normal", "osteopenia", "osteoporosis")

# What is finer than so many pixels is detail, and how much it is lifted; what is coarser than so
# many parts of a film is exposure and the patient's size.
_FINE_PX, _LIFT = 7, 3.0
_COARSE_PX, _COARSE = 8, 7
# Of each patch, for the reading by place.
_TOLD = 24


class Attention(nn.Module):
    """One layer of a transformer that tells whom each token listened to."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.answer = nn.Linear(channels, channels)
        self.think = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (N, token, channel) -> the same, and attention (N, token, token)."""
        asked = self.ask(self.before(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        scale = query.shape[-1] ** -0.5
        attention = torch.softmax(query @ key.transpose(-1, -2) * scale, dim=-1)
        heard = (attention @ value).transpose(1, 2).flatten(2)
        tokens = tokens + self.answer(heard)
        return tokens + self.think(self.after(tokens)), attention.mean(dim=1)


class SmallHybrid(nn.Module):
    """Convolutions, then attention: 0.6 million weights, patches of 1/16 of the input's size."""

    channels = 96

    def __init__(self, input_size_px: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(2, 32, kernel_size=8, stride=4, padding=2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            Block(32, 64),
            Block(64, self.channels),
        )
        with torch.no_grad():
            self.side = self.stem(torch.zeros(2, 2, input_size_px, input_size_px)).shape[-1]
        self.place = nn.Parameter(0.02 * torch.randn(1, self.side**2 + 1, self.channels))
        self.first = nn.Parameter(torch.zeros(1, 1, self.channels))
        self.layers = nn.ModuleList(Attention(self.channels, 4) for _ in range(2))
        self.last = nn.LayerNorm(self.channels)
        # cut-outs lie alike, so each place has weights of its own
        self.told = nn.Linear(self.channels, _TOLD)
        self.read = nn.Linear(_TOLD * self.side**2, self.channels)

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor]:
        """Films (N, 1, size, size) -> features (N, channels) and attention (N, side, side)."""
        patches = self.stem(_shown(film)).flatten(2).transpose(1, 2)
        tokens = (
            torch.cat([self.first.expand(patches.shape[0], -1, -1), patches], dim=1) + self.place
        )
        listened = []
        for layer in self.layers:
            tokens, attention = layer(tokens)
            listened.append(attention)
        tokens = self.last(tokens)
        features = tokens[:, 0] + self.read(self.told(tokens[:, 1:]).flatten(1))
        return features, rolled_out(listened).reshape(-1, self.side, self.side)


class LibraryTransformer(nn.Module):
    """A vision transformer of the library, asked for its attention."""

    def __init__(self, name: str, input_size_px: int) -> None:
        super().__init__()
        from engines.zoo import trunk

        self.trunk = trunk(name, image_size_px=input_size_px)
        self.channels = self.trunk.channels

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`SmallHybrid.forward`."""
        layers: Any = self.trunk.layers
        patches = layers._process_input(self.trunk._shown(film))
        first = layers.class_token.expand(patches.shape[0], -1, -1)
        tokens = torch.cat([first, patches], dim=1) + layers.encoder.pos_embedding
        listened = []
        for block in layers.encoder.layers:
            asked = block.ln_1(tokens)
            heard, attention = block.self_attention(asked, asked, asked, need_weights=True)
            tokens = tokens + heard
            tokens = tokens + block.mlp(block.ln_2(tokens))
            listened.append(attention)
        side = layers.image_size // layers.patch_size
        features: Tensor = layers.encoder.ln(tokens)[:, 0]
        return features, rolled_out(listened).reshape(-1, side, side)


class LibraryConvolutions(nn.Module):
    """A convolutional network of the library: its maps, for :class:`HipViT` to weight."""

    def __init__(self, name: str, input_size_px: int) -> None:
        super().__init__()
        from engines.zoo import trunk

        self.trunk = trunk(name, image_size_px=input_size_px)
        self.channels = self.trunk.channels

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor]:
        """Films (N, 1, size, size) -> features (N, channels) and maps (N, channels, h, w)."""
        maps, features = self.trunk(film)
        return features, maps


Backbone = Callable[[int], Any]

#: Name -> builder of a backbone for an input size; not stated by the paper but for the baselines.
BACKBONES: dict[str, Backbone] = {
    "small-hybrid": SmallHybrid,
    "vit_b_16": lambda size: LibraryTransformer("vit_b_16", size),
    "resnet50": lambda size: LibraryConvolutions("resnet50", size),
    "inception_v3": lambda size: LibraryConvolutions("inception_v3", size),
}


class HipViT(nn.Module):
    """Proximal femur -> probabilities of three classes, with the map of where it looked.

    Parameters
    ----------
    backbone : str
        A name in ``BACKBONES``.
    input_size_px : int
        Side of the input.
    """

    def __init__(self, backbone: str, input_size_px: int) -> None:
        super().__init__()
        self.backbone = BACKBONES[backbone](input_size_px)
        self.head = nn.Linear(self.backbone.channels, len(CLASSES))
        # a T-score, learned beside the class to teach the features; not exported
        self.density = nn.Linear(self.backbone.channels, 1)

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor]:
        """Screen femora.

        Parameters
        ----------
        film : Tensor
            float32, shape (N, 1, size, size), range [0, 1], bone white, outwards to the right.

        Returns
        -------
        probability : Tensor
            float32, shape (N, 3): normal, osteopenia, osteoporosis; each row adds up to 1.
        attention : Tensor
            float32, shape (N, h, w), at least 0.
        """
        features, looked = self.backbone(film)
        if looked.dim() == 4:
            looked = torch.einsum("nchw,c->nhw", looked, self.head.weight[2])
        return torch.softmax(self.head(features), dim=1), functional.relu(looked)


def rolled_out(listened: list[Tensor]) -> Tensor:
    """Return how much each patch reached the class token: (N, patch), from (N, token, token)."""
    reached = None
    for attention in listened:
        stayed = torch.eye(attention.shape[-1], device=attention.device)
        mixed = 0.5 * attention + 0.5 * stayed
        reached = mixed if reached is None else mixed @ reached
    assert reached is not None
    return reached[:, 0, 1:]


def _shown(film: Tensor) -> Tensor:
    """Return a film whatever its exposure was, and its fine detail beside it: (N, 2, h, w)."""
    cells = functional.avg_pool2d(film, _COARSE_PX, ceil_mode=True, count_include_pad=False)
    cells = functional.avg_pool2d(
        cells, _COARSE, stride=1, padding=_COARSE // 2, count_include_pad=False
    )
    around = functional.interpolate(cells, size=film.shape[2:], mode="bilinear")
    centred = film - around
    spread = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
    shown = centred / (spread + 1e-3)
    smooth = functional.avg_pool2d(
        shown, _FINE_PX, stride=1, padding=_FINE_PX // 2, count_include_pad=False
    )
    return torch.cat([shown, _LIFT * (shown - smooth)], dim=1)
