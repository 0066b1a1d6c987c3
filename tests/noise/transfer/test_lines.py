"""Noise of whole lines is told apart from noise that neighbours share, and hides no neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from muguet.noise import noise_correlation
from muguet.quality.image_checks import check_white
from muguet.training.correlated_noise import describe, mask_reach
from tests.image.camera import recorded, scene


def with_lines(std, seed=4):
    return recorded(scene()) + np.random.default_rng(seed).normal(0, std, (128, 1))


@pytest.mark.parametrize("std", [1.5, 6.0, 30.0])
def test_lines_are_named_along_either_axis(std):
    image = with_lines(std)
    rows, columns = noise_correlation(image[None]), noise_correlation(image.T[None])
    assert (rows.lines, columns.lines) == ("rows", "columns")
    assert mask_reach(rows, 2) == mask_reach(columns, 2) == (0, 0)
    assert rows.passed == 1
    assert "whole rows share an offset" in describe(rows, (0, 0), chosen=False)
    check = check_white(image)
    assert check.verdict in ("doubtful", "bad")
    assert "Line noise" in check.sentence
    assert "--mask" not in check.sentence


def test_neighbours_that_share_noise_are_no_lines():
    noise = np.random.default_rng(0).normal(size=(128, 128))
    shared = noise_correlation((scene() + 8 * convolve1d(noise, [1, 1, 0.5], axis=1))[None])
    assert shared.lines == ""
    assert shared.reach[1] > 0


@pytest.mark.parametrize("seed", range(4))
def test_white_noise_has_no_lines(seed):
    assert noise_correlation(recorded(scene(seed=seed), seed)[None].astype(float)).lines == ""
