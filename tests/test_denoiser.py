"""Laws of a fitted method: counts in, counts out, without seams, whatever the image's axes, type or holes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import muguet.denoiser.planes as module
import muguet.denoiser.views as views
from muguet import Denoiser, MuguetError, load, recipes
from muguet.image import Scaling
from muguet.prediction import symmetries
from muguet.recipes import Parts
from muguet.restoration import FilterBankNet, UNet
from muguet.restoration.memory_format import kernels_channels_last
from muguet.system import tensor_file

NETS = ["filterbank", "unet"]
NOISE = 10.0  # counts, of the images here


@pytest.fixture(autouse=True)
def small_nets(monkeypatch):
    """Nets of a smaller halo, for time; the laws are those of any net."""
    monkeypatch.setitem(recipes.NETS, "filterbank", lambda dims, reach: FilterBankNet(dims, (8, 8), reach))
    monkeypatch.setitem(recipes.NETS, "unet", lambda dims, reach: UNet(dims, 8, 4 - dims))


def plane(model, picture, channel=0):
    return model.denoise_plane(picture, channel)


def made(net="filterbank", dimensions=2, channels=1, low_precision=False, **parts) -> Denoiser:
    """A denoiser of weights drawn at random: what it promises must hold before any training."""
    torch.manual_seed(0)
    parts = Parts(net=net, dimensions=dimensions, channels=channels, components=2, **parts)
    method = parts.build(low_precision=low_precision).eval().requires_grad_(False)
    if net == "unet":
        torch.nn.init.normal_(method.net.out.weight, std=0.3)
    scalings = tuple(Scaling(100.0 + 20 * c, 50.0 * (c + 1)) for c in range(channels))
    return Denoiser(parts, method, scalings, training={"steps": 3})


def image(*shape, seed=0):
    """Counts with structure and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    return (150 + 60 * np.sin(y / 9) * np.cos(x / 7) + rng.normal(0, NOISE, shape)).astype(np.float32)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("shape", [(43, 75), (1, 70), (33, 1)])
def test_tiles_leave_no_seam(net, shape, monkeypatch):
    model, picture = made(net), image(*shape)
    whole = model(picture)
    model.method.low_precision = True
    rounded = model(picture)
    monkeypatch.setattr(module, "CORE", {2: (24, 32)})
    assert np.sqrt(np.mean((model(picture) - rounded) ** 2)) < 0.1 * NOISE
    model.method.low_precision = False
    np.testing.assert_allclose(model(picture), whole, atol=1e-4 * np.ptp(picture))


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_the_nets_as_they_are_leave_no_seam_without_turns(net, monkeypatch):
    monkeypatch.undo()
    model, picture = made(net), image(72, 100)
    whole = plane(model, picture)
    monkeypatch.setattr(module, "CORE", {2: (48, 64)})
    np.testing.assert_allclose(plane(model, picture), whole, atol=1e-4 * np.ptp(picture))


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_tiles_leave_no_seam_in_stacks(net, monkeypatch):
    model, stack = made(net, 3), image(5, 18, 21)
    whole = plane(model, stack)
    monkeypatch.setattr(module, "CORE", {3: (2, 12, 10)})
    np.testing.assert_allclose(plane(model, stack), whole, atol=1e-4 * np.ptp(stack))


@pytest.mark.parametrize("low_precision", [False, True])
@pytest.mark.parametrize("net", NETS)
def test_load_gives_the_same_bits(net, low_precision, tmp_path):
    model, picture = made(net).to("cpu"), image(50, 61)
    kernels_channels_last(model.method)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.parts == model.parts
    assert again.scalings == model.scalings
    assert again.training["steps"] == 3
    for each in (model, again):
        each.method.low_precision = low_precision
    np.testing.assert_array_equal(again(picture), model(picture))
    signal = np.linspace(50, 400, 30)
    np.testing.assert_array_equal(again.noise.std(signal), model.noise.std(signal))


@pytest.mark.parametrize("recipe", ["joint", "l2"])
def test_models_of_stacks_and_of_several_channels_are_saved_too(recipe, tmp_path):
    model = made(dimensions=3, channels=2, recipe=recipe)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    expected = model.method.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.method.state_dict().items())


def test_an_incomplete_model_is_refused(tmp_path):
    model = made()
    tensor_file.write(tmp_path / "no weights", "model", {}, model.header())
    tensor_file.write(tmp_path / "no header", "model", {}, {})
    for name in ("no weights", "no header"):
        with pytest.raises(MuguetError, match="complete model"):
            load(tmp_path / name)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_missing_pixels_stay_missing_and_alter_no_far_pixel(hole):
    model, picture = made(), image(160, 150)
    whole = model(picture)
    holed = picture.copy()
    holed[10:14, 8:11] = hole
    denoised = model(holed)
    assert np.isnan(denoised[10:14, 8:11]).all()
    known = np.isfinite(holed)
    assert np.isfinite(denoised[known]).all()
    far = np.ones(picture.shape, bool)
    far[: 14 + 48, : 11 + 48] = False
    np.testing.assert_allclose(denoised[far], whole[far], atol=1e-4 * np.ptp(picture))
    assert np.abs(denoised - whole)[known].max() < np.ptp(picture)


def test_an_image_without_any_value_is_missing_everywhere():
    empty = np.full((20, 30), np.inf)
    assert np.isnan(made()(empty)).all()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (7, 5), (13, 70)])
def test_any_size_is_denoised(net, shape):
    denoised = made(net)(image(*shape), "YX")
    assert denoised.shape == shape
    assert denoised.dtype == np.float32
    assert np.isfinite(denoised).all()


def test_a_stack_of_one_plane_is_denoised():
    assert np.isfinite(made("unet", 3)(image(1, 9, 11), "ZYX")).all()


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", ">u2", "i2", "u4", "i4", "i8", "u8", "f2", "f4", ">f4", "f8"]
)
def test_any_numeric_type_gives_what_its_values_give(dtype):
    model = made()
    values = np.clip(np.rint(image(24, 24) / 2), 0, 120)
    np.testing.assert_array_equal(model(values.astype(dtype)), model(values.astype(np.float32)))


def test_booleans_are_numbers_and_complex_ones_are_refused():
    assert np.isfinite(made()(image(16, 16) > 150)).all()
    with pytest.raises(MuguetError, match="complex"):
        made()(np.ones((16, 16), complex))
    with pytest.raises(MuguetError, match="real numbers"):
        made()(np.full((16, 16), "text"))


@pytest.mark.parametrize("axes", ["CYX", "XCY", "YXTC", "CTYX", "YXS"])
def test_channels_in_any_order_are_denoised_each_by_its_own_scaling(axes):
    model, sizes = made(channels=2), {"C": 2, "S": 2, "T": 3, "Y": 20, "X": 24}
    picture = np.random.default_rng(0).normal(150, 30, [sizes[a] for a in axes]).astype(np.float32)
    denoised = model(picture, axes)
    order = "TCYX" if "C" in axes else "TSYX"
    view = np.transpose(picture, [axes.index(a) for a in order if a in axes]).reshape(-1, 2, 20, 24)
    found = np.transpose(denoised, [axes.index(a) for a in order if a in axes]).reshape(-1, 2, 20, 24)
    for t, c in np.ndindex(view.shape[:2]):
        np.testing.assert_array_equal(found[t, c], plane(model, view[t, c], c))


def test_units_of_the_camera_do_not_matter():
    model, picture = made(), image(40, 40)
    other = Denoiser(model.parts, model.method, (Scaling(3 * 100.0 + 7, 3 * 50.0),))
    np.testing.assert_allclose(other(3 * picture + 7), 3 * model(picture) + 7, rtol=1e-5)


def test_wrong_channels_and_dimensions_are_refused():
    with pytest.raises(MuguetError, match=r"for 2 channels .* has 1"):
        made(channels=2)(image(16, 16))
    with pytest.raises(MuguetError, match=r"for 1 channel .* has 3"):
        made()(image(3, 16, 16), "CYX")
    with pytest.raises(MuguetError, match="no Z"):
        made(dimensions=3)(image(4, 16, 16), "TYX")
    with pytest.raises(MuguetError):
        made()(np.zeros(16))


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("turns", [True, False])
def test_a_turned_image_gives_the_turned_answer(net, turns):
    model = made(net, quarter_turns=turns)
    picture = torch.from_numpy(image(48, 64))[None, None]
    answer = model(picture[0, 0].numpy())
    for symmetry in symmetries(turns):
        turned = model(symmetry.apply(picture)[0, 0].numpy())
        np.testing.assert_allclose(
            symmetry.undo(torch.from_numpy(turned)[None, None])[0, 0].numpy(), answer, atol=1e-2, rtol=1e-4
        )


def test_the_answer_is_the_mean_of_those_to_so_many_views(monkeypatch):
    model, picture = made(), image(48, 64)
    once, eight = model(picture, symmetries=1), model(picture)
    np.testing.assert_array_equal(eight, model(picture, symmetries=8))
    turned = [
        model(np.ascontiguousarray(picture[::y, ::x]), symmetries=1)[::y, ::x] for y, x in ((1, 1), (-1, -1))
    ]
    np.testing.assert_allclose(model(picture, symmetries=2), np.mean(turned, 0), rtol=1e-4)
    monkeypatch.setattr(views, "MAX_PIXELS_EIGHT", 47 * 64)
    np.testing.assert_array_equal(model(picture), once)  # a large image is seen once
    with pytest.raises(MuguetError, match="1, 2, 4 or 8"):
        model(picture, symmetries=3)


def test_the_law_is_in_counts():
    model = made(channels=2)
    signal = np.linspace(60, 500, 40)
    for law, inner, scaling in zip(model.laws, model.method.laws, model.scalings, strict=True):
        units = scaling.apply(signal)
        np.testing.assert_allclose(law.std(signal), scaling.scale * inner.std(units), rtol=1e-4)
        np.testing.assert_allclose(law.skewness(signal), inner.skewness(units), rtol=1e-3, atol=1e-5)
        grid = np.linspace(-3000, 4000, 20001)
        density = np.exp(law.log_prob(grid, np.full_like(grid, 300.0)))
        assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
    with pytest.raises(MuguetError, match=r"laws\[channel\]"):
        _ = model.noise


def test_l2_has_no_law():
    with pytest.raises(MuguetError, match="learns no noise law"):
        _ = made(recipe="l2").noise


def test_the_image_is_left_alone():
    picture = image(30, 30)
    picture[3, 3] = np.nan
    before = picture.copy()
    made()(picture)
    np.testing.assert_array_equal(picture, before)
