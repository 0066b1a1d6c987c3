"""A high-pass filter that keeps noise and removes nearly all of a scene: sixth differences."""

from __future__ import annotations

import numpy as np

from muguet.noise.transfer.bins import Floats


def differences(order: int) -> Floats:
    """Return the taps of differences of an order with Σ h² = 1, so that white noise keeps its variance."""
    taps = np.ones(1)
    for _ in range(order):
        taps = np.convolve(taps, [1.0, -1.0])
    normalised: Floats = taps / np.sqrt((taps**2).sum())
    return normalised


TAPS = differences(6)


def high_pass(planes: Floats) -> Floats:
    """Filter planes ``(..., y, x)`` along Y and X by sixth differences h = [1 −6 15 −20 15 −6 1]/√924.

    The output lies at the corner of the spectrum, within a quarter of Nyquist's frequency in both directions,
    where a well-sampled image has no signal and white noise is as strong as anywhere. The filter is longer than that of
    Immerkær 1996 (doi:10.1006/cviu.1996.0060), second differences, which passes four times as much of
    the structure. The result is NaN within three pixels of a border and of a missing pixel.
    """
    return high_pass_along(high_pass_along(planes, -2), -1)


def high_pass_along(planes: Floats, axis: int) -> Floats:
    """Filter as `high_pass` does, along one axis only; NaN within three pixels of the borders of that axis."""
    return along(planes, TAPS, axis)


def along(planes: Floats, taps: Floats, axis: int) -> Floats:
    """Filter planes along one axis by symmetric taps; NaN where these reach beyond the border."""
    size, reach = planes.shape[axis], len(taps) // 2
    out = np.full(planes.shape, np.nan)
    inside = np.moveaxis(out, axis, -1)[..., reach : size - reach]
    source = np.moveaxis(planes, axis, -1)
    inside[...] = 0
    for i, tap in enumerate(taps):
        inside += tap * source[..., i : i + size - 2 * reach]
    return out
