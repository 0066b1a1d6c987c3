"""Laws that are known: to corrupt clean images, and to compare what is learned with."""

from __future__ import annotations

import torch
from torch import Tensor

from muguet.noise.law import Law
from muguet.noise.mixture import Mixture


class Gaussian(Law):
    """p(y | x) = N(y; x, std²), the same everywhere; with std = 1 its likelihood is the squared error."""

    constant: Tensor

    def __init__(self, std: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("constant", torch.tensor(float(std)))

    def forward(self, signal: Tensor) -> Mixture:
        """One component of constant width."""
        means = signal.unsqueeze(-1)
        return Mixture(torch.zeros_like(means), means, self.constant.expand_as(means))
