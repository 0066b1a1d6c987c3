"""A denoiser is judged on an image."""

from __future__ import annotations

import numpy as np
import pytest

import muguet
from muguet.quality import blind, examine


@pytest.fixture(scope="session")
def noisy(noisy):
    return noisy[:96, :104]


@pytest.fixture(scope="module")
def model(noisy, small_nets_of_module):
    return muguet.fit(noisy, "YX", steps=5, components=1)


def test_blind_estimates_do_not_hold_their_own_pixel(model, noisy):
    # Move every pixel of a block, one at a time: an estimate that had seen its own would move.
    before, seen = blind(model, noisy), 0
    for row, column in np.ndindex(2, 4):
        moved = noisy.copy()
        moved[60 + row, 60 + column] += 30
        after = blind(model, moved)
        at = np.flatnonzero(before.recorded != after.recorded)
        np.testing.assert_allclose(after.signal[at], before.signal[at], rtol=1e-5)
        seen += len(at)
    assert seen


def test_missing_pixels_and_odd_sizes_are_examined(model, noisy):
    plane = noisy[:77, :91].astype(np.float32)
    plane[10:14] = np.nan
    found = blind(model, plane)
    assert np.isfinite(found.recorded).all()
    assert np.isfinite(found.signal).all()
    judged = examine(model, plane, model(plane, "YX"))
    assert {"pit", "frc", "residual", "autocorrelation"} <= set(judged.curves)


def test_a_method_without_a_law_is_examined_too(noisy, small_nets_of_module, tiny_prior):
    model = muguet.fit(noisy, "YX", steps=2, recipe="l2")
    names = [check.name for check in examine(model, noisy, model(noisy, "YX")).checks]
    assert "The noise law fits" not in names
    assert "The noise was removed" in names
