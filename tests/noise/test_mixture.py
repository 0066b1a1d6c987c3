"""Gaussian mixtures against the sums that define them."""

import numpy as np
import pytest
import torch
from scipy import stats

from muguet.noise import Mixture

WEIGHTS, MEANS, STDS = (0.2, 0.5, 0.3), (-1.0, 0.2, 4.0), (0.5, 1.0, 2.0)


@pytest.fixture
def mixture():
    def shaped(values):
        return torch.tensor(values, dtype=torch.float64).expand(40, 3)

    return Mixture(shaped(WEIGHTS).log(), shaped(MEANS), shaped(STDS))


def test_density_and_cdf_are_weighted_sums(mixture):
    y = np.linspace(-8, 12, 40)
    parts = [(w, stats.norm(m, s)) for w, m, s in zip(WEIGHTS, MEANS, STDS, strict=True)]
    np.testing.assert_allclose(mixture.log_prob(torch.tensor(y)).exp(), sum(w * n.pdf(y) for w, n in parts))
    np.testing.assert_allclose(mixture.cdf(torch.tensor(y)), sum(w * n.cdf(y) for w, n in parts))


def test_order_of_the_components_does_not_matter(mixture):
    other = Mixture(mixture.log_weights.flip(-1), mixture.means.flip(-1), mixture.stds.flip(-1))
    y = torch.linspace(-8, 12, 40, dtype=torch.float64)
    torch.testing.assert_close(other.log_prob(y), mixture.log_prob(y))
    torch.testing.assert_close(other.skewness, mixture.skewness)


def test_splitting_a_component_changes_nothing(mixture):
    def doubled(values):
        return torch.cat([values, values], dim=-1)

    split = Mixture(doubled(mixture.log_weights) - np.log(2), doubled(mixture.means), doubled(mixture.stds))
    for name in ("mean", "variance", "skewness"):
        torch.testing.assert_close(getattr(split, name), getattr(mixture, name))


def test_one_component_is_a_gaussian():
    one = Mixture(torch.zeros(5, 1), torch.full((5, 1), 3.0), torch.full((5, 1), 2.0))
    assert torch.equal(one.std, torch.full((5,), 2.0))
    assert torch.equal(one.skewness, torch.zeros(5))


def test_far_values_have_finite_log_densities(mixture):
    assert torch.isfinite(mixture.log_prob(torch.full((40,), 1e6, dtype=torch.float64))).all()
