"""A GPU of NVIDIA gives what the CPU gives, to the precision that its arithmetic has."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch

import muguet

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this computer has no GPU of NVIDIA")

NOISE = 15.0  # counts, near the standard deviation of `noisy` in the middle of its range


def test_the_first_result_is_that_of_the_cpu(noisy):
    here, there = (muguet.denoise(noisy, "YX", minutes=0, device=device) for device in ("cpu", "cuda"))
    assert np.abs(here - there).max() < 0.02 * NOISE


def test_the_first_result_of_a_movie_is_that_of_the_cpu(noisy):
    rng = np.random.default_rng(0)
    movie = np.clip(np.rint(noisy[None] + rng.normal(0, NOISE, (4, *noisy.shape))), 0, 65535).astype(
        np.uint16
    )
    here, there = (muguet.denoise(movie, "TYX", minutes=0, device=device) for device in ("cpu", "cuda"))
    assert np.abs(here - there).max() < 0.03 * NOISE


def test_the_error_of_pixels_is_that_of_the_cpu(noisy):
    here, there = (
        muguet.denoise(noisy, "YX", minutes=0, return_std=True, device=device)[1]
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(here, there, rtol=0.05)


@pytest.mark.parametrize("prior", ["scenes", "none"])
def test_a_model_that_a_gpu_trained_is_the_same_on_the_cpu(noisy, clean, prior, tmp_path):
    model = muguet.fit(noisy, "YX", steps=40, prior=prior, device="cuda")
    assert model.device.type == "cuda"
    model.save(tmp_path / "model.muguet")
    others = [muguet.load(tmp_path / "model.muguet", device) for device in ("cpu", "cuda")]
    there = model(noisy, "YX")
    for other in others:
        assert np.sqrt(np.mean((other(noisy, "YX") - there) ** 2)) < 0.05 * NOISE
        np.testing.assert_allclose(
            other.noise.std([150.0, 250.0]), model.noise.std([150.0, 250.0]), rtol=1e-4
        )
    assert np.mean((there - clean) ** 2) < 0.3 * np.mean((noisy - clean) ** 2)


@pytest.mark.parametrize("recipe", ["joint-blind", "l2"])
def test_published_recipes_train_on_a_gpu(noisy, recipe):
    estimate = muguet.fit(noisy, "YX", recipe=recipe, steps=5, device="cuda")(noisy)
    assert np.isfinite(estimate).all()


def test_a_stack_trains_in_three_dimensions_on_a_gpu(noisy):
    stack = np.stack([noisy[:64, :64]] * 4)
    estimate = muguet.fit(stack, "ZYX", dimensions=3, steps=5, device="cuda")(stack, "ZYX")
    assert estimate.shape == stack.shape
    assert np.isfinite(estimate).all()


def test_commands_run_on_a_gpu(noisy, tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", noisy)
    outputs = "--report report.html --save-model cells.muguet --uncertainty std.tif"
    for command in (
        f"denoise cells.tif -o result.tif --steps 5 --device cuda {outputs}",
        "noise cells.muguet",
        "check cells.tif result.tif --model cells.muguet",
        "denoise cells.tif -o again.tif --model cells.muguet --device cuda",
    ):
        subprocess.run([sys.executable, "-m", "muguet", *command.split()], cwd=tmp_path, check=True)
    first, again = (tifffile.imread(tmp_path / f"{name}.tif").astype(float) for name in ("result", "again"))
    assert np.abs(first - again).max() < 0.02 * NOISE
