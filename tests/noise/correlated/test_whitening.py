"""Whitened noise is white, at every place and frequency; the filters are undone; a part gives what the whole gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muguet.noise import Kernel, MeanVariance, Whitening
from muguet.noise.correlated.first import with_clear

from .images import GAINS, INDEPENDENT, SIDE, blobs, correlations, draw, gaussian


def whitening(name: str, variance: float = 4.0) -> Whitening:
    y, x = (tuple(np.where(np.abs(each) > 1e-9, each, 0)) for each in correlations(GAINS[name]))
    return Whitening(Kernel(y, x, independent=INDEPENDENT.get(name, 0.0)), 0.0, variance, variance)


@pytest.mark.parametrize("name", GAINS)
def test_the_spectrum_is_flat(name):
    filters = whitening(name)
    white = filters(2 * draw(GAINS[name], 0))
    power = np.abs(np.fft.fft2(white)) ** 2 / white.size / (4 * filters.level)
    distance = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    for low, high in ((0.02, 0.15), (0.15, 0.3), (0.3, 0.45), (0.45, 0.71)):
        assert power[(distance >= low) & (distance < high)].mean() == pytest.approx(1, abs=0.07)


@pytest.mark.parametrize("name", GAINS)
def test_the_filters_are_undone(name):
    filters, scene = whitening(name), blobs(100)
    back = filters.undo(filters.sharpen(scene))
    assert np.sqrt(np.mean((back - scene) ** 2)) < 0.005 * scene.std()
    assert filters.sharpen(np.full((64, 64), 7.0)) == pytest.approx(7.0)


@pytest.mark.parametrize("name", GAINS)
@given(y=st.integers(0, 100), x=st.integers(0, 100))
@settings(max_examples=5, deadline=None)
def test_a_part_gives_what_the_whole_gives(name, y, x):
    filters = replace(whitening(name), clear=0.01)
    image = (100 + 2 * draw(GAINS[name], 0)).astype(np.float32)
    far_y, far_x = filters.reach
    whole = filters.finish(filters(image), image)[y + far_y : y + 120 - far_y, x + far_x : x + 120 - far_x]
    cut = image[y : y + 120, x : x + 120]
    part = filters.finish(filters(cut), cut)[far_y : 120 - far_y, far_x : 120 - far_x]
    np.testing.assert_allclose(part, whole, atol=1e-4)


def test_the_noise_that_is_added_follows_the_signal_and_is_new_in_every_plane():
    kernel = Kernel(*(tuple(each) for each in correlations(gaussian(0.8))))
    filters = Whitening(kernel, 1.0, 0.0, 0.01)
    rng = np.random.default_rng(0)
    planes = np.stack(
        [np.full((SIDE, SIDE), level) + rng.normal(0, 1e-3, (SIDE, SIDE)) for level in (4, 4, 100)]
    )
    added = filters(planes) - filters.sharpen(planes)
    assert added[2].std() / added[0].std() == pytest.approx(5, rel=0.02)
    assert abs(np.corrcoef(added[0].ravel(), added[1].ravel())[0, 1]) < 0.02


def test_other_units_give_the_same_image():
    filters = whitening("gaussian 0.4")
    image = (100 + 2 * draw(GAINS["gaussian 0.4"], 0)).astype(np.float64)
    units = filters.in_units(50.0, 4.0).sharpen((image - 50) / 4)
    np.testing.assert_allclose(units * 4 + 50, filters.sharpen(image), atol=1e-9)
    assert filters.in_units(50.0, 4.0).in_units(-50 / 4, 1 / 4).as_dict() == filters.as_dict()


def test_a_curve_of_white_noise_gets_the_size_of_the_noise():
    y, x = (tuple(each[:2]) for each in correlations(GAINS["gaussian 0.6"]))
    noise = Whitening(Kernel(y, x), 2.0, 10.0, 1.0)
    signal = np.linspace(10, 500, 20)
    measured = noise.level * noise.variance(signal) * (0.7 + 0.0005 * signal)
    curve = noise.levelled(MeanVariance(signal, measured, 0.01 * measured, np.full(20, 1000)))
    np.testing.assert_allclose(curve.variance, noise.level * noise.variance(signal), rtol=0.02)
    np.testing.assert_allclose(curve.error / curve.variance, 0.01)


def test_the_values_of_a_header():
    filters = whitening("slow")
    assert Whitening.of(filters.as_dict()) == filters
    with_details = replace(filters, clear=0.01)
    assert Whitening.of(with_details.as_dict()) == with_details
    assert "clear" not in filters.as_dict()


def test_details_that_noise_spares_are_taken_from_the_image():
    gain, scene = gaussian(1.2), blobs(100)
    details = np.where(scene > 20, 3.0, 0.0) * np.random.default_rng(5).choice([-1.0, 1.0], scene.shape)
    noisy = scene + details + 2 * draw(gain, 0)
    filters = Whitening(Kernel(*(tuple(each) for each in correlations(gain))), 0.0, 4.0, 4.0)
    estimate = filters.sharpen(scene)
    np.testing.assert_array_equal(filters.finish(estimate, noisy), filters.undo(estimate))
    found = replace(filters, clear=filters.least_clear).finish(estimate, noisy)
    before, after = (np.mean((each - scene - details) ** 2) for each in (scene, found))
    assert after < 0.3 * before
    quiet = replace(filters, clear=filters.least_clear).finish(estimate, scene + 2 * draw(gain, 0))
    assert np.mean((quiet - scene) ** 2) < 0.01 * 4


def test_independent_noise_beside_is_not_taken_for_details():
    gain, scene = gaussian(1.2), blobs(100)
    noisy = scene + 2 * draw(gain, 0) + 0.5 * np.random.default_rng(2).normal(size=scene.shape)
    filters = Whitening(Kernel(*(tuple(each) for each in correlations(gain))), 0.0, 4.0, 4.0)
    filters = with_clear([noisy], filters)
    assert filters.clear > 2 * filters.least_clear
    found = filters.finish(filters.sharpen(scene), noisy)
    assert np.mean((found - scene) ** 2) < 0.1 * 0.5**2
