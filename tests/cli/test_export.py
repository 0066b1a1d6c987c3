"""`muguet export` on the command line."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.conftest import Answer


def test_an_export_of_another_file_or_over_one_is_refused(
    muguet: Callable[..., Answer], image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muguet.export.packages.check_packages", lambda: None)  # They need not be installed.
    other = tmp_path / "other.zip"
    other.write_bytes(b"PK\3\4 not a package")
    answer = muguet("export", image, "-o", tmp_path / "zoo.zip")
    assert answer.code == 2
    assert "not a muguet model" in answer.err
    answer = muguet("export", image, "-o", other, "--overwrite")
    assert answer.code == 2
    assert "only a package of the BioImage Model Zoo may be replaced here" in answer.err


@pytest.mark.filterwarnings("ignore")
def test_a_model_becomes_a_package_and_what_is_lost_is_shown(
    muguet: Callable[..., Answer], noisy: np.ndarray, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("onnxscript", "bioimageio.spec"):
            pytest.importorskip(name, reason=f"the packages of the Model Zoo need {name}")
    image, model, package = (tmp_path / name for name in ("cells.tif", "cells.muguet", "zoo.zip"))
    tifffile.imwrite(image, noisy)
    assert muguet("fit", image, "-o", model, "--steps", 2).code == 0
    for _ in range(2):  # A package may be replaced by another.
        answer = muguet("export", model, "-o", package, "--author", "A. Nonymous", "--overwrite")
        assert answer.code == 0, answer.err
        assert "a package of the BioImage Model Zoo" in answer.err
        assert "Missing and defective pixels" in answer.err
