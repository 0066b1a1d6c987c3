"""A measured law converges to the law that its pixels were drawn from."""

import math

import numpy as np
import pytest
import tifffile
import torch

from muguet import MuguetError
from muguet.noise import EMCCD, Affine, Gaussian, MeasuredLaw, PoissonGaussian, mean_divergence

CAMERA = PoissonGaussian(2.0, 100.0, 1.5)
TRUTHS = {"gaussian": Gaussian(5.0), "camera": CAMERA, "EMCCD": EMCCD(2.0, 100.0, 0.3)}


def scene(pixels: int = 200_000, seed: int = 0) -> np.ndarray:
    """Return many dim pixels and few bright ones, in counts with an offset of 100."""
    return 110 + np.random.default_rng(seed).exponential(60, pixels)


@pytest.fixture(scope="module", params=list(TRUTHS))
def pair(request):
    truth, clean = TRUTHS[request.param], scene()
    return truth, clean, MeasuredLaw.from_pairs(truth.sample(clean, seed=1), clean)


def test_it_has_the_width_and_the_skewness_of_its_pixels(pair):
    truth, _, law = pair
    at, count = law.signals.numpy(), law.counts.numpy()
    # Standard errors of the variance and of the skewness of n pixels, for noise with tails like these.
    bins = len(at)
    ratio = law.std(at) / truth.std(at) - 1
    assert np.abs(ratio[count > 2500]).max() < 0.05
    assert np.sqrt(np.mean(ratio**2)) < 0.03
    error = law.skewness(at) - truth.skewness(at)
    assert np.sqrt(np.mean((error / np.sqrt(6 / count)) ** 2)) < 2.5
    assert abs(error.mean()) < 5 * np.sqrt(np.mean(6 / count) / bins)


def test_its_divergence_from_the_truth_vanishes_and_from_others_does_not(pair):
    truth, clean, law = pair
    assert abs(mean_divergence(law, truth, clean)) < 0.002
    assert mean_divergence(law, Gaussian(float(truth.std(clean).mean()) * 1.5), clean) > 0.05


def test_its_density_integrates_to_one_and_has_its_moments(pair):
    _, _, law = pair
    signal = torch.tensor([50.0, 110.0, 131.7, 300.0, 9999.0], dtype=torch.float64)  # beyond both ends too
    distribution = law.distribution(signal)
    z = torch.linspace(-15, 15, 200_001, dtype=torch.float64).unsqueeze(-1)
    y = distribution.mean + z * distribution.std
    density = distribution.log_prob(y).exp() * distribution.std
    for power, expected, error in ((0, 1.0, 1e-3), (1, 0.0, 0.01), (2, 1.0, 0.02)):
        assert torch.trapezoid(density * z**power, z, dim=0) == pytest.approx(expected, abs=error)
    third = torch.trapezoid(density * z**3, z, dim=0)
    torch.testing.assert_close(third, distribution.skewness, atol=0.02, rtol=0.02)
    assert torch.isfinite(distribution.log_prob(1e5 * z)).all()


def test_its_quantiles_undo_its_cdf(pair):
    _, _, law = pair
    signal = torch.tensor([50.0, 131.7, 300.0], dtype=torch.float64)
    levels = torch.tensor([[1e-4], [0.3], [0.99]], dtype=torch.float64)
    distribution = law.distribution(signal)
    torch.testing.assert_close(distribution.cdf(distribution.quantile(levels)), levels.expand(3, 3))


def test_its_samples_follow_its_cdf(pair):
    """Kolmogorov and Smirnov's statistic, whose 0.01 % point is 2.23 / √n."""
    _, _, law = pair
    signal = torch.tensor([50.0, 131.7, 300.0], dtype=torch.float64)
    drawn = law.sample(signal.expand(5_000, -1), seed=2).sort(0).values
    ranks = torch.linspace(0, 1, len(drawn), dtype=torch.float64).unsqueeze(-1)
    assert ((law.distribution(signal).cdf(drawn) - ranks).abs().amax(0) < 2.23 / math.sqrt(5_000)).all()


def test_it_is_constant_beyond_the_signals_that_were_measured(pair):
    _, clean, law = pair
    assert clean.min() < law.signals[0] < law.signals[-1] < clean.max()
    assert (law.signals.diff() > 0).all()
    assert law.counts.sum() == clean.size
    assert law.counts.min() >= 1000
    ends = law.signals[[0, -1]]
    torch.testing.assert_close(law.std(ends + torch.tensor([-1e4, 1e4])), law.std(ends))


def test_it_is_in_the_dtype_of_the_signal_and_of_any_unit(pair):
    _, _, law = pair
    for dtype in (torch.float32, torch.float64):
        distribution = law(torch.tensor([120.0, 300.0], dtype=dtype))
        for result in (distribution.mean, distribution.std, distribution.skewness, distribution.sample()):
            assert result.dtype == dtype
        assert distribution.cdf(distribution.mean).dtype == dtype
    other = Affine(law, offset=-7.0, scale=3.0)
    at = np.array([120.0, 300.0])
    np.testing.assert_allclose(other.std(3 * at - 7), 3 * law.std(at), rtol=1e-4)
    np.testing.assert_allclose(law.to(torch.float32).std(at), law.std(at), rtol=1e-4)


def test_the_furthest_pixel_is_kept():
    clean = np.full(20_000, 500.0)
    noisy = Gaussian(5.0).sample(clean, seed=0)
    noisy[7] += 1000
    law = MeasuredLaw.from_pairs(noisy, clean)
    tail = 1 - float(law.cdf(np.array([1300.0]), np.array([500.0]))[0])
    assert tail == pytest.approx(1 / 20_000, rel=0.5)


def test_repeats_give_the_law_that_pairs_give():
    """Twelve frames with a noisy mean give σ without bias; skewness is smaller by the factor of the docstring."""
    clean = scene(30_000, seed=3)
    frames = np.stack([CAMERA.sample(clean, seed=seed) for seed in range(12)])
    law = MeasuredLaw.from_repeats(frames)
    at = np.array([120.0, 140.0, 200.0, 300.0])
    np.testing.assert_allclose(law.std(at), CAMERA.std(at), rtol=0.03)
    np.testing.assert_allclose(law.mean(at), at, atol=0.3)
    shrunk = (12 - 2) / math.sqrt(12 * 11)
    np.testing.assert_allclose(law.skewness(at), shrunk * CAMERA.skewness(at), atol=0.06)


def test_dark_pixels_without_any_noise_do_not_end_the_measurement():
    """As in 8-bit files, whose background is one value in all frames."""
    frames = np.stack([CAMERA.sample(scene(20_000, seed=3), seed=seed) for seed in range(4)])
    law = MeasuredLaw.from_repeats(np.concatenate([np.full((4, 5000), 100.0), frames], 1))
    assert (law.scales > 0).all()
    assert float(law.std(np.array([200.0]))[0]) == pytest.approx(
        float(CAMERA.std(np.array([200.0]))[0]), rel=0.05
    )


def test_pixels_that_are_not_finite_are_left_out():
    clean = scene(20_000)
    noisy = CAMERA.sample(clean, seed=1).astype(np.float64)
    expected = MeasuredLaw.from_pairs(noisy[100:], clean[100:])
    noisy[:50], clean[50:100] = np.nan, np.inf
    torch.testing.assert_close(MeasuredLaw.from_pairs(noisy, clean).scales, expected.scales)


def test_few_pixels_make_one_bin_and_bad_ones_an_error():
    clean = scene(1500)
    assert len(MeasuredLaw.from_pairs(CAMERA.sample(clean), clean).signals) == 1
    with pytest.raises(MuguetError, match="shape"):
        MeasuredLaw.from_pairs(np.zeros(5), np.zeros(6))
    with pytest.raises(MuguetError, match="too few"):
        MeasuredLaw.from_pairs(np.zeros(0), np.zeros(0))
    with pytest.raises(MuguetError, match="copies"):
        MeasuredLaw.from_pairs(clean, clean)
    with pytest.raises(MuguetError, match="two or more frames"):
        MeasuredLaw.from_repeats(clean[None])


@pytest.mark.parametrize(
    "channel", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)]
)
def test_w2s_is_the_line_it_is_known_for_and_skewed_as_multiplied_light(data, channel):
    noisy, clean = (tifffile.imread(data / f"w2s_ch{channel}_{kind}.tif") for kind in ("noisy", "clean"))
    law = MeasuredLaw.from_pairs(noisy, clean)
    at = np.linspace(250, 1500, 26)
    np.testing.assert_allclose(law.std(at) ** 2, 100 * (at - 200), rtol=0.05)
    if channel == 1:
        assert law.skewness(np.linspace(300, 400, 11)).mean() == pytest.approx(1.2, abs=0.1)
        assert law.skewness(np.linspace(800, 1000, 11)).mean() == pytest.approx(0.5, abs=0.06)
    # Half the gain and an excess-noise factor of two have the same variance, and the right third moment.
    plain = mean_divergence(law, PoissonGaussian(100.0, 200.0, 0.3), clean)
    multiplied = mean_divergence(law, EMCCD(50.0, 200.0, 0.3), clean)
    assert multiplied < 0.1
    assert 1.7 * multiplied < plain


@pytest.mark.parametrize("frames", [2, 9])
def test_the_signals_of_repeats_have_the_noise_of_a_mean_and_those_of_a_clean_image_none(frames):
    clean = np.linspace(100, 200, 20_000)
    noisy = clean + np.random.default_rng(0).normal(0, 5, (frames, clean.size))
    assert MeasuredLaw.from_repeats(noisy).points().blur == pytest.approx(frames**-0.5)
    assert MeasuredLaw.from_pairs(noisy[0], clean).points().blur == 0
