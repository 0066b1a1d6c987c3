"""Results of correlated noise are judged on the image with white noise, as all others are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from muguet import fit
from muguet.quality import examine, quality
from muguet.restoration import gaussian_blur


@pytest.fixture(scope="module")
def case(clean):
    """A noisy image whose noise was filtered by a Gaussian of 0.45 pixels, and its denoiser."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), 0.45, mode="wrap")
    std = np.sqrt(2 * (clean - 100) + 16)
    noisy = (clean + std * noise / noise.std()).astype(np.float32)
    return noisy, fit(noisy, "YX", minutes=0), std


def test_a_good_result_is_called_good(case):
    noisy, model, _ = case
    card = examine(model, noisy, model(noisy, "YX"))
    assert card.verdict != "bad", card.checks
    white = next(check for check in card.checks if check.name == "The noise is white")
    assert "correlated" in white.sentence
    assert abs(white.figures["noise_x"]) < 0.1


def test_without_the_model_the_verdicts_are_the_same(case):
    noisy, model, _ = case
    assert quality(noisy, model(noisy, "YX")).verdict != "bad"
    assert quality(noisy, noisy).verdict == "bad"
    assert quality(noisy, gaussian_blur(noisy, 6.0)).verdict == "bad"


def test_bad_results_are_called_bad(case):
    noisy, model, _ = case
    assert examine(model, noisy, noisy).verdict == "bad"
    blurred = gaussian_blur(noisy, 6.0)
    assert examine(model, noisy, blurred).verdict == "bad"


def test_the_law_is_that_of_the_recorded_image(case, clean):
    _, model, _ = case
    levels = np.percentile(clean, [20, 80])
    true = np.sqrt(2 * (levels - 100) + 16)
    np.testing.assert_allclose(model.noise.std(levels), true, rtol=0.15)
    taps = np.exp(-(np.array([2, 1, 0, 1, 2]) ** 2) / (2 * 0.45**2))
    assert model.noise.correlation.x[0] == pytest.approx(taps[1:] @ taps[:-1] / (taps @ taps), abs=0.05)


def test_the_noise_is_removed(case, clean):
    noisy, model, std = case
    error = np.sqrt(np.mean((model(noisy, "YX") - clean) ** 2))
    assert error < 0.5 * np.sqrt(np.mean(std**2))


def test_a_part_of_the_image_gives_what_the_whole_gives(case):
    noisy, model = case[0], case[1].of_corrected  # Tiles that repeat look like lines.
    wide = np.tile(noisy, (1, 5))[:, :600]
    whole = model(wide, "YX", symmetries=1)
    halo = model.cut.halo[1]
    part = model(wide[:, 200:], "YX", symmetries=1)
    np.testing.assert_allclose(part[:, halo + 8 :], whole[:, 208 + halo :], atol=2e-2)
