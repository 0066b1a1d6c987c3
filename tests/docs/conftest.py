"""What a reader of a page has: small images with the names that the pages use, and short trainings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet.samples import acquisition
from tests.blockwise.conftest import save_model, write_store
from tests.cli.conftest import muguet
from tests.conftest import make_nets_small
from tests.docs.pages import ROOT
from tests.docs.words import split

__all__ = ["muguet"]

SIZE = (32, 40)
FOLDERS = "day1/f.tif", "Pos0/g.tif", "Pos1/g.tif"
ALLOWED = {"python", "jq"}  # Programs that a page may run beside muguet.
ASKED_FOR = {"model.muguet", "own_recipe.py", "out.tif"}  # Files that a page must ask for: others write them.


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> Path:
    """Every file that a page may name."""
    with pytest.MonkeyPatch.context() as patch:
        make_nets_small(patch)
        return _samples(tmp_path_factory)


def _samples(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    clean = acquisition(SIZE, seed=3)
    rng = np.random.default_rng(0)

    def recorded() -> np.ndarray:
        return np.rint(100 + 2 * rng.poisson((clean - 100) / 2) + rng.normal(0, 3, SIZE)).astype(np.uint16)

    def save(name: str, data: np.ndarray, axes: str) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, data, imagej=True, metadata={"axes": axes})

    save("clean.tif", clean, "YX")
    for name in (
        "cells.tif",
        "noisy.tif",
        "experiment/a.tif",
        "experiment/b.tif",
        "new/d.tif",
        "raw/e.tif",
        *FOLDERS,
    ):
        save(name, recorded(), "YX")
    for name in ("movie.tif", "repeats.tif"):
        save(name, np.stack([recorded() for _ in range(4)]), "TYX")
    save("stack.tif", np.stack([recorded() for _ in range(5)]), "ZYX")
    write_store(folder / "volume.ome.zarr", shape=(2, 40, 50))
    save_model(folder / "model.muguet")
    shutil.copy(folder / "cells.tif", folder / "out.tif")
    shutil.copy(ROOT / "examples" / "own_recipe.py", folder)
    return folder


@pytest.fixture
def reader(samples, tmp_path, monkeypatch) -> Callable[[list[str] | None], Path]:
    """Return a function that copies files into an empty folder and goes there."""

    def prepare(names: list[str] | None) -> Path:
        if names is None:
            names = [path.name for path in samples.iterdir() if path.name not in ASKED_FOR]
        for name in names:
            source = samples / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    return prepare


@pytest.fixture
def short(monkeypatch, tiny_prior, small_nets) -> None:
    """Let every training of this process end after two steps of small patches, with small networks."""
    from muguet.training import Plan, session, validation

    check = Plan.__post_init__

    def shortened(plan: Plan) -> None:
        check(plan)
        object.__setattr__(plan, "batch", min(plan.batch, 2))
        if plan.steps is None or plan.steps > 2:
            object.__setattr__(plan, "steps", 2)

    monkeypatch.setattr(Plan, "__post_init__", shortened)
    monkeypatch.setattr(validation, "_N_BATCHES", 1)
    monkeypatch.setattr(session, "PATCH", {2: (16, 16), 3: (4, 16, 16)})


@pytest.fixture
def run_line(muguet, short) -> Callable[[str], str]:
    """Return a function that runs a command of shell: muguet in this process, all others as processes."""

    def run(line: str) -> str:
        words = split(line)
        if words[0] == "muguet" and "|" not in words:
            into = Path(words[words.index(">") + 1]) if ">" in words else None
            answer = muguet(*words[1 : words.index(">") if into else None])
            allowed = (
                (0, 1) if "--fail-on" in words else (0,)
            )  # A network of two steps may well be judged bad.
            assert answer.code in allowed, f"{line}\n{answer.err}"
            if into:
                into.write_text(answer.out)
            return answer.out
        assert words[0] in ALLOWED, f"mark this block: {line}"
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT / "src"), *sys.path)))}
        line = line.replace("python ", f"{sys.executable} ", 1) if words[0] == "python" else line
        return subprocess.run(
            ["bash", "-ec", line], check=True, capture_output=True, text=True, timeout=100, env=env
        ).stdout

    return run
