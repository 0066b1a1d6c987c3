"""Laws of the risk by which estimates are weighed, with estimators whose error is known."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.training.weighing import STEP, Estimates, error_scale, least_risk


def shrunk(weights: list[float], n: int = 400_000, std: float = 2.0) -> tuple[Estimates, np.ndarray]:
    """Estimators w·y of a signal of variance one in Gaussian noise, and the signal."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(n)
    noisy = signal + std * rng.standard_normal(n)
    values = np.stack([w * noisy for w in weights])
    slope = np.stack([np.full(n, w * std**2) for w in weights])
    return Estimates(noisy, np.full(n, std**2), values, slope, np.ones(n)), signal


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.7, 1.0])
def test_the_risk_is_the_squared_error_on_average(weight):
    estimates, signal = shrunk([weight])
    truth = np.square(estimates.values[0] - signal).mean()
    assert estimates.risk(np.ones(1)).mean() == pytest.approx(truth, abs=0.03)


def test_the_weights_are_those_of_the_least_squared_error():
    estimates, _signal = shrunk([0.0, 0.5])
    weights = least_risk(estimates)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] * 0.5 == pytest.approx(0.2, abs=STEP)  # Wiener's 1 / (1 + 2²)


def test_a_better_estimate_alone_gets_all_the_weight():
    estimates, _ = shrunk([0.2, 1.0])
    np.testing.assert_allclose(least_risk(estimates), [1, 0])


def test_predicted_errors_are_corrected_in_every_group():
    rng = np.random.default_rng(0)
    n = 400_000
    true_std = np.exp(rng.uniform(-1, 1, n))
    signal = rng.standard_normal(n)
    error = true_std * rng.standard_normal(n)
    noise = rng.standard_normal(n)
    # An estimate whose error is independent of the pixel's own noise has no slope.
    estimates = Estimates(
        signal + noise, np.ones(n), (signal + error)[None], np.zeros((1, n)), true_std**1.3 / 3
    )
    corrected = error_scale(estimates, np.ones(1))(estimates.predicted)
    for part in np.array_split(np.argsort(true_std), 6):
        assert np.sqrt(np.mean(corrected[part] ** 2) / np.mean(true_std[part] ** 2)) == pytest.approx(
            1, abs=0.12
        )
