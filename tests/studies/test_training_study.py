"""The study of training on tiny images: what it writes, what it tests on, and the numbers of its table."""

from __future__ import annotations

import argparse
import csv

import numpy as np
import pytest
import sets

import training
from muguet.quality import mean_and_standard_error, psnr
from training import Run


@pytest.fixture
def small(monkeypatch, tiny_prior):
    monkeypatch.setattr(sets, "FIELDS", 3)
    monkeypatch.setattr(sets, "SIZE", 48)
    monkeypatch.setattr(training, "SEEDS", 2)
    monkeypatch.setattr(training, "FACTORS", (4.0,))


QUICKLY = ["--sets", "phantom", "--image", "phantom", "--steps", "3", "--every", "2"]


@pytest.mark.slow
def test_the_study_leaves_a_figure_and_curves_and_is_not_repeated(small, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    places = ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    training.main([*QUICKLY, *places])
    assert (tmp_path / "out" / "training.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "out" / "training.svg").read_bytes()
    rows = list(
        csv.DictReader((tmp_path / "out" / "training.csv").read_text(encoding="utf-8").splitlines()[1:])
    )
    assert {"panel", "condition", "method", "seed", "epoch", "step", "psnr", "psnr_latest"} <= set(rows[0])
    assert {row["panel"] for row in rows} == set("abcd")
    assert {row["condition"] for row in rows if row["panel"] in "bc"} == {
        "Gaussian",
        "Speckle",
        "Speckle × 4",
    }
    assert {row["step"] for row in rows} == {"2", "3"}
    monkeypatch.setattr(training, "trained", None)
    capsys.readouterr()
    training.main([*QUICKLY, *places])
    assert "from the cache" in capsys.readouterr().out


def choices(tmp_path) -> argparse.Namespace:
    return argparse.Namespace(data=tmp_path, level=20.0)


def test_tests_are_of_images_that_training_never_saw(small, tmp_path):
    train, test = training.images(Run("phantom"), choices(tmp_path))
    whole = sets.load("phantom", tmp_path)
    np.testing.assert_array_equal(train.clean, whole.clean[:2])
    np.testing.assert_array_equal(test.clean, whole.clean[2:])


def test_a_factor_is_of_the_variance(small, tmp_path):
    def error(factor):
        train, _ = training.images(Run("phantom", "Speckle", factor), choices(tmp_path))
        return np.square(train.noisy - train.clean).mean()

    assert error(4.0) / error(1.0) == pytest.approx(4, rel=0.01)
    train, test = training.images(Run("phantom", "Gaussian"), choices(tmp_path))
    noisy, clean = (np.concatenate(each) for each in ((train.noisy, test.noisy), (train.clean, test.clean)))
    assert psnr(noisy, clean) == pytest.approx(20, abs=0.3)


def test_leads_are_paired_by_seed():
    runs = [Run("a", recipe=recipe, seed=seed) for seed in range(3) for recipe in training.METHODS]
    ends = {training.WITH: (30.0, 31.0, 32.0), training.WITHOUT: (29.0, 30.5, 31.9)}
    curves = {
        run: [{"step": 1, "psnr": 20.0}, {"step": 2, "psnr": ends[run.recipe][run.seed]}] for run in runs
    }
    panels = {name: runs if name == "d" else [] for name in "abcd"}
    (row,) = training.ends(panels, curves)
    lead = mean_and_standard_error([1.0, 0.5, 0.1])
    assert (row["end_lead"], row["end_lead_se"]) == pytest.approx(lead)
    assert row["mean_lead"] == pytest.approx(lead[0] / 2)
    assert (row["g1_psnr"], row["runs"]) == (31.0, 3)
