import numpy as np
import pytest
import torch

from muguet.noise import Calibrated, Laplace, LearnedLaw, MeanVariance, calibrate, fitted_variance

SIGNAL = torch.linspace(-0.5, 3.0, 50)


def learned(components, seed=0):
    torch.manual_seed(seed)
    law = LearnedLaw(components, 0.5)
    with torch.no_grad():
        for parameter in law.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return law


def scaled(law, factor):
    """A variance that is everywhere `factor` times the law's."""
    return lambda signal: factor * law.std(signal) ** 2


@pytest.mark.parametrize("components", [1, 2, 3])
@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9, 1.0, 1.5])
def test_it_has_the_variance_that_was_measured_and_the_signal_as_its_mean(components, factor):
    law = learned(components)
    variance = scaled(law, factor)
    sharp = Calibrated(law, variance)
    torch.testing.assert_close(sharp.std(SIGNAL) ** 2, variance(SIGNAL), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(sharp.mean(SIGNAL), SIGNAL, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("factor", [0.1, 1.5])
def test_it_keeps_the_skewness(factor):
    law = learned(3)
    sharp = Calibrated(law, scaled(law, factor))
    torch.testing.assert_close(sharp.skewness(SIGNAL), law.skewness(SIGNAL), rtol=1e-3, atol=1e-4)


def test_with_the_variance_of_the_law_itself_nothing_changes():
    law = learned(2)
    recorded = torch.linspace(-2, 4, 50)
    sharp = Calibrated(law, scaled(law, 1.0))
    torch.testing.assert_close(sharp.log_prob(recorded, SIGNAL), law.log_prob(recorded, SIGNAL))


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_a_law_that_is_no_mixture_is_calibrated_too(factor):
    """A Laplace law of a variance `factor` times as large is another Laplace law."""
    recorded = torch.linspace(-2, 4, 50)
    sharp = Calibrated(Laplace(0.3), lambda signal: torch.full_like(signal, factor * 2 * 0.3**2))
    expected = Laplace(0.3 * factor**0.5)
    for name in ("log_prob", "cdf"):
        torch.testing.assert_close(
            getattr(sharp, name)(recorded, SIGNAL), getattr(expected, name)(recorded, SIGNAL)
        )
    torch.testing.assert_close(sharp.mean(SIGNAL), SIGNAL)


def test_laws_without_a_curve_stay_as_they_are():
    laws = [learned(1), learned(2), learned(3)]
    signal = np.linspace(0.1, 3, 20)
    points = MeanVariance(signal, 0.01 * signal, 0.0003 * signal, np.full(20, 1000))
    sharp = calibrate(laws, [None, points, None])
    assert sharp[0] is laws[0]
    assert sharp[2] is laws[2]
    assert isinstance(sharp[1], Calibrated)
    np.testing.assert_allclose(sharp[1].std(signal) ** 2, fitted_variance(points)(signal), rtol=1e-4)
    assert calibrate(laws, []) == laws
