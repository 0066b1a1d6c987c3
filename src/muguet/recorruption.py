"""Learning how much the pixel itself is worth: noise of the known law turns one noisy image into two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.method import Method
from muguet.noise.variance import Variance

_BLIND = 3 / 8  # of a batch, on which blind spots and the law go on learning
_LEAST = 0.1  # of the batch's mean variance: no pixel weighs more than ten average ones


@dataclass(frozen=True, eq=False)
class Recorruption:
    """Training that shows the network every pixel, and yet cannot reward it for keeping noise.

    A recorded image y = x + ε becomes y₁ = y + α z and y₂ = y − z/α with z ~ N(0, σ²(x̂)). As Cov(y₁, y₂ | x) =
    σ² − E z² = 0, the noise of one says nothing of the noise of the other to second order (if ε is Gaussian, nothing at
    all), so that E (f(y₁) − y₂)² = E (f(y₁) − x)² + (1 + 1/α²) σ²: the network that estimates y₂ best from y₁ also
    estimates x best. Each pixel counts by 1/σ². It needs the variance of the noise, right within some 10 %, which
    is why training begins with blind spots. Pang et al. 2021, *Recorrupted-to-Recorrupted*
    (doi:10.1109/CVPR46437.2021.00208).

    A part of every batch keeps its blind spots, for the blind estimate and for N-net.

    Parameters
    ----------
    coefficients
        ``(4, channels)``: constant, linear and quadratic term of σ²(x) and its floor, in network units.
    alpha
        α: a smaller one leaves y₁ like the images that will be denoised, but y₂ so much noisier.
    """

    coefficients: Tensor
    alpha: float = 0.5

    @classmethod
    def of(cls, variances: Sequence[Variance], device: torch.device) -> Recorruption:
        """From the variance of each channel's noise."""
        rows = [(v.constant, v.linear, v.quadratic, v.floor) for v in variances]
        return cls(torch.tensor(rows, dtype=torch.float32, device=device).T)

    def variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """σ² for signals ``(b, 1, *space)`` of these channels ``(b,)``."""
        each = self.coefficients[:, channel].view(4, -1, *(1,) * (signal.ndim - 1))
        constant, linear, quadratic, floor = each
        return torch.maximum(constant + signal * (linear + quadratic * signal), floor)

    def split(
        self, noisy: Tensor, signal: Tensor, channel: Tensor, chance: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """y₁, y₂ and σ², of the shape of `noisy` ``(b, 1, *space)``; `signal` is a first estimate."""
        variance = self.variance(signal, channel)
        z = torch.randn(noisy.shape, generator=chance, device=noisy.device) * variance.sqrt()
        return noisy + self.alpha * z, noisy - z / self.alpha, variance

    def loss(
        self,
        method: Method,
        noisy: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        host: torch.Generator,
        chance: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """The loss of a step, and the part of it that is the likelihood of hidden pixels.

        Parameters are those of `Method.forward`; `chance` lives on the device of the images.
        """
        blind = min(max(round(_BLIND * len(noisy)), 1), len(noisy) - 1)
        with torch.no_grad():
            signal = method.estimate(noisy[blind:])
            first, second, variance = self.split(target[blind:], signal, channel[blind:], chance)
            precision = weight[blind:] / variance.clamp(min=_LEAST * variance.mean())
        mask = method.blind.draw(noisy.shape, host)
        shown = torch.cat([method.blind.hide(noisy[:blind], mask, host), first])
        sighted = (torch.arange(len(noisy), device=noisy.device) >= blind).to(noisy.dtype)
        estimate = method.estimate(shown, sighted.view(-1, *(1,) * (noisy.ndim - 1)))
        surprise = method.surprise(estimate[:blind], target[:blind], weight[:blind], channel[:blind], mask)
        error = (precision * (estimate[blind:] - second).square()).sum() / weight[blind:].sum().clamp(min=1)
        return error / (2 * (1 + self.alpha**-2)) + surprise * blind / len(noisy), surprise
