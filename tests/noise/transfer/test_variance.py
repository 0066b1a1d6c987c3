import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muguet.noise import MeanVariance, fitted_variance


def points_of(variance, relative=0.03, number=60, seed=0, ends=(100.0, 1500.0)):
    signal = np.linspace(*ends, number)
    true = variance(signal)
    drawn = true * (1 + relative * np.random.default_rng(seed).standard_normal(number))
    return MeanVariance(signal, drawn, relative * drawn, np.full(number, 1000))


LAWS = {
    "gaussian": lambda s: np.full_like(s, 25.0),
    "shot noise": lambda s: 2.0 * (s - 90),
    "speckle": lambda s: (0.1 * s) ** 2,
    "all": lambda s: 30 + 2.0 * (s - 90) + (0.05 * s) ** 2,
}


@pytest.mark.parametrize("name", LAWS)
def test_it_finds_the_law(name):
    points = points_of(LAWS[name])
    found = fitted_variance(points)
    np.testing.assert_allclose(np.sqrt(found(points.signal)), np.sqrt(LAWS[name](points.signal)), rtol=0.04)
    assert found.misfit < 0.01


def test_it_takes_no_more_terms_than_needed():
    found = [fitted_variance(points_of(LAWS["gaussian"], seed=seed)) for seed in range(20)]
    assert sum(each.linear == each.quadratic == 0 for each in found) >= 18
    found = [fitted_variance(points_of(LAWS["shot noise"], seed=seed)) for seed in range(20)]
    assert sum(each.quadratic == 0 for each in found) >= 18


def test_rare_signals_beyond_the_points_follow_the_law():
    found = fitted_variance(points_of(LAWS["shot noise"]))
    beyond = np.array([2000.0, 4000.0])
    np.testing.assert_allclose(found(beyond), LAWS["shot noise"](beyond), rtol=0.05)


def test_points_that_stand_for_several_signals():
    """Speckle where each point is a mean over signals far apart: their mean square is not the squared mean."""
    rng = np.random.default_rng(0)
    signals = np.linspace(50, 800, 40)[:, None] * rng.lognormal(0, 0.6, (40, 200))
    variance = 0.04 * (signals**2).mean(1)
    points = MeanVariance(
        signals.mean(1), variance, 0.02 * variance, np.full(40, 200), square=(signals**2).mean(1)
    )
    at = np.array([100.0, 400.0, 1500.0])
    np.testing.assert_allclose(np.sqrt(fitted_variance(points)(at)), 0.2 * at, rtol=0.03)
    moved = fitted_variance(points.scaled(100, 2))
    np.testing.assert_allclose(np.sqrt(moved(100 + 2 * at)), 2 * 0.2 * at, rtol=0.03)


def test_a_few_wild_points_do_not_move_it():
    points = points_of(LAWS["shot noise"])
    points.variance[[0, 1, -1]] *= 5
    found = fitted_variance(points)
    expected = np.sqrt(LAWS["shot noise"](points.signal[5:]))
    np.testing.assert_allclose(np.sqrt(found(points.signal[5:])), expected, rtol=0.1)


def test_a_curve_that_is_no_polynomial_has_a_large_misfit():
    points = points_of(lambda s: 100 + 80 * np.sin(s / 60))
    assert fitted_variance(points).misfit > 0.1


@settings(max_examples=50)
@given(
    constant=st.floats(-1e4, 1e4),
    linear=st.floats(-10, 10),
    seed=st.integers(0, 99),
    number=st.integers(2, 30),
)
def test_it_is_positive_everywhere_and_survives_anything(constant, linear, seed, number):
    rng = np.random.default_rng(seed)
    signal = np.sort(rng.uniform(0, 1000, number))
    variance = np.abs(constant + linear * signal) + rng.exponential(1.0, number)
    found = fitted_variance(MeanVariance(signal, variance, 0.1 * variance, np.full(number, 10)))
    assert (found(np.linspace(-1000, 5000, 50)) > 0).all()
