"""Laws of movies: which series are movies, and that time never blurs, doubles, invents or loses a frame."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError, fit
from muguet.image import ArrayPlanes, Layout
from muguet.samples import acquisition

RNG = np.random.default_rng(0)


def movie(frames: int = 6, side: int = 96, photons: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A still scene, ``(frames, side, side)``: signal and noisy counts of gain 2 and offset 100."""
    scene = np.broadcast_to((acquisition((side, side), seed=0) - 100) * photons, (frames, side, side))
    return 2 * scene + 100, (2 * RNG.poisson(scene) + 100).astype(np.uint16)


@pytest.fixture(scope="module")
def still():
    signal, noisy = movie()
    return signal, noisy, fit(noisy, "TYX", minutes=0)


def error(result, signal):
    return float(np.mean((result - signal) ** 2))


def sentence(model, noisy, axes="TYX", **choices):
    layout = Layout(axes, noisy.shape)
    return model.find_movies(ArrayPlanes(noisy, layout), layout, **choices).sentence


def test_a_still_scene_gains_from_time_and_its_error_is_predicted(still):
    signal, noisy, model = still
    alone = model(noisy, "TYX", time_window=0, symmetries=1)
    result, std = model.estimate(noisy, "TYX", symmetries=1)
    assert error(result, signal) < 0.6 * error(alone, signal)
    assert np.mean(std**2) == pytest.approx(error(result, signal), rel=0.5)
    past = model(noisy, "TYX", causal=True, symmetries=1)
    assert error(past[-1], signal[-1]) < 0.7 * error(alone[-1], signal[-1])
    np.testing.assert_allclose(past[0], alone[0], rtol=1e-5)


def test_an_object_that_appears_is_in_its_frame_alone(still):
    signal, noisy, model = still
    bright, seen = signal.copy(), noisy.copy()
    yy, xx = np.mgrid[:96, :96]
    spot = 120 * np.exp(-((yy - 32) ** 2 + (xx - 32) ** 2) / (2 * 2.0**2))
    bright[3] += 2 * spot
    seen[3] += (2 * RNG.poisson(spot)).astype(np.uint16)
    window = (slice(26, 39), slice(26, 39))
    with_spot = model(seen, "TYX", symmetries=1)
    without = model(noisy, "TYX", symmetries=1)
    amplitude = float((with_spot[3] - signal[3])[window].sum() / (2 * spot[window].sum()))
    assert amplitude == pytest.approx(1, abs=0.08)
    for t in (2, 4):
        smeared = float((with_spot[t] - without[t])[window].sum() / (2 * spot[window].sum()))
        assert abs(smeared) < 0.03


def test_a_movie_by_parts_in_any_order_of_axes_is_the_whole(still, monkeypatch):
    _, noisy, model = still
    noisy = noisy[:4, :48, :56]
    whole = model(noisy, "TYX", symmetries=1)
    monkeypatch.setattr("muguet.neighbours.loop._PIXELS", 1)
    monkeypatch.setattr("muguet.neighbours.loop._MIN_FRAMES", 2)
    np.testing.assert_allclose(model(noisy, "TYX", symmetries=1), whole, rtol=1e-5)
    turned = model(noisy.transpose(1, 2, 0), "YXT", symmetries=1)
    np.testing.assert_allclose(turned.transpose(2, 0, 1), whole, rtol=1e-5)


def test_series_that_are_no_movie_are_denoised_frame_by_frame(still):
    signal, noisy, model = still
    scenes = np.stack([np.rot90(frame, k % 4) for k, frame in enumerate(noisy)])
    assert "the scenes of successive frames differ" in sentence(model, scenes)
    np.testing.assert_array_equal(
        model(scenes, "TYX", symmetries=1), model(scenes, "TYX", symmetries=1, time_window=0)
    )
    standing = (noisy[0] - signal[0])[None] + signal + RNG.normal(0, 1, noisy.shape)
    assert "% of the variance of the noise is the same" in sentence(model, standing)
    assert sentence(model, noisy[:2]) == ""
    assert "Movie: each frame" in sentence(model, noisy)
    assert "up to 2 before it" in sentence(model, noisy, time_window=2, causal=True)


def test_blank_and_repeated_frames_do_no_harm(still):
    signal, noisy, model = still
    stopped = noisy.copy()
    stopped[2] = 0
    result = model(stopped, "TYX", symmetries=1)
    assert (result[2] == 0).all()
    alone = model(noisy, "TYX", time_window=0, symmetries=1)
    assert error(result[3], signal[3]) < 0.7 * error(alone[3], signal[3])
    repeated = np.repeat(noisy[:3], 2, axis=0)
    result = model(repeated, "TYX", symmetries=1, time_window=1)
    np.testing.assert_allclose(
        result[0], alone[0], rtol=1e-5
    )  # The second frame is a copy and brings nothing.


def test_a_window_that_cannot_be_used_is_one_sentence(still):
    _, noisy, model = still
    with pytest.raises(MuguetError, match="axis T"):
        model(noisy, "ZYX", time_window=2)
    with pytest.raises(MuguetError, match="negative"):
        model(noisy, "TYX", time_window=-1)
    other = fit(noisy, "TYX", recipe="l2", steps=1)
    with pytest.raises(MuguetError, match="has none"):
        other(noisy, "TYX", time_window=2)
    assert other(noisy, "TYX", symmetries=1).shape == noisy.shape
