"""Run the command line inside the test process."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer.main

from muguet.cli import main


@dataclass(frozen=True)
class Answer:
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


parser = functools.cache(typer.main.get_command)


@pytest.fixture
def muguet(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tiny_prior: None,
    small_nets: None,
    quick_charts: None,
    small_steps: None,
) -> Callable[..., Answer]:
    """Return a function that runs ``muguet("denoise", path, ...)`` as in a shell."""

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # The same command writes the same bytes.
    monkeypatch.setattr(typer.main, "get_command", parser)  # It is the same in every run.

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["muguet", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return a smooth scene with shot noise, uint16."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    scene = 40 + 30 * np.sin(y / 7) * np.cos(x / 9)
    return (100 + 2 * rng.poisson(np.broadcast_to(scene, shape))).astype(np.uint16)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a 48×56 uint16 ImageJ TIFF with a pixel size of 0.1 µm."""
    path = tmp_path / "cells.tif"
    tifffile.imwrite(
        path, noise((48, 56)), imagej=True, resolution=(10, 10), metadata={"axes": "YX", "unit": "um"}
    )
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two images of different sizes."""
    where = tmp_path / "images"
    where.mkdir()
    tifffile.imwrite(where / "a.tif", noise((40, 48), 1))
    tifffile.imwrite(where / "b.tif", noise((2, 33, 37), 2), imagej=True, metadata={"axes": "TYX"})
    return where
