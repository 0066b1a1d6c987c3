"""The correlation of noise is measured on images with their scene, and a scene is not taken for noise."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.noise import Kernel, measure_kernel, measure_single_image, measure_whitening
from muguet.samples import acquisition

from .images import GAINS, INDEPENDENT, blobs, correlations, draw, gaussian


@pytest.mark.parametrize("name", [name for name in GAINS if name not in INDEPENDENT])
@pytest.mark.parametrize("brightest", [30, 300])
def test_the_correlation_of_the_noise_is_found(name, brightest):
    scene = blobs(brightest)
    found = measure_kernel([(scene + np.sqrt(scene) * draw(GAINS[name], 0))[None]])
    for measured, true in zip((found.y, found.x), correlations(GAINS[name]), strict=True):
        near = measured[0] if measured else 0.0
        assert near == pytest.approx(true[0], abs=0.03)


@pytest.mark.parametrize("brightest", [3, 30, 300, 3000])
def test_independent_noise_has_none(brightest):
    scene = blobs(brightest)
    noisy = np.random.default_rng(0).poisson(scene).astype(float)
    assert measure_kernel([noisy[None]]) == Kernel(error=measure_kernel([noisy[None]]).error)
    assert measure_whitening([noisy]) is None


def test_missing_pixels_do_not_count():
    scene = blobs(30)
    noisy = scene + np.sqrt(scene) * draw(gaussian(0.6), 0)
    noisy[np.random.default_rng(0).random(scene.shape) < 0.005] = np.nan
    found = measure_kernel([noisy[None]])
    assert found.x[0] == pytest.approx(0.51, abs=0.04)


def test_offsets_of_rows_are_no_correlation_of_neighbours():
    scene = blobs(30)
    rows = np.random.default_rng(3).normal(0, 2, (len(scene), 1))
    noisy = np.random.default_rng(0).poisson(scene) + rows
    assert measure_kernel([noisy[None]]).x == ()


@pytest.mark.parametrize("shape", [(16, 16), (31, 200)])
def test_small_images_have_none(shape):
    assert not measure_kernel([np.random.default_rng(0).normal(size=shape)[None]])
    assert not measure_kernel([np.full((1, 64, 64), np.nan)])


def test_the_size_of_the_noise_is_found():
    scene = blobs(100)
    found = measure_whitening([scene + np.sqrt(scene + 1) * draw(gaussian(0.5), 0)])
    assert found is not None
    for signal in (10.0, 50.0):
        assert found.slope * signal + found.constant == pytest.approx(signal + 1, rel=0.2)


def test_fine_structure_changes_no_measurement():
    """Bright cells of which every third pixel is recorded: the first look finds a correlation, which does not count."""
    scene = acquisition((480, 480), 0).astype(np.float64)[::3, ::3]
    scene = 1 + 1000 * (scene - scene.min()) / np.ptp(scene)
    noisy = np.random.default_rng(1).poisson(scene).astype(float)
    assert measure_whitening([noisy]) is not None
    assert not any("correlated" in note for note in measure_single_image(noisy).notes)


@pytest.mark.parametrize(
    "name",
    [
        "w2s_ch1",
        "fmd_mice",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("w2s_ch0", "w2s_ch2", "fmd_bpae", "fmd_fish")
        ),
    ],
)
def test_real_images_with_independent_noise_have_none(data, name):
    from muguet.formats import read

    planes = read(data / f"{name}_noisy.tif").data
    for plane in planes.reshape(-1, *planes.shape[-2:])[:3]:
        assert measure_whitening([plane.astype(float)]) is None
