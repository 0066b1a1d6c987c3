"""`muguet check`: verdicts for people and for programs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

import muguet as package
from tests.conftest import blobs, recorded


@pytest.fixture(scope="module")
def files(tmp_path_factory, small_nets_of_module):
    where = tmp_path_factory.mktemp("check")
    photons = blobs(128)
    tifffile.imwrite(where / "noisy.tif", recorded(photons))
    tifffile.imwrite(where / "clean.tif", (100 + 2 * photons).astype(np.float32))
    stack = np.stack([recorded(photons, seed) for seed in range(3)])
    tifffile.imwrite(where / "stack.tif", stack, imagej=True, metadata={"axes": "TYX"})
    package.fit(recorded(photons), "YX", steps=3, prior="none").save(where / "model.muguet")
    return where


def test_a_noisy_image_alone(muguet, files):
    answer = muguet("check", files / "noisy.tif")
    assert answer.code == 0
    assert "The noise is white" in answer.out
    assert "The noise was removed" not in answer.out


def test_an_estimate_of_any_tool(muguet, files):
    answer = muguet("check", files / "noisy.tif", files / "clean.tif", "--json")
    result = json.loads(answer.out)
    assert (
        result["verdict"] != "bad"
    )  # The truth is far better than the quick reference, which only shows a difference.
    assert len(result["checks"]) == 6


def test_a_bad_estimate_is_no_error(muguet, files):
    answer = muguet("check", files / "noisy.tif", files / "noisy.tif", "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["verdict"] == "bad"
    assert "noise is still there" in muguet("check", files / "noisy.tif", files / "noisy.tif").out.replace(
        "\n", " "
    )


def test_a_verdict_that_is_bad_enough_gives_exit_code_1(muguet, files):
    good, bad = (files / "noisy.tif", files / "clean.tif"), (files / "noisy.tif", files / "noisy.tif")
    assert muguet("check", *good, "--fail-on", "bad").code == 0
    for limit in ("bad", "doubtful"):
        answer = muguet("check", *bad, "--fail-on", limit)
        assert answer.code == 1
        (sentence,) = answer.err.splitlines()
        assert "The noise was removed (bad)" in sentence
        assert "noise is still there" in answer.out.replace("\n", " ")
    assert muguet("check", *bad, "--fail-on", "good").code == 2


def test_a_model_denoises_the_image(muguet, files):
    answer = muguet("check", files / "noisy.tif", "--model", files / "model.muguet", "--json")
    assert answer.code == 0
    assert "pit" in json.loads(answer.out)["curves"]


def test_one_plane_of_many(muguet, files):
    assert json.loads(muguet("check", files / "stack.tif", "--json").out)["plane"] == 1
    assert json.loads(muguet("check", files / "stack.tif", "--plane", 2, "--json").out)["plane"] == 2


def test_files_that_do_not_match_are_refused(muguet, files):
    for arguments, sentence in (
        ([files / "noisy.tif", files / "stack.tif"], "do not match"),
        ([files / "stack.tif", "--plane", 3], "the planes 0 to 2"),
        ([files / "noisy.tif", "--channel", 1], "only channel 0"),
    ):
        answer = muguet("check", *arguments)
        assert answer.code == 2
        assert sentence in answer.err
