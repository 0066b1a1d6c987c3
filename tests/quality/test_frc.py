"""Fourier ring correlation: 1 for an image with itself, 0 for noise, and it falls at the image's highest frequency."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.quality.frc import halves, resolution, ring_correlation


def band_limited(shape, limit, seed=0):
    """Noise without any frequency above `limit` cycles per pixel."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft2(rng.normal(size=shape))
    fy, fx = (np.fft.fftfreq(size) for size in shape)
    spectrum[np.hypot(fy[:, None], fx) > limit] = 0
    image = np.fft.ifft2(spectrum).real
    return image / image.std()


def test_an_image_correlates_with_itself():
    image = np.random.default_rng(0).normal(size=(60, 81))
    frequency, correlation = ring_correlation(image, 3 * image + 7)
    np.testing.assert_allclose(correlation, 1.0)
    assert frequency[-1] == pytest.approx(0.5)
    assert resolution(frequency, correlation) == 2.0


def test_independent_noise_does_not():
    a, b = np.random.default_rng(0).normal(size=(2, 256, 256))
    frequency, correlation = ring_correlation(a, b)
    assert abs(correlation.mean()) < 0.02
    assert resolution(frequency, correlation) == np.inf


@pytest.mark.parametrize("limit", [0.1, 0.2, 0.35])
def test_the_resolution_is_the_highest_frequency_of_the_image(limit):
    image = 5 * band_limited((256, 192), limit)
    a, b = image + np.random.default_rng(1).normal(size=(2, 256, 192))
    assert resolution(*ring_correlation(a, b)) == pytest.approx(1 / limit, rel=0.12)


def test_halves_made_by_the_true_noise_are_independent():
    rng = np.random.default_rng(0)
    std = rng.uniform(1, 4, (256, 256))
    noise = std * rng.normal(size=std.shape)
    one, other = halves(noise, std)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
    np.testing.assert_allclose((one + other) / 2, noise)
    assert (one / std).var() == pytest.approx(2, rel=0.05)


def test_too_small_or_empty_planes_have_no_rings():
    for plane in (np.zeros((3, 40)), np.full((32, 32), np.nan)):
        frequency, correlation = ring_correlation(plane, plane)
        assert frequency.size == correlation.size == 0
        assert np.isnan(resolution(frequency, correlation))
