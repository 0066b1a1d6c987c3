"""Laws of the risk by which estimates are weighed, with estimators whose error is known."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.training.weighing import STEP, Estimates, cautious, error_scale, least_risk


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


def beside_the_prior(n: int, seed: int, trained_std: float, prior_std: float) -> tuple[Estimates, np.ndarray]:
    """A trained network, a prior and a blur, with errors that are independent of each other and of the noise."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal(n)
    noisy = signal + rng.standard_normal(n)
    values = signal + np.array([[trained_std], [prior_std], [1.0]]) * rng.standard_normal((3, n))
    return Estimates(noisy, np.ones(n), values, np.zeros((3, n)), np.ones(n)), signal


def test_on_many_pixels_a_better_network_gets_the_weight_of_the_least_risk():
    estimates, _ = beside_the_prior(400_000, 0, trained_std=0.2, prior_std=0.3)
    np.testing.assert_allclose(cautious(estimates), least_risk(estimates), atol=0.02)


def test_on_few_pixels_a_worse_network_harms_less_than_by_the_least_risk():
    harm = []
    for seed in range(100):
        estimates, signal = beside_the_prior(300, seed, trained_std=0.45, prior_std=0.3)
        start = np.array([0.0, *least_risk(estimates.only(slice(1, None)))])
        errors = [
            np.square(weights @ estimates.values - signal).mean()
            for weights in (cautious(estimates), least_risk(estimates), start)
        ]
        harm.append(np.array(errors[:2]) - errors[2])
    cautiously, boldly = np.maximum(harm, 0).mean(0)
    assert cautiously < 0.6 * boldly


def test_without_the_trained_network_the_weights_are_those_of_the_others():
    estimates, _ = beside_the_prior(10_000, 0, trained_std=3.0, prior_std=0.3)
    np.testing.assert_allclose(cautious(estimates), [0, *least_risk(estimates.only(slice(1, None)))])


def of_independent_error(true_std: np.ndarray, predicted: np.ndarray, noise_std: float) -> Estimates:
    """An estimate whose error is independent of the pixel's own noise, so that it has no slope."""
    rng = np.random.default_rng(1)
    n = len(true_std)
    signal = rng.standard_normal(n)
    noisy = signal + noise_std * rng.standard_normal(n)
    values = (signal + true_std * rng.standard_normal(n))[None]
    return Estimates(noisy, np.full(n, noise_std**2), values, np.zeros((1, n)), predicted)


def test_predicted_errors_are_corrected_where_they_are_as_large_as_the_noise():
    true_std = np.exp(np.random.default_rng(0).uniform(-1, 1, 400_000))
    estimates = of_independent_error(true_std, true_std**1.3 / 1.5, 0.5)
    corrected = error_scale(estimates, np.ones(1))(estimates.predicted)
    for part in np.array_split(np.argsort(true_std), 6):
        assert np.sqrt(np.mean(corrected[part] ** 2) / np.mean(true_std[part] ** 2)) == pytest.approx(
            1, abs=0.1
        )


def test_predicted_errors_stand_where_they_are_far_below_the_noise():
    """A small error of the law would otherwise be taken for the error of the estimate."""
    true_std = np.full(100_000, 0.05)
    estimates = of_independent_error(true_std, true_std, 1.0)
    wrong = Estimates(**{**vars(estimates), "variance": 1.03 * estimates.variance})
    np.testing.assert_allclose(error_scale(wrong, np.ones(1)).factor, 1, atol=0.05)
