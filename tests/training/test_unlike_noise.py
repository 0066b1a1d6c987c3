"""Images of another gain are named, and those of one camera are not, however bright or textured they are."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from muguet.samples import acquisition
from muguet.training import Sample, collect
from muguet.training.unlike_noise import unlike_noise


@functools.cache
def scene(seed: int) -> np.ndarray:
    """A field of cells, from 0 to 1."""
    found = acquisition((160, 160), seed=seed).astype(np.float64)
    return (found - found.min()) / (found.max() - found.min())


def recorded(seed: int, gain: float, electrons: float = 30.0, offset: float = 100.0) -> np.ndarray:
    return offset + gain * np.random.default_rng(seed).poisson(electrons * scene(seed))


@pytest.mark.parametrize("electrons", [5, 50, 2000])
def test_scenes_of_one_camera_are_alike(electrons):
    images = [
        recorded(seed, 2.0, electrons * light)[None] for seed, light in ((0, 1), (1, 0.3), (2, 3), (3, 1))
    ]
    assert not unlike_noise(images)


def test_the_image_of_another_gain_is_named():
    images = [recorded(seed, 2.0)[None] for seed in range(3)]
    images.insert(1, recorded(3, 6.0, 10.0)[None])
    (found,) = unlike_noise(images).items()
    assert found == (1, pytest.approx(3.0, rel=0.2))
    samples = [Sample(each[0].astype(np.float32), "YX", f"{n}.tif") for n, each in enumerate(images)]
    (note,) = [note for note in collect(samples).notes if "another camera or gain" in note]
    assert "1.tif" in note
    assert "0.tif" not in note


def test_images_that_cannot_be_measured_are_passed_over():
    assert not unlike_noise([np.zeros((1, 8, 8)), np.full((1, 64, 64), np.nan), recorded(0, 2.0)[None]])
