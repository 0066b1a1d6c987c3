"""The simulated acquisition: realistic, reproducible, and not sharper than the optics."""

import numpy as np
import pytest

from muguet.samples import GAIN, OFFSET, PSF, acquisition


def test_the_same_seed_gives_the_same_image():
    assert np.array_equal(acquisition((96, 80), seed=3), acquisition((96, 80), seed=3))
    assert not np.array_equal(acquisition((96, 80), seed=3), acquisition((96, 80), seed=4))


@pytest.mark.parametrize("seed", range(2))
def test_light_is_as_scarce_as_in_a_real_image(seed):
    image = acquisition(seed=seed)
    assert image.shape == (512, 512)
    assert image.dtype == np.float32
    electrons = (image - OFFSET) / GAIN
    assert electrons.min() >= 0
    assert 4 < np.median(electrons) < 20
    assert 40 < np.percentile(electrons, 99.9) < 110


def test_nothing_is_sharper_than_the_optics():
    image = acquisition((256, 256)).astype(np.float64) - OFFSET
    window = np.hanning(256)
    power = np.abs(np.fft.fft2(image * window[:, None] * window)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    beyond = np.exp(-4 * (np.pi * PSF * 0.4) ** 2)  # power that the PSF transmits at 0.4 cycles per pixel
    assert power[frequency > 0.4].mean() < beyond * power[frequency < 0.05].mean()


@pytest.mark.parametrize("shape", [(1, 1), (17, 300), (64, 33)])
def test_any_shape(shape):
    image = acquisition(shape)
    assert image.shape == shape
    assert np.isfinite(image).all()
