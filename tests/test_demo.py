"""`make demo` leaves what the README says it leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import muguet

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo.py"


def demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, DEMO, "--minutes", "0.02", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_the_simulated_image(tmp_path):
    pytest.importorskip("matplotlib")
    done = demo("--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "PSNR" in done.stdout
    assert "learned sigma" in done.stdout
    assert tifffile.imread(tmp_path / "denoised.tif").dtype == np.uint16
    assert muguet.load(tmp_path / "model.muguet").parts.recipe == "joint"
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_an_image_of_ones_own(tmp_path, noisy):
    pytest.importorskip("matplotlib")
    tifffile.imwrite(tmp_path / "own.tif", noisy)
    done = demo(tmp_path / "own.tif", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"denoised.tif", "model.muguet", "overview.png"}


def test_a_mistake_is_one_sentence(tmp_path):
    done = demo(tmp_path / "none.tif", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
