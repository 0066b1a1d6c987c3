"""Gaussian mixtures, the family of all learned laws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.noise.law import Distribution

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class Mixture(Distribution):
    """p(y) = Σₖ αₖ N(y; μₖ, σₖ²), components along the last axis.

    Attributes
    ----------
    log_weights, means, stds
        Tensors of shape ``(*signal.shape, K)``; Σₖ exp(log_weights) = 1 and stds > 0.
    """

    log_weights: Tensor
    means: Tensor
    stds: Tensor

    @property
    def weights(self) -> Tensor:
        """The αₖ, of shape ``(*signal.shape, K)``."""
        return self.log_weights.exp()

    @property
    def mean(self) -> Tensor:
        """Σₖ αₖ μₖ."""
        return (self.weights * self.means).sum(-1)

    @property
    def variance(self) -> Tensor:
        """Σₖ αₖ (σₖ² + (μₖ − μ)²)."""
        away = self.means - self.mean.unsqueeze(-1)
        return (self.weights * (self.stds.square() + away.square())).sum(-1)

    @property
    def skewness(self) -> Tensor:
        """Σₖ αₖ ((μₖ − μ)³ + 3 (μₖ − μ) σₖ²) / Var^{3/2}."""
        away = self.means - self.mean.unsqueeze(-1)
        third = (self.weights * away * (away.square() + 3 * self.stds.square())).sum(-1)
        return third / self.variance.pow(1.5)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log-density of the mixture, by log-sum-exp."""
        z = (value.unsqueeze(-1) - self.means) / self.stds
        return torch.logsumexp(self.log_weights - 0.5 * z.square() - self.stds.log() - _HALF_LOG_2PI, dim=-1)

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(y ≤ value)."""
        z = (value.unsqueeze(-1) - self.means) / self.stds
        below: Tensor = torch.special.ndtr(z)
        return (self.weights * below).sum(-1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw a component, then a Gaussian."""
        device, dtype = self.means.device, self.means.dtype
        place = (*self.means.shape[:-1], 1)
        uniform = torch.rand(place, generator=generator, device=device, dtype=dtype)
        which = (uniform > self.weights.cumsum(-1)[..., :-1]).sum(-1, keepdim=True)
        normal = torch.randn(place, generator=generator, device=device, dtype=dtype)
        return (self.means.gather(-1, which) + self.stds.gather(-1, which) * normal).squeeze(-1)

    def quantile(self, p: Tensor | float) -> Tensor:
        """See `Distribution`; for one component the closed form μ + σ Φ⁻¹(p)."""
        if self.means.shape[-1] > 1:
            return super().quantile(p)
        levels = torch.as_tensor(p, dtype=torch.float64, device=self.means.device)
        normal: Tensor = torch.special.ndtri(levels)
        return (self.mean + self.std * normal).to(self.means.dtype)
