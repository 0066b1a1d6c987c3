"""Line noise and maps of a camera on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile

from muguet import load
from muguet.formats import read

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "schema" / "results.json").read_text()
)


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


def test_an_image_larger_than_memory_is_corrected_and_says_so(
    muguet, lined: Path, tmp_path: Path, monkeypatch
) -> None:
    from muguet.cli.shared import streamed, streams

    out, error, pattern = (tmp_path / name for name in ("out.tif", "error.tif", "pattern.tif"))
    more = ("--uncertainty", error, "--pattern", pattern, "--symmetries", 1, "--json")
    model = tmp_path / "model.muguet"
    with monkeypatch.context() as patch:
        for module in (streams, streamed):  # Large enough for a plane, and too small for the image.
            patch.setattr(module, "memory_for_images", lambda limit: 3_000_000)
        patch.setattr(streams, "_BYTES_PER_PIXEL", 1000)
        answer = muguet("denoise", lined, "-o", out, "--minutes", 0, "--save-model", model, *more)
    assert answer.code == 0, answer.err
    assert "lined.tif: YX 128×128, uint16" in answer.err
    assert "block by block" in answer.err
    assert answer.err.count("every row has an offset") == 1
    (output,) = json.loads(answer.out)["outputs"]
    jsonschema.validate(json.loads(answer.out), SCHEMA)
    (found,) = output["patterns"]
    assert found["rows"]["removed"] is True
    assert load(model).training["patterns"][0]["rows"]["std"] == pytest.approx(found["rows"]["std"])
    assert "every row has an offset" in read(out).provenance["patterns"]
    memory = tmp_path / "memory.tif"
    again = ("--uncertainty", tmp_path / "e.tif", "--pattern", tmp_path / "p.tif", "--symmetries", 1)
    whole = muguet("denoise", lined, "-o", memory, "--minutes", 0, *again)
    assert whole.code == 0
    np.testing.assert_allclose(tifffile.imread(pattern), tifffile.imread(tmp_path / "p.tif"), atol=1e-3)
    np.testing.assert_allclose(tifffile.imread(out), tifffile.imread(memory), atol=1)  # They are rounded.
    np.testing.assert_allclose(tifffile.imread(error), tifffile.imread(tmp_path / "e.tif"), rtol=1e-3)
