"""N-net: its initial state, and that it learns the law of a camera by its own likelihood."""

import numpy as np
import pytest
import torch

from muguet.noise import Affine, LearnedLaw, PoissonGaussian


@pytest.mark.parametrize("components", [2, 3])
def test_components_differ_at_the_start(components):
    torch.manual_seed(0)
    mixture = LearnedLaw(components)(torch.linspace(-1, 3, 20))
    for values in (mixture.means, mixture.stds):
        ordered = values.sort(-1).values
        assert (ordered.diff(dim=-1) > 0.1 * mixture.std.unsqueeze(-1)).all()
    assert (mixture.skewness.abs() > 0.05).all()  # so that a gradient can take it either way


@pytest.mark.parametrize("components", [1, 2, 3])
def test_it_starts_near_the_rough_std(components):
    torch.manual_seed(0)
    std = LearnedLaw(components, std=0.2).std(np.array([0.0]))
    assert std == pytest.approx(0.2, rel=0.5)


def test_pixels_are_independent():
    torch.manual_seed(0)
    law, signal = LearnedLaw(3), torch.rand(4, 5)
    torch.testing.assert_close(law.std(signal)[1, 2], law.std(signal[1, 2]))


def test_other_numbers_of_components_are_refused():
    with pytest.raises(ValueError, match="1, 2 or 3"):
        LearnedLaw(4)


@pytest.mark.slow
@pytest.mark.parametrize("components", [1, 2, 3])
def test_it_learns_a_camera_by_its_own_likelihood(components):
    """σ within 5 % from the 5th to the 99th percentile of the signals, given the signals themselves.

    At darker signals σ bends most, and learning it takes more steps than a test has.
    """
    camera = PoissonGaussian(gain=2.0, offset=100.0, read_noise=1.5)
    generator = torch.Generator().manual_seed(0)
    signal = 100 + 30 * torch.empty(60_000).exponential_(generator=generator)  # many dim, few bright
    recorded = camera.sample(signal, generator)
    scale = float(signal.quantile(0.95)) - 100
    x, y = (signal - 100) / scale, (recorded - 100) / scale
    torch.manual_seed(0)
    law = LearnedLaw(components, std=0.1)
    optimiser = torch.optim.Adam(law.parameters(), lr=1e-2)
    steps = 600
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 1e-2 * (1 - step / steps)
        pick = torch.randint(len(x), (4096,), generator=generator)
        loss = -law(x[pick]).log_prob(y[pick]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    at = torch.linspace(float(signal.quantile(0.05)), float(signal.quantile(0.99)), 50)
    ratio = Affine(law, 100.0, scale).std(at) / camera.std(at)
    assert (ratio - 1).abs().max() < 0.05


@pytest.mark.parametrize("components", [2, 3])
def test_the_mean_of_the_noise_is_zero_whatever_was_learned(components):
    torch.manual_seed(0)
    law = LearnedLaw(components)
    with torch.no_grad():
        for value in law.parameters():
            value.add_(torch.randn_like(value))
    signal = torch.linspace(-2, 6, 50)
    mixture = law(signal)
    mean = (mixture.log_weights.exp() * mixture.means).sum(-1)
    torch.testing.assert_close(mean, signal, atol=1e-3 * float(mixture.std.max().detach()), rtol=1e-4)


def test_a_law_starts_at_a_measured_line():
    torch.manual_seed(0)
    law = LearnedLaw(3)
    law.start_at(slope=2.0, constant=-6.0, least=1.0)
    signal = np.array([3.5, 8.0, 30.0])  # 3.5 is the signal of the smallest variance.
    line = 2.0 * signal - 6.0
    assert law.std(signal)[0] ** 2 == pytest.approx(line[0], rel=0.02)
    assert law.std(signal[1:]) ** 2 == pytest.approx(line[1:], rel=0.4)
