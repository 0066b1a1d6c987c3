"""Laws of the loop over regions: cut in any way, in any order of axes, by any number of workers, the result is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from muguet.image import ArrayPlanes, Layout
from muguet.prediction import Cut, map_regions, regions

AXES = ("YX", "XY", "TYX", "YXS", "CYX", "TCYX", "TZYX", "ZCYX", "TCZYX", "YXCT", "XTYC")


@st.composite
def images(draw, axes=AXES):
    letters = draw(st.sampled_from(axes))
    shape = tuple(draw(st.integers(1, 9 if letter in "YX" else 3)) for letter in letters)
    dims = 3 if "Z" in letters and draw(st.booleans()) else 2
    array = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)
    return array, Layout(letters, shape, dims)


@given(images())
def test_every_plane_is_the_one_that_split_gives(image):
    array, layout = image
    planes, split = ArrayPlanes(array, layout), layout.split(array)
    assert planes.shape == split.shape
    whole = tuple(slice(0, size) for size in layout.space)
    for n, c in np.ndindex(split.shape[:2]):
        part = planes.read(n, c, whole)
        np.testing.assert_array_equal(part, split[n, c])
        assert np.shares_memory(part, array)


@settings(deadline=None)
@given(images(), st.tuples(*[st.integers(1, 6)] * 3), st.tuples(*[st.integers(1, 4)] * 3), st.data())
def test_cut_in_any_way_by_any_workers_the_result_is_the_whole_one(image, core, stride, draws):
    array, layout = image
    dims = len(layout.space)
    radius = tuple(draws.draw(st.integers(0, 2)) for _ in range(dims))
    kernel = np.random.default_rng(1).normal(size=[2 * far + 1 for far in radius])

    def function(values, channel):
        return ndimage.convolve(values, kernel, mode="constant") + channel

    expected = np.full_like(array, np.nan)
    source, into = ArrayPlanes(array, layout), ArrayPlanes(expected, layout)
    whole = tuple(slice(0, size) for size in layout.space)
    for n, c in np.ndindex(source.shape[:2]):
        into.write(n, c, whole, ndimage.convolve(source.read(n, c, whole), kernel, mode="mirror") + c)
    out, workers = np.full_like(array, np.nan), draws.draw(st.integers(1, 3))
    cut = Cut(core[:dims], radius, stride[:dims])
    for rank in range(workers):

        def mine(region, rank=rank):
            return region.number % workers == rank

        shares = list(map_regions(function, source, ArrayPlanes(out, layout), cut, mine))
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1)
    np.testing.assert_allclose(out, expected, atol=1e-9)


def test_only_the_pixels_that_a_region_needs_are_read():
    layout = Layout("YX", (100, 90))
    for region in regions((1, 1, 100, 90), Cut((16, 16), (3, 3), (4, 4))):
        for bound, place in zip(region.tile.bounds, region.tile.place, strict=True):
            assert bound.stop - bound.start <= place.stop - place.start + 2 * 4 + 4
    assert layout.planes == 1


@pytest.mark.parametrize(("dtype", "stored"), [("uint8", [0, 3, 255]), ("float32", [-4.0, 2.6, 300.25])])
def test_values_are_stored_in_the_type_of_the_planes(dtype, stored):
    array = np.zeros((1, 3), dtype)
    ArrayPlanes(array, Layout("YX", (1, 3))).write(
        0, 0, (slice(0, 1), slice(0, 3)), np.array([[-4.0, 2.6, 300.25]])
    )
    np.testing.assert_array_equal(array, np.array([stored], dtype))
