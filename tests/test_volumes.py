"""Laws of stacks: neighbouring planes lower the error where they can, and change nothing where they cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from muguet import MuguetError, fit
from muguet.image import ArrayPlanes, Layout
from muguet.restoration import axial

SHAPE = (9, 72, 72)


def stack(photons: float, shape: tuple[int, ...] = SHAPE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points behind a point spread function of 1.5 planes and 1.3 pixels: signal and counts of gain 2, offset 100."""
    rng = np.random.default_rng(seed)
    points = np.where(rng.random(shape) < 0.004, rng.lognormal(0, 0.5, shape), 0)
    signal = gaussian_filter(points, (1.5, 1.3, 1.3), mode="wrap") + gaussian_filter(
        points, (3, 9, 9), mode="wrap"
    )
    signal *= photons / np.quantile(signal, 0.999)
    noisy = 2 * (rng.poisson(signal) + rng.normal(0, 1, shape)) + 100
    return 2 * signal + 100, noisy.round().clip(0).astype(np.uint16)


@pytest.fixture(scope="module")
def dim():
    signal, noisy = stack(30)
    model = fit(noisy, "ZYX", minutes=0)
    alone, result = (model(noisy, "ZYX", symmetries=1, z_window=window) for window in (0, None))
    return signal, noisy, model, alone, result


def error(result, signal):
    return float(np.mean((result - signal) ** 2))


def found(model, noisy, axes="ZYX", **windows):
    layout = Layout(axes, noisy.shape)
    return model.find_neighbours(ArrayPlanes(noisy, layout), layout, **windows)


def test_neighbours_lower_the_error_of_every_plane_and_it_is_predicted(dim):
    signal, noisy, model, alone, result = dim
    assert "each plane is estimated with up to 2 before and 2 after it" in found(model, noisy).sentence
    assert error(result, signal) < 0.75 * error(alone, signal)
    for plane, by_itself, truth in zip(result, alone, signal, strict=True):
        assert error(plane, truth) < error(by_itself, truth)
    mean, std = model.estimate(noisy, "ZYX", symmetries=1)
    np.testing.assert_array_equal(mean, result)
    assert np.mean(std**2) == pytest.approx(error(mean, signal), rel=0.5)


@pytest.mark.parametrize("photons", [3, 300])
@pytest.mark.slow
def test_neighbours_help_at_any_light(photons):
    signal, noisy = stack(photons)
    model = fit(noisy, "ZYX", minutes=0)
    alone, result = (model(noisy, "ZYX", symmetries=1, z_window=window) for window in (0, None))
    assert error(result, signal) < 0.9 * error(alone, signal)


def test_planes_that_have_nothing_in_common_are_denoised_by_themselves(dim):
    signal, noisy, model, *_ = dim
    order = [0, 8, 4]
    mixed = np.concatenate([np.rot90(noisy, k, (1, 2))[order] for k in range(3)])
    assert "its neighbours do not lower the error" in found(model, mixed).sentence
    alone = model(mixed, "ZYX", symmetries=1, z_window=0)
    np.testing.assert_array_equal(model(mixed, "ZYX", symmetries=1), alone)
    truth = np.concatenate([np.rot90(signal, k, (1, 2))[order] for k in range(3)])
    assert error(model(mixed, "ZYX", symmetries=1, z_window=3), truth) < 1.03 * error(alone, truth)


@pytest.mark.slow
def test_a_plane_at_the_end_that_its_neighbours_do_not_help_is_denoised_by_itself():
    rng = np.random.default_rng(0)
    texture = gaussian_filter(rng.lognormal(0, 1, (72, 72)), 1.3)
    # A tilted sheet leaves the stack at its last plane: all planes before it are brighter there.
    place = 1 + 10 * np.arange(72) / 72
    shape = np.exp(-((np.arange(14)[:, None] - place) ** 2) / (2 * 1.3**2))
    signal = 60 * (0.05 + texture / texture.max() * shape[:, None])
    noisy = (
        (100 + 2 * (rng.poisson(signal) + rng.normal(0, 1, signal.shape))).round().clip(0).astype(np.uint16)
    )
    model = fit(noisy, "ZYX", minutes=0)
    alone, result = (model(noisy, "ZYX", symmetries=1, z_window=window) for window in (0, None))
    truth = 100 + 2 * signal
    assert error(result, truth) < 0.8 * error(alone, truth)
    assert error(result[-1], truth[-1]) < 1.02 * error(alone[-1], truth[-1])


def test_planes_that_share_noise_help_each_other_by_what_they_do_not_share(dim):
    signal, noisy, *_ = dim
    resampled, truth = (0.5 * (each[1:].astype(np.float32) + each[:-1]) for each in (noisy, signal))
    model = fit(resampled, "ZYX", minutes=0)
    neighbours = found(model, resampled)
    assert "The noise of successive planes is correlated by +0." in neighbours.sentence
    assert neighbours.found[0].noise_correlation == pytest.approx(0.5, abs=0.05)
    alone, result = (model(resampled, "ZYX", symmetries=1, z_window=window) for window in (0, None))
    assert error(result, truth) < 0.9 * error(alone, truth)


def test_planes_whose_noise_differs_by_resampling_are_denoised_by_themselves(dim):
    _, noisy, model, *_ = dim
    place = np.arange(0, 8, 2 / 3)[:, None, None]
    low, share = place.astype(int)[:, 0, 0], place % 1
    resampled = (1 - share) * noisy[low] + share * noisy[low + 1]
    assert "differs from plane to plane" in found(model, resampled.astype(np.float32)).sentence


def test_the_own_noise_enters_only_by_the_estimate_of_the_plane_itself():
    chance = torch.Generator().manual_seed(0)
    noisy, estimates = torch.rand((2, 3, 1, 24, 24), generator=chance)
    other = noisy.clone()
    other[1] = torch.rand((1, 24, 24), generator=chance)
    images = [
        axial.columns(bands[1], [bands[0], bands[2]])
        for bands in (axial.features(noisy, estimates), axial.features(other, estimates))
    ]
    torch.testing.assert_close(*images, rtol=0, atol=0)


def test_constant_planes_have_columns_of_zero():
    planes = torch.full((3, 1, 24, 24), 7.0)
    bands = axial.features(planes, planes)
    images = axial.columns(bands[1], [bands[0], bands[2]])
    torch.testing.assert_close(images, torch.zeros(14, 24, 24), atol=1e-5, rtol=0)


def test_the_estimate_is_that_of_the_plane_and_the_weighted_columns():
    chance = torch.Generator().manual_seed(0)
    noisy, estimates = torch.rand((2, 4, 1, 40, 32), generator=chance)
    weights = np.random.default_rng(0).normal(size=14)
    bands = axial.features(noisy, estimates)
    columns = axial.columns(bands[2], [bands[1], bands[3]])
    expected = estimates[2, 0] + torch.tensordot(torch.from_numpy(weights).float(), columns, 1)
    torch.testing.assert_close(axial.fused(noisy, estimates, 2, [1, 3], weights), expected, atol=1e-5, rtol=0)


def test_the_weights_have_the_least_true_error():
    rng = np.random.default_rng(0)
    columns, wanted = rng.normal(size=(8, 40_000)), rng.normal(size=8)
    error_of_own = wanted @ columns + rng.normal(size=40_000)  # What the estimate e₀ lacks, and noise.
    one = axial.normal_equations((1,), *(torch.from_numpy(a) for a in (columns, 0 * columns, error_of_own)))
    np.testing.assert_allclose(one.weights((1,)), wanted, atol=0.03)
    assert one.gain(one.weights((1,)), (1,)) == pytest.approx(wanted @ wanted, rel=0.05)
    assert one.weights(()).shape == (2,)


def test_blank_repeated_and_missing_parts_do_no_harm(dim):
    signal, noisy, model, alone, _ = dim
    stopped = noisy.copy()
    stopped[3] = 0
    result = model(stopped, "ZYX", symmetries=1)
    assert (result[3] == 0).all()
    assert error(result[4], signal[4]) < error(alone[4], signal[4])
    repeated = np.concatenate([noisy, noisy[-1:]])
    result = model(repeated, "ZYX", symmetries=1)
    assert error(result[-2], signal[-1]) < error(alone[-1], signal[-1])
    np.testing.assert_allclose(result[-1], alone[-1], rtol=1e-5)
    torn = noisy.astype(np.float32)
    torn[5, 20:40, 20:40] = np.nan
    result = model(torn, "ZYX", symmetries=1)
    assert np.isnan(result[5, 20:40, 20:40]).all()
    assert np.isfinite(result[4]).all()
    np.testing.assert_allclose(result[6, 20:40, 20:40], alone[6, 20:40, 20:40], rtol=1e-5)
    assert error(result[6], signal[6]) < error(alone[6], signal[6])


def test_a_stack_by_parts_in_any_order_of_axes_is_the_whole(dim, monkeypatch):
    _, noisy, model, _, result = dim
    monkeypatch.setattr("muguet.neighbours.loop._PIXELS", 1)
    monkeypatch.setattr("muguet.neighbours.loop._MIN_FRAMES", 2)
    monkeypatch.setattr("muguet.denoiser.planes.CORE", {2: (40, 72)})
    np.testing.assert_allclose(model(noisy, "ZYX", symmetries=1), result, rtol=1e-4)
    turned = model(noisy.transpose(1, 2, 0), "YXZ", symmetries=1)
    np.testing.assert_allclose(turned.transpose(2, 0, 1), result, rtol=1e-4)


def test_every_channel_has_weights_of_its_own(dim):
    noisy = dim[1][2:7, :48, :48]
    rng = np.random.default_rng(0)
    other = rng.poisson(40 * np.ones(noisy.shape)).astype(np.uint16)
    both = np.stack([noisy, other], 1)
    model = fit(both, "ZCYX", minutes=0)
    neighbours = found(model, both, "ZCYX")
    assert "Channel 0: Stack: each plane" in neighbours.sentence
    assert model(both, "ZCYX", symmetries=1).shape == both.shape


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_thin_stacks(dim, planes):
    signal, noisy, model, alone, _ = dim
    result = model(noisy[:planes], "ZYX", symmetries=1)
    assert error(result, signal[:planes]) < 1.01 * error(alone[:planes], signal[:planes])
    if planes < 3:
        np.testing.assert_array_equal(result, model(noisy[:planes], "ZYX", symmetries=1, z_window=0))


def test_time_or_depth_whichever_leaves_the_smaller_error(dim):
    signal, _, model, *_ = dim
    signal, rng = signal[2:6, :40, :40], np.random.default_rng(1)
    again = [2 * (rng.poisson((signal - 100) / 2) + rng.normal(0, 1, signal.shape)) + 100 for _ in range(3)]
    still = np.stack(again).round().clip(0).astype(np.uint16)
    truth = np.stack([signal] * 3)
    chosen, time, depth = (
        error(model(still, "TZYX", symmetries=1, **windows), truth)
        for windows in ({}, {"time_window": 4}, {"z_window": 3})
    )
    assert chosen < 1.1 * min(time, depth)  # The two are nearly the same here.
    moving = np.stack([np.rot90(volume, k, (1, 2)) for k, volume in enumerate(still)])
    assert found(model, moving, "TZYX").sentence.startswith("Stack: ")
    assert found(model, still, "TZYX", z_window=1).sentence.startswith("Stack: ")
    assert found(model, still, "TZYX", time_window=2).sentence.startswith("Movie: ")


def test_a_window_that_cannot_be_used_is_one_sentence(dim):
    _, noisy, model, *_ = dim
    with pytest.raises(MuguetError, match="axis Z"):
        model(noisy, "TYX", z_window=2)
    with pytest.raises(MuguetError, match="negative"):
        model(noisy, "ZYX", z_window=-1)
    other = fit(noisy, "ZYX", recipe="l2", steps=1)
    with pytest.raises(MuguetError, match="has none"):
        other(noisy, "ZYX", z_window=2)
    assert other(noisy[:3], "ZYX", symmetries=1).shape == (3, 72, 72)
