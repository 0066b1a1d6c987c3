"""The law of an electron-multiplying camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from muguet.noise.electrons import MIN_ELECTRONS, CameraLaw, ElectronDistribution
from muguet.noise.numerics import crossing, gauss_legendre

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_REACH = 9.0  # Integrals run over this many widths of the read noise; beyond is less than 1e-18 of them.
_ROOT_REACH = 6.5  # The same in √g, whose standard deviation is at most one: e^(−6.5²) = 4e-19.
_ORDER = 64  # Nodes of the quadrature.


class EMCCD(CameraLaw):
    """The law of an EMCCD: photo-electrons are multiplied by random factors, then read.

    y = gain · (g + read_noise · n) + offset,  g ~ Gamma(k, 1),  k ~ Poisson((x − offset)/gain),  n ~ N(0, 1)

    with g = 0 for k = 0. The register multiplies each photo-electron by an exponentially distributed number, and
    a gamma variable is the sum of k of those. So E[y] = x and Var(y) = 2 · gain · (x − offset) + (gain ·
    read_noise)²: multiplication doubles the variance of shot noise (its excess-noise factor is 2). By mean and
    variance this cannot be distinguished from a gain twice as large; by the third moment it can.

    Hirsch et al. 2013, *A stochastic model for electron multiplication charge-coupled devices*,
    doi:10.1371/journal.pone.0053671; Basden et al. 2003, doi:10.1046/j.1365-8711.2003.07020.x. Clock-induced
    charge, which passes the register like light, counts as light: it raises signal and offset alike.

    Parameters
    ----------
    gain
        Mean counts (ADU) per photo-electron, after multiplication: the product of the electron-multiplying gain
        and the ADU per multiplied electron, which images cannot separate.
    offset
        Counts of a pixel without light.
    read_noise
        Standard deviation of the read noise in *photo*-electrons: that of the amplifier, in electrons, over the
        electron-multiplying gain. 50 e⁻ read at a gain of 300 are 0.17.
    """

    def forward(self, signal: Tensor) -> EMCCDDistribution:
        """Distribution of the counts at each signal, in counts."""
        return EMCCDDistribution(signal, self.gain, self.offset, self.read_noise)


@dataclass(frozen=True, eq=False)
class EMCCDDistribution(ElectronDistribution):
    """p(y | x) of `EMCCD`: p(v) = e^{−λ} N(v; 0, r²) + ∫ f(g) N(v − g; 0, r²) dg, with v in photo-electrons.

    The sum over all counts k ≥ 1 of Poisson(k; λ) · Gamma(g; k, 1) is the density of multiplied light

        f(g) = √(λ/g) · exp(−λ − g) · I₁(2√(λ g)),   g > 0,

    with Bessel's I₁ (equation 5 of Basden et al. summed; Hirsch et al., equation 4). It is log-concave, and so is
    the integrand: Gauss and Legendre's rule on the interval about its maximum is exact to about 1e-10, for one
    photo-electron as for a million, so no approximation is needed anywhere.
    """

    @property
    def variance(self) -> Tensor:
        """gain² · (2 λ + read_noise²)."""
        return self.gain.square() * (2 * self.electrons + self.read_noise.square())

    @property
    def skewness(self) -> Tensor:
        """6 λ / (2 λ + read_noise²)^{3/2}: the n-th cumulant of multiplied light is n! · λ."""
        return 6 * self.electrons / (2 * self.electrons + self.read_noise.square()).pow(1.5)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log-density per count."""
        rate, v, r = self.in_electrons(value)
        with torch.no_grad():
            g, log_weight = _nodes(*_interval(rate, v, r))
        kernel = -0.5 * ((v.unsqueeze(-1) - g) / r).square()
        light = torch.logsumexp(_log_light(g, rate.unsqueeze(-1)) + kernel + log_weight, dim=-1)
        dark = -rate - 0.5 * (v / r).square()
        return (torch.logaddexp(light, dark) - (r * self.gain).log() - _HALF_LOG_2PI).to(self.dtype(value))

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(y ≤ value) = e^{−λ} Φ(v/r) + ∫ f(g) Φ((v − g)/r) dg; Φ is one for all g far below v."""
        rate, v, r = self.in_electrons(value)
        with torch.no_grad():
            root = rate.sqrt()
            lowest, highest = (root - _ROOT_REACH).clamp(min=0).square(), (root + _ROOT_REACH).square()
            step = torch.minimum(torch.maximum(v - _REACH * r, lowest), highest)
            end = torch.minimum(torch.maximum(v + _REACH * r, lowest), highest)
        total: Tensor = (-rate).exp() * torch.special.ndtr(v / r)
        for start, stop in ((lowest, step), (step, end)):
            with torch.no_grad():
                g, log_weight = _nodes(start, stop)
            density = (_log_light(g, rate.unsqueeze(-1)) + log_weight).exp()
            total = total + (density * torch.special.ndtr((v.unsqueeze(-1) - g) / r)).sum(-1)
        return total.clamp(max=1).to(self.dtype(value))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw photo-electrons, multiply them, then add read noise."""
        electrons = self.electrons
        multiplied = _gamma(torch.poisson(electrons, generator), generator)
        normal = torch.randn(
            electrons.shape, generator=generator, device=electrons.device, dtype=electrons.dtype
        )
        return self.signal + self.gain * (multiplied - electrons + self.read_noise * normal)


def _log_light(g: Tensor, rate: Tensor) -> Tensor:
    """Return log f(g), by the scaled Bessel function: I₁(z) e^{−z} does not overflow."""
    root = (rate * g).sqrt()
    bessel: Tensor = torch.special.i1e(2 * root)
    return 0.5 * (rate.log() - g.log()) - (rate.sqrt() - g.sqrt()).square() + bessel.log()


def _interval(rate: Tensor, value: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """Return the interval where f(g) · N(value − g; 0, r²) is more than e⁻⁴⁰ of its largest value.

    With s = √(1 + λ g), a bound of the ratio of two Bessel functions (Amos 1974) gives d log f/dg ≈ −1 + λ/(1 + s),
    so log f ≈ −g + 2s − 2 log(1 + s): good enough to find the interval, and concave like log f itself.
    """

    def slope(g: Tensor) -> Tensor:
        return -1 + rate / (1 + (1 + rate * g).sqrt()) + (value - g) / r.square()

    def height(g: Tensor) -> Tensor:
        s = (1 + rate * g).sqrt()
        return -g + 2 * s - 2 * torch.log1p(s) - 0.5 * ((value - g) / r).square()

    top = crossing(slope, torch.maximum(value, rate).clamp(min=0), torch.zeros_like(value))
    floor = height(top) - 40
    low = crossing(lambda g: height(g) - floor, (top - _REACH * r).clamp(min=0), top)
    return low, crossing(lambda g: height(g) - floor, top + _REACH * r, top)


def _nodes(start: Tensor, stop: Tensor) -> tuple[Tensor, Tensor]:
    """Return positive nodes ``(*start.shape, order)`` between two ends, and the logarithms of their weights."""
    nodes, weights = gauss_legendre(start, stop, _ORDER)
    return nodes.clamp(min=MIN_ELECTRONS), weights.log()


def _gamma(shape: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw from Gamma(shape, 1) for whole shapes, by rejection (Marsaglia and Tsang 2000); 0 for shape 0."""
    d = (shape - 1 / 3).clamp(min=0.5)
    c = (9 * d).rsqrt()
    drawn, missing = torch.zeros_like(shape), shape > 0
    while bool(missing.any()):
        n = torch.randn(shape.shape, generator=generator, device=shape.device, dtype=shape.dtype)
        u = torch.rand(shape.shape, generator=generator, device=shape.device, dtype=shape.dtype)
        v = (1 + c * n).pow(3)
        log_v = v.clamp(min=1e-30).log()
        kept = missing & (v > 0) & (u.log() < 0.5 * n.square() + d * (1 - v + log_v))
        drawn = torch.where(kept, d * v, drawn)
        missing = missing & ~kept
    return drawn
