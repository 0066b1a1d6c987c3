"""Kullback and Leibler's divergence: its theorems, and the bias of a finite histogram."""

import math

import numpy as np
import pytest

from muguet.noise import (
    EMCCD,
    Affine,
    Gaussian,
    MeasuredLaw,
    PoissonGaussian,
    Speckle,
    divergence,
    mean_divergence,
)
from tests.noise.conftest import learned

LAWS = {
    "gaussian": Gaussian(3.0),
    "speckle": Speckle(0.1),
    "camera": PoissonGaussian(2.0, 20.0, 1.5),
    "EMCCD": EMCCD(1.0, 20.0, 0.5),
    "learned": Affine(learned(3), 20.0, 30.0),
}
SIGNALS = np.array([21.0, 90.0])


# The density of an EMCCD takes long: it is compared with a camera only.
PAIRS = [(p, q) for p in LAWS for q in LAWS if "EMCCD" not in (p, q) or {p, q} == {"EMCCD", "camera"}]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_it_is_positive_but_for_a_law_and_itself(p, q):
    result = divergence(LAWS[p], LAWS[q], SIGNALS)
    assert result.shape == SIGNALS.shape
    if p == q:
        np.testing.assert_allclose(result, 0, atol=1e-6)
    else:
        assert (result > 1e-4).all()


def test_two_gaussians_are_the_closed_form():
    """log(σ₂/σ₁) + (σ₁² + d²)/(2σ₂²) − 1/2."""
    for s1, s2 in ((2.0, 3.0), (3.0, 2.0), (1.0, 10.0), (10.0, 1.0)):
        expected = math.log(s2 / s1) + s1**2 / (2 * s2**2) - 0.5
        assert divergence(Gaussian(s1), Gaussian(s2), 7.0) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_units_do_not_matter():
    p, q = LAWS["camera"], LAWS["EMCCD"]
    there = divergence(Affine(p, -5.0, 40.0), Affine(q, -5.0, 40.0), 40 * SIGNALS - 5)
    np.testing.assert_allclose(there, divergence(p, q, SIGNALS), rtol=1e-3, atol=1e-5)


def test_peaks_of_single_photons_are_resolved():
    """With a read noise of 0.05 the density is a comb, whose divergence from its own envelope is known.

    Locally Σₖ N(y; k, r²) against 1, so −½ log(2πe r²) nats.
    """
    comb = divergence(PoissonGaussian(1.0, 0.0, 0.05), PoissonGaussian(1.0, 0.0, 2.0), 400.0)
    envelope = divergence(PoissonGaussian(1.0, 0.0, 0.5), PoissonGaussian(1.0, 0.0, 2.0), 400.0)
    assert comb - envelope == pytest.approx(-0.5 * math.log(2 * math.pi * math.e * 0.05**2), abs=0.03)


def test_the_mean_weights_signals_by_their_pixels():
    p, q = LAWS["camera"], LAWS["gaussian"]
    image = np.repeat([25.0, 60.0, np.nan], [3000, 1000, 5]).reshape(-1, 5)
    expected = np.average(divergence(p, q, [25.0, 60.0]), weights=[3, 1])
    assert mean_divergence(p, q, image) == pytest.approx(expected, rel=1e-4)


def test_a_histogram_is_not_further_from_its_law_for_being_finite():
    """Without the correction of (k − 1)/2n the mean would be 0.014, ten times its standard error."""
    camera, results = LAWS["camera"], []
    for seed in range(20):
        clean = np.random.default_rng(seed).uniform(30, 40, 8000)
        law = MeasuredLaw.from_pairs(camera.sample(clean, seed=seed), clean, fewest=1000)
        results.append(divergence(law, camera, law.signals.numpy()).mean())
    error = np.std(results) / math.sqrt(len(results))
    assert abs(np.mean(results)) < 4 * error + 5e-4
    assert error < 1e-3


def test_a_measured_law_may_stand_on_either_side():
    camera, clean = LAWS["camera"], np.random.default_rng(0).uniform(30, 90, 100_000)
    law = MeasuredLaw.from_pairs(camera.sample(clean, seed=0), clean)
    at = np.array([40.0, 80.0])
    assert (np.abs(divergence(law, camera, at)) < 0.01).all()
    assert (divergence(camera, law, at) < 0.05).all()
    assert (np.abs(divergence(law, law, at)) < 0.02).all()
