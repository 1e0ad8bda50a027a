"""Wavelet features of the image gradient, with fixed filters, so that they leave with the graph.

Tang 2025 says "gradient-based wavelet feature extraction" and no more; family, levels and which
gradient are ours: Sobel's magnitude, then a separable wavelet transform, Haar by default.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_ROOT: Final = 2**-0.5
_EDGE: Final = 2**-0.5 / 8
#: Low-pass filters of the analysis and, where the wavelet is not orthogonal, the high-pass ones.
_FILTERS: Final[dict[str, tuple[Sequence[float], Sequence[float] | None]]] = {
    "haar": ((_ROOT, _ROOT), None),
    # Daubechies 1988, table 1, two vanishing moments
    "db2": ((-0.12940952, 0.22414387, 0.83651630, 0.48296291), None),
    # Cohen, Daubechies, Feauveau 1992
    "bior1.3": (
        (-_EDGE, _EDGE, _ROOT, _ROOT, _EDGE, -_EDGE),
        (0.0, 0.0, -_ROOT, _ROOT, 0.0, 0.0),
    ),
}
#: The wavelets there are.
WAVELETS: Final = tuple(_FILTERS)

LEVELS: Final = 2
#: Three details of each level and what is left at the last.
CHANNELS: Final = 3 * LEVELS + 1
#: The features' pixel, in pixels of the film.
STEP_PX: Final = 2**LEVELS

# steep enough at zero to be learned through, small beside any edge of a film
_EPSILON: Final = 1e-6


class GradientWavelet(nn.Module):
    """Film -> magnitude of its gradient -> wavelet coefficients, all with fixed filters.

    Parameters
    ----------
    family : str
        One of ``WAVELETS``; not stated by the paper.
    """

    def __init__(self, family: str = "haar") -> None:
        super().__init__()
        across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
        self.register_buffer("sobel", torch.stack([across, across.T])[:, None], persistent=False)
        self.register_buffer("bank", _bank(*_FILTERS[family])[:, None], persistent=False)

    def forward(self, film: Tensor) -> Tensor:
        """Take a film apart.

        Parameters
        ----------
        film : Tensor
            float32, shape (N, 1, row, column); rows and columns divisible by ``STEP_PX``.

        Returns
        -------
        Tensor
            float32, shape (N, CHANNELS, row / STEP_PX, column / STEP_PX), at least 0: how strong
            the horizontal, vertical and diagonal details of each level are, and the rest.
        """
        slopes = functional.conv2d(_bordered(film, 1), self.get_buffer("sobel"))
        rest = (slopes.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()
        found = []
        for level in range(1, LEVELS + 1):
            bands = self.bands(rest)
            rest, details = bands[:, :1], bands[:, 1:].abs()
            found.append(functional.avg_pool2d(details, 2 ** (LEVELS - level)))
        return torch.cat([*found, rest.abs()], dim=1)

    def bands(self, picture: Tensor) -> Tensor:
        """Transform once: (N, 1, h, w) -> (N, 4, h / 2, w / 2), the first of them the low band."""
        bank = self.get_buffer("bank")
        return functional.conv2d(_bordered(picture, bank.shape[-1] // 2 - 1), bank, stride=2)


def _bank(low: Sequence[float], high: Sequence[float] | None) -> Tensor:
    """Return the four filters of a separable transform, shape (4, k, k)."""
    if high is None:
        # the quadrature mirror of an orthogonal wavelet
        high = [(-1) ** (k + 1) * value for k, value in enumerate(reversed(low))]
    one, other = torch.tensor(low), torch.tensor(high)
    pairs = ((one, one), (other, one), (one, other), (other, other))
    return torch.stack([torch.outer(down, along) for down, along in pairs])


def _bordered(picture: Tensor, width: int) -> Tensor:
    # black would be an edge, which is what is looked for
    return functional.pad(picture, (width,) * 4, mode="replicate") if width else picture
