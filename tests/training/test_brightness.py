"""The total signal of a result is that of the recording, as far as chance does not explain the difference."""

from __future__ import annotations

import numpy as np
import pytest

import muguet
from muguet.training.brightness import LEAST, MOST, brightness
from tests.conftest import blobs


def test_the_total_is_that_of_the_recording():
    signal = np.random.default_rng(0).uniform(0.1, 2, 100_000)
    recorded = np.random.default_rng(1).poisson(signal).astype(float)
    assert brightness(recorded, 0.97 * signal, signal) == pytest.approx(1 / 0.97, rel=0.01)


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.0, 1.0), (1 - LEAST / 3, 1.0), (0.5, 1 + MOST), (2.0, 1 - MOST)]
)
def test_small_differences_are_left_and_large_ones_corrected_in_part(factor, expected):
    signal = np.full(100_000, 4.0)
    recorded = np.random.default_rng(0).poisson(signal).astype(float)
    assert brightness(recorded, factor * signal, signal) == expected


def test_bright_images_are_left():
    signal = np.full(10_000, 100.0)
    assert brightness(signal, 0.9 * signal, signal) == 1.0


def test_without_light_nothing_is_corrected():
    assert brightness(np.zeros(9), np.zeros(9), np.full(9, 0.1)) == 1.0
    assert brightness(np.ones(9), np.full(9, -1.0), np.full(9, 0.1)) == 1.0


def test_few_photons_are_counted_rightly():
    photons = np.random.default_rng(0).poisson(blobs(256, brightest=3.0) / 15).astype(np.uint8)
    model = muguet.fit(photons, "YX", minutes=0)
    assert model(photons, "YX").sum() == pytest.approx(photons.sum(), rel=0.01)
