"""Known laws are compared with their definitions, summed and drawn by other means."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from muguet import MuguetError
from muguet.noise import Gaussian, Laplace, PoissonGaussian, Speckle


def test_gaussian_likelihood_is_the_squared_error():
    y, x = torch.randn(2, 50, dtype=torch.float64)
    expected = -0.5 * (y - x).square() - 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(Gaussian().log_prob(y, x), expected)


def test_speckle_grows_with_the_signal():
    signal = np.array([-4.0, 0.0, 1.0, 200.0])
    np.testing.assert_allclose(Speckle(0.25).std(signal), [1.0, 1e-3, 0.25, 50.0], rtol=1e-6)


def test_photon_transfer():
    """Variance is a line in the signal: slope gain, and (gain · read noise)² at the offset."""
    signal = np.array([90.0, 100.0, 300.0, 1e4])
    variance = PoissonGaussian(gain=2.0, offset=100.0, read_noise=1.5).std(signal) ** 2
    np.testing.assert_allclose(variance, 9.0 + 2.0 * np.array([0.0, 0.0, 200.0, 9900.0]), rtol=1e-6)


@pytest.mark.parametrize("widths", [-12, -3, 0, 2, 8, 30])
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.5, 15.0, 500.0, 1e6])
@pytest.mark.parametrize(("gain", "offset", "read"), [(2.0, 100.0, 1.5), (0.5, 0.0, 0.2), (3.0, 10.0, 12.0)])
def test_camera_density_is_the_whole_sum(gain, offset, read, rate, widths):
    std = math.sqrt(rate + read**2)
    value = rate + widths * std
    k = np.arange(max(0, int(rate - 40 * std - 60 * read)), int(rate + 40 * std + 60 * read + 200))
    log_terms = stats.poisson.logpmf(k, rate) + stats.norm.logpdf(value, k, read)
    whole = (stats.poisson.pmf(k, rate) * stats.norm.cdf(value, k, read)).sum()

    signal = torch.tensor(offset + gain * rate, dtype=torch.float64)
    y = torch.tensor(offset + gain * value, dtype=torch.float64)
    distribution = PoissonGaussian(gain, offset, read)(signal)
    expected = np.logaddexp.reduce(log_terms) - math.log(gain)
    assert distribution.log_prob(y).item() == pytest.approx(expected, rel=1e-8, abs=1e-8)
    assert distribution.cdf(y).item() == pytest.approx(whole, abs=1e-9)


def test_camera_without_much_read_noise_counts_photons():
    """At whole photo-electrons the density is Poisson's probability under a narrow peak."""
    law, k = PoissonGaussian(1.0, 0.0, 0.05), torch.arange(0, 30, dtype=torch.float64)
    density = law.log_prob(k, torch.tensor(8.0, dtype=torch.float64)).exp()
    np.testing.assert_allclose(density * 0.05 * math.sqrt(2 * math.pi), stats.poisson.pmf(k, 8.0), rtol=1e-6)


def test_camera_below_its_offset_is_read_noise_around_the_signal():
    law, y = PoissonGaussian(2.0, 100.0, 1.5), torch.linspace(80, 110, 31, dtype=torch.float64)
    expected = Gaussian(3.0).log_prob(y, torch.tensor(95.0, dtype=torch.float64))
    torch.testing.assert_close(law.log_prob(y, torch.tensor(95.0, dtype=torch.float64)), expected)


def test_camera_gradient_is_that_of_its_density():
    law = PoissonGaussian(2.0, 100.0, 1.5)
    signal = torch.tensor([92.0, 101.0, 130.0, 900.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([96.0, 99.0, 150.0, 700.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: law(x).log_prob(y), (signal,))
    assert torch.autograd.gradcheck(lambda x: law(x).cdf(y), (signal,))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize(
    "build",
    [Gaussian, Speckle, PoissonGaussian, lambda v: PoissonGaussian(1.0, 0.0, v), lambda v: Speckle(0.1, v)],
)
def test_impossible_figures_are_refused(build, bad):
    with pytest.raises(MuguetError, match="above 0"):
        build(bad)


def test_an_offset_must_be_a_number():
    with pytest.raises(MuguetError, match="offset"):
        PoissonGaussian(offset=math.nan)


def test_laplace_is_scipys():
    """Its density has a kink, so the tests for smooth densities do not apply."""
    signal = torch.tensor([-3.0, 0.0, 50.0], dtype=torch.float64)
    found = Laplace(2.0)(signal)
    expected = stats.laplace(signal.numpy(), 2.0)
    recorded = signal + torch.linspace(-9, 9, 31, dtype=torch.float64)[:, None]
    np.testing.assert_allclose(found.log_prob(recorded), expected.logpdf(recorded))
    np.testing.assert_allclose(found.cdf(recorded), expected.cdf(recorded), atol=1e-12)
    np.testing.assert_allclose(found.std, expected.std())
    assert (found.skewness == 0).all()
    drawn = Laplace(2.0)(torch.full((40_000,), 5.0)).sample(torch.Generator().manual_seed(0))
    assert stats.kstest(drawn.numpy(), stats.laplace(5.0, 2.0).cdf).pvalue > 1e-3
