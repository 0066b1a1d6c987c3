"""Line noise and maps of a camera on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile


@pytest.fixture
def lined(tmp_path: Path, noisy: np.ndarray) -> Path:
    """An image whose rows have offsets."""
    offsets = np.random.default_rng(3).normal(0, 15, (128, 1))
    path = tmp_path / "lined.tif"
    tifffile.imwrite(path, np.clip(np.rint(noisy + offsets), 0, 65535).astype(np.uint16))
    return path


def test_lines_are_named_subtracted_and_written(muguet, lined: Path, tmp_path: Path) -> None:
    pattern, out = tmp_path / "pattern.tif", tmp_path / "out.tif"
    answer = muguet("denoise", lined, "-o", out, "--steps", 1, "--pattern", pattern, "--json")
    assert answer.code == 0, answer.err
    assert "every row has an offset" in answer.err
    (found,) = json.loads(answer.out)["outputs"][0]["patterns"]
    written = tifffile.imread(pattern)
    assert written.dtype == np.float32
    assert written[:, 0].std() == pytest.approx(found["rows"]["std"], rel=0.01)
    assert np.abs(written - written[:, :1]).max() < 1e-3


def test_maps_are_used_and_kept_in_the_model(muguet, lined: Path, tmp_path: Path) -> None:
    model, dark = tmp_path / "model.muguet", tmp_path / "dark.tif"
    tifffile.imwrite(dark, np.full((128, 128), 100, np.float32))
    assert muguet("fit", lined, "-o", model, "--steps", 1, "--offset-map", dark).code == 0
    answer = muguet("denoise", lined, "-o", tmp_path / "out.tif", "--model", model)
    assert answer.code == 0, answer.err
    assert "maps that were given" in answer.err


def test_maps_of_another_size_are_refused(muguet, lined: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "map.tif", np.ones((64, 64), np.float32))
    answer = muguet(
        "denoise", lined, "-o", tmp_path / "out.tif", "--steps", 1, "--offset-map", tmp_path / "map.tif"
    )
    assert answer.code == 2
    assert "64×64" in answer.err
    assert not (tmp_path / "out.tif").exists()
