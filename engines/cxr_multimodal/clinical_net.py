"""The clinical branch: four values and whether each is known in, log odds of osteoporosis out."""

import torch
from torch import Tensor, nn

from engines.cxr_multimodal.clinical import MEANS, SPREADS

_HIDDEN = 16


class ClinicalBranch(nn.Module):
    """A fully connected network, as Tang 2025 has one; its width is ours."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("means", torch.tensor(MEANS), persistent=False)
        self.register_buffer("spreads", torch.tensor(SPREADS), persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * len(MEANS), _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 1)
        )

    def forward(self, values: Tensor) -> Tensor:
        """Score patients.

        Parameters
        ----------
        values : Tensor
            float32, shape (N, 8), as :func:`engines.cxr_multimodal.clinical.encoded`.

        Returns
        -------
        Tensor
            float32, shape (N, 1): log odds.
        """
        given, known = values.chunk(2, dim=1)
        # what is missing stands at the mean, and its flag says so
        scaled = (given - self.get_buffer("means")) / self.get_buffer("spreads") * known
        found: Tensor = self.layers(torch.cat([scaled, known], dim=1))
        return found
