import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muguet import MuguetError
from muguet.noise import MeanVariance, rough_std, transfer_alone
from muguet.noise.transfer.highpass import high_pass
from muguet.noise.transfer.single_image import levelled

GAIN, OFFSET = 2.0, 100.0


def recorded(clean, seed=0):
    electrons = np.random.default_rng(seed).poisson((clean - OFFSET) / GAIN)
    return GAIN * electrons + OFFSET


def waves(size=384):
    y, x = np.mgrid[:size, :size]
    return OFFSET + 200 * (1 + np.sin(2 * np.pi * x / 40) * np.cos(2 * np.pi * y / 64)) * np.exp(-y / 200)


def test_high_pass_keeps_the_variance_of_white_noise_and_nothing_of_a_smooth_scene():
    noise = np.random.default_rng(0).normal(0, 3, (1, 512, 512))
    assert np.nanvar(high_pass(noise)) == pytest.approx(9, rel=0.03)
    assert np.nanmax(np.abs(high_pass(waves()))) < 0.01
    y, x = np.mgrid[:20, :20].astype(float)
    assert np.nanmax(np.abs(high_pass(x**5 * y))) < 1e-6  # Polynomials below the sixth degree are removed.


@given(y=st.integers(0, 23), x=st.integers(0, 23))
def test_high_pass_is_missing_where_it_would_touch_a_missing_pixel(y, x):
    plane = np.zeros((24, 24))
    plane[y, x] = np.nan
    missing = np.isnan(high_pass(plane))
    near = np.abs(np.arange(24) - y) <= 3, np.abs(np.arange(24) - x) <= 3
    inside = (np.arange(24) >= 3) & (np.arange(24) < 21)
    expected = np.outer(*near) | ~np.outer(inside, inside)
    np.testing.assert_array_equal(missing, expected)


@pytest.mark.parametrize("known", [True, False])
def test_the_curve_of_shot_noise(known):
    clean = waves()
    points = transfer_alone(recorded(clean)[None], clean[None] if known else None)
    away = (points.variance - GAIN * (points.signal - OFFSET)) / points.error
    assert np.abs(away).mean() < 1.5
    assert np.abs(away).max() < 6


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("share", [0.04, 0.06, 0.08])
def test_noise_that_neighbours_share_a_little_is_measured_all_the_same(axis, share):
    """A slow detector has such noise: no mask hides it, and the filter alone would miss up to a seventh."""
    clean = waves(512)
    noise = recorded(clean) - clean
    noise = (noise + share * np.roll(noise, 1, axis)) / np.sqrt(1 + share**2)
    points = transfer_alone((clean + noise)[None], clean[None])
    ratio = points.variance / (GAIN * (points.signal - OFFSET))
    assert np.average(ratio, weights=points.count) == pytest.approx(1, abs=0.03)


def test_two_flat_levels_are_not_mixed_by_binning_on_a_noisy_mean():
    clean = np.full((256, 256), 110.0)
    points = transfer_alone(recorded(clean, 4)[None])
    np.testing.assert_array_less(np.abs(points.variance - GAIN * (points.signal - OFFSET)), 5 * points.error)
    assert np.ptp(points.signal) > 3  # bins that lie apart by noise alone lie on the line all the same


def test_signals_whose_records_are_clipped_are_left_out():
    clean = waves()
    noisy = recorded(clean, 1)
    noisy[noisy >= 420] = np.nan
    points = transfer_alone([noisy], [clean], fewest=300)
    assert 350 < points.signal.max() < 420
    ratio = points.variance / (GAIN * (points.signal - OFFSET))
    assert np.abs(ratio - 1).max() < 0.35
    assert abs(np.average(ratio, weights=points.count) - 1) < 0.02


def test_a_curve_survives_its_file():
    clean = waves(64)
    points = transfer_alone([recorded(clean)], [clean])
    again = MeanVariance.of(points.as_dict())
    for name in ("signal", "variance", "error", "count", "square"):
        np.testing.assert_array_equal(getattr(again, name), getattr(points, name))
    assert again.blur == points.blur


def test_each_plane_may_be_clipped_at_a_level_of_its_own():
    """A dim plane whose few bright pixels are clipped does not end the curve of the bright one."""
    bright = waves()
    dim = OFFSET + 0.3 * (bright - OFFSET)
    first, second = recorded(bright, 1), recorded(dim, 2)
    second[second >= 180] = np.nan
    points = transfer_alone([first, second], [bright, dim], fewest=300)
    assert points.signal.max() > 400
    ratio = points.variance / (GAIN * (points.signal - OFFSET))
    assert np.average(ratio, weights=points.count) == pytest.approx(1, abs=0.03)


def test_levelled_estimates_have_the_mean_of_what_was_recorded():
    clean = waves()
    noisy = recorded(clean, 3)
    noisy[40:44, 50:60] = np.nan
    wrong = clean + 30 + 0.05 * np.arange(clean.shape[1])  # a bias that changes slowly
    right = levelled(noisy, wrong)
    assert np.isfinite(right).all()
    assert abs((right - clean).mean()) < 0.5
    assert (right - clean).std() < 0.15 * np.nanstd(noisy - clean)  # what noise is left in 225 pixels
    np.testing.assert_allclose(levelled(clean + 7, clean), clean + 7)


def test_planes_of_several_sizes_are_measured_together():
    whole = waves()
    parts = [whole[:100], whole[100:250], whole[250:]]
    points = transfer_alone([recorded(each) for each in parts], parts)
    ratio = points.variance / (GAIN * (points.signal - OFFSET))
    assert np.average(ratio, weights=points.count) == pytest.approx(1, abs=0.03)


def test_what_cannot_be_measured_is_an_error():
    with pytest.raises(MuguetError, match="16×16"):
        transfer_alone(np.zeros((1, 8, 40)))
    with pytest.raises(MuguetError, match="7×7"):
        transfer_alone(np.full((1, 32, 32), np.nan))


def test_rough_std_is_that_of_white_noise():
    noise = np.random.default_rng(1).normal(50, 4, (300, 300))
    assert rough_std(noise) == pytest.approx(4, rel=0.03)
