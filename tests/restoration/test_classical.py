"""Classical denoisers: none comes nearer than the best blur's width, and all see noise without being told."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from muguet import MuguetError
from muguet.quality import psnr
from muguet.restoration import best_blur, best_sigma, blind_sigma
from muguet.restoration.blur_width import blurred, noise_std
from muguet.restoration.classical import METHODS, apply, calibrate, calibrated
from tests.conftest import blobs, recorded


@pytest.mark.parametrize("brightest", [5.0, 200.0, 1e4])
def test_no_other_width_beats_the_best_blur(brightest):
    clean = 100 + 2 * blobs(64, brightest=brightest)
    noisy = recorded((clean - 100) / 2)
    estimate, sigma = best_blur(noisy, clean)
    best = psnr(estimate, clean)
    np.testing.assert_allclose(estimate, blurred(noisy, sigma))
    for other in np.arange(0, 12, 0.1):
        assert psnr(blurred(noisy, other), clean) <= best + 1e-3


def test_one_width_serves_all_frames_by_their_mean_psnr(clean, noisy):
    frames = np.stack([noisy, np.random.default_rng(0).poisson(noisy)])
    estimate, sigma = best_blur(frames, clean)
    assert estimate.shape == frames.shape
    assert estimate.dtype == np.float32
    best = psnr(estimate, clean)
    for other in np.arange(0, 8, 0.25):
        assert psnr(np.stack([blurred(frame, other) for frame in frames]), clean) <= best + 1e-3
    assert best_sigma(list(frames), [clean, clean]) == sigma


def test_an_image_without_noise_is_not_blurred(clean):
    estimate, sigma = best_blur(clean, clean)
    assert sigma == 0
    np.testing.assert_allclose(estimate, clean, rtol=1e-6)


@pytest.mark.parametrize("brightest", [5.0, 50.0, 500.0])
def test_the_noisy_image_tells_the_best_width(brightest):
    clean = 100 + 2 * blobs(192, brightest=brightest)
    noisy = recorded((clean - 100) / 2)
    best, _ = best_blur(noisy, clean)
    assert psnr(blurred(noisy, blind_sigma(noisy)), clean) > psnr(best, clean) - 0.3


def test_the_noise_is_measured_whatever_it_depends_on():
    clean = 100 + 2 * blobs(256)
    noisy = recorded((clean - 100) / 2)
    assert noise_std(noisy) == pytest.approx(np.sqrt((2 * (clean - 100) + 16).mean()), rel=0.05)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("brightest", [5.0, 100.0, 3000.0])
def test_calibrated_methods_beat_the_noisy_image(method, brightest):
    clean = 100 + 2 * blobs(64, brightest=brightest)
    noisy = recorded((clean - 100) / 2)
    estimate, parameters = calibrated(noisy, method)
    assert len(parameters) == 1
    assert estimate.dtype == np.float32
    assert psnr(estimate, clean) > psnr(noisy, clean) + 1


@pytest.mark.parametrize("method", METHODS)
def test_they_do_not_depend_on_the_unit(method):
    noisy = recorded(blobs(48)).astype(np.float64)
    estimate, parameters = calibrated(noisy, method)
    other, same = calibrated(noisy * 1e-5 + 0.002, method)
    assert same == pytest.approx(parameters, rel=0.02)
    np.testing.assert_allclose((other - 0.002) * 1e5, estimate, atol=0.05 * noise_std(noisy))


@pytest.mark.parametrize("method", METHODS)
def test_every_frame_is_denoised_by_itself(method):
    frames = np.stack([recorded(blobs(40, seed), seed) for seed in range(3)])
    estimate, parameters = calibrated(frames, method)
    assert parameters == calibrate(list(frames), method)
    for frame, each in zip(frames, estimate, strict=True):
        np.testing.assert_allclose(apply(frame, method, parameters), each)


def test_a_constant_frame_among_others_stays_as_it_is():
    frames = np.stack([recorded(blobs(40)), np.full((40, 40), 7, np.uint16)])
    for method in METHODS:
        np.testing.assert_allclose(calibrated(frames, method)[0][1], 7)


def test_mistakes(monkeypatch):
    noisy = recorded(blobs(32))
    with pytest.raises(MuguetError, match="median"):
        calibrated(noisy, "median")
    with pytest.raises(MuguetError, match="16×16"):
        calibrated(noisy[:15], "wavelet")
    with pytest.raises(MuguetError, match="constant"):
        calibrated(np.ones((32, 32)), "gaussian-blur")
    with pytest.raises(MuguetError, match="not finite"):
        calibrated(np.where(noisy > 200, np.nan, noisy), "gaussian-blur")
    with pytest.raises(MuguetError, match="do not match"):
        best_blur(noisy, noisy[:-1])
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MuguetError, match=r"muguet\[classic\]"):
        calibrated(noisy, "wavelet")
    calibrated(noisy, "gaussian-blur")  # needs no scikit-image
