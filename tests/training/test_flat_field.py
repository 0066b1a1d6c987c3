"""Training from the prior on a flat field in pure noise: nothing may be found that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import fit


def spectrum(image: np.ndarray) -> np.ndarray:
    """Power in four rings of equal width in frequency."""
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2 / image.size
    y, x = np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij")
    radius = np.hypot(y, x)
    return np.array(
        [power[(radius >= low) & (radius < low + 0.125)].mean() for low in (0.0, 0.125, 0.25, 0.375)]
    )


@pytest.mark.slow
@pytest.mark.parametrize("level", [3.0, 300.0])
def test_in_pure_noise_a_trained_model_finds_no_structure(level):
    noisy = (100 + 2 * np.random.default_rng(0).poisson(level, (192, 192))).astype(np.float32)
    left = np.asarray(fit(noisy, "YX", steps=100)(noisy, "YX"), np.float64)
    share = spectrum(left) / spectrum(noisy)
    assert share.max() < 0.5
    assert (share[1:] < 0.02).all()
    assert left.mean() == pytest.approx(noisy.mean(), abs=0.05 * 2 * np.sqrt(level))
