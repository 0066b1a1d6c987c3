"""Scores: their definitions and their invariances."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muguet import MuguetError
from muguet.quality import affine_match, mean_and_standard_error, psnr, score, ssim

FRAMES = arrays(np.float64, (2, 5, 6), elements=st.floats(-1e3, 1e3, width=32))


@pytest.fixture
def clean():
    return np.random.default_rng(0).uniform(100, 900, (3, 20, 30))


def test_psnr_of_a_known_error():
    clean = np.zeros((4, 4))
    clean[0, 0] = 200.0
    assert psnr(clean + 2.0, clean) == pytest.approx(40.0)


def test_psnr_ignores_a_common_scale_and_offset(clean):
    estimate = clean + np.random.default_rng(1).normal(0, 10, clean.shape)
    assert psnr(3 * estimate - 7, 3 * clean - 7) == pytest.approx(psnr(estimate, clean), rel=1e-12)


def test_psnr_is_the_mean_over_frames(clean):
    estimate = clean + np.random.default_rng(1).normal(0, [[[5.0]], [[10.0]], [[20.0]]], clean.shape)
    assert psnr(estimate, clean) == pytest.approx(
        np.mean([psnr(e, c) for e, c in zip(estimate, clean, strict=True)])
    )
    assert psnr(estimate, clean[0]) == pytest.approx(np.mean([psnr(e, clean[0]) for e in estimate]))


def test_psnr_does_not_overflow_integers():
    clean = np.array([[0, 255]], np.uint8)
    assert psnr(clean[:, ::-1], clean) == pytest.approx(0.0)


def test_a_perfect_estimate_is_infinitely_good(clean):
    assert psnr(clean, clean) == np.inf


def test_psnr_refuses(clean):
    with pytest.raises(MuguetError, match="do not match"):
        psnr(clean[:, :-1], clean)
    with pytest.raises(MuguetError, match="constant"):
        psnr(np.ones((4, 4)), np.ones((4, 4)))


def test_mean_and_standard_error():
    mean, error = mean_and_standard_error([1.0, 2.0, 3.0, 4.0])
    assert mean == pytest.approx(2.5)
    assert error == pytest.approx(np.sqrt(5 / 3) / 2)
    assert np.isnan(mean_and_standard_error([1.0])[1])
    with pytest.raises(MuguetError, match="at least one"):
        mean_and_standard_error(iter(()))


@pytest.fixture
def estimate(clean):
    return clean + np.random.default_rng(1).normal(0, [[[20.0]], [[80.0]], [[200.0]]], clean.shape)


@given(FRAMES, FRAMES)
@settings(deadline=None)
def test_no_affine_map_comes_nearer_than_the_match(guess, truth):
    matched = affine_match(guess, truth)

    def error(image):
        return np.square(image - truth).mean((-2, -1))

    slack = 1e-9 * (1 + np.square(truth).max())
    for a, b in ((1, 0), (0, truth.mean()), (0.9, 1), (-1, 2)):
        assert (error(matched) <= error(a * guess + b) + slack).all()


@pytest.mark.parametrize("law", [psnr, ssim])
@pytest.mark.parametrize("frame", [slice(None), 0], ids=["frames", "frame"])
def test_matched_scores_do_not_depend_on_gain_and_offset(clean, estimate, law, frame):
    guess, truth = estimate[frame], clean[frame]
    score = law(affine_match(guess, truth), truth)
    for a, b in ((3.0, -70.0), (0.001, 5.0), (-2.0, 1e4)):
        assert law(affine_match(a * guess + b, truth), truth) == pytest.approx(score, rel=1e-9)
    assert psnr(affine_match(guess, truth), truth) >= psnr(guess, truth)


def test_the_match_takes_contrast_from_noise(clean, estimate):
    middle = clean.mean((-2, -1), keepdims=True)
    power = clean.var((-2, -1))
    expected = power / (power + np.square([20.0, 80.0, 200.0]))
    matched = affine_match(estimate, clean)
    slope = ((matched - middle) * (estimate - middle)).mean((-2, -1)) / estimate.var((-2, -1))
    np.testing.assert_allclose(slope, expected, atol=0.08)


def test_a_constant_estimate_becomes_the_mean(clean):
    np.testing.assert_allclose(affine_match(np.full((20, 30), 7.0), clean[0]), clean[0].mean())


def test_ssim_of_an_image_and_itself_is_one(clean):
    assert ssim(clean, clean) == pytest.approx(1)


def test_ssim_falls_with_noise_and_is_the_mean_over_frames(clean, estimate):
    each = [ssim(e, c) for e, c in zip(estimate, clean, strict=True)]
    assert 1 > each[0] > each[1] > each[2] > 0
    assert ssim(estimate, clean) == pytest.approx(np.mean(each))
    assert ssim(estimate, clean[0]) == pytest.approx(np.mean([ssim(e, clean[0]) for e in estimate]))


def test_ssim_of_constants_is_its_first_factor():
    clean = np.full((40, 40), 100.0)
    clean[0, 0] = 300.0  # this pixel sets the range, and lies in the window of one corner only
    truth, guess = 100.0, 150.0
    c = (0.01 * 200) ** 2
    expected = (2 * truth * guess + c) / (truth**2 + guess**2 + c)
    assert ssim(np.full((40, 40), guess), clean) == pytest.approx(expected, abs=1e-3)


def test_ssim_refuses(clean, monkeypatch):
    with pytest.raises(MuguetError, match="do not match"):
        ssim(clean[:, :-1], clean)
    with pytest.raises(MuguetError, match="constant"):
        ssim(np.ones((20, 20)), np.ones((20, 20)))
    with pytest.raises(MuguetError, match="11×11"):
        ssim(clean[:, :10], clean[:, :10])
    with pytest.raises(MuguetError, match="not finite"):
        ssim(np.where(clean > 800, np.nan, clean), clean)
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MuguetError, match=r"muguet\[classic\]"):
        ssim(clean, clean)


def test_the_score_of_a_frame_is_all_scores(clean, estimate):
    found = score(estimate[1], clean[1])
    matched = affine_match(estimate[1], clean[1])
    assert (found.psnr, found.psnr_matched) == (psnr(estimate[1], clean[1]), psnr(matched, clean[1]))
    assert (found.ssim, found.ssim_matched) == (ssim(estimate[1], clean[1]), ssim(matched, clean[1]))
    assert found.missing == 0


def test_missing_pixels_are_left_out(clean, estimate):
    guess, truth = estimate[0].copy(), clean[0].copy()
    guess[3, 4], guess[5, 6], truth[7, 8] = np.nan, np.inf, np.nan
    found = score(guess, truth)
    guess[3, 4], guess[5, 6], truth[7, 8] = 1e9, -1e9, 1e9
    kept = np.ones(truth.shape, bool)
    kept[3, 4] = kept[5, 6] = kept[7, 8] = False
    assert found.psnr == pytest.approx(psnr(guess[kept][None], truth[kept][None]))
    assert (found.missing, found.ssim, found.ssim_matched) == (3, None, None)
    with pytest.raises(MuguetError, match="no pixel"):
        score(np.full((20, 30), np.nan), clean[0])
