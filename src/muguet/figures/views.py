"""How a plane is shown: its contrast, averaged down to fit, its most varied part, and the length of a scale bar."""

from __future__ import annotations

import numpy as np

from muguet.figures.style import Floats

Part = tuple[slice, slice]

_VARIED_PERCENTILES = (
    0.1,
    99.5,
)  # Values outside are clipped: hot pixels and single spots are not structure.


def contrast(plane: Floats, low: float = 0.1, high: float = 99.9) -> tuple[float, float]:
    """Return the counts to show as black and as white: two percentiles of the finite pixels, made to differ."""
    finite = plane[np.isfinite(plane)]
    if finite.size == 0:
        return 0.0, 1.0
    black, white = map(float, np.percentile(finite, [low, high]))
    return (black, white) if white > black else (black, black + 1.0)


def block_side(plane: Floats, max_side: int) -> int:
    """Return the side of the square blocks of pixels to average, so that no side exceeds `max_side` pixels."""
    longest: int = max(plane.shape)
    return -(-longest // max_side)


def block_averaged(plane: Floats, max_side: int) -> Floats:
    """Return the means of square blocks of pixels, so that no side exceeds `max_side` pixels.

    Missing pixels (NaN) are left out of the means; a block without a finite pixel is NaN.
    """
    block = block_side(plane, max_side)
    if block == 1:
        return plane
    height, width = (max(n // block, 1) for n in plane.shape)
    rows, columns = (min(block, n) for n in plane.shape)
    blocks = plane[: height * rows, : width * columns].reshape(height, rows, width, columns)
    finite = np.isfinite(blocks)
    count = finite.sum((1, 3))
    sums = np.where(finite, blocks, 0.0).sum((1, 3))
    means: Floats = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return means


def most_varied_part(plane: Floats, size: tuple[int, int]) -> Part:
    """Return the part of a plane in which values vary most, single bright spots aside.

    Parameters
    ----------
    plane
        ``(Y, X)``; missing pixels are NaN.
    size
        Height and width of the part in pixels. A smaller plane gives a smaller part.

    Returns
    -------
    tuple of slice
        Rows and columns of the part.
    """
    height, width = (min(n, side) for n, side in zip(size, plane.shape, strict=True))
    low, high = contrast(plane, *_VARIED_PERCENTILES)
    filled = np.clip(np.nan_to_num(plane, nan=low), low, high)
    largest_std, corner = -1.0, (0, 0)
    for y in range(0, plane.shape[0] - height + 1, max(height // 4, 1)):
        for x in range(0, plane.shape[1] - width + 1, max(width // 4, 1)):
            std = float(filled[y : y + height : 2, x : x + width : 2].std())
            if std > largest_std:
                largest_std, corner = std, (y, x)
    return slice(corner[0], corner[0] + height), slice(corner[1], corner[1] + width)


def scale_bar_length(max_length: float) -> float:
    """Return the largest length that is 1, 2 or 5 times a power of ten and at most `max_length`."""
    power = 10.0 ** np.floor(np.log10(max_length))
    return float(max(step * power for step in (1, 2, 5) if step * power <= max_length * (1 + 1e-9)))


def length_label(micrometres: float) -> str:
    """Return a length with its unit: in µm, or in nm if it is below 1 µm."""
    return f"{micrometres:g} µm" if micrometres >= 1 else f"{1000 * micrometres:g} nm"
