"""Line noise and maps of a camera on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from muguet.cli import app

run = CliRunner()


@pytest.fixture
def lined(tmp_path: Path, noisy: np.ndarray) -> Path:
    """An image whose rows have offsets."""
    offsets = np.random.default_rng(3).normal(0, 15, (128, 1))
    path = tmp_path / "lined.tif"
    tifffile.imwrite(path, np.clip(np.rint(noisy + offsets), 0, 65535).astype(np.uint16))
    return path


def test_lines_are_named_subtracted_and_written(tiny_prior: None, lined: Path, tmp_path: Path) -> None:
    pattern, out = tmp_path / "pattern.tif", tmp_path / "out.tif"
    command = ["denoise", str(lined), "-o", str(out), "--steps", "1", "--pattern", str(pattern), "--json"]
    result = run.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "every row has an offset" in result.stderr
    (found,) = json.loads(result.stdout)["outputs"][0]["patterns"]
    written = tifffile.imread(pattern)
    assert written.dtype == np.float32
    assert written[:, 0].std() == pytest.approx(found["rows"]["std"], rel=0.01)
    assert np.abs(written - written[:, :1]).max() < 1e-3


def test_maps_of_another_size_are_refused(tiny_prior: None, lined: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "map.tif", np.ones((64, 64), np.float32))
    command = ["denoise", str(lined), "-o", str(tmp_path / "out.tif"), "--steps", "1"]
    result = run.invoke(app, [*command, "--offset-map", str(tmp_path / "map.tif")])
    assert result.exit_code == 1
    assert "64×64" in result.output
    assert not (tmp_path / "out.tif").exists()
