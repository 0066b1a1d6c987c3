"""Known laws, to add noise to clean images and to compare learned laws with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.noise.electrons import CameraLaw, ElectronDistribution, positive
from muguet.noise.law import Distribution, Law
from muguet.noise.mixture import Mixture

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_REACH = 9.0  # A sum runs over this many widths on either side of its largest term; beyond is less than 1e-15 of it.


class Gaussian(Law):
    """p(y | x) = N(y; x, std²), the same at all signals; with std = 1 its likelihood is the squared error."""

    constant: Tensor

    def __init__(self, std: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("constant", positive("std", std).float())

    def forward(self, signal: Tensor) -> Mixture:
        """Return a mixture of one component of constant width."""
        means = signal.unsqueeze(-1)
        return Mixture(torch.zeros_like(means), means, self.constant.expand_as(means))


class Laplace(Law):
    """p(y | x) = exp(−|y − x| / scale) / (2 scale) at all signals; its likelihood is the absolute error."""

    constant: Tensor

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("constant", positive("scale", scale).float())

    def forward(self, signal: Tensor) -> LaplaceDistribution:
        """Return a distribution whose scale is the same at all signals."""
        return LaplaceDistribution(signal, self.constant)


@dataclass(frozen=True, eq=False)
class LaplaceDistribution(Distribution):
    """The distribution of x + scale · (e₁ − e₂), with e₁ and e₂ exponential variables of mean one."""

    signal: Tensor
    scale: Tensor

    @property
    def mean(self) -> Tensor:
        """See `Distribution`."""
        return self.signal

    @property
    def variance(self) -> Tensor:
        """2 · scale²."""
        return (2 * self.scale.square()).expand_as(self.signal)

    @property
    def skewness(self) -> Tensor:
        """Zero, as the distribution is symmetric."""
        return torch.zeros_like(self.signal)

    def log_prob(self, value: Tensor) -> Tensor:
        """See `Distribution`."""
        return -(value - self.signal).abs() / self.scale - (2 * self.scale).log()

    def cdf(self, value: Tensor) -> Tensor:
        """See `Distribution`."""
        z = (value - self.signal) / self.scale
        tail = 0.5 * (-z.abs()).exp()
        return torch.where(z < 0, tail, 1 - tail)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """See `Distribution`."""
        shape = (2, *self.signal.shape)
        uniform = torch.rand(shape, generator=generator, device=self.signal.device, dtype=self.signal.dtype)
        exponential = -torch.log1p(-uniform)
        return self.signal + self.scale * (exponential[0] - exponential[1])


class Speckle(Law):
    """Multiplicative Gaussian noise: y = x · (1 + std · n) with n ~ N(0, 1), so σ(x) = std · |x|.

    Parameters
    ----------
    std
        Relative standard deviation, without unit.
    floor
        Smallest σ, in the signal's units: without it the density at x = 0 would be infinite.
    """

    relative: Tensor
    floor: Tensor

    def __init__(self, std: float = 0.1, floor: float = 1e-3) -> None:
        super().__init__()
        self.register_buffer("relative", positive("std", std).float())
        self.register_buffer("floor", positive("floor", floor).float())

    def forward(self, signal: Tensor) -> Mixture:
        """Return a mixture of one component whose width is proportional to the signal."""
        means = signal.unsqueeze(-1)
        stds = torch.maximum(self.relative * means.abs(), self.floor.to(means))
        return Mixture(torch.zeros_like(means), means, stds)


class PoissonGaussian(CameraLaw):
    """The law of a camera that counts photo-electrons and adds read noise.

    y = gain · (k + read_noise · n) + offset,  k ~ Poisson((x − offset) / gain),  n ~ N(0, 1)

    so that E[y] = x and Var(y) = gain · (x − offset) + (gain · read_noise)². See `CameraLaw` for the parameters.

    Foi et al. 2008, *Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data*,
    doi:10.1109/TIP.2008.2001399.
    """

    def forward(self, signal: Tensor) -> PoissonGaussianDistribution:
        """Return the distribution of the recorded counts at each signal."""
        return PoissonGaussianDistribution(signal, self.gain, self.offset, self.read_noise)


@dataclass(frozen=True, eq=False)
class PoissonGaussianDistribution(ElectronDistribution):
    """p(y | x) of `PoissonGaussian`: p(y) = Σₖ Poisson(k; λ) · N(y; offset + gain · k, (gain · read_noise)²).

    Sums run over the numbers of electrons around their largest term, in float64, and are exact to about 1e-12.
    """

    @property
    def variance(self) -> Tensor:
        """gain² · (λ + read_noise²)."""
        return self.gain.square() * (self.electrons + self.read_noise.square())

    @property
    def skewness(self) -> Tensor:
        """λ / (λ + read_noise²)^{3/2}: all cumulants of a Poisson variable are λ, and a Gaussian has no third one."""
        return self.electrons / (self.electrons + self.read_noise.square()).pow(1.5)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log-density per count.

        The terms exp(k log λ − log k! − (v − k)²/(2 r²)), with v the value in photo-electrons and r the read
        noise, are largest where log(k/λ) = (v − k)/r², and fall off from there with a width of at most r. The sum
        runs over the numbers k around that place, so it is as exact far out in the tails as at the mean.
        """
        rate, v, r = self.in_electrons(value)
        with torch.no_grad():
            top = _balance(rate, v, r)
            counts = _around(top, _REACH * (1 / (top + 1) + 1 / r.square()).rsqrt())
        terms = _log_poisson(counts, rate) - 0.5 * ((v.unsqueeze(-1) - counts) / r).square()
        total = torch.logsumexp(terms, dim=-1)
        return (total - (r * self.gain).log() - _HALF_LOG_2PI).to(self.dtype(value))

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(y ≤ value) = Σₖ Poisson(k; λ) Φ((v − k)/r), where Φ is one for all k far below v."""
        rate, v, r = self.in_electrons(value)
        with torch.no_grad():
            counts = _around(v, _REACH * r.expand_as(v))
            below = counts[..., 0]  # For smaller numbers Φ is one.
        whole: Tensor = torch.special.ndtr((v.unsqueeze(-1) - counts) / r)
        near = (_log_poisson(counts, rate).exp() * whole).sum(-1)
        far: Tensor = torch.special.gammaincc(below.clamp(min=1), rate)  # P(k < below)
        far = far.masked_fill(below < 1, 0)
        return (near + far).to(self.dtype(value))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw photo-electrons, then add read noise."""
        electrons = self.electrons
        drawn = torch.poisson(electrons, generator)
        normal = torch.randn(drawn.shape, generator=generator, device=drawn.device, dtype=drawn.dtype)
        return self.signal + self.gain * (drawn - electrons + self.read_noise * normal)


def _log_poisson(counts: Tensor, rate: Tensor) -> Tensor:
    """Return the log-probability of counts ``(*rate.shape, n)``; −∞ for negative ones."""
    rate = rate.unsqueeze(-1)
    log = counts * rate.log() - rate - torch.lgamma(counts.clamp(min=0) + 1)
    return log.masked_fill(counts < 0, -math.inf)


def _balance(rate: Tensor, value: Tensor, r: Tensor) -> Tensor:
    """Return the k where Poisson(k; rate) · N(value; k, r²) is largest: log(k/rate) = (value − k)/r².

    w = k/r² solves w + log w = log(rate/r²) + value/r² (Lambert's function); Newton's method finds it in six steps.
    """
    level = (rate / r.square()).log() + value / r.square()
    w = torch.nn.functional.softplus(level).clamp(min=1e-300)
    for _ in range(6):
        w = (w * (1 + level - w.log()) / (1 + w)).clamp(min=1e-300)
    return w * r.square()


def _around(centre: Tensor, reach: Tensor) -> Tensor:
    """Return whole numbers around each centre ``(*centre.shape, n)``, at least `reach` to both sides."""
    half = math.ceil(float(reach.max())) + 1 if reach.numel() else 1
    return centre.round().unsqueeze(-1) + torch.arange(-half, half + 1, device=centre.device)
