"""What the results say of frames and planes that help each other: in JSON, in the file, and in the report."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile

from muguet.formats import read
from muguet.samples import acquisition

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "schema" / "results.json").read_text()
)
FRAMES, SIDE = 5, 48


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """A still scene, with new noise in every frame."""
    scene = np.broadcast_to(acquisition((SIDE, SIDE), seed=0) - 100, (FRAMES, SIDE, SIDE))
    path = tmp_path / "movie.tif"
    tifffile.imwrite(
        path, (2 * np.random.default_rng(0).poisson(scene) + 100).astype(np.uint16), metadata={"axes": "TYX"}
    )
    return path


def test_json_the_file_and_the_report_say_which_frames_helped(muguet, movie: Path, tmp_path: Path) -> None:
    out, std, report = (tmp_path / name for name in ("out.tif", "std.tif", "report.html"))
    words = ("denoise", movie, "-o", out, "--minutes", 0, "--json", "--uncertainty", std, "--report", report)
    answer = muguet(*words)
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    jsonschema.validate(found, SCHEMA)
    (channel,) = found["outputs"][0]["neighbours"]
    assert (channel["channel"], channel["axis"], channel["before"], channel["after"]) == (0, "T", 4, 4)
    assert channel["chosen_by"] == "measurement"
    assert channel["noise_independent"] is True
    assert abs(channel["noise_correlation"]) < 0.2
    sentence = read(out).provenance["neighbours"]
    assert "up to 4 before and 4 after it" in sentence
    assert "the noise of successive frames is independent" in sentence
    assert "the noise of successive frames is independent" in report.read_text(encoding="utf-8")
    assert read(std).data.shape == (FRAMES, SIDE, SIDE)


def test_windows_of_zero_leave_nothing_to_say_and_given_ones_are_named(
    muguet, movie: Path, tmp_path: Path
) -> None:
    out, quick = tmp_path / "out.tif", ("--minutes", 0, "--symmetries", 1)
    assert muguet("denoise", movie, "-o", out, *quick, "--time-window", 0).code == 0
    assert "neighbours" not in read(out).provenance
    assert muguet("denoise", movie, "-o", out, *quick, "--time-window", 1, "--overwrite").code == 0
    assert "--time-window was given" in read(out).provenance["neighbours"]
