import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.noise import Correlation, mean_correlation, noise_correlation
from muguet.noise.transfer.highpass import high_pass


def scene(size=256):
    y, x = np.mgrid[:size, :size]
    return 50 + 40 * np.sin(x / 7) * np.cos(y / 11) + 30 * (np.hypot(y - 100, x - 120) < 40)


def white(seed=0, size=256):
    return np.random.default_rng(seed).normal(0, 6, (size, size))


def along_x(noise, share):
    return noise + share * np.roll(noise, 1, axis=-1)


def test_white_noise_on_a_scene_is_not_correlated():
    found = noise_correlation((scene() + white())[None])
    assert np.abs([found.x, found.y]).max() < 6 * found.error + 0.02
    assert found.reach == (0, 0)
    assert found.sentence() == ""


def test_noise_that_depends_on_the_signal_is_not_correlated():
    noisy = np.random.default_rng(0).poisson(scene()).astype(float)
    assert noise_correlation(noisy[None]).reach == (0, 0)


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_correlation_along_x_is_measured(share):
    found = noise_correlation((scene() + along_x(white(), share))[None])
    assert found.x[0] == pytest.approx(share / (1 + share**2), abs=0.03)
    assert abs(found.y[0]) < 0.05
    assert found.reach == (0, 1)
    assert "along X" in found.sentence()
    turned = noise_correlation((scene() + along_x(white(), share)).T[None])
    assert turned.reach == (1, 0)
    np.testing.assert_allclose(turned.y, found.x, atol=0.03)


def test_noise_that_reaches_further():
    noise = white() + np.roll(white(), 1, -1) + np.roll(white(), 2, -1)
    assert noise_correlation((scene() + noise)[None]).reach == (0, 2)


def test_correlation_along_both_axes():
    noise = along_x(white(size=300), 1.0)
    noise = noise + np.roll(noise, 1, axis=0)
    assert noise_correlation(noise[None]).reach == (1, 1)


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0, 0.4), seed=st.integers(0, 99))
def test_missing_pixels_do_not_matter_much(share, seed):
    noisy = scene() + white(seed)
    noisy[np.random.default_rng(seed).random(noisy.shape) < 0.02 * share] = np.nan
    assert noise_correlation(noisy[None]).reach == (0, 0)


@pytest.mark.parametrize("axis", [-1, -2])
def test_what_the_high_pass_lets_through_of_correlated_noise(axis):
    share = 0.08
    noise = white(size=1024)
    noise = noise + share * np.roll(noise, 1, axis)
    found = noise_correlation(noise[None])
    assert found.reach == (0, 0)
    assert np.nanvar(high_pass(noise)) / np.var(noise) == pytest.approx(found.passed, abs=0.01)


@given(
    y=st.floats(-0.1, 0.5), x=st.floats(-0.1, 0.5), error=st.floats(0.001, 0.05), rest=st.floats(-0.01, 0.01)
)
def test_only_a_clear_correlation_along_one_axis_is_corrected_for(y, x, error, rest):
    """Correlation of both axes comes from the scene, and masks hide a large one."""
    found = Correlation(np.array([y, rest, 0, 0]), np.array([x, rest, 0, 0]), error)
    assert 0.8 < found.passed <= 1
    if any(found.reach) or abs(y - x) < 3 * error or max(x, y) < max(3 * error, 4 * min(x, y)):
        assert found.passed == 1


def test_the_mean_of_several_images():
    one, two = (scene() + white(seed) for seed in (0, 1))
    both = mean_correlation([one[None], np.zeros((1, 8, 8)), two[None]])
    parts = [noise_correlation(each[None]) for each in (one, two)]
    np.testing.assert_allclose(both.x, (parts[0].x + parts[1].x) / 2)
    assert both.error == pytest.approx(parts[0].error / np.sqrt(2), rel=0.1)
    assert mean_correlation([np.zeros((1, 8, 8))]) is None


def test_what_cannot_be_measured_is_an_error():
    with pytest.raises(MuguetError, match="16×16"):
        noise_correlation(np.zeros((1, 8, 8)))
    with pytest.raises(MuguetError, match="200 pixels"):
        noise_correlation(np.full((1, 32, 32), np.nan))
    with pytest.raises(MuguetError, match="200 pixels"):
        noise_correlation(np.ones((1, 32, 32)))
