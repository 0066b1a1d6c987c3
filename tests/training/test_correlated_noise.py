"""Noise that neighbours share is made white, or the mask hides neighbours; the user learns of it and may choose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import muguet
from muguet import MuguetError, load, recipes
from muguet.noise import mean_correlation
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet
from muguet.training import Plan, Sample, Session, collect, correlated_noise
from muguet.training.preparation import Preparation
from muguet.training.sampled import sampled_planes


@pytest.fixture(autouse=True)
def small(monkeypatch, tiny_prior):
    monkeypatch.setattr(muguet.training.session, "PATCH", {2: (32, 32), 3: (4, 16, 16)})
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))


@pytest.fixture(scope="module")
def striped(clean):
    """An image whose noise is shared by neighbours along X."""
    white = np.random.default_rng(0).normal(0, 20, clean.shape)
    return (clean + white + np.roll(white, 1, axis=-1)).astype(np.float32)


def session(image, **parts):
    return Session(collect([Sample(image, "YX", "image")], 2), Parts(**parts), Plan(steps=2, batch=2))


def test_white_noise_hides_single_pixels(noisy):
    run = session(noisy)
    assert run.parts.reach == (0, 0)
    assert run.parts.quarter_turns
    assert run.method.blind.reach == (0, 0)
    assert correlated_noise.describe(run.correlation, run.parts.reach, chosen=False) == ""


def test_correlated_noise_is_made_white(striped):
    run = session(striped)
    assert run.parts.reach == (0, 0)
    assert run.parts.quarter_turns
    (whitening,) = run.whitenings
    assert whitening.kernel.y == ()
    assert whitening.kernel.x[0] == pytest.approx(0.5, abs=0.06)
    text = correlated_noise.describe(run.correlation, run.parts.reach, False, run.whitenings)
    assert "along X" in text
    assert "independent from pixel to pixel" in text
    planes = [plane.noisy[None] for plane in sampled_planes(run.source, 0, 2**20, (1, 1))]
    assert abs(mean_correlation(planes).x[0]) < 0.06


def test_what_may_be_fine_structure_is_said(striped):
    run = session(striped)
    text = correlated_noise.describe(run.correlation, (0, 0), False, (), white=True)
    assert "fine structure of the scene may look the same" in text
    assert run.white


def test_channels_are_made_white_one_by_one(striped, noisy):
    run = Session(
        collect([Sample(np.stack([noisy, striped]), "CYX", "image")], 2), Parts(), Plan(steps=1, batch=2)
    )
    assert run.whitenings[0] is None
    assert run.whitenings[1] is not None
    model = run.denoiser()
    assert model.laws[0].correlation is None
    assert model.laws[1].correlation == run.whitenings[1].kernel


def test_correlated_noise_widens_the_mask_of_a_published_method_and_drops_quarter_turns(striped):
    run = session(striped, recipe="joint-blind")
    assert run.parts.reach == (0, 1)
    assert not run.parts.quarter_turns
    assert not run.source.quarter_turns
    assert run.method.blind.reach == (0, 1)
    text = correlated_noise.describe(run.correlation, run.parts.reach, chosen=False)
    assert "along X" in text
    assert "hides 1 neighbour on each side along X" in text
    run.advance()
    assert np.isfinite(run.validation.likelihood(run.averaged))


def test_what_neighbours_show_is_no_variance_where_they_share_noise(striped, noisy):
    assert session(striped, reach=(0, 1)).denoiser().transfers == ()
    assert session(striped).denoiser().transfers != ()
    assert session(noisy).denoiser().transfers != ()


def test_the_user_may_choose(striped):
    run = session(striped, reach=(0, 0))
    assert run.parts.reach == (0, 0)
    assert "you chose" in correlated_noise.describe(run.correlation, run.parts.reach, chosen=True)


def test_the_model_file_holds_the_filters(striped, tmp_path):
    run = session(striped)
    run.advance()
    model = run.denoiser()
    model.save(tmp_path / "m.muguet")
    again = load(tmp_path / "m.muguet")
    assert again.parts == model.parts
    assert again.whitenings == model.whitenings
    assert again.noise.correlation == model.noise.correlation
    np.testing.assert_array_equal(again(striped, "YX"), model(striped, "YX"))


def test_a_network_trained_so_does_not_see_neighbours_in_its_bank(striped):
    net = session(striped, recipe="joint-blind").method.net
    assert net.bank.reach == (0, 1)


@pytest.mark.parametrize(
    ("text", "reach"),
    [("auto", None), ("pixel", (0, 0)), ("x1", (0, 1)), ("y2", (2, 0)), ("x2y1", (1, 2)), ("Y1X3", (1, 3))],
)
def test_what_the_option_says(text, reach):
    assert correlated_noise.parse(text) == reach
    if reach is not None:
        assert correlated_noise.parse(text, 3) == (0, *reach)


@pytest.mark.parametrize("text", ["", "z1", "x", "1", "x1,y1", "x12", "x9", "wide"])
def test_what_it_cannot_say(text):
    with pytest.raises(MuguetError, match="mask="):
        correlated_noise.parse(text)


def test_too_small_to_measure():
    rng = np.random.default_rng(0)
    planes = collect([Sample(rng.normal(100, 5, (16, 16)), "YX", "image")], 2).planes
    found = correlated_noise.correlation(planes)
    assert correlated_noise.mask_reach(found, 2) == (0, 0)
    assert correlated_noise.mask_reach(None, 3) == (0, 0, 0)


def test_stacks(striped):
    stack = np.stack([striped + i for i in range(4)])
    data = collect([Sample(stack, "ZYX", "image")], 3)
    assert Session(data, Parts(recipe="l2"), Plan(steps=1, batch=1)).parts.reach == (0, 0, 1)
    run = Session(data, Parts(), Plan(steps=1, batch=1))
    assert run.whitenings[0] is not None
    assert run.parts.reach == (0, 0, 0)
    assert torch.isfinite(run.advance().loss)


def law_of(image, axes, path):
    """The noise law of a model of an image, after it was written to a file and read again."""
    Session(collect([Sample(image, axes, "image")]), Parts(), Plan(steps=0)).denoiser().save(path)
    return load(path).noise


@pytest.mark.parametrize("axis", ["T", "Z"])
def test_noise_that_planes_share_is_part_of_the_law(clean, tmp_path, axis):
    clean = clean[16:112, 16:112]
    white = np.random.default_rng(0).normal(0, 20, (11, *clean.shape))
    law = law_of(clean + (white[1:] + white[:-1]) / np.sqrt(2), f"{axis}YX", tmp_path / "m.muguet")
    found = law.correlation
    assert (found.y, found.x, found.axes) == ((), (), axis)
    assert found.planes[0].values[0] == pytest.approx(0.5, abs=0.03)
    assert found.planes[0].error < 0.03
    drawn = law.sample(np.broadcast_to(clean, (10, *clean.shape)), seed=0)
    again = law_of(drawn, f"{axis}YX", tmp_path / "again.muguet").correlation
    assert again.axes == axis
    assert again.planes[0].values[0] == pytest.approx(0.5, abs=0.03)


def test_the_grid_of_a_mosaic_is_not_taken_for_correlated_noise():
    colours = np.kron(np.ones((64, 64)), np.array([[200.0, 120.0], [120.0, 40.0]]))
    noisy = np.random.default_rng(0).poisson(colours).astype(np.float32)
    prepared = Preparation.of(collect([Sample(noisy, "YX")]), Parts("joint"))
    assert prepared.white
    assert not prepared.whitenings
    assert not any(prepared.parts.reach)
