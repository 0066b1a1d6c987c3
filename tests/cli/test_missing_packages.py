"""A package of an extra that is missing is named at once: before PyTorch is imported, and before any work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile

COMMANDS = (
    (["denoise", "cells.tif", "-o", "a.tif", "--report", "report.html"], "matplotlib", "figures"),
    (["denoise", "cells.tif", "-o", "a.ome.zarr"], "zarr", "zarr"),
    (["denoise", "cells.tif", "-o", "a.tif", "--uncertainty", "a.mrc"], "mrcfile", "formats"),
    (["denoise", "cells.tif", "-o", "a.tif", "--recipe", "wavelet"], "PyWavelets", "classic"),
    (
        ["denoise", "cells.tif", "-o", "a.ome.zarr", "--model", "cells.tif", "--workers", "2"],
        "distributed",
        "cluster",
    ),
    (["simulate", "cells.tif", "-o", "a.ome.zarr"], "zarr", "zarr"),
    (["noise", "cells.tif", "-o", "law.svg"], "matplotlib", "figures"),
    (["export", "cells.tif", "-o", "zoo.zip"], "bioimageio.spec", "export"),
    (["app", "--no-browser"], "tornado", "app"),
)
PROGRAM = """
import json, sys
from muguet import MuguetError
from muguet.cli import app
for arguments, package in json.loads(sys.argv[1]):
    name = {"PyWavelets": "pywt"}.get(package, package)
    before = sys.modules.get(name)
    sys.modules[name] = None
    try:
        app(arguments, standalone_mode=False)
    except MuguetError as error:
        print(json.dumps([str(error), "torch" in sys.modules]))
    if before is None:
        del sys.modules[name]
    else:
        sys.modules[name] = before
"""


def test_a_missing_package_is_named_before_pytorch_is_imported_and_before_any_work(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "cells.tif", np.zeros((32, 32), np.uint16))
    commands = json.dumps([[arguments, package] for arguments, package, _ in COMMANDS])
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, commands], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(COMMANDS), run.stdout
    for (arguments, package, extra), (sentence, torch) in zip(COMMANDS, answers, strict=True):
        given = " ".join(arguments)
        assert f"the package {package}: install it with pip install 'muguet[{extra}]'" in sentence, given
        assert not torch, f"muguet {given} imports PyTorch before it names the missing package"
    assert [path.name for path in tmp_path.iterdir()] == ["cells.tif"]
