"""Noisy and clean images that do not belong together are refused, whatever the light."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from muguet import MuguetError, fit
from muguet.noise import match, measure_pair, require_pairs
from tests.conftest import blobs, recorded


def scene(seed: int, brightest: float = 200.0) -> np.ndarray:
    """128×128 pixels of signal in counts of the camera of `recorded`."""
    return 100 + 2 * blobs(128, seed, brightest)


def noisy(seed: int, brightest: float = 200.0) -> np.ndarray:
    return recorded(blobs(128, seed, brightest)).astype(float)


@pytest.mark.parametrize("brightest", [20.0, 200.0, 5000.0])
def test_a_right_pair_is_accepted_and_has_the_line_of_its_units(brightest):
    for seed in range(4):
        found = match(noisy(seed, brightest), 7 + 3 * scene(seed, brightest))
        assert not found.wrong
        assert not found.doubt
        assert found.correlation == pytest.approx(1, abs=4 * found.error)
        assert 3 * found.slope == pytest.approx(1, abs=0.1)
        assert found.slope * (7 + 300) + found.offset == pytest.approx(100, abs=8)


@pytest.mark.parametrize("brightest", [200.0, 5000.0])
def test_another_scene_a_mirrored_and_a_turned_one_are_refused(brightest):
    for seed in range(4):
        right = scene(seed, brightest)
        for other in (scene(seed + 10, brightest), right[::-1], right[:, ::-1], np.rot90(right)):
            assert match(noisy(seed, brightest), other).wrong


@pytest.mark.parametrize("shift", [(2, 0), (0, -3), (-5, 4), (9, 1)])
def test_a_shift_is_found_and_named(shift):
    found = match(noisy(0), np.roll(scene(0), shift, (0, 1)))
    assert found.shift == tuple(-each for each in shift)
    assert f"{abs(shift[0])} and {abs(shift[1])} pixels" in found.wrong


def test_a_shift_of_one_pixel_is_a_doubt():
    found = match(noisy(0), np.roll(scene(0), 1, 0))
    assert not found.wrong
    assert "one pixel" in found.doubt


def test_noise_alone_is_not_judged():
    rng = np.random.default_rng(0)
    found = match(rng.normal(100, 10, (128, 128)), scene(0))
    assert not found.judged
    assert not found.wrong


def test_missing_pixels_do_not_change_the_judgement():
    recorded = noisy(0)
    recorded[:40] = np.nan
    recorded[::7, ::5] = np.nan
    assert not match(recorded, scene(0)).wrong
    assert match(recorded, scene(1)).wrong


def test_two_noisy_images_of_a_scene_match():
    photons = blobs(128, 0)
    one, two = recorded(photons, 1).astype(float), recorded(photons, 2).astype(float)
    assert match(one, two).correlation == pytest.approx(1, abs=0.05)


def test_noise_as_strong_as_the_structures_does_not_lower_the_correlation():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:512, :512]
    signal = np.sin(y / 9) * np.sin(
        x / 11
    )  # Its standard deviation is 1/2, as that of the means of 8×8 noisy pixels.
    one, two = signal + rng.normal(0, 4, signal.shape), signal + rng.normal(0, 4, signal.shape)
    found = match(one, two)
    assert found.error < 0.05
    assert found.correlation == pytest.approx(1, abs=4 * found.error)
    assert not found.doubt


def test_one_wrong_plane_of_a_stack_is_named():
    stack = np.stack([noisy(0), noisy(0), noisy(3)])
    with pytest.raises(MuguetError, match="in plane 2 do not show the same scene"):
        require_pairs(stack, scene(0))


def test_every_way_to_give_a_pair_refuses_a_wrong_one():
    with pytest.raises(MuguetError, match="do not show the same scene"):
        measure_pair(noisy(0), scene(1))
    with pytest.raises(MuguetError, match="not in the same units"):
        measure_pair(noisy(0), scene(0) / 2)
    with pytest.raises(MuguetError, match="do not show the same scene"):
        fit(noisy(0), "YX", clean=scene(1), recipe="supervised", steps=1)


def test_real_pairs(data):
    """Of twelve fields of view, the clean image of each belongs to its own noisy image only."""
    images, cleans = (tifffile.imread(data / f"w2s_ch1_{kind}.tif") for kind in ("noisy", "clean"))
    for n in range(0, 12, 3):
        assert not match(images[n], cleans[n]).wrong
        assert match(images[n], cleans[n - 1]).wrong
        assert match(images[n], np.roll(cleans[n], 3, 1)).wrong
