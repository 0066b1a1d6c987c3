"""N-net: a noise law that is a pixelwise network from the signal to a Gaussian mixture."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muguet.errors import MuguetError
from muguet.noise.law import Law
from muguet.noise.mixture import Mixture


class LearnedLaw(Law):
    """N-net: p(y | x) = Σₖ αₖ(x) N(y; x + mₖ(x), σₖ(x)²) with Σₖ αₖ mₖ = 0.

    A perceptron of two hidden layers, applied to every pixel separately, whose only input is the signal.
    The components are centred so that the mean of the mixture *is* the signal: otherwise the signal could not be
    separated from the mean of the noise. All widths and offsets are multiples of one scale
    s(x) = s₀ · √(softplus(a·x + b)) · exp(correction(x)), whose square root follows shot noise beyond the signals
    of the training images, where an unconstrained network would diverge.

    Ollion et al., *Joint self-supervised blind denoising and noise estimation*, 2021, arXiv:2102.08023.

    Parameters
    ----------
    components
        K: 1, 2 or 3 (the reference's G1, G2, G3).
    std
        Initial standard deviation of the noise in the signal's units.
    width
        Units of each hidden layer.
    """

    initial_std: Tensor

    def __init__(self, components: int = 3, std: float = 0.5, width: int = 32) -> None:
        super().__init__()
        if components not in (1, 2, 3):
            raise MuguetError(f"--components is {components}: a learned law has 1, 2 or 3")
        self.components = components
        self.register_buffer("initial_std", torch.tensor(float(std)))
        self.line = nn.Parameter(torch.tensor([0.3, math.log(math.e - 1)]))  # softplus(b) = 1 at x = 0
        self.hidden = nn.Sequential(nn.Linear(2, width), _Tanh(), nn.Linear(width, width), _Tanh())
        self.head = nn.Linear(width, 1 + 3 * components)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            # Equal components would get equal gradients and stay equal: their means and widths start apart.
            spread = torch.linspace(-1.0, 1.0, components) if components > 1 else torch.zeros(1)
            self.head.bias[1 + components : 1 + 2 * components] = 0.8 * spread
            self.head.bias[1 + 2 * components :] = 0.3 * spread

    def start_at(self, slope: float, constant: float, least: float) -> None:
        """Start with the variance slope·x + constant, where it is measured before anything is learned.

        Parameters
        ----------
        slope, constant
            The line, in the signal's units; the slope is above 0.
        least
            The smallest variance of the noise.
        """
        dark = torch.full((1,), (least - constant) / slope, device=self.initial_std.device)
        with torch.no_grad():
            # softplus(t) is nearly t from 4 on, which is here where the variance is the smallest.
            self.initial_std.fill_((least / 4) ** 0.5)
            self.line.copy_(torch.tensor([slope, constant]) * (4 / least))
            self.initial_std.mul_((least / self.forward(dark).variance).sqrt().squeeze())

    def forward(self, signal: Tensor) -> Mixture:
        """Return a mixture of ``(*signal.shape, K)`` components."""
        # One row per unit or component: operations along signals are several times as fast as along three components.
        rows = signal.reshape(1, -1)
        out = torch.cat([rows, torch.asinh(4 * rows)])
        for layer in (*self.hidden, self.head):
            linear = isinstance(layer, nn.Linear)
            out = torch.addmm(layer.bias.unsqueeze(1), layer.weight, out) if linear else layer(out)
        correction, logits, means, widths = torch.split(out, [1] + 3 * [self.components])
        # Above zero, where a square root has a gradient: for very dark signals softplus underflows.
        shot = F.softplus(self.line[0] * rows + self.line[1]) + 1e-4
        scale = self.initial_std * shot.sqrt() * correction.clamp(-6, 6).exp()
        log_weights = torch.log_softmax(logits, dim=0)
        centre = (log_weights.exp() * means).sum(0, keepdim=True)
        # A minimum relative to the scale keeps a component from collapsing onto repeated values.
        stds = scale * (widths.clamp(-4, 4).exp() + 0.02)
        means = rows + scale * (means - centre)
        return Mixture(*(each.T.view(*signal.shape, -1) for each in (log_weights, means, stds)))


class _Tanh(nn.Module):
    """The hyperbolic tangent as 2 / (1 + exp(−2x)) − 1, which PyTorch computes in a fifth of the time."""

    def forward(self, values: Tensor) -> Tensor:
        return torch.sigmoid(2 * values).mul(2).sub(1)
