"""A pattern that stands still is found where the scene moves, and left in where it cannot be told from the scene."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet.pattern import find_standing

_FRAMES, _SIDE = 30, 96


def movie(speed: int) -> np.ndarray:
    """A scene of spots that moves along X by `speed` pixels a frame, as a camera records it."""
    rng = np.random.default_rng(0)
    wide = gaussian_filter(rng.normal(size=(_SIDE, _SIDE + _FRAMES * 3)), 2.5)
    wide = 5 + 40 * np.clip(wide / wide.std() - 0.5, 0, None)
    photons = np.stack([wide[:, t * speed : t * speed + _SIDE] for t in range(_FRAMES)])
    return 2 * (rng.poisson(photons) + rng.normal(0, 1.5, photons.shape)) + 100


@pytest.fixture(scope="module")
def pattern() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 10, (_SIDE, _SIDE))


def test_offsets_of_pixels_are_found_in_a_moving_scene(pattern: np.ndarray) -> None:
    found = find_standing(list(movie(3) + pattern))
    assert found is not None
    assert found.offsets is not None
    assert np.var(found.offsets - pattern) < 0.1 * np.var(pattern)


def test_a_pattern_is_left_in_where_the_scene_stands_still(pattern: np.ndarray) -> None:
    found = find_standing(list(movie(0) + pattern))
    assert found is not None
    assert found.offsets is None
    assert found.std == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("speed", [0, 3])
def test_a_movie_without_a_pattern_has_none(speed: int) -> None:
    assert find_standing(list(movie(speed))) is None


def test_a_pattern_is_found_in_the_dark(pattern: np.ndarray) -> None:
    dark = np.random.default_rng(2).normal(100, 6, (_FRAMES, _SIDE, _SIDE))
    found = find_standing(list(dark + pattern))
    assert found is not None
    assert found.offsets is not None
    assert np.var(found.offsets - pattern) < 0.1 * np.var(pattern)
