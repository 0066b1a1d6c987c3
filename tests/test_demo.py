"""`make demo` leaves what the README says it leaves."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

import muguet

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo.py"


@dataclass(frozen=True)
class Answer:
    """Exit code, standard output and standard error of the demo."""

    code: int
    out: str
    err: str


@pytest.fixture
def demo(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tiny_prior: None, small_steps: None
) -> Callable[..., Answer]:
    """Return a function that runs the demo in this process, with a small prior."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["demo.py", "--minutes", "0.02", *map(str, arguments)])
        code: object = 0
        try:
            runpy.run_path(str(DEMO), run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return Answer(int(str(code)), captured.out, captured.err)

    return run


@pytest.mark.slow
def test_the_simulated_image(demo, tmp_path):
    pytest.importorskip("matplotlib")
    done = demo("--out", tmp_path)
    assert done.code == 0, done.err
    assert "PSNR" in done.out
    assert "learned sigma" in done.out
    assert tifffile.imread(tmp_path / "denoised.tif").dtype == np.uint16
    assert muguet.load(tmp_path / "model.muguet").parts.recipe == "joint"
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_an_image_of_ones_own(demo, tmp_path, noisy):
    pytest.importorskip("matplotlib")
    tifffile.imwrite(tmp_path / "own.tif", noisy)
    done = demo(tmp_path / "own.tif", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"denoised.tif", "model.muguet", "overview.png"}


def test_a_mistake_is_one_sentence(demo, tmp_path):
    done = demo(tmp_path / "none.tif", "--out", tmp_path / "out")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
