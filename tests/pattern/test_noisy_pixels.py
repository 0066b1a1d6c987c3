"""Noisy pixels of a camera are found in a movie, and light that moves, blinks or fades is not mistaken for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet.image import Layout, screen
from muguet.pattern import Correction, Maps, find_noisy_pixels

_FRAMES, _SIDE = 24, 96


def cells(speed: int = 0) -> np.ndarray:
    """Photo-electrons of a scene of spots that moves along X by `speed` pixels a frame."""
    wide = gaussian_filter(np.random.default_rng(0).normal(size=(_SIDE, _SIDE + _FRAMES * 3)), 2.5)
    wide = 5 + 40 * np.clip(wide / wide.std() - 0.5, 0, None)
    return np.stack([wide[:, t * speed : t * speed + _SIDE] for t in range(_FRAMES)])


def blinking(width: float) -> np.ndarray:
    """Photo-electrons of points of light that blink, in the middle of pixels; `width` is their standard deviation."""
    rng = np.random.default_rng(1)
    lit = np.zeros((_FRAMES, _SIDE, _SIDE))
    rows, columns = rng.integers(0, _SIDE, (2, 80))
    lit[:, rows, columns] = rng.uniform(0, 200, 80) * (rng.random((_FRAMES, 80)) < 0.5)
    fine = gaussian_filter(np.kron(lit, np.pad(np.ones((1, 1)), 2)), (0, 5 * width, 5 * width))
    return 3 + fine.reshape(_FRAMES, _SIDE, 5, _SIDE, 5).sum((2, 4))


def recorded(photons: np.ndarray, read: np.ndarray | float = 1.5, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.rint(2 * (rng.poisson(photons) + read * rng.normal(size=photons.shape)) + 100).clip(0)


@pytest.fixture(scope="module")
def loud() -> np.ndarray:
    return np.random.default_rng(3).random((_SIDE, _SIDE)) < 0.02


@pytest.mark.parametrize("speed", [0, 1])
def test_noisy_pixels_are_found_with_their_variance(speed: int, loud: np.ndarray) -> None:
    photons = cells(speed)
    found = find_noisy_pixels(recorded(photons, np.where(loud, 20.0, 1.5)))
    assert found is not None
    seen = found.variance > 1
    assert (seen & loud).sum() > 0.8 * loud.sum()
    assert (seen & ~loud).sum() <= 0.02 * seen.sum()
    truth = (photons.mean(0) + 20.0**2) / (photons.mean(0) + 1.5**2)
    error = np.log(found.variance[seen & loud] / truth[seen & loud])
    assert abs(np.median(error)) < found.error
    assert error.std() < 1.5 * found.error


@pytest.mark.parametrize("width", [0.5, 0.7, 1.0])
def test_points_of_light_that_blink_are_not_noisy_pixels(width: float) -> None:
    assert find_noisy_pixels(recorded(blinking(width))) is None


@pytest.mark.parametrize("speed", [0, 3])
def test_a_scene_that_moves_and_fades_has_no_noisy_pixels(speed: int) -> None:
    fading = np.exp(-0.05 * np.arange(_FRAMES))[:, None, None]
    assert find_noisy_pixels(recorded(20 * fading * cells(speed))) is None


@pytest.mark.parametrize("mean", [0.01, 0.1, 1.0])
def test_single_photons_are_not_noisy_pixels(mean: float) -> None:
    counts = np.random.default_rng(4).poisson(mean, (_FRAMES, _SIDE, _SIDE))
    assert find_noisy_pixels(counts.astype(np.float64)) is None


def test_one_event_does_not_make_a_pixel_noisy(loud: np.ndarray) -> None:
    movie = recorded(cells())
    movie[7, loud] += 2000
    assert find_noisy_pixels(movie) is None


def test_few_frames_are_not_enough(loud: np.ndarray) -> None:
    assert find_noisy_pixels(recorded(cells()[:8], np.where(loud, 40.0, 1.5))) is None


def test_noisy_pixels_become_as_quiet_as_others(loud: np.ndarray) -> None:
    movie = recorded(np.full((_FRAMES, _SIDE, _SIDE), 20.0), np.where(loud, 20.0, 1.5)).astype(np.uint16)
    layout = Layout("TYX", movie.shape)
    found = Correction()(screen(movie, layout), layout)
    noisy = found.found[0].noisy_pixels
    assert noisy is not None
    seen = noisy.variance > 1
    assert np.array_equal(found.screened.values[:, ~seen], movie[:, ~seen])
    assert found.screened.values[:, seen].std() == pytest.approx(movie[:, ~loud].std(), rel=0.2)
    assert "noisier in all frames" in found.notes[0]
    assert found.found[0].as_dict()["noisy_pixels"]["count"] == seen.sum()
    assert Correction("keep")(screen(movie, layout), layout).screened.values is movie


def test_nothing_is_searched_where_the_map_is_given(loud: np.ndarray) -> None:
    movie = recorded(np.full((_FRAMES, _SIDE, _SIDE), 20.0), np.where(loud, 20.0, 1.5))
    layout = Layout("TYX", movie.shape)
    maps = Maps.of(variance=np.where(loud, 1600.0, 9.0))
    assert not Correction(maps=maps)(screen(movie, layout), layout).found[0]
