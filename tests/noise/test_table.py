"""A law as a table, beside what was learned and what was measured."""

import numpy as np

from muguet.noise import Gaussian, MeanVariance, MeasuredLaw, PoissonGaussian, law_table, table_signals

LAW = PoissonGaussian(2.0, 100.0, 1.5)
AT = np.array([110.0, 150.0, 400.0])


def test_signals_lie_closer_where_it_is_dark():
    signals = table_signals(100, 500, 5)
    np.testing.assert_allclose(signals, [100, 125, 200, 325, 500])


def test_the_columns_are_those_of_the_law():
    table = law_table(LAW, AT)
    assert list(table) == ["signal", "std", "skewness", "q0.025", "q0.975"]
    np.testing.assert_allclose(table["std"], LAW.std(AT))
    np.testing.assert_allclose(table["q0.975"], LAW.quantile(AT, 0.975) - AT)
    assert list(law_table(LAW, AT, levels=())) == ["signal", "std", "skewness"]


def test_a_photon_transfer_curve_gives_sigma_only():
    points = MeanVariance(np.array([100.0, 200.0]), np.array([4.0, 16.0]), np.ones(2), np.full(2, 100))
    table = law_table(points, np.array([50.0, 150.0]))
    assert list(table) == ["signal", "std"]
    np.testing.assert_allclose(table["std"], [2.0, np.sqrt(10.0)])


def test_what_was_measured_is_shown_where_it_was_measured():
    clean = np.random.default_rng(0).uniform(140, 300, 20_000)
    measured = MeasuredLaw.from_pairs(LAW.sample(clean, seed=0), clean)
    table = law_table(LAW, AT, learned=Gaussian(9.0), measured=measured)
    np.testing.assert_allclose(table["learned_std"], 9.0)
    for name, values in (("measured_std", measured.std(AT)), ("measured_skewness", measured.skewness(AT))):
        np.testing.assert_array_equal(np.isnan(table[name]), [True, False, True])
        assert table[name][1] == values[1]
    curve = law_table(LAW, AT, measured=measured.points())
    assert "measured_skewness" not in curve
    np.testing.assert_array_equal(np.isnan(curve["measured_std"]), [True, False, True])
