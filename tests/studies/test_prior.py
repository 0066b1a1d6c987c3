"""The study that trains the shipped priors, on tiny settings: scenes, recordings, the transform, and a kill."""

from __future__ import annotations

import json
from dataclasses import replace

import exposures
import numpy as np
import prior
import prior_patches
import pytest
import scenes
import torch
from canvas import Canvas
from exposures import Exposure
from safetensors.torch import load_file

from muguet.restoration import SHIFT, Prediction

SMALL = dict(widths=(4, 6), steps=6, batch=2, patch=16, scenes=3, size=32)


@pytest.fixture(autouse=True)
def small_sources(monkeypatch):
    monkeypatch.setattr(scenes, "CELL_SIZE", 64)
    monkeypatch.setattr(scenes, "CELL_IMAGES", 1)
    scenes._cell_image.cache_clear()
    yield
    scenes._cell_image.cache_clear()


def recipe(**changes) -> prior.Recipe:
    return prior.Recipe(**{**SMALL, **changes})


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


def exposure_of(light, background, read, excess=1.0, step=0.0, ceiling=np.inf, correlation=0.0):
    """An exposure of one patch, by its true law."""
    shift = read**2 + step**2 / 12
    fields = dict(light=light, background=background, read=read, excess=excess, step=step, ceiling=ceiling)
    fields |= dict(correlation=correlation, gain=1.0, shift=shift)
    return Exposure.of(**{name: np.array([value]) for name, value in fields.items()})


def even(value, side):
    return torch.full((1, side, side), float(value))


@pytest.fixture
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


RECORDED = [
    {},
    {"excess": 1.8},
    {"correlation": 0.1},
    {"step": 0.5},
]


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("fault", RECORDED)
def test_a_recording_has_the_mean_and_the_variance_of_its_law(fault):
    exposure = exposure_of(100, 20, 1.5, **fault)
    signal = exposure.signal(even(0.3, 400))
    noise = (exposure.record(signal) - signal)[0].numpy()
    assert float(signal[0, 0, 0]) == pytest.approx(50)
    assert noise.mean() == pytest.approx(0, abs=0.12)
    assert noise.var() == pytest.approx(50 + 1.5**2 + fault.get("step", 0) ** 2 / 12, rel=0.02)
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert neighbours == pytest.approx(fault.get("correlation", 0), abs=0.01)
    skewness = (noise**3).mean() / noise.std() ** 3
    if "excess" in fault:
        assert skewness > 1.2 / np.sqrt(52)


@pytest.mark.usefixtures("seeded")
def test_the_mean_of_recordings_is_less_than_the_signal_where_they_are_clipped():
    exposure = exposure_of(100, 0, 2.0, ceiling=100)
    for electrons in (50, 90, 100, 200):
        signal = even(electrons, 300)
        recorded = exposure.record(signal)
        assert float(recorded.max()) <= 100
        assert float(exposure.mean(signal)[0, 0, 0]) == pytest.approx(float(recorded.mean()), abs=0.15)


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    "exposure", [exposure_of(50, 0, 0.0), exposure_of(100, 20, 3.0), exposure_of(1000, 5, 1.0, excess=1.5)]
)
def test_in_effective_electrons_the_variance_is_the_signal(exposure):
    signal = exposure.signal(even(0.5, 500))
    units = exposure.units(exposure.record(signal))
    assert float(units.var() / exposure.units(signal).mean()) == pytest.approx(1, rel=0.02)


def test_exposures_of_a_measured_law_are_near_those_of_the_true_one():
    drawn = Exposure.draw(np.random.default_rng(0), 4000)
    logarithms = drawn.gain.log()
    assert float(logarithms.mean()) == pytest.approx(exposures.LAW_ERROR[0], abs=0.01)
    assert float(logarithms.std()) == pytest.approx(exposures.LAW_ERROR[1], abs=0.01)
    clipped, multiplied = torch.isfinite(drawn.ceiling), drawn.excess > 1
    assert float(clipped.float().mean()) == pytest.approx(0.15, abs=0.03)
    assert float(multiplied.float().mean()) == pytest.approx(0.35, abs=0.03)


def test_patches_are_pieces_of_scenes():
    """Every patch, turned and flipped in one of eight ways, lies in a scene."""
    scenes_, rng = torch.rand(2, 32, 32), np.random.default_rng(0)
    windows = scenes_.unfold(1, 16, 1).unfold(2, 16, 1).reshape(-1, 16, 16)
    seen = set()
    for patch in prior_patches._patches(recipe(batch=40), scenes_, rng):
        ways = [torch.rot90(each, k, (0, 1)) for each in (patch, patch.T) for k in range(4)]
        found = [way for way, turned in enumerate(ways) if (windows == turned).all(-1).all(-1).any()]
        assert len(found) == 1
        seen.update(found)
    assert len(seen) == 8


def test_patches_are_finite_and_follow_from_the_step_alone():
    pool = prior.Pool(recipe())
    first = [prior.draw(pool, step) for step in range(8)]
    again = prior.draw(prior.Pool(recipe()), 7)  # without the steps before
    assert all(torch.equal(a, b) for a, b in zip(first[7], again, strict=True))
    for noisy, clean in first:
        assert noisy.shape == clean.shape == (2, 1, 16, 16)
        assert torch.isfinite(noisy).all()
        assert torch.isfinite(clean).all()


def test_a_run_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    whole = prior.Training(recipe())
    losses = [whole.advance() for _ in range(6)]
    cut = prior.Training(recipe())
    for _ in range(3):
        cut.advance()
    cut.save(tmp_path / "cut.pt")
    resumed = prior.Training.resume(tmp_path / "cut.pt")
    assert resumed.step == 3
    assert [resumed.advance() for _ in range(3)] == losses[3:]
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name


def test_a_training_leaves_weights_in_both_precisions_and_a_card(tmp_path):
    training = prior.Training(recipe())
    prior.train(training, tmp_path, lambda net: {"mean": 1.0}, 4)
    card = json.loads((tmp_path / "prior.json").read_text(encoding="utf-8"))
    assert card["step"] == 6
    assert [each["step"] for each in card["scores"]] == [4, 6]
    whole, half = (load_file(tmp_path / f"prior.{name}.safetensors") for name in ("fp32", "fp16"))
    for name, value in half.items():
        torch.testing.assert_close(value.float(), whole[name], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(whole[name], training.average.state_dict()[name])
    assert (tmp_path / "prior-plateau.pt").is_file()


def test_the_predicted_error_is_drawn_to_the_true_one():
    """The likelihood of errors of a given size is the largest where the prediction has this size."""
    clean = torch.full((1, 1, 64, 64), 20.0)
    noisy = clean + torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)) * 2

    class Guess(torch.nn.Module):
        def __init__(self, error: float) -> None:
            super().__init__()
            self.error = error

        def forward(self, image):
            return Prediction(noisy, torch.zeros_like(image), error=torch.full_like(image, self.error))

    shares = np.geomspace(0.02, 2, 41)
    losses = [float(prior.loss_of(Guess(float(share)), noisy, clean)) for share in shares]
    assert shares[int(np.argmin(losses))] == pytest.approx(4 / (20 + SHIFT), rel=0.15)


def test_the_learning_rate_warms_up_stays_and_falls_to_zero():
    schedule = replace(recipe(), steps=10_000)
    assert schedule.rate(0) < 1e-4
    assert schedule.rate(1000) == pytest.approx(2e-3)
    assert schedule.rate(9_999) < 1e-8
