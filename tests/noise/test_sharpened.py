import pytest
import torch

from muguet.noise.learned import LearnedLaw
from muguet.noise.sharpened import Sharpened

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
    sharp = Sharpened(law, variance)
    torch.testing.assert_close(sharp.std(SIGNAL) ** 2, variance(SIGNAL), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(sharp.mean(SIGNAL), SIGNAL, atol=1e-5, rtol=1e-5)


def test_taking_a_gaussian_error_away_keeps_the_third_moment():
    law = learned(3)
    sharp = Sharpened(law, scaled(law, 0.97))
    before = law.skewness(SIGNAL) * law.std(SIGNAL) ** 3
    after = sharp.skewness(SIGNAL) * sharp.std(SIGNAL) ** 3
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-5)


def test_it_undoes_a_blur_by_a_gaussian():
    """The law of noise + Gaussian error, sharpened by the noise's variance, is that of the noise."""
    law = learned(2)

    class Blurred(LearnedLaw):
        def forward(self, signal):
            mixture = law.forward(signal)
            return type(mixture)(mixture.log_weights, mixture.means, (mixture.stds.square() + 0.04).sqrt())

    sharp = Sharpened(Blurred(2), scaled(law, 1.0))
    recorded = torch.linspace(-2, 4, 50)
    torch.testing.assert_close(
        sharp.log_prob(recorded, SIGNAL), law.log_prob(recorded, SIGNAL), rtol=1e-3, atol=1e-3
    )
