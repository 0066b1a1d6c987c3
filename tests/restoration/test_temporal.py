"""Laws of estimates from several frames: a still scene gains, nothing that moves is blurred, nothing is doubled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from muguet.restoration import frame_weights, fused, gaussian_blur


def means(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """An estimator: a blur, and the variance of its error for noise whose variance is the signal."""
    smooth = gaussian_blur(image, 1.5)
    return smooth, smooth / (4 * np.pi * 1.5**2)


def single(frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.cat(each) for each in zip(*(means(frame[None]) for frame in frames), strict=True))


def poisson(scene: np.ndarray, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).poisson(scene).astype(np.float32))[:, None]


def test_equal_frames_have_full_weights_and_changed_ones_none():
    scene = np.full((5, 48, 48), 40.0)
    scene[3, 16:32, 16:32] = 80.0
    frames = poisson(scene)
    weights = frame_weights(*single(frames), torch.ones_like(frames), 2)
    assert (weights[2] == 1).all()
    assert weights[[0, 1, 4]].mean() > 0.5
    assert weights[3, 0, 18:30, 18:30].max() < 0.02
    assert weights[3, 0, :8].mean() > 0.5


def test_a_flash_that_no_pair_of_frames_shows_keeps_its_light():
    yy, xx = np.mgrid[:64, :64]
    spots = sum(np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / 8.0) for y in (12, 32, 52) for x in (12, 32, 52))
    scene = np.full((9, 64, 64), 6.0)
    scene[4] += 3 * spots
    light = []
    for seed in range(4):
        frames = poisson(scene, seed)
        estimates, variances = single(frames)
        result, _ = fused(frames, estimates, variances, torch.ones_like(frames), [1.0] * 9, 4, means)
        light.append([(each[0, 0].numpy() - 6)[spots > 0.3].sum() for each in (result, estimates[4:5])])
    with_others, alone = np.sum(light, 0)
    assert with_others > 0.95 * alone


@pytest.mark.parametrize("gains", [[1.0] * 5, [1.0, 0.9, 0.8, 0.7, 0.6]])
def test_a_still_scene_has_the_error_of_all_frames_also_while_it_fades(gains):
    scene = np.array(gains)[:, None, None] * np.full((5, 64, 64), 60.0)
    frames = poisson(scene)
    estimates, variances = single(frames)
    result, variance = fused(frames, estimates, variances, torch.ones_like(frames), gains, 2, means)
    error = float((result - scene[2, 0, 0]).square().mean())
    alone = float((estimates[2] - scene[2, 0, 0]).square().mean())
    assert error < 0.6 * alone
    assert float(variance.mean()) == pytest.approx(error, rel=0.5)


def test_frames_that_were_not_measured_have_no_influence():
    frames = poisson(np.full((3, 32, 32), 30.0))
    usable = torch.ones_like(frames)
    usable[0] = 0
    estimates, variances = single(frames)
    one = fused(frames, estimates, variances, usable, [1.0] * 3, 1, means)
    frames[0] = 1e4
    other = fused(frames, estimates, variances, usable, [1.0] * 3, 1, means)
    torch.testing.assert_close(one, other)


def test_a_frame_alone_is_its_own_estimate():
    frames = poisson(np.full((1, 16, 16), 30.0))
    estimates, variances = single(frames)
    found = fused(frames, estimates, variances, torch.ones_like(frames), [1.0], 0, means)
    torch.testing.assert_close(found, (estimates, variances))


def test_a_motion_that_no_pixel_shows_lowers_the_weights_where_the_scene_has_slopes():
    yy, xx = np.mgrid[:64, :64]
    weights = []
    for shift in (0.0, 1.0):
        moved = [12 + 5 * np.sin((yy - shift * t) / 3) * np.sin(xx / 3) for t in range(3)]
        found = [
            frame_weights(*single(frames), torch.ones_like(frames), 1)[[0, 2]].mean()
            for frames in (poisson(np.stack(moved), seed) for seed in range(3))
        ]
        weights.append(float(np.mean(found)))
    assert weights[1] < 0.75 * weights[0]
