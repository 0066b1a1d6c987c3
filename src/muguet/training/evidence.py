"""What a pixel's own value is worth beside what its neighbours say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.method import Method
from muguet.noise.transfer.variance import Variance

_OUTLIER = 25.0  # σ²: a photon where all is dark is that far off, and would outweigh thousands of pixels


@dataclass(frozen=True, eq=False)
class Evidence:
    """Learns the gate g of a network that has one, once the variance σ²(x) of the noise is known.

    Neighbours say x ~ N(b, τ²), with b the blind estimate and τ² the variance of its error, which differs from place to
    place; the pixel says y ~ N(x, σ²). Their product has the mean b + g (y − b) with g = τ² / (τ² + σ²). As hidden
    pixels lie about b with the variance τ² + σ² = σ² / (1 − g), the gate is found by their likelihood,

        −log p = ½ (1 − g) (y − b)²/σ² − ½ log (1 − g) + constant.

    N-net alone could not tell τ² from σ², which is why the noise is measured first. The answer is linear in y, so it is
    the best linear one whatever the shape of the noise. Laine et al. 2019, *High-quality self-supervised deep image
    denoising*, arXiv:1901.10277, for noise of a known kind.

    Parameters
    ----------
    coefficients
        ``(4, channels)``: constant, linear and quadratic term of σ²(x) and its floor, in network units.
    """

    coefficients: Tensor

    @classmethod
    def of(cls, variances: Sequence[Variance], device: torch.device) -> Evidence:
        """From the variance of each channel's noise."""
        rows = [(v.constant, v.linear, v.quadratic, v.floor) for v in variances]
        return cls(torch.tensor(rows, dtype=torch.float32, device=device).T)

    def variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """σ² for signals ``(b, 1, *space)`` of these channels ``(b,)``."""
        each = self.coefficients[:, channel].view(4, -1, *(1,) * (signal.ndim - 1))
        constant, linear, quadratic, floor = each
        return torch.maximum(constant + signal * (linear + quadratic * signal), floor)

    def loss(
        self,
        method: Method,
        noisy: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        host: torch.Generator,
        full: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The loss of a step, and the part of it that is N-net's; parameters as of `Method.forward`."""
        mask = method.blind.draw(noisy.shape, host)
        blind, gate = method.both(method.blind.hide(noisy, mask, host))
        surprise = method.surprise(blind, target, weight, channel, mask, full)
        signal = blind.detach()
        square = ((target - signal).square() / self.variance(signal, channel)).clamp(max=_OUTLIER)
        rest = (1 - gate[mask]).clamp(min=1e-4)  # a gate that is wide open has no logarithm
        likelihood = 0.5 * (rest * square[mask] - rest.log())
        weights = weight[mask].to(likelihood.dtype)
        if full is not None:  # the noise is cut off there
            weights = weights * ~full[mask]
        return surprise + (likelihood * weights).sum() / weights.sum().clamp(min=1), surprise
