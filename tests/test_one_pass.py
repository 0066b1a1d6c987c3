"""Mean and error of an image are those that are computed one by one, and both cost one run of the network."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from muguet import Denoiser, fit
from muguet.image import ArrayPlanes, Layout
from muguet.restoration import Stabilised
from muguet.samples import acquisition

FRAMES, SIDE = 4, 48
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def still() -> tuple[np.ndarray, Denoiser]:
    """A still scene, ``(frames, side, side)``, and a model of it."""
    scene = np.broadcast_to(acquisition((SIDE, SIDE), seed=0) - 100, (FRAMES, SIDE, SIDE))
    noisy = (2 * RNG.poisson(scene) + 100).astype(np.uint16)
    return noisy, fit(noisy, "TYX", minutes=0)


@pytest.fixture
def runs(monkeypatch) -> Counter[bytes]:
    """How often the prior is run on each image that it is given."""
    found: Counter[bytes] = Counter()
    forward = Stabilised.forward

    def counted(self: Stabilised, image):
        found[image.numpy().tobytes()] += 1
        return forward(self, image)

    monkeypatch.setattr(Stabilised, "forward", counted)
    return found


@pytest.mark.parametrize(
    ("axes", "windows"),
    [("TYX", {"time_window": 1}), ("ZYX", {"z_window": 1}), ("TYX", {"time_window": 0})],
    ids=["movie", "stack", "single planes"],
)
@pytest.mark.parametrize("views", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_one_run_of_the_network_gives_the_mean_and_its_error(still, runs, axes, windows, views):
    noisy, model = still
    layout = Layout(axes, noisy.shape)
    source = ArrayPlanes(noisy, layout)
    neighbours = model.find_neighbours(source, layout, **windows)
    mean, std, alone, error = np.empty((4, *noisy.shape), np.float32)
    runs.clear()
    list(model.denoise_planes(source, ArrayPlanes(alone, layout), views, neighbours))
    once = sum(runs.values())
    list(model.std_planes(source, ArrayPlanes(error, layout), neighbours))
    runs.clear()
    list(
        model.estimate_planes(source, ArrayPlanes(mean, layout), ArrayPlanes(std, layout), views, neighbours)
    )
    assert sum(runs.values()) == once
    assert set(runs.values()) == {1}
    np.testing.assert_array_equal(mean, alone)
    if views == 1 or "time_window" not in windows or not neighbours.helps:
        np.testing.assert_allclose(std, error, rtol=1e-6)
    else:  # Frames are weighted by their estimates, so that the error is that of the weights of the mean.
        np.testing.assert_allclose(np.median(std), np.median(error), rtol=0.02)
