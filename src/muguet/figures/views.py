"""What of a plane is shown: its contrast, its whole, the part worth looking at, and a scale."""

from __future__ import annotations

import numpy as np

from muguet.figures.style import Floats

Part = tuple[slice, slice]

_SPOTS = (0.1, 99.5)  # percentiles beyond which a value says nothing of structure: hot pixels, single spots


def contrast(plane: Floats, low: float = 0.1, high: float = 99.9) -> tuple[float, float]:
    """The counts that are black and white: two percentiles of the finite pixels, never the same."""
    finite = plane[np.isfinite(plane)]
    if finite.size == 0:
        return 0.0, 1.0
    a, b = np.percentile(finite, [low, high])
    return (float(a), float(b)) if b > a else (float(a), float(a) + 1.0)


def shrinkage(plane: Floats, most: int) -> int:
    """How many pixels a side are averaged into one, for the plane to be at most `most` pixels a side."""
    longest: int = max(plane.shape)
    return -(-longest // most)


def shrunk(plane: Floats, most: int) -> Floats:
    """Blocks averaged until a side is at most `most` pixels; NaN where a block has no finite pixel."""
    block = shrinkage(plane, most)
    if block == 1:
        return plane
    height, width = (max(n // block, 1) for n in plane.shape)
    rows, columns = (min(block, n) for n in plane.shape)
    blocks = plane[: height * rows, : width * columns].reshape(height, rows, width, columns)
    known = np.isfinite(blocks)
    count = known.sum((1, 3))
    sums = np.where(known, blocks, 0.0).sum((1, 3))
    means: Floats = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return means


def liveliest(plane: Floats, size: tuple[int, int]) -> Part:
    """The part of that size, or smaller where the plane is, in which values vary most; bright single spots aside."""
    height, width = (min(n, most) for n, most in zip(size, plane.shape, strict=True))
    low, high = contrast(plane, *_SPOTS)
    filled = np.clip(np.nan_to_num(plane, nan=low), low, high)
    best, place = -1.0, (0, 0)
    for y in range(0, plane.shape[0] - height + 1, max(height // 4, 1)):
        for x in range(0, plane.shape[1] - width + 1, max(width // 4, 1)):
            spread = float(filled[y : y + height : 2, x : x + width : 2].std())
            if spread > best:
                best, place = spread, (y, x)
    return slice(place[0], place[0] + height), slice(place[1], place[1] + width)


def round_length(most: float) -> float:
    """The longest of 1, 2, 5 times a power of ten that is not above `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9)))


def length_label(micrometres: float) -> str:
    """A length with its unit: µm, or nm below one."""
    return f"{micrometres:g} µm" if micrometres >= 1 else f"{1000 * micrometres:g} nm"
