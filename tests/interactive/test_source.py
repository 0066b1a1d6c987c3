"""Layers as planes: every axis in its place, whatever the layer is stored as."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError
from muguet.interactive.source import Source


def numbered(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_each_layer_is_a_channel_and_each_plane_a_sample():
    layers = [numbered(2, 3, 5, 7), 1000 + numbered(2, 3, 5, 7)]
    source = Source(tuple(layers), ("a", "b"))
    assert (source.samples, source.channels, source.space) == (6, 2, (5, 7))
    for t in range(2):
        for z in range(3):
            n, within = source.place((t, z))
            assert source.position(n, within) == ((t, z), 0)
            for c, layer in enumerate(layers):
                np.testing.assert_array_equal(source.read(n, c), layer[t, z])


def test_colours_and_labelled_channels_are_channels():
    colour = numbered(4, 5, 7, 4)
    source = Source((colour,), ("rgb",), rgb=True)
    assert (source.samples, source.channels, source.space) == (4, 3, (5, 7))  # Alpha is not denoised.
    np.testing.assert_array_equal(source.read(2, 1), colour[2, ..., 1])
    labelled = numbered(4, 2, 5, 7)
    source = Source((labelled,), ("tc",), labels=("t", "c", "y", "x"))
    assert (source.samples, source.channels) == (4, 2)
    np.testing.assert_array_equal(source.read(3, 1), labelled[3, 1])
    assert source.place((3, 1)) == (3, 1)


def test_a_block_is_the_planes_in_order():
    array = numbered(3, 2, 5, 7)
    source = Source((array,), ("a",), labels=("t", "channel", "y", "x"))
    np.testing.assert_array_equal(source.block([slice(None)] * 4), array)
    np.testing.assert_array_equal(source.centre(1, 4), array[1, :, 0:4, 1:5])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ((), "no layer"),
        ((numbered(4, 4), numbered(5, 4)), "different shapes"),
        ((numbered(4),), "rows and columns"),
        ((numbered(4, 4).astype(complex),), "complex"),
    ],
)
def test_what_cannot_be_denoised_is_refused_in_a_sentence(arrays, words):
    with pytest.raises(MuguetError, match=words):
        Source(arrays, ("a", "b")[: len(arrays)])
