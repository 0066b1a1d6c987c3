"""The files and messages of commands that succeed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet import load
from muguet.formats import read
from tests.cli.conftest import noise

QUICK = ("--steps", 3)


def test_denoise_needs_no_option_and_writes_beside_the_input(muguet, image):
    answer = muguet("denoise", image, *QUICK)
    assert answer.code == 0, answer.err
    assert sorted(p.name for p in image.parent.iterdir()) == ["cells.tif", "cells_denoised.tif"]


def test_the_result_keeps_axes_dtype_and_pixel_size(muguet, image, tmp_path):
    out = tmp_path / "new" / "out.tif"
    assert muguet("denoise", image, "-o", out, *QUICK).code == 0
    before, after = read(image), read(out)
    assert (after.axes, after.data.shape, after.data.dtype) == (
        before.axes,
        before.data.shape,
        before.data.dtype,
    )
    assert after.pixel_size == pytest.approx(before.pixel_size)
    assert after.kind == "imagej"


def test_float32_keeps_fractions(muguet, image, tmp_path):
    out = tmp_path / "out.tif"
    assert muguet("denoise", image, "-o", out, "--dtype", "float32", *QUICK).code == 0
    values = tifffile.imread(out)
    assert values.dtype == np.float32
    assert (values % 1 != 0).any()


def test_a_folder_trains_one_model_and_its_results_are_in_a_folder(muguet, folder, tmp_path):
    out = tmp_path / "out"
    assert muguet("denoise", folder, "-o", out, *QUICK).code == 0
    assert sorted(p.name for p in out.iterdir()) == ["a.tif", "b.tif"]
    assert read(out / "b.tif").data.shape == (2, 33, 37)


def test_fit_then_denoise_equals_denoise(muguet, image, tmp_path):
    model, two, one = tmp_path / "m.muguet", tmp_path / "two.tif", tmp_path / "one.tif"
    assert muguet("fit", image, "-o", model, *QUICK).code == 0
    assert muguet("denoise", image, "-o", two, "--model", model).code == 0
    assert muguet("denoise", image, "-o", one, *QUICK).code == 0
    np.testing.assert_array_equal(tifffile.imread(two), tifffile.imread(one))


def test_save_model_saves_the_trained_model(muguet, image, tmp_path):
    model = tmp_path / "kept.muguet"
    assert (
        muguet("denoise", image, "-o", tmp_path / "o.tif", "--save-model", model, "--seed", 7, *QUICK).code
        == 0
    )
    assert load(model).training["plan"]["seed"] == 7


def test_each_channel_is_denoised(muguet, tmp_path):
    path, out = tmp_path / "c.tif", tmp_path / "o.tif"
    tifffile.imwrite(path, noise((3, 2, 32, 40)), imagej=True, metadata={"axes": "TCYX"})
    answer = muguet("denoise", path, "-o", out, *QUICK)
    assert answer.code == 0, answer.err
    assert "2 channels" in answer.err
    assert read(out).data.shape == (3, 2, 32, 40)


@pytest.mark.slow
def test_a_stack_in_three_dimensions(muguet, tmp_path):
    path, out = tmp_path / "z.tif", tmp_path / "o.tif"
    tifffile.imwrite(path, noise((6, 32, 32)), imagej=True, metadata={"axes": "ZYX"})
    assert muguet("denoise", path, "-o", out, "--dimensions", 3, *QUICK).code == 0
    assert read(out).axes == "ZYX"


@pytest.mark.parametrize("choice", [("--components", 1), ("--recipe", "l2"), ("--net", "unet")])
def test_choices_are_recorded(muguet, image, tmp_path, choice):
    model = tmp_path / "m.muguet"
    answer = muguet("fit", image, "-o", model, *choice, *QUICK)
    assert answer.code == 0, answer.err
    assert str(choice[1]) in json.dumps(load(model).header())
    assert muguet("info", model).code == 0


def test_missing_pixels_stay_missing_and_do_not_spread(muguet, tmp_path):
    path, out = tmp_path / "nan.tif", tmp_path / "o.tif"
    values = noise((40, 40)).astype(np.float32)
    values[10:13, 20] = np.nan
    values[30, 5] = np.inf
    tifffile.imwrite(path, values)
    answer = muguet("denoise", path, "-o", out, *QUICK)
    assert answer.code == 0
    assert "NaN or infinite" in answer.err
    result = tifffile.imread(out)
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(values))


def test_info_on_an_image(muguet, image):
    facts = json.loads(muguet("info", image, "--json").out)
    assert facts["axes"] == "YX"
    assert facts["dtype"] == "uint16"
    assert facts["pixel_size"]["X"].startswith("0.1")
    assert facts["saturated"] == "no"
    assert "0.1" in muguet("info", image).out


def test_info_on_a_model(muguet, image, tmp_path):
    model = tmp_path / "m.muguet"
    muguet("fit", image, "-o", model, *QUICK)
    facts = json.loads(muguet("info", model, "--json").out)
    assert facts["steps"] == 3
    assert facts["seed"] == 0
    assert "torch" in facts["versions"]
    assert any("standard deviation" in text for text in facts["noise_of_channel_0"].values())


def test_help_shows_the_commands(muguet):
    answer = muguet("--help")
    assert answer.code == 0
    for word in ("denoise", "fit", "info", "Ctrl-C"):
        assert word in answer.out


def test_messages_show_the_time_needed_and_the_result(muguet, image, tmp_path):
    messages = muguet("denoise", image, "-o", tmp_path / "o.tif", *QUICK).err
    for phrase in (
        "YX 48×56, uint16, 0.1 µm",
        "3 steps, about",
        "Trained for 3 steps",
        "Removed noise",
        "Noise law",
    ):
        assert phrase in messages


def test_the_raw_data_are_never_changed(muguet, image):
    before = image.read_bytes()
    muguet("denoise", image, *QUICK)
    assert image.read_bytes() == before


def test_nothing_but_the_result_is_left(muguet, image, tmp_path):
    out = tmp_path / "o" / "o.tif"
    muguet("denoise", image, "-o", out, *QUICK)
    assert [p.name for p in out.parent.iterdir()] == ["o.tif"]
    assert Path(out).stat().st_size > 0
