"""Pixels that are not measurements, and results that integers cannot hold, on the command line."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from tests.cli.conftest import noise

QUICK = ("--steps", 3)


@pytest.fixture
def written(tmp_path):
    def write(pixels):
        path = tmp_path / "in.tif"
        tifffile.imwrite(path, pixels, metadata=None)
        return path, tmp_path / "out.tif"

    return write


def test_padding_is_kept_and_said(muguet, written):
    pixels = noise((64, 64))
    pixels[:, :20] = 0
    path, out = written(pixels)
    answer = muguet("denoise", path, "-o", out, *QUICK)
    assert answer.code == 0, answer.err
    assert "padding" in answer.err
    assert (tifffile.imread(out)[:, :20] == 0).all()
    assert (tifffile.imread(out)[:, 20:] > 0).all()


@pytest.mark.parametrize("option", [("--valid-range", "50:"), ("--mask-value", "7")])
def test_values_that_the_user_excludes_are_kept(muguet, written, option):
    pixels = noise((64, 64))
    holes = np.random.default_rng(0).random(pixels.shape) < 0.05
    pixels[holes] = 7
    path, out = written(pixels)
    answer = muguet("denoise", path, "-o", out, *option, *QUICK)
    assert answer.code == 0, answer.err
    assert "masked" in answer.err
    assert (tifffile.imread(out)[holes] == 7).all()
    assert (tifffile.imread(out)[~holes] > 50).all()


@pytest.mark.parametrize("text", ["5", "9:1", "a:b"])
def test_a_range_that_is_none_is_refused(muguet, written, text):
    path, out = written(noise((48, 48)))
    answer = muguet("denoise", path, "-o", out, "--valid-range", text, *QUICK)
    assert answer.code != 0
    assert "--valid-range" in answer.err


def test_masks_go_with_a_model(muguet, written, tmp_path):
    pixels = noise((64, 64))
    pixels[:, :20] = 0
    path, out = written(pixels)
    model = tmp_path / "m.muguet"
    assert muguet("fit", path, "-o", model, "--mask-value", 0, *QUICK).code == 0
    answer = muguet("denoise", path, "-o", out, "--model", model, "--mask-value", 0)
    assert answer.code == 0, answer.err
    assert (tifffile.imread(out)[:, :20] == 0).all()


def test_few_photons_are_written_as_float32_or_rounded_at_random(muguet, written):
    counts = np.random.default_rng(0).poisson(0.4, (64, 64)).astype(np.uint8)
    path, out = written(counts)
    answer = muguet("denoise", path, "-o", out, *QUICK)
    assert answer.code == 0, answer.err
    assert "float32" in answer.err
    exact = tifffile.imread(out)
    assert exact.dtype == np.float32
    assert muguet("denoise", path, "-o", out, "--dtype", "uint8", "--overwrite", *QUICK).code == 0
    rounded = tifffile.imread(out)
    assert rounded.dtype == np.uint8
    assert abs(float(rounded.mean()) - float(exact.mean())) < 0.05


def test_a_classical_method_keeps_padding(muguet, written):
    pixels = noise((64, 64))
    pixels[:, :20] = 0
    path, out = written(pixels)
    answer = muguet("denoise", path, "-o", out, "--recipe", "gaussian-blur")
    assert answer.code == 0, answer.err
    assert (tifffile.imread(out)[:, :20] == 0).all()
    assert "padding" in answer.err


def test_a_mosaic_is_named_by_the_check(muguet, written):
    pixels = noise((128, 128)).astype(float)
    pixels[::2, ::2] = 100 + 0.3 * (pixels[::2, ::2] - 100)
    path, _ = written(pixels.astype(np.uint16))
    assert "mosaic" in " ".join(muguet("check", path).out.split())
