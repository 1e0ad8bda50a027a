"""Move, turn and re-expose images while a network learns, so that it learns none of that. Ours."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Jitter:
    """How much an image is changed; what is drawn is drawn for each image by itself.

    Attributes
    ----------
    shift : float
        At most, as a part of the image's width.
    zoom : float
        At most, as a logarithm.
    turn_rad : float
        Standard deviation; never more than twice that.
    gamma : float
        Standard deviation of the logarithm of the exponent that grey values are raised to.
    noise : float
        Most of its standard deviation, of a range of 1.
    mirrors : bool
        Whether half of the images are mirrored.
    beyond : str
        What lies beyond the edge, as ``grid_sample`` names it.
    """

    shift: float
    zoom: float
    turn_rad: float
    gamma: float = 0.0
    noise: float = 0.0
    mirrors: bool = False
    beyond: str = "zeros"

    def changed(self, images: Tensor, draw: torch.Generator) -> Tensor:
        """Move, then re-expose.

        Parameters
        ----------
        images : Tensor
            float32, shape (N, channel, size, size), range [0, 1].
        draw : Generator
            The source of chance.

        Returns
        -------
        Tensor
            Same shape and range.
        """
        moved = self.moved(images, draw)
        gamma = torch.exp(self.gamma * _normal(len(images), draw)).view(-1, 1, 1, 1)
        noise = self.noise * torch.rand(len(images), generator=draw).view(-1, 1, 1, 1)
        toned = moved.clamp(1e-4, 1) ** gamma
        return (toned + noise * torch.randn(images.shape, generator=draw)).clamp(0, 1)

    def moved(self, images: Tensor, draw: torch.Generator) -> Tensor:
        """Shift, turn and zoom, all channels of an image alike."""
        n = len(images)
        angle = self.turn_rad * _normal(n, draw)
        zoom = torch.exp(self.zoom * (2 * torch.rand(n, generator=draw) - 1))
        mirror = torch.ones(n)
        if self.mirrors:
            mirror = torch.where(torch.rand(n, generator=draw) < 0.5, -1.0, 1.0)
        cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        shift = 2 * self.shift * (2 * torch.rand((n, 2), generator=draw) - 1)
        first = torch.stack([cos * mirror, -sin, shift[:, 0]], dim=1)
        second = torch.stack([sin * mirror, cos, shift[:, 1]], dim=1)
        turned = torch.stack([first, second], dim=1)
        grid = functional.affine_grid(turned, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, align_corners=False, padding_mode=self.beyond)


def _normal(n: int, draw: torch.Generator) -> Tensor:
    return torch.randn(n, generator=draw).clamp(-2, 2)
