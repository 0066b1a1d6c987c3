"""A file is recognised by its content, whatever its name."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import tifffile

from muguet.system import tensor_file
from muguet.system.kinds import LOG_START, kind_of


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}, {"ome": True}])
def test_every_tiff_is_an_image(tmp_path, options):
    path = tmp_path / "a.dat"
    tifffile.imwrite(path, np.zeros((4, 4), np.uint8), **options)
    assert kind_of(path) == "image"


@pytest.mark.parametrize("kind", ["model", "checkpoint"])
def test_models_and_checkpoints(tmp_path, kind):
    path = tmp_path / "a.tif"
    tensor_file.write(path, kind, {"w": np.zeros(3, np.float32)}, {})
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"results,1,2\n", None),
        (b"<!doctype html><title>My page</title>", None),
        (b'<!doctype html><script type="application/json" id="muguet">{}</script>', "report"),
        (b"\x89PNG\r\n\x1a\n...", "figure"),
        (b"%PDF-1.4 ...", "figure"),
        (b'<?xml version="1.0"?><svg></svg>', "figure"),
        (LOG_START.encode() + b" of 2026", "log"),
        (struct.pack("<Q", 2**60) + b"{}", None),
        (struct.pack("<Q", 40_000) + b'{"__metadata__":' + b"[" * 40_000, None),
        (struct.pack("<Q", 30) + b'{"__metadata__": 1}           ', None),
    ],
)
def test_other_content(tmp_path, content, kind):
    path = tmp_path / "a"
    path.write_bytes(content)
    assert kind_of(path) == kind


def test_tensors_of_another_program_are_no_model(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "a.safetensors"
    save_file({"w": np.zeros(3, np.float32)}, path, {"muguet": json.dumps({"kind": "other"})})
    assert kind_of(path) is None
