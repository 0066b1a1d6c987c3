"""A view equals the function of the whole plane wherever it is looked at, and never waits when it is indexed."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from muguet.interactive.computation import Computation
from muguet.interactive.source import Source
from muguet.napari.views import View
from muguet.prediction import Cut
from muguet.restoration.blur_width import blurred

CUT = Cut((16, 16), (8, 8), (2, 2))


def blur(values, channel):
    return blurred(np.asarray(values), 1.0) + 1000 * channel


def view_of(array: np.ndarray, function=blur, **given) -> View:
    return View(Source((array,), ("a",), **given), 0, Computation(function, CUT))


def settled(view: View) -> None:
    while view.busy:
        time.sleep(0.001)


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).normal(100, 10, (3, 40, 36)).astype(np.float32)


def test_a_saved_view_is_the_function_of_every_plane(stack):
    whole = np.asarray(view_of(stack))
    assert whole.shape == stack.shape
    np.testing.assert_allclose(whole, [blur(plane, 0) for plane in stack], atol=1e-3)


@pytest.mark.parametrize(
    "key",
    [
        1,
        (-1,),
        (0, slice(5, 30), slice(2, 9)),
        (slice(None), 20, slice(None)),
        (..., 7),
        (slice(0, 3, 2), slice(None), slice(0, 36, 5)),
        (2, 3, 4),
        (1, slice(8, 8), slice(None)),
    ],
)
def test_a_part_is_that_part_of_the_whole(stack, key):
    view = view_of(stack)
    np.testing.assert_array_equal(view.part(key), np.asarray(view)[key])


def test_indexing_does_not_wait_and_asks_for_what_is_missing(stack):
    gate = threading.Event()

    def slow(values, channel):
        gate.wait()
        return blur(values, channel)

    view = view_of(stack, slow)
    assert np.isnan(view[1]).all()
    gate.set()
    settled(view)
    np.testing.assert_allclose(view[1], blur(stack[1], 0), atol=1e-3)
    assert np.isnan(view[0]).all()  # Only what was looked at is computed.
    settled(view)


def test_earlier_values_are_shown_until_better_ones_are_there(stack):
    view, gate = view_of(stack), threading.Event()
    before = view.part(0)

    def better(values, channel):
        gate.wait()
        return blur(values, channel) + 1

    view.use(Computation(better, CUT))
    np.testing.assert_array_equal(view[0], before)
    gate.set()
    settled(view)
    np.testing.assert_allclose(view[0], before + 1, atol=1e-3)


def test_only_the_pixels_around_a_part_are_read(stack):
    read: list[tuple[slice, ...]] = []

    class Lazy:
        shape, dtype = (5, 400, 400), np.dtype(np.uint16)

        def __getitem__(self, key):
            read.append(key)
            return np.random.default_rng(0).integers(90, 110, [len(range(*k.indices(400))) for k in key[1:]])

    View(Source((Lazy(),), ("a",)), 0, Computation(blur, CUT)).part((3, slice(100, 110), slice(200, 210)))
    assert {key[0] for key in read} == {3}
    assert all(len(range(*each.indices(400))) <= 32 for key in read for each in key[1:])


def test_colours_lie_between_zero_and_one_and_alpha_is_kept():
    colour = np.random.default_rng(0).integers(0, 256, (20, 24, 4)).astype(np.uint8)
    found = np.asarray(view_of(colour, lambda values, _: values, rgb=True))
    np.testing.assert_allclose(found, colour / 255, atol=1e-6)
