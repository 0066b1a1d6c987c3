"""Quadrature, bisection and window sums against what they are known to give."""

import numpy as np
import pytest
import torch

from muguet.noise.numerics import crossing, gauss_legendre, quantile, window_sums


def test_quadrature_is_exact_for_polynomials():
    start, stop = (
        torch.tensor([0.0, -1.0], dtype=torch.float64),
        torch.tensor([2.0, 5.0], dtype=torch.float64),
    )
    nodes, weights = gauss_legendre(start, stop, 3)
    assert nodes.shape == weights.shape == (2, 3)
    torch.testing.assert_close((weights * nodes**5).sum(-1), (stop**6 - start**6) / 6)


def test_bisection_finds_the_crossing_or_one_of_the_ends():
    zero, two = torch.zeros(3, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)
    level = torch.tensor([0.5, -1.0, 9.0], dtype=torch.float64)
    found = crossing(lambda x: level - x, two, zero)
    torch.testing.assert_close(found, torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("shape", [(7, 9), (2, 3, 7, 9)])
def test_sums_over_windows(shape):
    planes = np.random.default_rng(0).normal(size=shape)
    planes[..., 0, 1] = np.nan
    sums = window_sums(planes, 5)
    assert sums.shape == (*shape[:-2], 3, 5)
    np.testing.assert_allclose(sums[..., 2, 4], planes[..., 2:7, 4:9].sum((-2, -1)))
    assert np.isnan(sums[..., 0, :2]).all()
    assert np.isfinite(sums[..., 0, 2:]).all()
    assert np.isfinite(sums[..., 1:, :]).all()
    assert window_sums(planes, 8).size == 0


@pytest.mark.parametrize("width", [1e-3, 1.0, 1e3])
def test_a_quantile_is_found_however_wide_the_first_bracket_is(width):
    probability = torch.tensor([0.001, 0.3, 0.975], dtype=torch.float64)
    found = quantile(torch.special.ndtr, torch.tensor([50.0]), torch.tensor([width]), probability)
    torch.testing.assert_close(torch.special.ndtr(found), probability, atol=1e-6, rtol=1e-4)
