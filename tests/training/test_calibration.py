"""The law that a denoiser delivers has the variance that its training images show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import muguet
from muguet import Denoiser, load, recipes
from muguet.noise import Gaussian, Origin
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet
from muguet.training import HELD_OUT, MISSING, SATURATED, TARGET, Plan, Sample, Session, collect
from muguet.training.calibration import _transfer, calibrated
from muguet.training.sampled import SampledPlane


@pytest.fixture
def small(monkeypatch, tiny_prior):
    monkeypatch.setattr(muguet.training.session, "PATCH", {2: (32, 32), 3: (4, 16, 16)})
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))


def trained(image, axes="YX", steps=60, **parts):
    run = Session(collect([Sample(image, axes, "image")], 2), Parts(**parts), Plan(steps=steps, batch=4))
    for _ in range(steps):
        run.advance()
    return run.denoiser()


def test_the_law_is_right_where_n_net_holds_the_error_of_the_estimate(small):
    """A few steps of a small net leave a large error in the estimate, which is not noise."""
    y, x = np.mgrid[:192, :192]
    clean = 400 + 250 * np.sin(x / 9) * np.cos(y / 13)
    noisy = (2.0 * np.random.default_rng(0).poisson(clean / 2)).astype(np.float32)
    model = trained(noisy, prior="none")
    signal = np.linspace(200, 620, 20)
    true = np.sqrt(2 * signal)
    assert np.abs(model.noise.std(signal) / true - 1).max() < 0.1
    assert (model.learned_laws[0].std(signal) / true).max() > 1.1


def test_channels_have_a_variance_each_and_the_file_keeps_them(small, noisy, tmp_path):
    both = np.stack([noisy, 3 * noisy])
    model = trained(both, "CYX", steps=5)
    assert len(model.transfers) == 2
    model.save(tmp_path / "m.muguet")
    again = load(tmp_path / "m.muguet")
    for channel in (0, 1):
        np.testing.assert_array_equal(again.transfer(channel).variance, model.transfer(channel).variance)
    signal = np.array([120.0, 200.0])
    for one, two in zip(model.laws, again.laws, strict=True):
        np.testing.assert_array_equal(one.std(signal), two.std(signal))


def test_a_recipe_without_a_law_measures_none(small, noisy):
    assert trained(noisy, steps=2, recipe="l2").transfers == ()


def test_an_image_that_does_not_tell_keeps_the_law_of_n_net(small):
    """A checkerboard is as fine as noise: what the high-pass sees there is no noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:128, :128]
    noisy = (500 + 200 * ((x + y) % 2) + rng.normal(0, 10, (128, 128))).astype(np.float32)
    model = trained(noisy, steps=150, reach=(0, 0))
    learned, delivered = model.learned_laws[0], model.noise
    signal = np.array([500.0, 600.0, 700.0])
    assert (delivered.std(signal) <= 1.25 * learned.std(signal)).all()


def test_each_law_is_called_what_it_is(small, noisy, tmp_path):
    model = trained(noisy, steps=2)
    assert model.law_origins == [Origin.CALIBRATED]
    model.save(tmp_path / "m.muguet")
    assert load(tmp_path / "m.muguet").law_origins == [Origin.CALIBRATED]
    assert replace(model, transfers=(None,)).law_origins == [Origin.LEARNED]
    assert trained(noisy, steps=0).law_origins == [Origin.FIRST]
    assert trained(noisy, steps=2, recipe="l2").law_origins == []


def test_a_law_that_cannot_be_measured_after_training_keeps_the_variance_measured_before(
    small, noisy, monkeypatch, tmp_path
):
    before = trained(noisy, steps=0)
    monkeypatch.setattr(muguet.training.calibration, "_MAX_MISFIT", -1.0)  # No curve is believed.
    model = trained(noisy, steps=2)
    assert model.law_origins == [Origin.EARLIER]
    signal = np.array([120.0, 150.0, 250.0])
    np.testing.assert_allclose(model.noise.std(signal), before.noise.std(signal), rtol=0.01)
    model.save(tmp_path / "m.muguet")
    assert load(tmp_path / "m.muguet").law_origins == [Origin.EARLIER]


def test_before_training_noise_that_cannot_be_measured_is_one_gaussian_of_its_size(small):
    """17×18 pixels are too few for a curve: the noise of Poisson records of 50 has σ = 7.1."""
    tiny = np.random.default_rng(0).poisson(50, (17, 18)).astype(np.uint16)
    model = trained(tiny, steps=0)
    assert model.law_origins == [Origin.ASSUMED]
    std = model.noise.std(np.array([40.0, 60.0]))
    assert std[0] == std[1]
    assert 5 < std[0] < 10


def test_small_images_are_no_trouble(small):
    tiny = np.random.default_rng(0).poisson(50, (17, 18)).astype(np.uint16)
    model = trained(tiny, steps=2)
    assert np.isfinite(model.noise.std(np.array([40.0, 60.0]))).all()


def test_a_measured_plane_leaves_out_saturated_and_missing_pixels():
    role = np.array([[TARGET, SATURATED, MISSING, HELD_OUT]], np.uint8)
    plane = SampledPlane(np.ones(role.shape, np.float32), role)
    np.testing.assert_array_equal(np.isnan(plane.noisy), [[False, True, True, False]])
    np.testing.assert_array_equal(np.isnan(plane.known(plane.filled)), [[False, False, True, False]])


def test_the_variance_is_measured_with_estimates_that_ignore_the_pixel_itself(small, noisy):
    """An estimate that holds a part of the pixel's noise would give the noise of the pixel to the signal."""
    run = Session(collect([Sample(noisy, "YX")]), Parts(prior="none", reach=(0, 0)), Plan(steps=3, batch=4))
    run.advance()
    found = []
    for share in (0.05, 0.9):
        run.averaged.open_gate(share)
        model = Denoiser(run.parts, run.averaged, run.scalings)
        found.append(calibrated(model, run.source).transfers[0])
    np.testing.assert_array_equal(found[0].variance, found[1].variance)
    np.testing.assert_array_equal(found[0].signal, found[1].signal)


@pytest.mark.parametrize(("excess", "accepted"), [(1.05, True), (1.3, False), (4.0, False)])
def test_a_curve_well_above_the_law_of_n_net_shows_texture_and_is_rejected(small, noisy, excess, accepted):
    run = Session(collect([Sample(noisy, "YX")]), Parts(prior="none", reach=(0, 0)), Plan(steps=1, batch=4))
    model = Denoiser(run.parts, run.averaged, run.scalings)
    points = _transfer(model, run.source, 0, Gaussian(1e6))
    std = np.sqrt(np.median(points.variance) / excess)
    assert (_transfer(model, run.source, 0, Gaussian(std)) is not None) is accepted
