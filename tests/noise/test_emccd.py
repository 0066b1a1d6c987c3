"""The law of a multiplying camera is compared with its defining sum and with a camera without multiplication."""

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from muguet.noise import EMCCD, Gaussian, PoissonGaussian


def by_the_sum(value: float, rate: float, read: float) -> float:
    """Return the log-density in photo-electrons: a sum of gamma densities, each convolved with the read noise."""
    low, high = max(0.0, value - 15 * read), max(value + 15 * read, 15 * read)
    at, weight = np.polynomial.legendre.leggauss(500)
    g = low + (high - low) * (1 + at) / 2
    most = max(rate, value)
    k = np.arange(1, int(most + 15 * math.sqrt(most) + 80))[:, None]
    light = special.logsumexp(stats.poisson.logpmf(k, rate) + stats.gamma.logpdf(g, k), axis=0)
    light = special.logsumexp(light + stats.norm.logpdf(value, g, read) + np.log(weight * (high - low) / 2))
    return float(np.logaddexp(light, stats.norm.logpdf(value, 0, read) - rate))


@pytest.mark.parametrize("widths", [-3, 0, 0.7, 4, 10])
@pytest.mark.parametrize("rate", [0.01, 0.5, 15.0, 300.0])
@pytest.mark.parametrize("read", [0.1, 1.5])
def test_density_is_the_whole_sum(rate, read, widths):
    value = rate + widths * math.sqrt(2 * rate + read**2)
    law = EMCCD(gain=3.0, offset=100.0, read_noise=read)
    signal, y = (torch.tensor(100 + 3 * at, dtype=torch.float64) for at in (rate, value))
    assert law.log_prob(y, signal).item() + math.log(3.0) == pytest.approx(
        by_the_sum(value, rate, read), abs=1e-7
    )


def test_a_million_photons_need_no_approximation():
    """Mean, σ and skewness of the density itself are still the formulas'."""
    law, signal = EMCCD(1.0, 0.0, 0.5), torch.tensor(1e6, dtype=torch.float64)
    distribution = law(signal)
    z = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    density = distribution.log_prob(signal + z * distribution.std).exp() * distribution.std
    moments = [torch.trapezoid(density * z**power, z).item() for power in range(4)]
    assert moments == pytest.approx([1, 0, 1, distribution.skewness.item()], abs=1e-8)


def test_multiplication_doubles_the_variance_of_light():
    camera, multiplied = PoissonGaussian(2.0, 100.0, 1.5), EMCCD(2.0, 100.0, 1.5)
    signal = np.array([90.0, 100.0, 200.0, 5000.0])
    read = 9.0
    np.testing.assert_allclose(
        multiplied.std(signal) ** 2 - read, 2 * (camera.std(signal) ** 2 - read), rtol=1e-5, atol=1e-5
    )


def test_with_the_variances_alike_it_is_more_skewed_by_half():
    """Only the third moment distinguishes a multiplying camera from one of twice the gain."""
    signal = np.array([100.0, 1000.0])
    plain, multiplied = PoissonGaussian(2.0, 0.0, 1e-3), EMCCD(1.0, 0.0, 1e-3)
    np.testing.assert_allclose(multiplied.std(signal), plain.std(signal), rtol=1e-5)
    np.testing.assert_allclose(multiplied.skewness(signal), 1.5 * plain.skewness(signal), rtol=1e-5)


def test_below_its_offset_it_is_read_noise_around_the_signal():
    law, y = EMCCD(2.0, 100.0, 1.5), torch.linspace(80, 110, 31, dtype=torch.float64)
    at = torch.tensor(95.0, dtype=torch.float64)
    torch.testing.assert_close(law.log_prob(y, at), Gaussian(3.0).log_prob(y, at))


def test_its_gradient_is_that_of_its_density():
    law = EMCCD(2.0, 100.0, 0.8)
    signal = torch.tensor([92.0, 101.0, 130.0, 900.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([96.0, 99.0, 150.0, 700.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: law(x).log_prob(y), (signal,))
    assert torch.autograd.gradcheck(lambda x: law(x).cdf(y), (signal,))
