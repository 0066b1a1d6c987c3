"""Offsets of lines: found and removed where they are, and not where a scene looks alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet import samples
from muguet.image import Layout, screen
from muguet.pattern import Correction, find_halves, find_lines, gain_by_noise, second, second_estimate
from muguet.restoration import load_prior


def camera(photons: np.ndarray, seed: int = 0) -> np.ndarray:
    """Photons as a camera of gain 2, offset 100 and a read-out noise of 1.5 photo-electrons records them."""
    rng = np.random.default_rng(seed)
    return 2 * (rng.poisson(photons) + rng.normal(0, 1.5, photons.shape)) + 100


@pytest.fixture(scope="module")
def cells() -> np.ndarray:
    return (samples.acquisition((256, 320), 1).astype(np.float64) - 100) / 2


@pytest.fixture(scope="module")
def noisy(cells: np.ndarray) -> np.ndarray:
    return camera(cells)


def sigma(cells: np.ndarray) -> float:
    return 2 * float(np.sqrt(cells.mean() + 1.5**2))


def left(found: np.ndarray, offsets: np.ndarray) -> float:
    """The part of the power of offsets that remains when `found` is subtracted."""
    return float(np.var(offsets - found) / np.var(offsets))


@pytest.mark.parametrize(("relative", "limit"), [(0.3, 0.2), (1, 0.07), (2, 0.07)])
@pytest.mark.parametrize("columns", [False, True])
def test_an_offset_of_every_line_is_found(
    cells: np.ndarray, noisy: np.ndarray, relative: float, limit: float, columns: bool
) -> None:
    plane = noisy.T if columns else noisy
    offsets = relative * sigma(cells) * np.random.default_rng(1).normal(size=len(plane))
    found = find_lines(plane + offsets[:, None])
    assert found is not None
    assert found.period == 0
    assert left(found.offsets, offsets) < limit


@pytest.mark.parametrize("period", [2, 5, 12])
def test_offsets_that_repeat_are_found_with_their_period(
    cells: np.ndarray, noisy: np.ndarray, period: int
) -> None:
    offsets = 0.5 * sigma(cells) * (np.arange(len(noisy)) % period == 1)
    found = find_lines(noisy + offsets[:, None])
    assert found is not None
    assert found.period == period
    assert left(found.offsets, offsets) < 0.1


def test_a_faint_stripe_in_every_32nd_line_is_found() -> None:
    tall = (samples.acquisition((512, 384), 0).astype(np.float64) - 100) / 2
    offsets = 0.25 * sigma(tall) * (np.arange(512) % 32 == 1)
    found = find_lines(camera(tall) + offsets[:, None])
    assert found is not None
    assert found.period == 32
    assert left(found.offsets, offsets) < 0.1


def test_the_second_estimate_is_nearer_to_the_offsets(cells: np.ndarray, noisy: np.ndarray) -> None:
    offsets = 0.4 * sigma(cells) * np.random.default_rng(1).normal(size=len(noisy))
    plane = noisy + offsets[:, None]
    first = find_lines(plane)
    assert first is not None
    assert left(second_estimate(plane, first).offsets, offsets) < 0.7 * left(first.offsets, offsets)


def test_the_response_of_the_denoiser_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Gaussian of s pixels leaves the part 1 − exp(−2π²s²f²) of offsets with the frequency f in the residual."""
    blurred = lambda prior, values: gaussian_filter(values, 2).astype(np.float32)  # noqa: E731
    monkeypatch.setattr("muguet.pattern.second._denoised", blurred)
    plane = camera(np.full((128, 160), 20.0))
    frequency = np.arange(128) / 256
    expected = 1 - np.exp(-2 * (2 * np.pi * frequency) ** 2)
    response = second._response(second._Residual(load_prior(), 2.0, -180.0), plane)
    assert np.abs(response - expected)[10:].max() < 0.1


def test_the_second_estimate_does_without_a_block_of_pixels(cells: np.ndarray, noisy: np.ndarray) -> None:
    offsets = sigma(cells) * np.random.default_rng(1).normal(size=len(noisy))
    plane = noisy + offsets[:, None]
    plane[100:, 80:240] = np.nan  # With the columns at which the response of the denoiser is measured.
    first = find_lines(plane)
    assert first is not None
    assert left(second_estimate(plane, first).offsets, offsets) < max(left(first.offsets, offsets), 0.05)


def test_an_image_without_line_noise_has_none(noisy: np.ndarray) -> None:
    assert find_lines(noisy) is None
    assert find_lines(noisy.T) is None


def fibres(width: float, tilt: float, whole: bool, seed: int) -> np.ndarray:
    """Fibres along X with a Gaussian profile, in photons."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:192, :192]
    scene = np.full(y.shape, 3.0)
    for _ in range(30):
        away = y - rng.uniform(0, 192) - rng.normal(0, tilt) * (x - 96)
        ends = (0, 192) if whole else sorted(rng.uniform(0, 192, 2))
        scene += (
            60 * rng.uniform(0.3, 1) * np.exp(-0.5 * (away / width) ** 2) * (x >= ends[0]) * (x < ends[1])
        )
    return scene


@pytest.mark.parametrize("width", [0.7, 1.2])
@pytest.mark.parametrize("tilt", [0.0, 0.01])
@pytest.mark.parametrize("whole", [False, True])
def test_horizontal_fibres_are_not_taken_for_noise(width: float, tilt: float, whole: bool) -> None:
    for seed in (0, 1):
        plane = camera(fibres(width, tilt, whole, seed), seed)
        assert find_lines(plane) is None
        assert find_halves(plane) is None


@pytest.mark.parametrize("period", [3.7, 4, 6, 8, 10, 12.5, 20])
@pytest.mark.parametrize("square", [False, True])
def test_a_grating_is_not_taken_for_noise(period: float, square: bool) -> None:
    wave = np.sin(2 * np.pi * np.arange(192) / period)[:, None] * np.ones(192)
    profile = gaussian_filter((wave > 0) * 1.0, 1.0) if square else (1 + wave) / 2
    for brightness in (10, 100):
        assert find_lines(camera(3 + brightness * profile)) is None


def test_lines_are_removed_where_fibres_run_along_them() -> None:
    scene = fibres(1.2, 0.01, False, 3)
    offsets = np.random.default_rng(2).normal(0, 6, 192)
    found = find_lines(camera(scene) + offsets[:, None])
    assert found is not None
    assert left(found.offsets, offsets) < 0.1


def test_missing_pixels_are_left_out(noisy: np.ndarray) -> None:
    offsets = np.random.default_rng(1).normal(0, 8, len(noisy))
    plane = noisy + offsets[:, None]
    plane[np.random.default_rng(2).random(plane.shape) < 0.1] = np.nan
    found = find_lines(plane)
    assert found is not None
    assert left(found.offsets, offsets) < 0.07


def test_a_step_between_two_halves_is_found(cells: np.ndarray, noisy: np.ndarray) -> None:
    plane = noisy.copy()
    plane[len(plane) // 2 :] += 2 * sigma(cells)
    found = find_halves(plane)
    assert found is not None
    assert found.offset == pytest.approx(2 * sigma(cells), rel=0.15)
    even = found.remove(plane)
    assert abs(np.median(even[:128] - noisy[:128]) - np.median(even[128:] - noisy[128:])) < 0.1 * found.offset


def test_a_step_of_half_the_noise_is_found_between_two_halves() -> None:
    wide = (samples.acquisition((256, 512), 0).astype(np.float64) - 100) / 2
    plane = camera(wide)
    plane[128:] += 0.6 * sigma(wide)
    found = find_halves(plane)
    assert found is not None
    assert found.offset == pytest.approx(0.6 * sigma(wide), rel=0.3)


def test_an_image_without_halves_has_no_step(noisy: np.ndarray) -> None:
    assert find_halves(noisy) is None
    assert find_halves(noisy.T) is None


def two_halves(gain: float, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Photo-electrons, and counts whose lower half has a gain and an offset of its own."""
    y, x = np.ogrid[:384, :512]
    photons = 40 + 35 * np.sin(x / 12) * np.cos(y / 15)
    counts = camera(photons)
    counts[192:] = gain * (counts[192:] - 100) + 100 + offset
    return photons, counts


def test_a_difference_in_gain_of_two_halves_is_measured_by_their_noise() -> None:
    assert gain_by_noise([two_halves(1.0)[1]]) is None
    assert gain_by_noise([two_halves(1.0, 30)[1]]) is None
    assert gain_by_noise([two_halves(1.2)[1]]) == pytest.approx(0.2 / 1.1, abs=0.05)
    assert gain_by_noise([two_halves(1 / 1.2, 30)[1]]) == pytest.approx(-0.2 / 1.1, abs=0.05)


def test_both_halves_get_their_mean_gain() -> None:
    photons, counts = two_halves(1.2, 30)
    layout = Layout("YX", counts.shape)
    found = Correction()(screen(counts, layout), layout)
    assert found.found[0].upper_lower is not None
    upper, lower = (
        np.polyfit(photons[rows].ravel(), found.screened.values[rows].ravel(), 1)
        for rows in (slice(0, 192), slice(192, 384))
    )
    assert upper[0] == pytest.approx(lower[0], rel=0.05)
    assert np.polyval(upper, 40) == pytest.approx(np.polyval(lower, 40), abs=3)
