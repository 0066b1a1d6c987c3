"""Learning on a real image: slow, and skipped where the image is not."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import muguet
from muguet.quality import Residual, psnr


@pytest.mark.slow
def test_a_widefield_frame_of_few_photons(data):
    noisy = tifffile.imread(data / "w2s_ch1_noisy.tif")[1]
    clean = tifffile.imread(data / "w2s_ch1_clean.tif")[1]
    model = muguet.fit(noisy, steps=800)
    estimate = model(noisy)
    residual = Residual()
    residual.add(noisy, estimate)
    assert psnr(estimate, clean) > 40.28 + 0.2  # the Gaussian blur that suits this frame best has 40.28 dB
    assert abs(residual.correlation) < 0.05
    signal = np.linspace(400, 4000, 100)
    np.testing.assert_allclose(model.noise.std(signal), np.sqrt(100 * (signal - 200)), rtol=0.08)
