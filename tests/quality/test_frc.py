"""Fourier ring correlation with an unknown signal: it agrees with that of the known one."""

from __future__ import annotations

import numpy as np
import pytest

import muguet
from muguet.noise import PoissonGaussian
from muguet.quality import Response, examine, resolution, ring_correlation
from muguet.samples import acquisition


def band_limited(shape, limit, seed=0):
    """Noise without any frequency above `limit` cycles per pixel."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft2(rng.normal(size=shape))
    fy, fx = (np.fft.fftfreq(size) for size in shape)
    spectrum[np.hypot(fy[:, None], fx) > limit] = 0
    image = np.fft.ifft2(spectrum).real
    return image / image.std()


def true_resolution(estimate, clean):
    """The period at which the correlation of the estimate and the true signal falls below 1/2."""
    window = np.hanning(clean.shape[0] + 2)[1:-1, None] * np.hanning(clean.shape[1] + 2)[1:-1]
    a, b = (np.fft.fft2((each - each.mean()) * window) for each in (estimate, clean))
    fy, fx = (np.fft.fftfreq(size) for size in clean.shape)
    radius, number = np.hypot(fy[:, None], fx), min(clean.shape) // 2
    frequency = np.arange(1, number + 1) / (2 * number)
    values = []
    for f in frequency:
        ring = np.abs(radius - f) <= max(0.1 * f, 1.5 / (2 * number))
        cross = (a[ring] * b[ring].conj()).real.sum()
        values.append(cross / np.sqrt((np.abs(a[ring]) ** 2).sum() * (np.abs(b[ring]) ** 2).sum()))
    return resolution(frequency, np.array(values))


@pytest.mark.parametrize("limit", [0.15, 0.2, 0.35])
def test_the_resolution_of_a_noisy_image_is_its_highest_frequency(limit):
    image = 5 * band_limited((256, 192), limit) + np.random.default_rng(1).normal(size=(256, 192))
    rings = ring_correlation(image, np.ones(image.shape))
    assert resolution(rings.frequency, rings.noisy) == pytest.approx(1 / limit, rel=0.15)


def test_an_image_without_noise_is_resolved_to_the_sampling_limit():
    image = np.random.default_rng(0).normal(size=(60, 81))
    rings = ring_correlation(image, np.full(image.shape, 1e-6))
    np.testing.assert_allclose(rings.noisy, 1.0, atol=1e-6)
    assert resolution(rings.frequency, rings.noisy) == 2.0


def test_nothing_is_resolved_in_noise():
    noise = np.random.default_rng(0).normal(size=(256, 256))
    rings = ring_correlation(noise, np.ones(noise.shape))
    assert resolution(rings.frequency, rings.noisy) == np.inf


@pytest.mark.parametrize("width", [0.5, 1.5])
def test_a_linear_filter_leaves_the_correlation_as_it_is(width):
    # A filter multiplies signal and noise of a frequency by the same factor.
    rng = np.random.default_rng(0)
    signal = 3 * band_limited((256, 256), 0.15)
    fy, fx = (np.fft.fftfreq(size) for size in signal.shape)
    factor = np.exp(-2 * np.pi**2 * width**2 * (fy[:, None] ** 2 + fx**2))

    def smoothed(image):
        return np.fft.ifft2(np.fft.fft2(image) * factor).real

    image, draws = signal + rng.normal(size=signal.shape), rng.normal(size=(4, *signal.shape))
    changes = np.stack([smoothed(each) for each in draws])
    std = np.ones(signal.shape)
    rings = ring_correlation(image, std, Response(image, std, smoothed(image), draws, changes))
    resolved = rings.frequency < 0.13
    np.testing.assert_allclose(rings.denoised[resolved], rings.noisy[resolved], atol=0.05)
    assert resolution(rings.frequency, rings.denoised) == pytest.approx(1 / 0.15, rel=0.15)


def test_a_sharpened_estimate_that_follows_the_noise_resolves_nothing_more():
    rng = np.random.default_rng(0)
    noise, draws = rng.normal(size=(128, 128)), rng.normal(size=(2, 128, 128))
    std = np.ones(noise.shape)
    rings = ring_correlation(noise, std, Response(noise, std, noise, draws, draws))
    assert np.nanmean(rings.denoised) < 0.35


@pytest.mark.parametrize(
    ("side", "electrons", "error"),
    [
        (256, 20, 0.25),  # A quarter of the pixels: three of four figures are within 15 %.
        *(pytest.param(512, electrons, 0.15, marks=pytest.mark.slow) for electrons in (20, 100, 500)),
    ],
)
def test_the_resolution_of_a_denoised_image_is_the_true_one(side, electrons, error):
    clean = acquisition((side, side), seed=2).astype(np.float64)
    clean = (clean - clean.min()) / (np.percentile(clean, 99.9) - clean.min()) * electrons
    law = PoissonGaussian(gain=2.0, offset=100.0, read_noise=2.0)
    noisy = np.rint(law.sample(2 * clean + 100, seed=electrons))
    model = muguet.fit(noisy, "YX", minutes=0)
    estimate = model(noisy, "YX", symmetries=1).astype(np.float64)
    checks = {check.name: check for check in examine(model, noisy, estimate).checks}
    found, true = checks["Resolution and signal-to-noise ratio"].figures, true_resolution(estimate, clean)
    assert found["resolution_denoised"] == pytest.approx(true, rel=error)
    assert true <= found["resolution_denoised_limit"]


def test_a_fall_below_what_the_noise_shows_is_continued():
    """A signal whose power falls exponentially, filtered by the best linear filter: the curve is exact."""
    rng = np.random.default_rng(0)
    fy, fx = (np.fft.fftfreq(256) for _ in range(2))
    power = 30 * np.exp(-(np.hypot(fy[:, None], fx) ** 0.8) / 0.045)  # Of the noise.
    signal = np.fft.ifft2(np.fft.fft2(rng.normal(size=(256, 256))) * np.sqrt(power)).real

    def filtered(image):
        return np.fft.ifft2(np.fft.fft2(image) * power / (power + 1)).real

    std, draws = np.ones(signal.shape), rng.normal(size=(4, *signal.shape))
    image = signal + rng.normal(size=signal.shape)
    changes = np.stack([filtered(each) for each in draws])
    rings = ring_correlation(image, std, Response(image, std, filtered(image), draws, changes))
    true = 1 / (0.045 * np.log(30 * 3)) ** (1 / 0.8)  # S/(S + 1) = 1/4.
    assert resolution(rings.frequency, rings.denoised) == pytest.approx(true, rel=0.1)


def test_too_small_or_empty_planes_have_no_rings():
    for plane in (np.zeros((3, 40)), np.full((32, 32), np.nan)):
        assert ring_correlation(plane, plane) is None


def test_a_correlation_that_is_unknown_before_it_falls_gives_no_resolution():
    frequency = np.arange(1, 9) / 16
    assert np.isnan(resolution(frequency, np.array([1, 0.9, np.nan, 0.2, 0.1, 0, 0, 0])))
    assert resolution(frequency, np.array([1, 0.9, 0.7, 0.3, np.nan, 0, 0, 0])) == pytest.approx(16 / 3.5)
