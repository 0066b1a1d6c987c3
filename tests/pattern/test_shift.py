"""Odd lines of a scan in two directions: their shift is found within its error, undone, and not found where none is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from muguet import samples
from muguet.image import Layout, screen
from muguet.pattern import Correction, Shift, find_shift


def camera(photons: np.ndarray, seed: int = 0) -> np.ndarray:
    """Photons as a detector of gain 2, offset 100 and a read-out noise of 1.5 photo-electrons records them."""
    rng = np.random.default_rng(seed)
    return 2 * (rng.poisson(photons) + rng.normal(0, 1.5, photons.shape)) + 100


@pytest.fixture(scope="module")
def cells() -> np.ndarray:
    return (samples.acquisition((128, 192), 1).astype(np.float64) - 100) / 2


def shifted(photons: np.ndarray, pixels: float) -> np.ndarray:
    """Photons of a scan whose odd rows are displaced by `pixels` to the right."""
    found = photons.copy()
    at = np.arange(photons.shape[1])
    for row in found[1::2]:
        row[:] = np.interp(at - pixels, at, row)
    return found


def corrected(image: np.ndarray, axes: str = "YX", lines: str = "auto"):
    layout = Layout(axes, image.shape)
    return Correction(lines)(screen(image, layout), layout)


@pytest.mark.parametrize("pixels", [0.5, -1.0, 2.4, 9.0])
def test_a_shift_is_found_within_its_error(cells: np.ndarray, pixels: float) -> None:
    found = find_shift([camera(shifted(cells, pixels))])
    assert found is not None
    assert abs(found.pixels - pixels) < 4 * found.error
    assert found.error < 0.1


def test_an_image_without_a_shift_has_none(cells: np.ndarray) -> None:
    plane = camera(cells)
    assert find_shift([plane]) is None
    assert find_shift([plane.T]) is None
    assert find_shift([camera(np.full((128, 128), 20.0))]) is None


@pytest.mark.parametrize("period", [2.5, 3.7, 6, 12.5])
@pytest.mark.parametrize("degrees", [3, 45, 87, 90])
def test_a_grating_is_not_taken_for_a_shift(period: float, degrees: float) -> None:
    y, x = np.mgrid[:128, :128]
    phase = (x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))) / period
    for brightness in (3, 100):
        assert find_shift([camera(3 + brightness * (1 + np.sin(2 * np.pi * phase)))]) is None


def test_whole_pixels_are_moved_without_interpolation(cells: np.ndarray) -> None:
    plane = camera(cells)
    found = Shift(-3.04, 0.02).back(plane)
    assert np.array_equal(found[::2], plane[::2])
    assert np.array_equal(found[1::2, 3:], plane[1::2, :-3])
    assert np.allclose(found[1:-1:2, :3], 0.5 * (plane[:-2:2, :3] + plane[2::2, :3]))


def test_a_fraction_of_a_pixel_leaves_the_noise_independent() -> None:
    noise = np.random.default_rng(0).normal(100, 5, (256, 256))
    rows = Shift(0.5, 0.01).back(noise)[1::2]
    assert rows.std() == pytest.approx(5, rel=0.02)
    assert abs(np.corrcoef(rows[:, 1:].ravel(), rows[:, :-1].ravel())[0, 1]) < 0.02


def test_the_image_becomes_that_of_a_scan_without_a_shift(cells: np.ndarray) -> None:
    image = np.rint(camera(shifted(cells, 2.4))).clip(0).astype(np.uint16)
    found = corrected(image)
    assert found.found[0].row_shift is not None
    assert found.found[0].as_dict()["row_shift"]["pixels"] == pytest.approx(2.4, abs=0.1)
    assert json.loads(json.dumps(found.found[0].as_dict())) == found.found[0].as_dict()
    assert "Odd rows (1, 3, …) are shifted by +2.4" in found.notes[0]
    assert found.removed is not None
    assert np.allclose(found.screened.values + found.removed, image, atol=1e-3)
    truth = 2 * cells + 100
    rows = slice(1, None, 2), slice(4, -4)
    before, after = (np.abs(each[rows] - truth[rows]).mean() for each in (image, found.screened.values))
    usual = np.abs(image[::2, 4:-4] - truth[::2, 4:-4]).mean()
    assert after == pytest.approx(usual, rel=0.05)
    assert before > 1.1 * usual
    assert corrected(image, lines="keep").screened.values is image


def test_missing_and_saturated_pixels_move_with_their_line(cells: np.ndarray) -> None:
    image = camera(shifted(cells, 3.0))
    image[21, 60:70] = np.nan
    image = np.minimum(image, np.nanquantile(image, 0.99))
    level = np.nanmax(image)
    found = corrected(image).screened
    assert np.isnan(found.values[21, 57:67]).all()
    assert np.isnan(found.values).sum() == 10
    assert (found.values[1::2, :-3][image[1::2, 3:] == level] == level).all()
    assert found.defects is not None
    assert found.defects[1::2, -3:].all()
    assert found.defects.sum() == 3 * 64


def test_a_dim_channel_has_the_shift_of_a_bright_one(cells: np.ndarray) -> None:
    bright, dim = camera(shifted(cells, 1.0)), camera(shifted(0.05 * cells, 1.0), 1)
    assert find_shift([dim]) is None
    found = corrected(np.stack([bright, dim]), "CYX").found
    assert found[0].row_shift is not None
    assert found[1].row_shift == found[0].row_shift


def test_columns_are_moved_where_the_scanner_runs_along_them(cells: np.ndarray) -> None:
    found = corrected(camera(shifted(cells, -2.0)).T).found[0]
    assert found.row_shift is None
    assert found.column_shift is not None
    assert found.column_shift.pixels == pytest.approx(-2.0, abs=0.1)
