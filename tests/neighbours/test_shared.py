"""The noise that successive frames share is measured, and none is made up where frames have a pattern in common."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.neighbours.shared import correlations_along

WHITE = np.random.default_rng(0).normal(0, 1, (16, 64, 64))


def lagging(white, rho=0.6):
    """Frames of a camera that keeps light of the frame before: the correlation k frames apart is rho to the k."""
    noise = white.copy()
    for t in range(1, len(noise)):
        noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho**2) * white[t]
    return noise


def measured(noise):
    return correlations_along("T", [dict(enumerate(noise))])


@pytest.mark.parametrize("pattern", [0.0, 1.0])
def test_a_correlation_that_falls_with_time_is_measured_beside_a_pattern_that_stands_still(pattern):
    values, error = measured(lagging(WHITE[1:]) + pattern * WHITE[:1])
    assert values[:3] == pytest.approx((0.6, 0.36, 0.216), abs=0.06)
    assert 0 < error < 0.02


@pytest.mark.parametrize("noise", [WHITE, WHITE[1:] + WHITE[:1]], ids=["independent", "standing"])
def test_noise_of_its_own_in_every_frame_is_not_correlated(noise):
    values, error = measured(noise)
    assert values == ()
    assert 0 < error < 0.02


@pytest.mark.parametrize(
    "noise",
    [
        WHITE.repeat(2, 0)[:16],
        np.delete(WHITE, [3, 6, 9], 0)[[0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8]],
        lagging(WHITE)[:6],
        lagging(WHITE, 0.97),
    ],
    ids=["every frame stored twice", "dropped frames", "too short", "drifts through the whole movie"],
)
def test_nothing_is_said_where_differences_of_frames_do_not_show_it(noise):
    assert measured(noise) is None
