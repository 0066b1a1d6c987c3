"""Methods that learn from another image than the noisy one."""

from __future__ import annotations

import numpy as np
import pytest

import muguet
from muguet import MuguetError, fit
from muguet.training import MISSING, PatchSource, Sample, collect


@pytest.fixture(autouse=True)
def small(monkeypatch, tiny_prior, small_nets):
    monkeypatch.setattr(muguet.training.session, "PATCH", {2: (32, 32), 3: (4, 16, 16)})


def source(noisy, target, axes="YX"):
    data = collect([Sample(noisy, axes, "image", target)], 2)
    return data, PatchSource.of(data.planes, (16, 16))


def test_patches_of_noisy_and_target_are_of_one_place_and_turn(noisy, clean):
    import torch

    data, patches = source(noisy, 2.0 * noisy.astype(np.float32) + 5)
    drawn = patches.draw(8, torch.Generator().manual_seed(0))
    scaling = data.scalings[0]
    counts = drawn.noisy.numpy() * scaling.scale + scaling.offset
    targets = drawn.target.numpy() * scaling.scale + scaling.offset
    np.testing.assert_allclose(targets, 2 * counts + 5, rtol=1e-4)


def test_one_clean_plane_serves_all_frames(noisy, clean):
    data, _ = source(np.stack([noisy, noisy]), clean, "TYX")
    assert len(data.planes) == 2
    np.testing.assert_array_equal(data.planes[0].target, data.planes[1].target)


def test_a_target_that_is_missing_is_no_target(noisy, clean):
    holed = clean.copy()
    holed[10:20, 10:20] = np.nan
    data, patches = source(noisy, holed)
    assert not data.planes[0].trusted[10:20, 10:20].any()
    assert np.isfinite(data.planes[0].target).all()
    assert (patches.role == MISSING).sum() >= 100


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [("supervised", 60), ("noise2noise", 60), pytest.param("care", 200, marks=pytest.mark.slow)],
)
def test_they_learn_the_target(recipe, steps, noisy, clean):
    model = fit(noisy, recipe=recipe, clean=clean, steps=steps)
    denoised = model(noisy)
    assert np.mean((denoised - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)
    with pytest.raises(MuguetError, match="learns no noise law"):
        _ = model.noise


def test_mistakes_are_one_sentence(noisy, clean):
    with pytest.raises(MuguetError, match=r"supervised learns from clean images.*clean="):
        fit(noisy, recipe="supervised", steps=1)
    with pytest.raises(MuguetError, match="second noisy"):
        fit(noisy, recipe="noise2noise", steps=1)
    with pytest.raises(MuguetError, match="leave clean= out"):
        fit(noisy, clean=clean, steps=1)
    with pytest.raises(MuguetError, match="no pair"):
        fit(noisy, recipe="care", clean=clean[:50], steps=1)
    with pytest.raises(MuguetError, match="no pairs"):
        fit([noisy, noisy], recipe="care", clean=clean, steps=1)
    with pytest.raises(MuguetError, match="psf="):
        fit(noisy, recipe="deconoising", psf=-1.0, steps=1)
    with pytest.raises(MuguetError, match="odd sizes"):
        fit(noisy, recipe="deconoising", psf=((1.0, 1.0),), steps=1)


def test_a_model_behind_given_optics_is_saved(noisy, tmp_path):
    model = fit(
        noisy, recipe="deconoising", net="filterbank", psf=((0.0, 1, 0), (1, 4, 1), (0, 1, 0)), steps=3
    )
    model.save(tmp_path / "m.muguet")
    again = muguet.load(tmp_path / "m.muguet")
    assert again.parts == model.parts
    np.testing.assert_array_equal(again(noisy, "YX"), model(noisy, "YX"))


def test_optics_only_draw_what_a_microscope_could(noisy):
    """An impulse comes out as the PSF, whatever its orientation."""
    import torch

    from muguet.restoration import BehindOptics, Prediction

    class Same(torch.nn.Module):
        dims, stride, halo = 2, (1, 1), (0, 0)

        def forward(self, image):
            return Prediction(image)

    impulse = torch.zeros(1, 1, 9, 9)
    impulse[..., 4, 4] = 1
    psf = ((0.0, 1.0, 0.0), (0.0, 2.0, 5.0), (0.0, 0.0, 0.0))
    seen = BehindOptics(Same(), psf)(impulse).blind[0, 0, 3:6, 3:6]
    torch.testing.assert_close(seen, torch.tensor(psf) / 8)


def test_the_dark_is_that_of_the_image_and_not_its_commonest_value():
    """A bright field with a dark square: its mode, which is 0 to the network, is far from the dark."""
    from muguet.recipes import Parts
    from muguet.training import Plan, Sample, Session, collect

    scene = np.full((96, 96), 1000.0)
    scene[20:60, 30:70] = 300.0
    recorded = np.random.default_rng(0).poisson(scene).astype(np.uint16)
    for add in (0, 500):  # whatever the camera adds
        session = Session(
            collect([Sample(recorded + add, "YX", "it", None)], 2), Parts("deconoising"), Plan(steps=1)
        )
        dark = session.scalings[0].invert(np.array([float(session.method.net.dark)]))[0] - add
        assert 280 < dark < 310
