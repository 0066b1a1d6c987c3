"""Files are denoised by classical methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.cli.shared.choices import Choices
from muguet.cli.shared.classical import CLASSICAL, denoise_classically
from muguet.cli.shared.display import settings
from muguet.cli.shared.messages import choose_messages
from muguet.formats import read
from muguet.quality import psnr
from muguet.restoration import best_blur
from muguet.restoration.classical import METHODS, calibrated
from tests.conftest import blobs, recorded


@pytest.fixture(autouse=True)
def messages_are_shown(monkeypatch) -> None:
    """A command of an earlier test in this process may have been quiet."""
    choose_messages()
    monkeypatch.setattr(settings, "silent", False)


@pytest.fixture
def truth() -> np.ndarray:
    return np.stack([100 + 2 * blobs(40, seed) for seed in range(4)]).astype(np.float32)


@pytest.fixture
def stack(truth, tmp_path) -> Path:
    """Return a file with two frames of two channels."""
    path = tmp_path / "stack.tif"
    raw = np.stack([recorded((each - 100) / 2, n) for n, each in enumerate(truth)]).reshape(2, 2, 40, 40)
    metadata = {"axes": "TCYX", "unit": "um"}
    tifffile.imwrite(path, raw, imagej=True, resolution=(10, 10), metadata=metadata)
    return path


def denoise(source: Path, recipe: str, clean: list[Path] | None = None, dtype: str | None = None):
    result = source.with_name("result.tif")
    kind = None if dtype is None else np.dtype(dtype)
    denoise_classically([source], [result], Choices(recipe=recipe, clean=clean, overwrite=True), kind)
    return read(result)


def test_the_names_are_those_of_the_methods():
    assert CLASSICAL == METHODS


@pytest.mark.parametrize("recipe", CLASSICAL)
def test_every_plane_is_denoised_and_stored_as_the_input_was(stack, truth, recipe, capsys):
    before, after = read(stack), denoise(stack, recipe)
    assert (after.axes, after.data.dtype, after.data.shape) == ("TCYX", np.uint16, (2, 2, 40, 40))
    assert after.pixel_size["X"] == pytest.approx(before.pixel_size["X"])
    clean = truth.reshape(2, 2, 40, 40)
    assert psnr(after.data, clean) > psnr(before.data, clean) + 3
    for c in range(2):
        expected, _ = calibrated(before.data[:, c], recipe)
        assert np.abs(after.data[:, c] - expected).max() <= 0.5 + 1e-3
    messages = capsys.readouterr().err
    assert f"{recipe} of channel 1" in messages
    assert "Removed noise" in messages


def test_with_a_clean_image_the_blur_is_the_best(stack, truth, tmp_path):
    clean = tmp_path / "clean.tif"
    tifffile.imwrite(clean, truth.reshape(2, 2, 40, 40), imagej=True, metadata={"axes": "TCYX"})
    after = denoise(stack, "gaussian-blur", [clean], "float32")
    for c in range(2):
        expected, _ = best_blur(read(stack).data[:, c], truth.reshape(2, 2, 40, 40)[:, c])
        np.testing.assert_allclose(after.data[:, c], expected, rtol=1e-6)


@pytest.mark.parametrize("recipe", CLASSICAL)
def test_missing_pixels_stay_missing_and_do_not_spread(truth, tmp_path, recipe):
    holes = recorded((truth[0] - 100) / 2).astype(np.float32)
    holes[5, 6], holes[20:22, 30] = np.nan, np.inf
    path = tmp_path / "holes.tif"
    tifffile.imwrite(path, holes)
    after = denoise(path, recipe).data
    np.testing.assert_array_equal(np.isfinite(after), np.isfinite(holes))


def test_mistakes(stack, tmp_path):
    with pytest.raises(MuguetError, match="gaussian-blur"):
        denoise(stack, "wavelet", [stack])
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, np.ones((20, 20), np.float32))
    with pytest.raises(MuguetError, match="do not match"):
        denoise(stack, "gaussian-blur", [small])
    with pytest.raises(MuguetError, match=r"small\.tif: .*constant"):
        denoise(small, "gaussian-blur")
