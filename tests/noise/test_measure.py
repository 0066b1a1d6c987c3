"""Every way to measure noise finds the σ and the camera that a scene was simulated with."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError
from muguet.noise import (
    Measurement,
    PoissonGaussian,
    law_table,
    measure_pair,
    measure_repeats,
    measure_single_image,
)

CAMERA = PoissonGaussian(gain=2.0, offset=100.0, read_noise=1.5)


def clean(shape: tuple[int, int] = (200, 240)) -> np.ndarray:
    """Return a smooth scene in counts."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return 120 + 150 * (1 + np.sin(y / 30) * np.cos(x / 35))


FRAMES = np.stack([CAMERA.sample(clean(), seed=seed) for seed in range(8)]).astype(np.float64)

WAYS = {
    "pair": lambda frames, **camera: measure_pair(frames, clean(), **camera),
    "repeats": measure_repeats,
    "alone": measure_single_image,
}


@pytest.mark.parametrize("way", WAYS)
def test_sigma_and_camera_are_those_of_the_simulation(way):
    found = WAYS[way](FRAMES)
    assert isinstance(found, Measurement)
    assert found.kind == way
    at = np.linspace(150, 380, 8)
    std = law_table(found.law or found.points, at)["std"]
    np.testing.assert_allclose(std, CAMERA.std(at), rtol=0.06 if way == "alone" else 0.04)
    assert 2.0 in found.readout.gain
    assert 100.0 in found.readout.offset
    assert 1.5 in found.readout.read_noise
    low, high = found.signal_range
    assert 110 < low < 150 < 380 < high < 440
    assert np.isfinite(found.signals).all()
    assert abs(found.signals.mean() - clean().mean()) < 2


@pytest.mark.parametrize("way", WAYS)
def test_what_is_known_of_the_camera_is_used(way):
    given = WAYS[way](FRAMES, offset=100.0, step=4.0).readout
    assert given.separated
    assert 1.5 in given.read_noise
    assert given.step == 4.0
    doubled = WAYS[way](FRAMES, excess=2.0).readout
    assert doubled.gain.value == pytest.approx(given.gain.value / 2)


@pytest.mark.parametrize("way", WAYS)
def test_missing_pixels_are_left_out_and_counted(way):
    frames = FRAMES.copy()
    frames[:, 40:60, 100:140] = np.nan
    found, whole = WAYS[way](frames), WAYS[way](FRAMES)
    assert any("1.7 %" in note for note in found.notes)
    assert not any("Left out" in note for note in whole.notes)
    assert found.points.count.sum() < whole.points.count.sum()
    assert found.readout.gain.value == pytest.approx(whole.readout.gain.value, rel=0.05)


def test_an_image_alone_has_no_law_and_explains_why():
    found = measure_single_image(FRAMES[0])
    assert found.law is None
    assert "only σ is known" in found.notes[0]
    assert measure_pair(FRAMES[0], clean()).law is not None


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (lambda: measure_pair(FRAMES, clean()[:50]), "8×200×240 and 1×50×240: give registered images"),
        (lambda: measure_pair(FRAMES[:, 0, 0], clean()), "give one plane"),
        (lambda: measure_pair(FRAMES, np.full_like(clean(), 200.0)), "too few different signals"),
        (lambda: measure_repeats(FRAMES[:1]), "two or more frames"),
        (lambda: measure_single_image(FRAMES[:, :12]), "16×16"),
    ],
)
def test_what_cannot_be_measured_is_an_error(measure, words):
    with pytest.raises(MuguetError, match=words):
        measure()
