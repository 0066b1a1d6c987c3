"""Laws of blurs: they keep what is constant, also at borders, and reflection has no end."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from muguet.restoration import gaussian_blur
from muguet.restoration.blur import gaussian, reflect


@given(st.floats(0, 20), st.integers(0, 40))
@settings(deadline=None)
def test_taps_sum_to_one_and_mirror(sigma, radius):
    taps = gaussian(sigma, radius)
    assert taps.shape == (2 * radius + 1,)
    assert taps.sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.equal(taps, taps.flip(0))
    assert taps.argmax() == radius or sigma > radius


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_taps_have_their_standard_deviation(sigma):
    radius = int(6 * sigma)
    at = torch.arange(-radius, radius + 1)
    assert (gaussian(sigma, radius) * at**2).sum().sqrt().item() == pytest.approx(sigma, rel=1e-3)


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=3).flatmap(
        lambda space: st.tuples(st.just(space), st.tuples(*(st.integers(0, 15) for _ in space)))
    )
)
@settings(deadline=None)
def test_reflect_is_numpys_for_any_pad(case):
    space, pad = case
    image = torch.randn(2, 1, *space)
    expected = np.pad(image.numpy(), [(0, 0), (0, 0), *((n, n) for n in pad)], mode="reflect")
    np.testing.assert_array_equal(reflect(image, pad).numpy(), expected)


@pytest.mark.parametrize("space", [(20, 31), (3, 40), (1, 9), (6, 12, 10), (1, 1, 7)])
@pytest.mark.parametrize("sigma", [0.0, 0.5, 3.0])
def test_a_constant_stays_constant_also_at_borders(space, sigma):
    constant = torch.full((2, 3, *space), 41.0)
    torch.testing.assert_close(gaussian_blur(constant, sigma), constant, rtol=1e-5, atol=0)


@pytest.mark.parametrize("space", [(20, 31), (3, 40), (6, 12, 10)])
def test_it_is_scipys_blur(space):
    image = torch.randn(2, 2, *space, dtype=torch.float64)
    expected = gaussian_filter(image.numpy(), 1.7, mode="mirror", radius=7, axes=tuple(range(2, image.ndim)))
    np.testing.assert_allclose(gaussian_blur(image, 1.7).numpy(), expected, atol=1e-6)


def test_no_blur_is_the_image_itself():
    image = torch.randn(1, 1, 5, 5)
    assert torch.equal(gaussian_blur(image, 0), image)
