"""Images of few photons keep their result: float32 by default, or unbiased rounding."""

from __future__ import annotations

import numpy as np

from muguet.image import to_dtype
from muguet.image.precision import coarse, result_dtype
from tests.image.camera import recorded, scene


def test_few_photons_are_coarse_and_other_images_are_not():
    counts = np.random.default_rng(0).poisson(scene(peak=3, background=0.1))
    assert coarse(counts.astype(np.uint8))
    assert not coarse(counts.astype(np.float32))
    assert not coarse(recorded(scene()))


def test_the_result_of_few_photons_is_float32_unless_the_user_asks_for_integers():
    counts = np.random.default_rng(0).poisson(0.4, (64, 64)).astype(np.uint8)
    kind, dither, sentence = result_dtype(counts, None)
    assert (kind, dither) == (np.float32, None)
    assert "float32" in sentence
    kind, dither, sentence = result_dtype(counts, np.dtype(np.uint8))
    assert kind == np.uint8
    assert dither is not None
    assert "at random" in sentence
    assert result_dtype(recorded(scene()), None) == (np.dtype(np.uint16), None, "")


def test_random_rounding_keeps_the_mean_and_has_a_seed():
    values = np.full(100_000, 0.3)
    one, other = (to_dtype(values, np.uint8, np.random.default_rng(5)) for _ in range(2))
    assert abs(one.mean() - 0.3) < 0.01
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        to_dtype(np.array([-3.0, np.nan, 300.0]), "uint8", np.random.default_rng(0)), [0, 0, 255]
    )
