"""The second look finds noise that high frequencies hardly contain, and leaves alone what it cannot decide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet.noise import Kernel, Whitening, measure_whitening
from muguet.samples import acquisition
from muguet.training import second_look as module
from muguet.training.second_look import refined, second_look

SIDE = 160


def cells(brightest: float) -> np.ndarray:
    scene = acquisition((SIDE, SIDE), 0).astype(np.float64)
    return 1 + brightest * (scene - scene.min()) / np.ptp(scene)


def mixed(share: float, blur: float = 1.2) -> np.ndarray:
    """Noise of variance one: that of a Gaussian filter, and a share of σ that is independent."""
    rng = np.random.default_rng(0)
    wide = gaussian_filter(rng.normal(size=(SIDE, SIDE)), blur, mode="wrap")
    return np.sqrt(1 - share**2) * wide / wide.std() + share * rng.normal(size=wide.shape)


def test_wide_noise_beside_independent_noise_is_found():
    scene = cells(30)
    noisy = scene + np.sqrt(scene + 1) * mixed(0.3)
    first = measure_whitening([noisy])
    assert (max((0.0, *first.kernel.x)) if first else 0.0) < 0.4
    found = second_look([noisy], first)
    true = 0.91 * np.exp(-1 / (4 * 1.2**2))
    for measured in (found.kernel.y, found.kernel.x):
        assert measured[0] == pytest.approx(true, abs=0.05)
    signals = np.array([5.0, 15.0])
    np.testing.assert_allclose(np.sqrt(found.variance(signals)), np.sqrt(signals + 1), rtol=0.15)


@pytest.mark.parametrize("brightest", [3, 300])
def test_independent_noise_is_not_looked_at_again(monkeypatch, brightest):
    monkeypatch.setattr(module, "load_prior", None)
    noisy = np.random.default_rng(0).poisson(cells(brightest)).astype(float)
    assert second_look([noisy], None) is None


def test_a_scene_with_texture_everywhere_is_not_taken_for_noise():
    texture = gaussian_filter(np.random.default_rng(1).normal(size=(SIDE, SIDE)), 2.0)
    scene = np.maximum(1000 + 200 * texture / texture.std(), 1)
    noisy = np.random.default_rng(0).poisson(scene).astype(float)
    first = measure_whitening([noisy])
    assert second_look([noisy], first) is first


@pytest.mark.parametrize(("blur", "share", "start"), [(0.6, 0.0, (0.5, 0.05)), (0.8, 0.3, (0.66, 0.2))])
def test_the_first_look_is_refined(blur, share, start):
    scene = cells(30)
    noise = mixed(share, blur)
    noisy = scene + np.sqrt(scene + 1) * noise
    found = refined([noisy], Whitening(Kernel(start, start), 0.85, 0.85, 0.01))
    for measured, axis in ((found.kernel.y, 0), (found.kernel.x, 1)):
        assert measured[0] == pytest.approx((noise * np.roll(noise, 1, axis)).mean(), abs=0.02)
    signals = np.array([5.0, 15.0])
    np.testing.assert_allclose(np.sqrt(found.variance(signals)), np.sqrt(signals + 1), rtol=0.08)
    assert found.kernel.independent == pytest.approx(share**2, abs=0.03)


def test_a_correlation_that_the_residual_does_not_show_is_forgotten():
    noisy = np.random.default_rng(0).poisson(cells(30)).astype(float)
    assert refined([noisy], Whitening(Kernel((0.1,), ()), 1.0, 0.0, 0.01)) is None


def undersampled() -> np.ndarray:
    """Bright cells of which every third pixel is recorded, with independent noise."""
    scene = acquisition((384, 384), 0).astype(np.float64)[::3, ::3]
    return np.random.default_rng(1).poisson(1 + 1000 * (scene - scene.min()) / np.ptp(scene)).astype(float)


def test_fine_structure_is_not_taken_for_correlated_noise():
    noisy = undersampled()
    first = measure_whitening([noisy])
    assert first is not None
    assert refined([noisy], first) is None


def test_differences_of_frames_show_that_noise_is_correlated_where_fine_structure_hides_it():
    scene = undersampled()
    noise = gaussian_filter(
        np.random.default_rng(2).normal(size=(2, *scene.shape)), (0, 0.6, 0.6), mode="wrap"
    )
    frames = scene + np.sqrt(scene + 1) * noise / noise.std()
    difference = (frames[1] - frames[0]) / np.sqrt(2)
    first = measure_whitening(list(frames), [difference])
    found = refined(list(frames), first, [difference])
    assert found.kernel.x[0] == pytest.approx(0.45, abs=0.07)


@pytest.mark.parametrize("plane", [np.full((160, 160), np.nan), np.ones((160, 160)), np.eye(64)])
def test_what_cannot_be_measured(plane):
    assert second_look([plane], None) is None
    assert second_look([], None) is None
