"""The autocorrelation of a residual, for correlations that are known, with and without missing pixels."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.quality.whiteness import autocorrelation


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_neighbours_that_share_half_of_their_noise_along_x(missing):
    rng = np.random.default_rng(0)
    white = rng.normal(0, 7, (300, 301))
    values = 50 + white[:, 1:] + white[:, :-1]
    values[rng.random(values.shape) < missing] = np.nan
    x, y = autocorrelation(values, 3)
    assert x == pytest.approx([0.5, 0, 0], abs=0.03)
    assert y == pytest.approx([0, 0, 0], abs=0.03)


def test_nothing_is_known_without_pairs():
    assert np.isnan(autocorrelation(np.full((5, 5), 3.0), 2)).all()
    assert np.isnan(autocorrelation(np.full((5, 5), np.nan), 2)).all()
