"""Means over a window around each pixel, of the pixels that lie within the plane."""

from __future__ import annotations

import numpy as np

from muguet.noise.transfer.bins import Floats


def local_mean(plane: Floats, window: tuple[int, int]) -> Floats:
    """Return means over a window of ``(y, x)`` pixels around each pixel of a plane; all pixels are finite."""
    for axis, width in enumerate(window):
        size = plane.shape[axis]
        total = np.concatenate([np.zeros_like(plane.take([0], axis)), plane.cumsum(axis)], axis)
        first = np.clip(np.arange(size) - width // 2, 0, None)
        last = np.clip(np.arange(size) + width // 2 + 1, None, size)
        shape = [-1 if a == axis else 1 for a in range(2)]
        plane = (total.take(last, axis) - total.take(first, axis)) / (last - first).reshape(shape)
    return plane
