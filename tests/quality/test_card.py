"""Verdicts without a clean image: correct if the answer is known, never good if nothing can be measured."""

from __future__ import annotations

import json
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from muguet import MuguetError
from muguet.noise import PoissonGaussian
from muguet.quality import HeldOut, Response, assumptions, quality
from muguet.quality.check import VERDICTS, worst
from muguet.quality.image_checks import SOURCE, WHITE
from muguet.quality.law_check import FITS
from muguet.quality.result_checks import KEPT, REMOVED, RESOLVED
from muguet.restoration import gaussian_blur
from tests.conftest import blobs

SIZE = 192


def blurred(image, sigma):
    return gaussian_blur(torch.from_numpy(np.asarray(image, np.float64))[None, None], sigma)[0, 0].numpy()


@pytest.fixture(scope="module")
def law():
    return PoissonGaussian(gain=2.0, offset=100.0, read_noise=2.0)


@pytest.fixture(scope="module")
def clean():
    return 100 + 2 * blobs(SIZE)


@pytest.fixture(scope="module")
def noisy(clean, law):
    return np.rint(law.sample(clean, seed=1))


def verdicts(judged):
    return {check.name: check.verdict for check in judged.checks}


def hidden(noisy, signal, law=None):
    return HeldOut(noisy.ravel(), signal.ravel(), law, step=1.0)


def test_the_true_signal_and_the_true_law_are_good(noisy, clean, law):
    judged = quality(noisy, clean, law, hidden(noisy, clean))
    assert verdicts(judged) == dict.fromkeys((SOURCE, WHITE, KEPT, REMOVED, FITS, RESOLVED), "good")
    assert judged.verdict == "good"


def test_no_law_is_needed(noisy, clean):
    judged = quality(noisy, clean)
    assert judged.verdict == "good"
    assert FITS not in verdicts(judged)


@pytest.mark.parametrize("sigma", [5, 8])
def test_a_wide_blur_lost_structure(noisy, law, sigma):
    for known in (law, None):
        judged = quality(noisy, blurred(noisy, sigma), known)
        assert verdicts(judged)[KEPT] == "bad"
        assert "too smooth" in judged.sentence


@pytest.mark.parametrize("share", [1.0, 0.7])
def test_the_noisy_image_itself_is_noisy(noisy, clean, law, share):
    for known in (law, None):
        found = verdicts(quality(noisy, share * noisy + (1 - share) * clean, known))
        assert found[REMOVED] == "bad"
        assert found[KEPT] == "good"


def test_correlated_noise_is_doubtful_even_if_the_estimate_followed_it():
    rng = np.random.default_rng(0)
    white = rng.normal(size=(SIZE, SIZE + 1))
    noise = 10 * (white[:, 1:] + white[:, :-1]) / np.sqrt(2)  # 0.5 along X
    clean = 200 + blobs(SIZE)
    followed = blurred(noise, 1.0)
    judged = quality(clean + noise, clean + followed)
    check = judged.checks[[each.name for each in judged.checks].index(WHITE)]
    assert check.verdict == "doubtful"
    assert "+0.50 along X" in check.sentence
    assert abs(check.figures["noise_x"]) < 0.1
    assert verdicts(quality(clean + noise, clean + noise))[WHITE] == "bad"


@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_the_law_of_another_camera_is_bad_and_the_estimate_is_not(noisy, clean, gain):
    other = PoissonGaussian(gain=gain, offset=100.0, read_noise=2.0)
    found = verdicts(quality(noisy, clean, other, hidden(noisy, clean)))
    assert found[FITS] == "bad"
    assert found[KEPT] == found[REMOVED] == "good"
    assert verdicts(quality(noisy, clean, other))[FITS] != "good"


def test_the_law_of_held_out_pixels_may_be_wider_than_the_noise(noisy, clean, law):
    true = clean + np.random.default_rng(3).normal(
        0, 9, clean.shape
    )  # the blind estimate has an error of 9 counts
    recorded = np.rint(law.sample(true.clip(100), seed=2))
    wider = PoissonGaussian(gain=2.0, offset=100.0, read_noise=float(np.hypot(2.0, 4.5)))
    assert verdicts(quality(recorded, true, law, hidden(recorded, clean, wider)))[FITS] == "good"
    assert verdicts(quality(recorded, true, law, hidden(recorded, clean)))[FITS] != "good"


def test_brightness_that_is_off_is_bad(noisy, clean, law):
    assert verdicts(quality(noisy, clean + law.std(clean), law))[REMOVED] == "bad"


def exact(noisy, clean, law):
    """The response of an estimate that is the clean image, whatever the noise."""
    std = law.std(clean)
    draws = std * np.random.default_rng(0).normal(size=(2, *clean.shape))
    return Response(noisy, std, clean, draws, np.zeros_like(draws))


def test_an_estimate_that_does_not_correlate_with_the_signal_resolves_nothing(noisy, clean, law):
    response = exact(noisy, clean, law)
    noise = np.random.default_rng(0).normal(size=clean.shape)
    unrelated = replace(response, estimate=noise)
    assert verdicts(quality(noisy, clean, law, response=unrelated))[RESOLVED] == "bad"
    judged = quality(noisy, clean, law, response=response)
    assert verdicts(judged)[RESOLVED] == "good"
    coarse = judged.curves["frc"]["frequency"] < 0.05
    np.testing.assert_allclose(judged.curves["frc"]["denoised"][coarse], 1.0, atol=0.05)


def test_jpeg_and_a_contrast_stretch_are_bad(noisy):
    low, high = noisy.min(), noisy.max()
    byte = np.rint((noisy - low) / (high - low) * 255).astype(np.uint8)
    assert verdicts(assumptions(byte))[SOURCE] == "bad"
    for level in (50, 90):
        jpeg = imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(byte, level=level))
        check = assumptions(jpeg[3:, 5:]).checks[0]
        assert check.verdict == "bad"
        assert check.sentence.startswith("JPEG")


def test_saturation_is_found(noisy):
    for share, verdict in ((0.2, "bad"), (0.03, "doubtful")):
        cut = np.minimum(noisy, np.quantile(noisy, 1 - share)).astype(np.uint16)
        assert verdicts(assumptions(cut))[SOURCE] == verdict


def test_curves_have_what_a_report_plots(noisy, clean, law):
    curves = quality(noisy, clean, law, hidden(noisy, clean), exact(noisy, clean, law)).curves
    assert set(curves) == {"residual", "autocorrelation", "pit", "frc"}
    assert set(curves["residual"]) >= {"signal", "mean", "variance", "error"}
    assert set(curves["autocorrelation"]) == {"lag", "x", "y"}
    assert len(curves["pit"]["edge"]) == len(curves["pit"]["count"]) + 1
    assert curves["pit"]["count"].sum() == noisy.size
    assert set(curves["frc"]) == {"frequency", "noisy", "denoised"}
    for name in ("residual", "autocorrelation", "frc"):
        assert len({len(values) for values in curves[name].values()}) == 1


def test_json_holds_everything(noisy, clean, law):
    judged = quality(noisy, clean, law, hidden(noisy, clean))
    written = json.loads(json.dumps(judged.to_dict(), allow_nan=False))
    assert written["verdict"] == "good"
    assert [check["name"] for check in written["checks"]] == [check.name for check in judged.checks]
    assert [check["told"] for check in written["checks"]] == [check.sentence for check in judged.checks]
    assert set(written["curves"]) == set(judged.curves)


def test_missing_and_saturated_pixels_change_nothing(noisy, clean, law):
    recorded = noisy.copy()
    recorded[40:60, 50:90] = np.nan
    recorded[::17, ::13] = np.inf
    assert quality(recorded, clean, law).verdict == "good"


def test_planes_that_are_no_pair_are_refused():
    with pytest.raises(MuguetError, match="one shape"):
        quality(np.zeros((8, 8)), np.zeros((8, 9)))
    with pytest.raises(MuguetError, match="one plane"):
        assumptions(np.zeros((2, 8, 8)))


planes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40).flatmap(
    lambda shape: hnp.arrays(
        np.float64,
        shape,
        elements=st.sampled_from([0.0, 1.0, 2.0, 255.0, 1e-12, -3e4, 1e30, np.nan, np.inf])
        | st.floats(-1e3, 1e3),
        fill=st.sampled_from([0.0, 7.0, np.nan]),
    )
)


@settings(max_examples=60, deadline=None)
@given(planes, st.booleans())
def test_whatever_the_plane_there_is_an_answer(plane, rounded):
    image = np.nan_to_num(np.clip(plane, 0, 255)).astype(np.uint8) if rounded else plane
    for judged in (quality(image, np.roll(plane, 1, 0)), assumptions(image)):
        assert judged.verdict in VERDICTS
        assert all("\n" not in check.sentence for check in judged.checks)
        json.dumps(judged.to_dict(), allow_nan=False)


@pytest.mark.parametrize("image", [np.full((64, 64), 5.0), np.full((64, 64), np.nan), np.eye(3)])
def test_too_few_pixels_are_doubtful_and_never_good(image):
    judged = quality(image, image)
    assert judged.verdict == "doubtful"
    assert any("oo few" in check.sentence for check in judged.checks)


def test_the_worst_decides():
    assert worst() == "good"
    assert worst("good", "bad", "doubtful") == "bad"
