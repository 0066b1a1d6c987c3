"""Laws of the loop over blocks: an image that is read block by block gives the result of the whole one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from muguet.image import ArrayPlanes, Layout
from muguet.prediction import Cut, Kind, block_step, map_blocks

AXES = ("YX", "XY", "TYX", "YXS", "CYX", "TCYX", "TZYX", "ZCYX", "TCZYX", "YXCS", "CSYX")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_block_by_block_the_result_is_the_whole_one(data):
    letters = data.draw(st.sampled_from(AXES))
    shape = tuple(data.draw(st.integers(1, 17 if letter in "YX" else 4)) for letter in letters)
    dims = 3 if "Z" in letters and data.draw(st.booleans()) else 2
    layout = Layout(letters, shape, dims)
    array = np.random.default_rng(0).normal(size=shape)
    stride = tuple(data.draw(st.integers(1, 3)) for _ in range(dims))
    radius = tuple(data.draw(st.integers(0, 4)) for _ in range(dims))
    cut = Cut(tuple(data.draw(st.integers(1, 6)) for _ in range(dims)), radius, stride)
    unit = tuple(data.draw(st.integers(1, 20)) for _ in shape)
    kernel = np.random.default_rng(1).normal(size=[2 * far + 1 for far in radius])

    def function(values, channel):
        return ndimage.convolve(values, kernel, mode="constant") * (channel + 1)

    expected = np.empty_like(array)
    for n, c in np.ndindex(layout.planes, layout.channels):
        whole = tuple(slice(0, size) for size in layout.space)
        source, into = ArrayPlanes(array, layout), ArrayPlanes(expected, layout)
        into.write(n, c, whole, ndimage.convolve(source.read(n, c, whole), kernel, mode="mirror") * (c + 1))
    out, written = np.empty_like(array), np.zeros(shape, int)
    step = block_step(layout, cut, unit)
    for block in map_blocks(function, lambda part: array[part], layout, cut, step, [Kind(np.float64)]):
        out[block.part] = block.result
        written[block.part] += 1
        np.testing.assert_array_equal(block.values, array[block.part])
    np.testing.assert_allclose(out, expected, atol=1e-9)
    assert (written == 1).all()


@given(st.data())
def test_each_unit_of_storage_is_written_once_and_whole(data):
    shape = tuple(data.draw(st.integers(1, 40)) for _ in range(4))
    unit = tuple(data.draw(st.integers(1, 45)) for _ in range(4))
    layout = Layout("CZYX", shape, 3)
    step = block_step(layout, Cut((5, 9, 9), (1, 1, 1), (2, 4, 4)), unit)
    for each, one, size in zip(step, unit, shape, strict=True):
        assert each == size or each % one == 0


def test_no_more_than_the_halo_is_read():
    read = []

    def part_of(part):
        read.append([each.stop - each.start for each in part])
        return np.zeros(read[-1])

    layout, cut = Layout("YX", (400, 300)), Cut((64, 64), (5, 5), (4, 4))
    step = block_step(layout, cut, (50, 70))
    for block in map_blocks(lambda values, channel: values, part_of, layout, cut, step):
        assert all(
            n <= size + 2 * 8 + 4 for n, size in zip(read[block.number], block.values.shape, strict=True)
        )
