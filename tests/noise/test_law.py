"""Properties that every noise law must have."""

import math

import numpy as np
import pytest
import torch

from muguet.noise import Affine, Gaussian, PoissonGaussian, corrupt

DRAWS = 20_000


def around(distribution, widths=12.0, points=4_001):
    """Return values ``(points, signals)`` from `widths` standard deviations below the mean to as many above."""
    at = torch.linspace(-widths, widths, points, dtype=torch.float64).unsqueeze(-1)
    return distribution.mean + distribution.std * at


def test_the_density_integrates_to_one(law, signal):
    distribution = law.distribution(signal)
    y = around(distribution, widths=25.0)
    assert torch.trapezoid(distribution.log_prob(y).exp(), y, dim=0) == pytest.approx(1.0, abs=1e-5)


def test_moments_of_the_density_are_the_formulas(law, signal):
    distribution = law.distribution(signal)
    y = around(distribution, widths=25.0)
    density = distribution.log_prob(y).exp()
    away = (y - distribution.mean) / distribution.std
    for power, expected in ((1, 0.0), (2, 1.0), (3, distribution.skewness)):
        moment = torch.trapezoid(density * away**power, y, dim=0)
        torch.testing.assert_close(
            moment, torch.as_tensor(expected).expand_as(moment).double(), atol=1e-5, rtol=1e-4
        )


def test_the_mean_is_the_signal(law, signal):
    torch.testing.assert_close(law.distribution(signal).mean, signal, rtol=1e-12, atol=1e-12)


def test_samples_have_the_moments_of_the_formulas(law, signal):
    distribution = law.distribution(signal)
    drawn = law.sample(signal.expand(DRAWS, -1), seed=1)
    away = (drawn - distribution.mean) / distribution.std
    for power, expected in ((1, 0.0), (2, 1.0), (3, distribution.skewness)):
        values = away**power
        error = values.std(0) / math.sqrt(DRAWS)
        assert ((values.mean(0) - expected).abs() < 5 * error).all()


def test_samples_follow_the_cdf(law, signal):
    """Kolmogorov and Smirnov's statistic, whose 0.01 % point is 2.23 / √n."""
    drawn = law.sample(signal.expand(5_000, -1), seed=2).sort(0).values
    ranks = torch.linspace(0, 1, len(drawn), dtype=torch.float64).unsqueeze(-1)
    assert ((law.distribution(signal).cdf(drawn) - ranks).abs().amax(0) < 2.23 / math.sqrt(len(drawn))).all()


def test_the_derivative_of_the_cdf_is_the_density(law, signal):
    distribution = law.distribution(signal)
    y = around(distribution, widths=5.0, points=101)
    step = 3e-5 * distribution.std
    slope = (distribution.cdf(y + step) - distribution.cdf(y - step)) / (2 * step)
    peak = distribution.log_prob(y).exp().amax(0)
    torch.testing.assert_close(slope / peak, distribution.log_prob(y).exp() / peak, atol=1e-6, rtol=1e-5)


def test_quantiles_undo_the_cdf(law, signal):
    levels = torch.tensor([1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6], dtype=torch.float64).unsqueeze(-1)
    distribution = law.distribution(signal)
    at = distribution.quantile(levels)
    assert at.shape == (6, len(signal))
    torch.testing.assert_close(distribution.cdf(at), levels.expand_as(at), rtol=1e-7, atol=1e-12)
    y = law.sample(signal.expand(20, -1))
    torch.testing.assert_close(distribution.quantile(distribution.cdf(y)), y, rtol=1e-6, atol=1e-6)


def test_quantiles_at_0_and_1_are_infinite(law, signal):
    signal = signal[1:3]
    assert (law.quantile(signal, 0.0) == -math.inf).all()
    assert (law.quantile(signal, 1.0) == math.inf).all()
    assert law.quantile(signal, -0.1).isnan().all()


def test_numpy_in_numpy_out_tensor_in_tensor_out(case):
    law, array = case.build(), np.array(case.signals)
    tensor = torch.tensor(case.signals)
    for result, like in (
        (law.std(array), law.std(tensor)),
        (law.mean(array), law.mean(tensor)),
        (law.skewness(array), law.skewness(tensor)),
        (law.density(array + 1, array), law.density(tensor + 1, tensor)),
        (law.cdf(array + 1, array), law.cdf(tensor + 1, tensor)),
        (law.quantile(array, 0.9), law.quantile(tensor, 0.9)),
        (law.sample(array), law.sample(tensor)),
        (law.log_prob(array + 1, array), law.log_prob(tensor + 1, tensor)),
    ):
        assert isinstance(result, np.ndarray)
        assert isinstance(like, torch.Tensor)
        assert result.shape == array.shape
        assert not like.requires_grad
        np.testing.assert_allclose(result, like.numpy(), rtol=1e-6)


def test_any_array_and_any_number_will_do(case):
    law, array = case.build(), np.array(case.signals)
    frozen = array.astype(np.float32)
    frozen.flags.writeable = False
    for kind in (array[::-1][::-1], array.astype(">f8"), frozen, np.float32(array).reshape(1, -1)):
        np.testing.assert_allclose(np.ravel(law.std(kind)), law.std(array), rtol=1e-5)
    np.testing.assert_allclose(law.std(array.astype(np.float32)[::-1]), law.std(array)[::-1], rtol=1e-5)
    assert float(law.std(case.signals[0])) == pytest.approx(float(law.std(array)[0]))


def test_the_same_seed_gives_the_same_draw(law, signal):
    many = signal.expand(50, -1)
    assert torch.equal(law.sample(many, seed=3), law.sample(many, seed=3))
    assert not torch.equal(law.sample(many, seed=3), law.sample(many, seed=4))
    one, other = (torch.Generator().manual_seed(5) for _ in range(2))
    before = torch.random.get_rng_state()
    assert torch.equal(corrupt(law, many, one), law.sample(many, seed=other))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_shape_follow_the_signal(case, dtype):
    law, signal = case.build().to(dtype), torch.tensor(case.signals, dtype=dtype).expand(2, 3, -1)
    distribution = law(signal)
    results = (distribution.mean, distribution.std, distribution.skewness, distribution.sample())
    results += (distribution.log_prob(signal), distribution.cdf(signal), distribution.quantile(0.3))
    for result in results:
        assert result.shape == signal.shape
        assert result.dtype == dtype


def test_extreme_signals_have_finite_likelihoods_and_gradients(case):
    law = case.build()  # in float32, as in training
    for x in (-1e4, -5.0, 0.0, 100.0, 1e4):
        for y in (-5.0, 0.0, x, 2e4):
            signal = torch.tensor([x], requires_grad=True)
            law.zero_grad()
            loss = law(signal).log_prob(torch.tensor([y]))
            loss.sum().backward()
            assert torch.isfinite(loss).all(), (x, y)
            assert torch.isfinite(signal.grad).all(), (x, y)
            for parameter in law.parameters():
                assert torch.isfinite(parameter.grad).all(), (x, y)


def test_other_units_are_a_change_of_variables(case):
    law, offset, scale = case.build().double(), -40.0, 250.0
    outer = Affine(law, offset, scale)
    inner = torch.tensor(case.signals, dtype=torch.float64)
    y = law.sample(inner.expand(7, -1))
    signal, counts = offset + scale * inner, offset + scale * y
    torch.testing.assert_close(
        outer.log_prob(counts, signal), law.log_prob(y, inner) - math.log(scale), rtol=1e-6, atol=1e-6
    )
    torch.testing.assert_close(outer.std(signal), scale * law.std(inner))
    torch.testing.assert_close(outer.skewness(signal), law.skewness(inner))
    torch.testing.assert_close(outer.sample(signal, seed=1), offset + scale * law.sample(inner, seed=1))


def test_a_camera_in_other_units_is_another_camera():
    """Gain and offset are units themselves, so this law is closed under the change."""
    scaled = Affine(PoissonGaussian(2.0, 100.0, 1.5), offset=10.0, scale=4.0)
    camera = PoissonGaussian(8.0, 410.0, 1.5)
    signal = torch.tensor([410.0, 500.0, 3000.0], dtype=torch.float64)
    y = camera.sample(signal.expand(20, -1))
    torch.testing.assert_close(scaled.log_prob(y, signal), camera.log_prob(y, signal))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_affine_refuses_an_impossible_scale(scale):
    with pytest.raises(ValueError, match="scale"):
        Affine(Gaussian(), 0.0, scale)
