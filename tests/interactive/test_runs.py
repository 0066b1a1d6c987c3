"""A run yields a first result, better ones and a last one; it can be stopped, and its model fits other layers."""

from __future__ import annotations

from itertools import pairwise
from threading import Event

import numpy as np
import pytest

from muguet import MuguetError
from muguet.interactive import runs
from muguet.interactive.messages import Advanced, Better, Complete, Note
from muguet.interactive.source import Source
from tests.conftest import blobs, recorded

pytestmark = pytest.mark.usefixtures("tiny_prior")


@pytest.fixture(scope="module")
def layer() -> np.ndarray:
    return recorded(blobs(64))


def of_kind(messages, kind):
    return [each for each in messages if isinstance(each, kind)]


def test_the_first_result_comes_before_the_first_step_and_the_last_is_complete(layer):
    messages = list(runs.denoise([Source((layer,), ("cells",))], steps=2))
    better = of_kind(messages, Better)
    assert better[0].denoiser.untrained
    assert better[-1].denoiser.training["steps"] == 2
    last = messages[-1]
    assert isinstance(last, Complete)
    (result,) = last.arrays
    assert result.shape == layer.shape
    np.testing.assert_allclose(result, better[-1].denoiser(layer, "YX"), rtol=1e-5)
    shares = [each.share for each in of_kind(messages, Advanced) if each.share is not None]
    assert all(a <= b for a, b in pairwise(shares[:2]))


def test_stop_keeps_the_best_model_so_far(layer):
    stop = Event()
    messages = []
    for message in runs.denoise([Source((layer,), ("cells",))], stop=stop, minutes=5):
        messages.append(message)
        if isinstance(message, Better):
            stop.set()
    assert isinstance(messages[-1], Complete)
    assert "stopped" in messages[-1].words
    assert of_kind(messages, Better)[-1].denoiser.training["steps"] <= 1


def test_a_model_is_applied_to_layers_with_its_channels_and_to_no_others(layer):
    pair = Source((layer, layer[::-1]), ("a", "b"))
    messages = list(runs.denoise([pair], steps=0))
    model = of_kind(messages, Better)[-1].denoiser
    assert model.parts.channels == 2
    other = Source((layer.T, layer), ("c", "d"))
    applied = list(runs.apply(model, [other]))[-1]
    np.testing.assert_allclose(np.stack(applied.arrays), model(np.stack(other.arrays), "CYX"), rtol=1e-5)
    with pytest.raises(MuguetError, match="2 channels and the chosen layers have 1"):
        list(runs.apply(model, [Source((layer,), ("a",))]))


def test_large_layers_begin_with_the_shown_plane_and_lazy_ones_stay_lazy(layer, monkeypatch):
    monkeypatch.setattr(runs, "_SMALL", 0)
    monkeypatch.setattr(runs, "MAX_PIXELS", layer.size)
    seen = []

    class Lazy:
        shape, dtype = (50, *layer.shape), layer.dtype

        def __getitem__(self, key):
            seen.append(key[0])
            return layer[key[1:]]

    messages = []
    for message in runs.denoise([Source((Lazy(),), ("movie",))], shown=17, steps=0):
        messages.append(message)
        if isinstance(message, Better) and len(of_kind(messages, Better)) == 1:
            assert set(seen) == {17}
    assert messages[-1].arrays is None
    assert any("in blocks" in note.text for note in of_kind(messages, Note))
    assert len(set(seen)) < 20  # Those for training, and some that show whether frames help each other.


def test_each_level_of_a_multiscale_layer_has_its_own_computation(layer):
    coarse = (layer.reshape(32, 2, 32, 2).mean((1, 3)), layer.reshape(8, 8, 8, 8).mean((1, 3)))
    levels = [Source((array,), ("m",)) for array in (layer, *coarse)]
    messages = list(runs.denoise(levels, steps=0))
    better = of_kind(messages, Better)[-1]
    assert len(better.levels) == 3
    smallest = coarse[1].astype(np.float32)
    np.testing.assert_array_equal(better.levels[2].function(smallest, 0), smallest)  # Too small: as it is.
    assert messages[-1].arrays is None


def test_what_cannot_be_denoised_is_an_error_in_one_sentence(layer):
    with pytest.raises(MuguetError, match="constant"):
        list(runs.denoise([Source((np.zeros((64, 64), np.uint8),), ("dark",))]))
    with pytest.raises(MuguetError, match="16×16"):
        list(runs.denoise([Source((layer[:8, :8],), ("small",))]))


def test_colours_come_back_as_colours():
    rng = np.random.default_rng(0)
    colour = np.stack([rng.poisson(blobs(48, seed) / 2).clip(0, 255) for seed in range(3)], -1).astype(
        np.uint8
    )
    colour = np.concatenate([colour, np.full((48, 48, 1), 200, np.uint8)], -1)
    (result,) = list(runs.denoise([Source((colour,), ("rgb",), rgb=True)], steps=0))[-1].arrays
    assert result.dtype == np.uint8
    assert result.shape == colour.shape
    assert (result[..., 3] == 200).all()
    assert not np.array_equal(result, colour)
