"""Hot, dead and stuck pixels and columns are found; beads, molecules and photons are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from muguet.image.defects import _is_no_light, defective, repaired
from tests.image.camera import recorded, scene


def found(*planes):
    return [
        np.zeros(p.shape, bool) if m is None else m for p, m in zip(planes, defective(planes), strict=True)
    ]


def with_defects(image, seed=3):
    rng = np.random.default_rng(seed)
    bad = rng.random(image.shape) < 0.003
    values = image.astype(float)
    values[bad] += rng.uniform(300, 4000, bad.sum())
    dead = (rng.random(image.shape) < 0.001) & ~bad
    values[dead] = 0
    values[:, 50] += 40
    bad[:, 50] = True
    return values, bad | dead


def test_hot_and_dead_pixels_and_a_column_are_found():
    values, bad = with_defects(recorded(scene()))
    (mask,) = found(values)
    assert mask[bad].mean() > 0.97
    assert mask[~bad].mean() < 1e-3


def test_half_a_bad_row():
    values = recorded(scene(256)).astype(float)
    values[70, 128:] -= 30
    (mask,) = found(values)
    assert mask[70, 130:].mean() > 0.9
    assert mask[:70].sum() + mask[71:].sum() == 0


def test_in_a_series_a_defect_stays_and_an_outlier_of_one_frame_is_none():
    frames = [recorded(scene(), seed=i).astype(float) for i in range(6)]
    for i, frame in enumerate(frames):
        frame[20, 30] += 60
        frame[60 + i, 60] += 3000
    masks = found(*frames)
    assert all(np.argwhere(mask).tolist() == [[20, 30]] for mask in masks)


def beads(width, peak):
    image = np.zeros((128, 128))
    image[tuple(np.random.default_rng(0).integers(4, 124, (2, 60)))] = 1
    image = gaussian_filter(image, width)
    return 2 + peak * image / image.max()


@pytest.mark.parametrize("width", [0.6, 0.8, 1.3])
@pytest.mark.parametrize("peak", [20, 100, 1000])
def test_points_as_wide_as_the_optics_are_kept(width, peak):
    for seed in range(3):
        (mask,) = found(recorded(beads(width, peak), seed).astype(float))
        assert not mask.any()


def test_a_bright_point_as_sharp_as_half_a_pixel_is_kept():
    point = np.zeros((256, 256))
    point[90, 150] = 1
    image = gaussian_filter(point, 0.5)
    (mask,) = found(recorded(10 + 20_000 * image / image.max()).astype(float))
    assert not mask.any()


@pytest.mark.parametrize("mean", [0.002, 0.02, 0.2, 2.0, 20.0])
def test_tails_of_few_photons_are_kept(mean):
    image = np.random.default_rng(1).poisson(mean, (512, 512)).astype(float)
    assert not found(image)[0].any()


def test_multiplied_photons_are_kept():
    rng = np.random.default_rng(0)
    image = 100 + rng.gamma(np.maximum(rng.poisson(0.3, (512, 512)), 1e-9), 50) + rng.normal(0, 3, (512, 512))
    assert not found(image)[0].any()


def test_repair_uses_sound_neighbours():
    plane = np.ones((16, 16))
    bad = np.zeros(plane.shape, bool)
    bad[5, 5] = bad[5, 6] = bad[:, 10] = True
    plane[bad] = 900
    np.testing.assert_array_equal(repaired(plane, bad), np.ones(plane.shape))


def test_an_excess_far_below_its_neighbours_is_no_warning():
    plane = np.zeros((9, 9))
    plane[4, 4], plane[4, 5] = 5e-324, 1e30
    places = np.array([4]), np.array([4])
    assert not _is_no_light(plane, *places, np.ones(1), 1.0).any()
