"""The study that trains the shipped priors, on tiny settings: scenes, recordings, the transform, and a kill."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import prior
import prior_scores
import pytest
import scenes
import torch
from canvas import Canvas
from exposures import Anscombe, Exposure
from safetensors.torch import load_file

SMALL = dict(widths=(4, 6), steps=6, batch=2, patch=16, scenes=3, size=32)


@pytest.fixture(autouse=True)
def small_sources(monkeypatch):
    monkeypatch.setattr(scenes, "CELL_SIZE", 64)
    monkeypatch.setattr(scenes, "CELL_IMAGES", 1)
    scenes._cell_image.cache_clear()
    yield
    scenes._cell_image.cache_clear()


def recipe(kind: str, **changes) -> prior.Recipe:
    return prior.Recipe(kind, **{**SMALL, **changes})


@pytest.mark.parametrize("number", range(12))
def test_a_scene_follows_from_its_numbers_and_lies_in_its_range(number):
    found = scenes.scene(5, number, 48)
    np.testing.assert_array_equal(found, scenes.scene(5, number, 48))
    assert found.shape == (48, 48)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert 0.5 < np.percentile(found, 99.95) < 1.6
    assert not np.array_equal(found, scenes.scene(6, number, 48))


@pytest.mark.parametrize("kind", scenes._KINDS)
def test_every_kind_of_structure_is_finite_and_not_constant(kind):
    for number in range(4):
        drawn = kind(Canvas(64, 0), np.random.default_rng(number))
        assert drawn.shape == (64, 64)
        assert np.isfinite(drawn).all()
        assert drawn.std() > 0


def test_a_scene_holds_nothing_finer_than_its_optics(monkeypatch):
    monkeypatch.setattr(scenes, "COARSE_SHARE", 0)
    monkeypatch.setattr(scenes, "GRAIN_SHARE", 0)
    spectra = [np.abs(np.fft.rfft2(scenes.scene(1, number, 64))) ** 2 for number in range(20)]
    finest = [each[32, 16:].sum() / each[1:].sum() for each in spectra]  # half a cycle a pixel along Y
    assert max(finest) < 0.05


@pytest.mark.parametrize(
    "exposure",
    [
        Exposure(100, 20, 1.5),
        Exposure(100, 20, 1.5, excess=1.8),
        Exposure(100, 20, 1.5, correlation=0.1),
        Exposure(100, 20, 1.5, step=0.5),
    ],
)
def test_a_recording_has_the_mean_and_the_variance_of_its_law(exposure):
    signal = exposure.signal(np.full((400, 400), 0.3, np.float32))
    noise = exposure.record(signal, np.random.default_rng(0)) - signal
    assert signal[0, 0] == pytest.approx(50)
    assert noise.mean() == pytest.approx(0, abs=0.12)
    assert noise.var() == pytest.approx(50 + 1.5**2 + exposure.step**2 / 12, rel=0.02)
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert neighbours == pytest.approx(exposure.correlation, abs=0.01)
    skewness = (noise**3).mean() / noise.std() ** 3
    if exposure.excess > 1:
        assert skewness > 1.2 / np.sqrt(52)


def test_the_mean_of_recordings_is_less_than_the_signal_where_they_are_clipped():
    exposure = Exposure(100, 0, 2.0, ceiling=100)
    for electrons in (50, 90, 100, 200):
        signal = np.full((300, 300), electrons, np.float32)
        recorded = exposure.record(signal, np.random.default_rng(0))
        assert recorded.max() <= 100
        assert exposure.mean(signal)[0, 0] == pytest.approx(recorded.mean(), abs=0.15)


@pytest.mark.parametrize("law", [Anscombe(1, 2.0), Anscombe(100, -19_900), Anscombe(3.8, -13)])
def test_the_inverse_of_the_transform_returns_the_clean_signal(law):
    darkest = -(0.375 * law.gain**2 + law.constant) / law.gain
    signal = darkest + law.gain * np.logspace(-2, 3, 50)
    np.testing.assert_allclose(law.inverse(law.forward(signal)), signal, rtol=1e-9)
    as_tensor = torch.from_numpy(signal)
    np.testing.assert_allclose(law.inverse(law.forward(as_tensor)).numpy(), signal, rtol=1e-9)


def test_noise_behind_the_transform_has_variance_one():
    rng = np.random.default_rng(0)
    for electrons in (5, 50, 500):
        noisy = rng.poisson(electrons, (300, 300)) + rng.normal(0, 2, (300, 300))
        assert Anscombe(1.0, 4.0).forward(noisy).var() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("kind", [prior.SIGHTED, prior.BLIND])
def test_patches_are_finite_and_follow_from_the_step_alone(kind):
    pool = prior.Pool(recipe(kind))
    first = [prior.draw(pool, step) for step in range(8)]
    again = prior.draw(prior.Pool(recipe(kind)), 7)  # without the steps before
    assert all(torch.equal(a, b) for a, b in zip(first[7], again, strict=True))
    for noisy, clean in first:
        assert noisy.shape == clean.shape == (2, 1, 16, 16)
        assert torch.isfinite(noisy).all()
        assert torch.isfinite(clean).all()


@pytest.mark.parametrize("kind", [prior.SIGHTED, prior.BLIND])
def test_a_run_that_was_killed_goes_on_to_the_same_bits(kind, tmp_path):
    whole = prior.Training(recipe(kind))
    losses = [whole.advance() for _ in range(6)]
    cut = prior.Training(recipe(kind))
    for _ in range(3):
        cut.advance()
    cut.save(tmp_path / "cut.pt")
    resumed = prior.Training.resume(tmp_path / "cut.pt")
    assert resumed.step == 3
    assert [resumed.advance() for _ in range(3)] == losses[3:]
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name


def test_a_training_leaves_weights_in_both_precisions_and_a_card(tmp_path):
    training = prior.Training(recipe(prior.SIGHTED))
    prior.train(training, tmp_path, lambda kind, net: {"mean": 1.0}, 4)
    card = json.loads((tmp_path / "sighted.json").read_text(encoding="utf-8"))
    assert card["step"] == 6
    assert [each["step"] for each in card["scores"]] == [4, 6]
    kind, net = prior_scores.load(tmp_path / "sighted.fp32.safetensors")
    assert kind == prior.SIGHTED
    for name, value in load_file(tmp_path / "sighted.fp16.safetensors").items():
        torch.testing.assert_close(value.float(), net.state_dict()[name], rtol=1e-3, atol=1e-4)
    assert (tmp_path / "sighted-plateau.pt").is_file()


def test_the_learning_rate_warms_up_stays_and_falls_to_zero():
    schedule = replace(recipe(prior.BLIND), steps=10_000)
    assert schedule.rate(0) < 1e-4
    assert schedule.rate(1000) == pytest.approx(2e-3)
    assert schedule.rate(9_999) < 1e-8


def test_an_instant_result_comes_with_a_law_from_one_image():
    net = prior.build(recipe(prior.SIGHTED))
    rng = np.random.default_rng(0)
    clean = 100 + 4 * 200 * scenes.scene(0, 1, 96)[:, :90].astype(np.float64)
    noisy = 100 + 4 * rng.poisson((clean - 100) / 4) + rng.normal(0, 8, clean.shape)
    estimate, law = prior_scores.instant(net, noisy, views=2)
    assert estimate.shape == clean.shape
    assert np.isfinite(estimate).all()
    assert law.gain > 0
    assert np.isfinite(prior_scores.blind_start(prior.build(recipe(prior.BLIND)), noisy)).all()


def test_a_blind_prior_can_start_from_a_sighted_one_whose_gate_it_leaves(tmp_path):
    sighted = prior.Training(recipe(prior.SIGHTED))
    sighted.advance()
    prior.export(sighted, tmp_path / "sighted")
    blind = prior.Training(recipe(prior.BLIND), tmp_path / "sighted.fp32.safetensors").net
    assert torch.equal(blind.head.weight, sighted.average.head.weight)
    assert not blind.gate.weight.any()
