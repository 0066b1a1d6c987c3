"""Image structure in a residual, and the correlation of its neighbouring pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from muguet.quality.structure import excess_power, lost_contrast, pearson
from muguet.quality.whiteness import autocorrelation
from muguet.restoration import gaussian_blur
from tests.conftest import blobs

WHITE = np.random.default_rng(0).normal(size=(160, 200))


def test_white_noise_has_no_excess_and_no_correlation():
    assert excess_power(WHITE) == pytest.approx(1, abs=0.1)
    for along in autocorrelation(WHITE):
        assert np.abs(along).max() < 4 / np.sqrt(WHITE.size)


def test_a_moving_average_correlates_as_its_taps_do():
    x, y = autocorrelation((WHITE[:, 2:] + WHITE[:, 1:-1] + WHITE[:, :-2]) / 3)
    np.testing.assert_allclose(x[:4], [2 / 3, 1 / 3, 0, 0], atol=0.03)
    assert np.abs(y).max() < 0.03


def test_missing_pixels_do_not_count():
    holes = WHITE.copy()
    holes[np.random.default_rng(1).random(WHITE.shape) < 0.3] = np.nan
    assert excess_power(holes) == pytest.approx(excess_power(WHITE), abs=0.15)
    np.testing.assert_allclose(autocorrelation(holes)[0], autocorrelation(WHITE)[0], atol=0.03)


def test_the_residual_of_a_blur_resembles_the_image():
    image = blobs(192)
    shape = image.shape
    smooth = gaussian_blur(torch.from_numpy(image)[None, None], 6.0)[0, 0].numpy()
    z = (image - smooth) / 3
    lost, likeness = lost_contrast(z, smooth, np.full(shape, 3.0))
    assert lost > 0.3
    assert likeness > 0.5
    lost, likeness = lost_contrast(np.random.default_rng(0).normal(size=shape), smooth, np.full(shape, 3.0))
    assert abs(lost) < 0.1
    assert abs(likeness) < 0.2
    assert excess_power(z) > 2


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_the_lost_contrast_is_measured(share):
    estimate = 500 + 40 * blobs(192)
    std = np.full(estimate.shape, 30.0)
    z = share * estimate / std + np.random.default_rng(0).normal(size=std.shape)
    assert lost_contrast(z, estimate, std)[0] == pytest.approx(share, abs=0.02)


def test_a_constant_resembles_nothing():
    assert np.isnan(lost_contrast(np.zeros((32, 32)), np.ones((32, 32)), np.ones((32, 32)))).all()
    assert np.isnan(pearson(np.zeros(100), np.arange(100.0)))
    assert np.isnan(excess_power(np.full((32, 32), np.nan)))
