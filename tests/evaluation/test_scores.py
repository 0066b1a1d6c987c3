"""Scores: their definitions, and what they must not depend on."""

import numpy as np
import pytest

from muguet.errors import MuguetError
from muguet.evaluation.scores import mean_and_standard_error, psnr


@pytest.fixture
def clean():
    return np.random.default_rng(0).uniform(100, 900, (3, 20, 30))


def test_psnr_of_a_known_error():
    clean = np.zeros((4, 4))
    clean[0, 0] = 200.0
    assert psnr(clean + 2.0, clean) == pytest.approx(40.0)


def test_psnr_ignores_a_common_scale_and_offset(clean):
    estimate = clean + np.random.default_rng(1).normal(0, 10, clean.shape)
    assert psnr(3 * estimate - 7, 3 * clean - 7) == pytest.approx(psnr(estimate, clean), rel=1e-12)


def test_psnr_is_the_mean_over_frames(clean):
    estimate = clean + np.random.default_rng(1).normal(0, [[[5.0]], [[10.0]], [[20.0]]], clean.shape)
    assert psnr(estimate, clean) == pytest.approx(
        np.mean([psnr(e, c) for e, c in zip(estimate, clean, strict=True)])
    )
    assert psnr(estimate, clean[0]) == pytest.approx(np.mean([psnr(e, clean[0]) for e in estimate]))


def test_psnr_does_not_overflow_integers():
    clean = np.array([[0, 255]], np.uint8)
    assert psnr(clean[:, ::-1], clean) == pytest.approx(0.0)


def test_a_perfect_estimate_is_infinitely_good(clean):
    assert psnr(clean, clean) == np.inf


def test_psnr_refuses(clean):
    with pytest.raises(MuguetError, match="do not match"):
        psnr(clean[:, :-1], clean)
    with pytest.raises(MuguetError, match="constant"):
        psnr(np.ones((4, 4)), np.ones((4, 4)))


def test_mean_and_standard_error():
    mean, error = mean_and_standard_error([1.0, 2.0, 3.0, 4.0])
    assert mean == pytest.approx(2.5)
    assert error == pytest.approx(np.sqrt(5 / 3) / 2)
    assert np.isnan(mean_and_standard_error([1.0])[1])
    with pytest.raises(MuguetError, match="at least one"):
        mean_and_standard_error(iter(()))
