"""Every mistake gives one clear sentence and exit code 2, and leaves no incomplete file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.conftest import noise

QUICK = ("--steps", 2)


@pytest.fixture
def refused(muguet, tmp_path):
    """Return a function that runs a command and checks its message for `words`, and that it left no file."""

    def check(words: str, *arguments: object) -> str:
        before = sorted(p for p in tmp_path.rglob("*") if p.is_file())
        answer = muguet(*arguments)
        assert answer.code == 2, answer.err
        assert "Traceback" not in answer.err
        complaint = answer.err.strip().splitlines()[-1]
        assert complaint.startswith("muguet: ")
        assert words in complaint
        assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == before
        return complaint

    return check


def write(path: Path, values: np.ndarray) -> Path:
    tifffile.imwrite(path, values)
    return path


def test_missing_file(refused, tmp_path):
    refused("does not exist", "denoise", tmp_path / "none.tif", *QUICK)


def test_folder_without_images(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused("holds no image", "denoise", tmp_path / "empty", *QUICK)


def test_not_an_image(refused, tmp_path):
    path = tmp_path / "text.tif"
    path.write_text("this is not an image")
    refused("text.tif", "denoise", path, *QUICK)


def test_truncated(refused, image):
    content = image.read_bytes()
    image.write_bytes(content[: len(content) // 2])
    refused("cells.tif", "denoise", image, *QUICK)


def test_empty_file(refused, tmp_path):
    path = tmp_path / "nothing.tif"
    path.touch()
    refused("nothing.tif", "denoise", path, *QUICK)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((40, 40), 7, np.uint16), "constant"),
        (np.full((40, 40), np.nan, np.float32), "no finite value"),
        (noise((8, 8)), "at least 16×16"),
        (noise((1, 64)), "at least 16×16"),
        (noise((40, 40)).astype(np.complex64), "complex"),
    ],
    ids=["constant", "all-NaN", "tiny", "one-row", "complex"],
)
def test_images_that_cannot_be_trained_on(refused, tmp_path, values, words):
    refused(words, "denoise", write(tmp_path / "bad.tif", values), *QUICK)


@pytest.mark.parametrize("axes", ["YXQ", "YY", "TYX", "TC"])
def test_wrong_axes(refused, image, axes):
    refused("xes", "denoise", image, "--axes", axes, *QUICK)


@pytest.mark.parametrize("shape", [(17, 16), (33, 57), (1, 1, 40, 41), (16, 300)])
def test_odd_and_small_sizes_work(muguet, tmp_path, shape):
    path = write(tmp_path / "odd.tif", noise(shape))
    answer = muguet("denoise", path, "-o", tmp_path / "o.tif", *QUICK)
    assert answer.code == 0, answer.err
    assert tifffile.imread(tmp_path / "o.tif").size == np.prod(shape)


def test_small_images_can_be_denoised_with_a_model(muguet, image, tmp_path):
    muguet("fit", image, "-o", tmp_path / "m.muguet", *QUICK)
    path = write(tmp_path / "tiny.tif", noise((5, 7)))
    answer = muguet("denoise", path, "-o", tmp_path / "o.tif", "--model", tmp_path / "m.muguet")
    assert answer.code == 0, answer.err
    assert tifffile.imread(tmp_path / "o.tif").shape == (5, 7)


def test_output_exists(refused, image, muguet, tmp_path):
    out = write(tmp_path / "o.tif", noise((4, 4)))
    before = out.read_bytes()
    assert "--overwrite" in refused("exists", "denoise", image, "-o", out, *QUICK)
    assert out.read_bytes() == before
    assert muguet("denoise", image, "-o", out, "--overwrite", *QUICK).code == 0
    assert tifffile.imread(out).shape == (48, 56)


def test_the_input_is_never_the_output(refused, image):
    refused("never overwritten", "denoise", image, "-o", image, "--overwrite", *QUICK)


def test_output_folder_not_writable(refused, image, tmp_path):
    (tmp_path / "file").touch()  # Not even root can create a folder below a file.
    refused("file", "denoise", image, "-o", tmp_path / "file" / "o.tif", *QUICK)
    refused("file", "fit", image, "-o", tmp_path / "file" / "m.muguet", *QUICK)


def test_disk_full(refused, image, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    refused("o.tif", "denoise", image, "-o", tmp_path / "o.tif", *QUICK)
    refused("disk is full", "fit", image, "-o", tmp_path / "m.muguet", *QUICK)


def test_several_inputs_need_a_folder(refused, folder, tmp_path):
    refused("folder", "denoise", folder, "-o", tmp_path / "one.tif", *QUICK)


def test_files_that_are_not_models(refused, image, tmp_path):
    bad = tmp_path / "bad.muguet"
    bad.write_bytes(b"not a model at all")
    refused("bad.muguet", "denoise", image, "--model", bad)
    refused("none.muguet", "denoise", image, "--model", tmp_path / "none.muguet")
    refused("bad.muguet", "info", bad)


@pytest.mark.slow
def test_model_of_other_images(refused, muguet, image, tmp_path):
    two = write(tmp_path / "two.tif", noise((40, 40, 2)))
    tifffile.imwrite(two, noise((2, 40, 40)), imagej=True, metadata={"axes": "CYX"})
    flat, channels, deep = (tmp_path / f"{name}.muguet" for name in ("flat", "channels", "deep"))
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, noise((4, 32, 32)), imagej=True, metadata={"axes": "ZYX"})
    assert muguet("fit", image, "-o", flat, *QUICK).code == 0
    assert muguet("fit", two, "-o", channels, *QUICK).code == 0
    assert muguet("fit", stack, "-o", deep, "--dimensions", 3, *QUICK).code == 0
    refused("channel", "denoise", two, "-o", tmp_path / "o.tif", "--model", flat)
    refused("channel", "denoise", image, "-o", tmp_path / "o.tif", "--model", channels)
    refused("Z", "denoise", image, "-o", tmp_path / "o.tif", "--model", deep)
    assert muguet("denoise", stack, "-o", tmp_path / "o.tif", "--model", flat).code == 0


@pytest.mark.parametrize(
    "option",
    [
        ("--recipe", "magic"),
        ("--net", "magic"),
        ("--device", "magic"),
        ("--dtype", "complex64"),
        ("--minutes", "-1"),
    ],
)
def test_unknown_choices(refused, image, option):
    refused(option[1], "denoise", image, *option)


def test_training_options_do_not_go_with_a_model(refused, image, tmp_path):
    refused("--minutes", "denoise", image, "--model", tmp_path / "m.muguet", "--minutes", 3)


def test_unknown_options_and_no_input(muguet):
    assert muguet("denoise").code == 2
    assert muguet("denoise", "--magic").code == 2


LONG = "x" * 300


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("--minutes", ("denoise", "cells.tif", "--minutes", "inf")),
        ("--minutes", ("denoise", "cells.tif", "--minutes", "nan")),
        ("--steps", ("denoise", "cells.tif", "--steps", str(10**30))),
        ("--seed", ("denoise", "cells.tif", "--seed", "-1", *QUICK)),
        ("--seed", ("fit", "cells.tif", "--seed", str(2**70), *QUICK)),
        ("--seed", ("simulate", "cells.tif", "-o", "s.tif", "--seed", str(2**70))),
        ("--seed", ("simulate", "cells.tif", "-o", "s.tif", "--seed", "-1")),
        ("--frames", ("simulate", "cells.tif", "-o", "s.tif", "--frames", str(9 * 10**18))),
        ("--frames", ("simulate", "cells.tif", "-o", "s.tif", "--frames", "9e18")),
        ("--gain", ("simulate", "cells.tif", "-o", "s.tif", "--gain", "inf")),
        ("--device=meta", ("denoise", "cells.tif", "--device", "meta", *QUICK)),
        ("--device", ("denoise", "cells.tif", "--device", "privateuseone", *QUICK)),
        ("long", ("denoise", LONG)),
        ("long", ("denoise", "cells.tif", "-o", LONG)),
        ("long", ("denoise", "cells.tif", "-o", f"{LONG}.tif", *QUICK)),
        ("long", ("denoise", "cells.tif", "--save-model", LONG, *QUICK)),
        ("long", ("denoise", "cells.tif", "--model", LONG)),
        ("long", ("fit", "cells.tif", "-o", LONG, *QUICK)),
        ("long", ("info", LONG)),
        ("long", ("info", "cells.tif", "--log", LONG)),
        ("long", ("judge", LONG, "cells.tif")),
        ("long", ("simulate", "cells.tif", "-o", "s.tif", "--law", LONG)),
        ("device or a pipe", ("info", "/dev/null")),
        ("folder", ("info", ".")),
        ("-o - is not", ("denoise", "cells.tif", "-o", "-")),
    ],
)
def test_impossible_values_are_one_sentence(refused, image, monkeypatch, words, arguments):
    monkeypatch.chdir(image.parent)
    complaint = refused(words.replace("-o -", "--out -"), *map(str, arguments))
    assert len(complaint) < 1000
