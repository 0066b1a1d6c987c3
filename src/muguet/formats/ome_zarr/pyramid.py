"""The sizes of the levels of a pyramid, and the area averages that fill the smaller ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_SMALLEST = 256  # A level whose rows and columns are at most this many is the last one.


def factors(larger: Sequence[int], smaller: Sequence[int]) -> tuple[int, ...]:
    """Return the whole number of pixels that one pixel of the smaller level averages, along each axis."""
    return tuple(max(round(a / max(b, 1)), 1) for a, b in zip(larger, smaller, strict=True))


def level_factors(axes: str, shape: Sequence[int], scale: Sequence[float]) -> list[tuple[int, ...]]:
    """Return the factors between the full resolution and each level of a new pyramid, the first of which is 1.

    Y and X are halved until both have at most 256 pixels. Z is halved as soon as its pixels are not longer than those
    of Y and X, so that they become as long as wide.

    Parameters
    ----------
    axes, shape
        Axes and shape at full resolution.
    scale
        Pixel size along each axis; 1 if it is unknown.
    """
    found = [(1,) * len(shape)]
    size, spacing = list(shape), list(scale)
    y, x = axes.index("Y"), axes.index("X")
    while max(size[y], size[x]) > _SMALLEST:
        step = [1] * len(shape)
        for i, letter in enumerate(axes):
            wide = letter == "Z" and spacing[i] <= 1.001 * min(spacing[y], spacing[x])
            if (letter in "YX" or wide) and size[i] > 1:
                step[i] = 2
        size = [-(-n // s) for n, s in zip(size, step, strict=True)]
        spacing = [d * s for d, s in zip(spacing, step, strict=True)]
        found.append(tuple(f * s for f, s in zip(found[-1], step, strict=True)))
    return found


def average(values: npt.NDArray[Any], by: Sequence[int], shape: Sequence[int]) -> npt.NDArray[Any]:
    """Return the means of blocks of `by` pixels; the last block along an axis may be smaller.

    Parameters
    ----------
    values
        The pixels of the larger level.
    by
        Size of the blocks.
    shape
        Shape of the result. If the larger level has other sizes than these blocks fill, the last ones are repeated or
        left out.
    """
    if all(f == 1 for f in by) and values.shape == tuple(shape):
        return values
    means: npt.NDArray[Any] = values.astype(np.float64)
    for axis, (f, n) in enumerate(zip(by, shape, strict=True)):
        if f > 1:
            starts = np.arange(0, means.shape[axis], f)
            counts = np.diff(np.append(starts, means.shape[axis]))
            sums = np.add.reduceat(means, starts, axis)
            means = sums / counts.reshape([-1 if i == axis else 1 for i in range(means.ndim)])
        if means.shape[axis] != n:
            means = means.take(np.minimum(np.arange(n), means.shape[axis] - 1), axis)
    return means
