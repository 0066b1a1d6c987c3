"""A law is compared with recorded values: the transform is uniform if the law is correct."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.noise import PoissonGaussian, Variance
from muguet.quality import HeldOut
from muguet.quality.held_out import advantage, calibrate

LAW = PoissonGaussian(gain=2.0, offset=100.0, read_noise=2.0)
SIGNAL = np.random.default_rng(11).uniform(110, 600, 40_000)
RECORDED = LAW.sample(SIGNAL, seed=1)


@pytest.mark.parametrize("step", [0.0, 1.0, 30.0])
def test_under_the_true_law_the_transform_is_uniform(step):
    recorded = np.rint(RECORDED / step) * step if step else RECORDED
    fit = calibrate(HeldOut(recorded, SIGNAL, step=step), LAW)
    assert fit.distance < 1.9 / np.sqrt(len(SIGNAL)) + 0.01 * (step > 1)
    assert fit.coverage_50 == pytest.approx(0.5, abs=0.012)
    assert fit.coverage_90 == pytest.approx(0.9, abs=0.008)
    assert fit.distance_by_signal < 0.01 + 0.01 * (step > 1)
    assert fit.coverage_50_error_by_signal < 0.02


def test_a_law_that_is_too_narrow_covers_too_little():
    fit = calibrate(HeldOut(RECORDED, SIGNAL), PoissonGaussian(gain=1.0, offset=100.0, read_noise=2.0))
    assert fit.coverage_50 < 0.42
    assert fit.coverage_90 < 0.8
    assert fit.coverage_50_error_by_signal > 0.1


def test_errors_that_cancel_over_the_image_show_at_similar_signals():
    away = np.where(SIGNAL < 355, -1, 1) * LAW.std(SIGNAL)
    fit = calibrate(HeldOut(RECORDED + away, SIGNAL), LAW)
    assert fit.distance < 0.25 < fit.distance_by_signal


def test_the_true_law_beats_a_wrong_one():
    right = Variance(constant=-200.0 + 16.0, linear=2.0, quadratic=0.0, floor=1.0)
    held_out = HeldOut(RECORDED, SIGNAL)
    assert advantage(held_out, LAW, right) == pytest.approx(0.0, abs=0.02)
    other = PoissonGaussian(gain=4.0, offset=100.0, read_noise=2.0)
    assert advantage(held_out, other, right) < -0.05


def test_too_few_pixels_give_no_calibration():
    assert calibrate(HeldOut(RECORDED[:100], SIGNAL[:100]), LAW) is None
