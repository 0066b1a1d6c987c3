"""The law before training: right over four decades of light, and a doubt where it cannot be measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet.restoration import load_prior
from muguet.training import MISSING, TARGET, measure_first_law
from muguet.training.sampled import SampledPlane


@pytest.fixture(scope="module")
def prior():
    return load_prior().eval()


def field(size: int = 256) -> np.ndarray:
    """Blobs between a dark and a bright level, from 0 to 1."""
    rng = np.random.default_rng(4)
    blobs = gaussian_filter(rng.standard_normal((size, size)), 6)
    return np.clip(0.5 + blobs / (4 * blobs.std()), 0, 1)


def sampled(image: np.ndarray) -> SampledPlane:
    return SampledPlane(image.astype(np.float32), np.full(image.shape, TARGET, np.uint8))


@pytest.mark.parametrize("light", [4, 40, 400, 1000])
def test_gain_and_offset_come_from_the_image_alone(prior, light):
    gain, offset, read = 2.5, 100.0, 1.5
    electrons = light * field()
    rng = np.random.default_rng(0)
    noisy = offset + gain * (rng.poisson(electrons) + rng.normal(0, read, electrons.shape))
    law = measure_first_law([sampled(noisy)], prior)
    assert not law.doubt
    signal = offset + gain * np.array([0.1, 0.5, 0.9]) * light
    truth = gain * (signal - offset) + (gain * read) ** 2
    np.testing.assert_allclose(law.slope * signal + law.constant, truth, rtol=0.15)
    units = law.electrons.apply(signal)
    np.testing.assert_allclose(units, truth / gain**2, rtol=0.2 if light > 10 else 0.4)
    np.testing.assert_allclose(law.in_electrons.variance(units), units, rtol=0.15)


def test_noise_that_does_not_grow_with_the_signal_is_that_of_many_electrons(prior):
    noisy = 1000 * field() + np.random.default_rng(0).normal(0, 20, (256, 256))
    law = measure_first_law([sampled(noisy)], prior)
    assert np.sqrt(law.slope * 500 + law.constant) == pytest.approx(20, rel=0.05)
    assert law.electrons.apply(np.array([500.0]))[0] > 1e4


@pytest.mark.parametrize("level", [0, 25, 200])
def test_missing_pixels_do_not_count(prior, level):
    """The values that stand for them, dark, middle or bright, do not matter."""
    noisy = np.random.default_rng(0).poisson(100 * field()).astype(float)
    plane = sampled(noisy)
    plane.filled[:, :100] = level
    plane.role[:, :100] = MISSING
    law = measure_first_law([plane], prior)
    for signal in (20, 50, 80):
        assert law.slope * signal + law.constant == pytest.approx(signal, rel=0.15)


def test_an_image_that_is_too_small_leaves_a_doubt(prior):
    noisy = 100 + np.random.default_rng(0).normal(0, 3, (20, 20))
    law = measure_first_law([sampled(noisy)], prior)
    assert law.doubt
    assert np.sqrt(law.slope * 100 + law.constant) == pytest.approx(3, rel=0.5)
