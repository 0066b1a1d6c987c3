"""A sample of blocks of an image has the values of the image, spread over all of it."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.image import Layout
from muguet.training.blocks import Blocks


def sampled(read, layout, max_pixels, unit=None):
    blocks = Blocks(read, layout, max_pixels, unit)
    return blocks.sample(), blocks.axes


@pytest.mark.parametrize(
    ("axes", "shape", "dims"),
    [("YX", (1100, 700), 2), ("TCYX", (9, 2, 64, 80), 2), ("ZYX", (70, 64, 64), 3), ("YXS", (600, 60, 3), 2)],
)
@pytest.mark.parametrize("unit", [None, 48])
def test_blocks_are_parts_of_the_image(axes, shape, dims, unit):
    array = np.arange(np.prod(shape)).reshape(shape)
    layout = Layout(axes, shape, dims)
    units = None if unit is None else [unit if letter in "YX" else 1 for letter in axes]
    read = []
    data, letters = sampled(lambda part: array[part], layout, 40_000, units)
    again, _ = sampled(lambda part: read.append(part) or array[part], layout, 40_000, units)
    np.testing.assert_array_equal(data, again)
    assert letters == (axes if "T" in axes else f"T{axes}")
    assert np.unique(data).size == data.size
    assert Layout(letters, data.shape, dims).channels == layout.channels


def test_blank_blocks_are_passed_over():
    array = np.zeros((16, 512, 512))
    array[5] = np.random.default_rng(0).normal(size=(512, 512))
    data, _ = sampled(lambda part: array[part], Layout("TYX", array.shape), 2 * 512 * 512)
    assert data.shape == (1, 512, 512)
    assert data.std() > 0.5
    blank, _ = sampled(lambda part: array[part], Layout("TYX", (5, 512, 512)), 512 * 512)
    assert blank.shape == (1, 512, 512)
