"""Laws of tiles: what is computed on tiles is what would be computed on the whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from muguet.prediction import tiles
from muguet.prediction.tiles import reflected

seeds = st.integers(0, 2**32 - 1)


@st.composite
def cuttings(draw, largest=21, most_halo=9):
    """Draw a shape in 2-D or 3-D, and core, halo and stride along each axis."""
    dims = draw(st.sampled_from((2, 3)))

    def sizes(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims)))

    return sizes(1, largest if dims == 2 else largest // 2), sizes(1, 24), sizes(0, most_halo), sizes(1, 8)


def fill(function, image, out, cuts):
    """Write `function` of every tile of an image to `out`."""
    for tile in cuts:
        out[tile.place] = function(tile.take(image[tile.bounds]))[tile.crop]


def image_of(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@given(cuttings())
def test_the_identity_lays_back_the_image(cutting):
    image = image_of(cutting[0])
    out = np.full_like(image, np.nan)
    fill(lambda tile: tile, image, out, tiles(*cutting))
    np.testing.assert_array_equal(out, image)


@given(cuttings())
def test_cores_cover_every_pixel_once(cutting):
    times = np.zeros(cutting[0], int)
    for tile in tiles(*cutting):
        times[tile.place] += 1
    assert (times == 1).all()


@given(cuttings())
def test_tiles_begin_at_and_measure_multiples_of_the_stride(cutting):
    shape, core, halo, stride = cutting
    for tile in tiles(*cutting):
        for axis in range(len(shape)):
            crop, place = tile.crop[axis], tile.place[axis]
            length = len(tile.indices[axis])
            assert (place.start - crop.start) % stride[axis] == 0
            assert length % stride[axis] == 0
            assert crop.start >= halo[axis]
            assert length - crop.stop >= halo[axis]
            assert 0 < crop.stop - crop.start == place.stop - place.start <= max(core[axis], stride[axis])


@settings(deadline=None, max_examples=60)
@given(cuttings(largest=17, most_halo=4), seeds)
def test_a_tiled_convolution_is_the_whole_one(cutting, seed):
    image = image_of(cutting[0], seed)
    kernel = np.random.default_rng(seed + 1).normal(size=[2 * radius + 1 for radius in cutting[2]])

    def convolved(plane):
        return ndimage.convolve(plane, kernel, mode="mirror")

    out = np.full_like(image, np.nan)
    fill(convolved, image, out, tiles(*cutting))
    np.testing.assert_allclose(out, convolved(image), rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(cuttings(), st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30)))
def test_pooling_meets_the_same_blocks_in_every_tiling(cutting, other):
    """A function that sees blocks of one stride, and those next to them, gives one answer on any cores."""
    shape, core, _, stride = cutting
    image = image_of(shape)

    def pooled(tile):
        blocks = [(n // s, s) for n, s in zip(tile.shape, stride, strict=True)]
        folded = tile.reshape([n for block in blocks for n in block])
        mean = folded.mean(tuple(range(1, folded.ndim, 2)))
        mean = ndimage.uniform_filter(mean, 3, mode="constant")
        return np.kron(mean, np.ones(stride))

    results = []
    for cores in (core, other[: len(shape)]):
        out = np.full_like(image, np.nan)
        # One stride for the neighbouring block; what lies at the tile's border is beyond it.
        fill(pooled, image, out, tiles(shape, cores, stride, stride))
        results.append(out)
    np.testing.assert_allclose(*results, atol=1e-12)


@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 40))
def test_reflection_is_that_of_numpy(size, before, after):
    expected = np.pad(np.arange(size), (before, after), mode="reflect" if size > 1 else "edge")
    np.testing.assert_array_equal(reflected(np.arange(-before, size + after), size), expected)


def test_a_tile_is_a_copy_of_any_dtype():
    image = np.arange(30, dtype=np.uint16).reshape(5, 6)
    tile = next(tiles((5, 6), (5, 6), (0, 0), (1, 1)))
    part = tile.take(image[tile.bounds])
    assert part.dtype == np.uint16
    assert not np.shares_memory(part, image)
