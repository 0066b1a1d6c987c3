"""Traces that an export leaves in an image's values."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from muguet.quality.provenance import blocking, provenance


@pytest.fixture(scope="module")
def byte():
    """A noisy scene in 8 bits, as a camera records it."""
    y, x = np.mgrid[:160, :176]
    scene = 60 + 40 * np.sin(y / 9) * np.cos(x / 7)
    return (10 + np.random.default_rng(0).poisson(scene)).clip(0, 255).astype(np.uint8)


def test_a_camera_leaves_no_trace(byte):
    found = provenance(byte)
    assert found.blocking < 0.1
    assert not found.fills_range
    assert not found.was_8_bit
    assert found.missing_levels == 0
    assert found.saturated == 0


@pytest.mark.parametrize("level", [50, 75, 90])
@pytest.mark.parametrize("shift", [(0, 0), (3, 6)])
def test_jpeg_is_found_wherever_its_grid_begins(byte, level, shift):
    jpeg = imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(byte, level=level))[shift[0] :, shift[1] :]
    assert provenance(jpeg).blocking > 0.5
    assert provenance(jpeg.astype(np.uint16) * 257).blocking > 0.5


def test_a_stretch_fills_the_range_and_leaves_a_comb(byte):
    low, high = byte.min(), byte.max()
    found = provenance(np.rint((byte - float(low)) / (high - float(low)) * 255).astype(np.uint8))
    assert found.fills_range
    assert found.missing_levels > 0.2


def test_8_bits_scaled_to_other_counts_are_found(byte):
    found = provenance((byte.astype(np.uint16) * 25) + 150)
    assert found.was_8_bit
    assert found.step == 25
    assert not found.fills_range


def test_planes_without_information_show_no_traces():
    assert provenance(np.full((20, 20), np.nan)) is None
    assert blocking(np.zeros((300, 300)), 1.0) == 0
    assert blocking(np.random.default_rng(0).normal(size=(20, 20)), 1.0) == 0
    assert provenance(np.zeros((1, 1), np.uint8)).levels == 1
