"""A result is compared with a quick reference: worse ones are found, and as good ones are not blamed."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.noise import PoissonGaussian
from muguet.quality import quality, second_opinion
from muguet.quality.second_opinion import COMPARED
from muguet.restoration.blur_width import blurred
from muguet.samples import acquisition

LAW = PoissonGaussian(gain=2.0, offset=100.0, read_noise=2.0)


@pytest.fixture(scope="module")
def clean():
    signal = acquisition((192, 192), seed=1).astype(np.float64)
    return 100 + 200 * (signal - signal.min()) / (signal.max() - signal.min())


@pytest.fixture(scope="module")
def noisy(clean):
    return np.rint(LAW.sample(clean, seed=0))


@pytest.fixture(scope="module")
def opinion(noisy):
    return second_opinion(noisy)


def compared(noisy, estimate, opinion):
    return next(check for check in quality(noisy, estimate, opinion=opinion).checks if check.name == COMPARED)


def test_the_reference_agrees_with_itself(noisy, opinion):
    assert compared(noisy, opinion.estimate, opinion).verdict == "good"


def test_the_squared_error_follows_from_the_difference(noisy, clean, opinion):
    reference = np.mean((opinion.estimate - clean) ** 2)
    for estimate in (noisy, blurred(noisy, 0.7), blurred(noisy, 4.0), 0.5 * noisy + 0.5 * opinion.estimate):
        check = compared(noisy, estimate, opinion)
        true = np.mean((estimate - clean) ** 2) / reference
        assert 1 + check.figures["difference"] == pytest.approx(true, rel=0.35)
        assert (
            (check.verdict == "bad")
            == ("reference is better" in check.sentence)
            == (check.figures["difference"] > 2)
        )


def test_a_blur_that_is_better_than_a_bad_result_is_named(noisy, opinion):
    assert "A Gaussian blur" in compared(noisy, noisy, opinion).sentence
    assert "A Gaussian blur" not in compared(noisy, opinion.blur, opinion).sentence


def test_the_truth_is_never_called_bad(noisy, clean, opinion):
    assert compared(noisy, clean, opinion).verdict != "bad"


def test_there_is_no_opinion_without_a_law():
    rng = np.random.default_rng(0)
    for plane in (np.full((64, 64), 7.0), rng.normal(size=(8, 8))):
        assert second_opinion(plane) is None


def test_correlated_noise_is_removed_by_the_reference():
    shared = np.random.default_rng(0).normal(size=(128, 129))
    opinion = second_opinion(200 + 20 * (shared[:, 1:] + shared[:, :-1]))
    assert opinion is not None
    assert opinion.estimate.std() < 8
