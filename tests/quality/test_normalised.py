"""The residual in standard deviations of the noise, and its moments over many planes."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.noise import PoissonGaussian
from muguet.quality import Residual
from muguet.quality.normalised import normalise

LAW = PoissonGaussian(2.0, 100.0, 3.0)


def scene() -> np.ndarray:
    y, x = np.mgrid[:128, :128]
    return 300 + 150 * np.sin(y / 9) * np.cos(x / 11)


def test_the_residual_of_the_truth_has_the_variance_one_at_every_signal():
    clean = scene()
    found = normalise(LAW.sample(clean, seed=0), clean, LAW)
    assert np.nanstd(found.z) == pytest.approx(1, abs=0.03)
    table = found.against_signal()
    np.testing.assert_allclose(table["variance"], 1, atol=0.3)
    np.testing.assert_allclose(found.std, LAW.std(clean), rtol=0.03)


def test_an_estimate_that_is_darker_than_the_image_is_judged_by_the_noise_of_the_darkest_signal():
    """A law may predict no noise at all below the offset."""
    clean = scene()
    noisy = LAW.sample(clean, seed=0)
    estimate = clean.copy()
    estimate[:3] = 0.0
    found = normalise(noisy, estimate, LAW)
    np.testing.assert_allclose(found.std[:3], LAW.std(clean.min()), rtol=0.1)


def test_the_correlation_of_residual_and_estimate_does_not_depend_on_their_means():
    rng = np.random.default_rng(0)
    estimate, own = rng.normal(0, 1, (2, 200, 200))
    residual = 0.5 * estimate + 0.75**0.5 * own
    for offset in (0.0, 1000.0):
        both = Residual()
        for part in (slice(0, 80), slice(80, 200)):
            both.add((offset + 3 + estimate + residual)[part], (offset + estimate)[part])
        assert both.correlation == pytest.approx(0.5, abs=0.02)
        assert both.std == pytest.approx(1, abs=0.02)
