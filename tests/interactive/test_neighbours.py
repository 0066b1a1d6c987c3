"""A movie or a stack in layers gives the result of `muguet.denoise`, completely or where it is looked at."""

from __future__ import annotations

import numpy as np
import pytest

import muguet
from muguet.interactive import runs
from muguet.interactive.computation import computation
from muguet.interactive.letters import letters_of
from muguet.interactive.messages import Better, Complete, Note
from muguet.interactive.neighbours import TOO_MANY_AXES, find
from muguet.interactive.source import Source
from tests.conftest import blobs, recorded

pytestmark = pytest.mark.usefixtures("tiny_prior")


class Lazy:
    """An array that is no array in memory."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, key):
        return self.array[key]


@pytest.fixture(scope="module")
def movie() -> np.ndarray:
    return np.stack([recorded(blobs(48), seed) for seed in range(5)])


def test_a_movie_in_layers_gives_the_result_of_denoise(movie):
    messages = list(runs.denoise([Source((movie,), ("movie",))], steps=0))
    last = messages[-1]
    assert isinstance(last, Complete)
    assert last.computation.neighbours.helps
    assert any(isinstance(each, Note) and each.text.startswith("Movie: each frame") for each in messages)
    np.testing.assert_allclose(last.arrays[0], muguet.denoise(movie, "TYX", steps=0), rtol=1e-5)


def test_a_lazy_movie_gives_it_where_it_is_looked_at(movie):
    source = Source((Lazy(movie),), ("movie",))
    messages = list(runs.denoise([source], steps=0))
    assert messages[-1].arrays is None
    best = [each for each in messages if isinstance(each, Better)][-1]
    assert best.levels[0].neighbours.helps
    estimate = best.denoiser.estimate(movie, "TYX")
    part = slice(0, 48), slice(0, 48)
    _, found = best.levels[0].part(source, 4, 0, part)
    np.testing.assert_allclose(found, estimate.mean[4], rtol=1e-4)
    errors = computation(best.denoiser, source, None, best.levels[0].neighbours, std=True)
    _, std = errors.part(source, 1, 0, part)
    np.testing.assert_allclose(std, estimate.std[1], rtol=0.05)  # Over one view rather than eight.


def test_axes_of_layers_are_those_of_files_in_any_order(movie):
    stacks = np.stack([movie, movie[::-1]], 1)  # T and Z, and Z first in the layer.
    layer = Source((np.swapaxes(stacks, 0, 1),), ("a",), labels=("Depth", "time", "y", "x"))
    assert layer.layout().axes == "TZCYX"
    result = list(runs.denoise([layer], steps=0))[-1].arrays[0]
    expected = muguet.denoise(stacks, "TZYX", steps=0)
    np.testing.assert_allclose(np.swapaxes(result, 0, 1), expected, rtol=1e-5)


def test_labels_and_units_say_what_axes_are():
    assert letters_of(("-3",), ("pixel",)) == ("T", True)
    assert letters_of(("-3",), ("micrometer",)) == ("Z", False)
    assert letters_of(("z", ""), ("", "")) == ("ZT", False)
    assert letters_of(("", ""), ("", "second")) == ("ZT", False)
    assert letters_of(("t", "time"), ("", "")) is None
    assert letters_of(("", "", ""), ("", "", "")) is None


def test_axes_that_are_not_clear_are_named_in_a_sentence(movie):
    source = Source((np.stack([np.stack([movie] * 2)] * 2),), ("a",))
    assert find(None, source).sentence == TOO_MANY_AXES
    assert source.layout().planes == 20
