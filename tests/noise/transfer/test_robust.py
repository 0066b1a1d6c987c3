"""The robust fit: least squares where nothing is wrong, and hardly moved by points that are."""

import numpy as np
import pytest

from muguet.noise import mean_variance
from muguet.noise.transfer.robust import (
    huber_loss,
    huber_weights,
    least_squares,
    normal_equations,
    robust_fit,
    robust_std,
    tukey_weights,
)

X = np.linspace(0, 1, 60)
DESIGN = np.stack([np.ones_like(X), X], 1)
TRUE = DESIGN @ [3.0, 10.0]
RELATIVE = np.full(60, 0.03)


@pytest.mark.parametrize("solve", [least_squares, normal_equations])
@pytest.mark.parametrize("rounds", [(50, 0), (15, 15)])
def test_wild_points_do_not_move_the_fit(rounds, solve):
    values = TRUE * (1 + RELATIVE * np.random.default_rng(0).standard_normal(60))
    values[[3, 20, 59]] *= 4
    found = robust_fit(DESIGN, values, RELATIVE, huber_rounds=rounds[0], tukey_rounds=rounds[1], solve=solve)
    np.testing.assert_allclose(found.coefficients, [3.0, 10.0], rtol=0.05)
    assert (found.weight[[3, 20, 59]] < 0.1).all()
    assert found.scale == pytest.approx(1, abs=0.4)
    np.testing.assert_allclose(found.residual * found.error, values - DESIGN @ found.coefficients)


def test_both_solvers_agree_and_only_one_needs_independent_columns():
    weights = np.ones(60)
    first, second = (solve(DESIGN, TRUE, RELATIVE, weights) for solve in (least_squares, normal_equations))
    np.testing.assert_allclose(first, second)
    twice = np.concatenate([DESIGN, DESIGN[:, :1]], 1)
    np.testing.assert_allclose(twice @ least_squares(twice, TRUE, RELATIVE, weights), TRUE)


def test_weights_and_loss_are_those_of_the_books():
    z = np.array([0.0, 1.0, -1.345, 2.69, -100.0])
    np.testing.assert_allclose(huber_weights(z, 1.0), [1, 1, 1, 0.5, 0.01345])
    np.testing.assert_allclose(tukey_weights(4.685 * np.array([0, 0.5, 1]), 1.0), [1, 0.5625, 0], atol=1e-9)
    assert huber_loss(np.array([1.0, -2.345]), 1.0) == pytest.approx(1 + 1.345**2 + 2 * 1.345)
    assert robust_std(np.random.default_rng(0).normal(0, 3, 100_000)) == pytest.approx(3, rel=0.02)


def test_cosmic_rays_do_not_count_as_noise():
    rng = np.random.default_rng(0)
    signal = np.linspace(100.0, 200.0, 40_000).reshape(200, 200)
    noisy = signal + rng.normal(0, 10, signal.shape)
    struck = rng.random(signal.shape) < 0.001
    points = mean_variance(np.where(struck, noisy + 5000, noisy), signal, bins=8)
    np.testing.assert_allclose(points.variance, 100, rtol=0.1)
