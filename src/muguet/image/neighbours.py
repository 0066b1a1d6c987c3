"""Pixels beside pixels: values at a few places, medians, and bands of rows that fit into a cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_BAND = 2**17  # A band has about this many pixels: its arrays stay in the cache of a processor.


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Return slices of rows that cover a plane one after the other."""
    rows = max(_BAND // max(shape[1], 1), 1)
    return (slice(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows))


def values_around(
    plane: npt.NDArray[np.generic], rows: Places, columns: Places, offsets: Sequence[tuple[int, int]]
) -> Floats:
    """Return the values ``(offset, place)`` at these offsets ``(y, x)`` from some places; NaN beyond the border."""
    height, width = plane.shape
    found = np.full((len(offsets), rows.size), np.nan)
    for values, (y, x) in zip(found, offsets, strict=True):
        at_y, at_x = rows + y, columns + x
        inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
        values[inside] = plane[at_y[inside], at_x[inside]]
    return found


def median_over(stack: Floats) -> Floats:
    """Return the median over the first axis of the finite values; NaN where there is none."""
    ordered = np.sort(stack, axis=0)  # NaN comes last.
    count = np.isfinite(stack).sum(0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    take = [np.take_along_axis(ordered, np.minimum(each, len(stack) - 1)[None], 0)[0] for each in (low, high)]
    return np.where(count > 0, 0.5 * (take[0] + take[1]), np.nan)


def middle_of_four(plane: Floats) -> Floats:
    """Return the median of the four neighbours of each pixel, or of those that are known."""
    middle = np.empty(plane.shape)
    for band in bands(plane.shape):
        top, bottom = max(band.start - 1, 0), min(band.stop + 1, len(plane))
        inside = slice(band.start - top, band.stop - top)
        padded = np.pad(plane[top:bottom], 1, constant_values=np.nan)
        up, down = padded[:-2, 1:-1][inside], padded[2:, 1:-1][inside]
        left, right = padded[1:-1, :-2][inside], padded[1:-1, 2:][inside]
        here = middle[band]
        np.add(up, down, out=here)
        here += left
        here += right
        here -= np.maximum(np.maximum(up, down), np.maximum(left, right))
        here -= np.minimum(np.minimum(up, down), np.minimum(left, right))
        here *= 0.5
        some = np.isnan(here)
        if some.any():
            here[some] = median_over(np.stack([each[some] for each in (up, down, left, right)]))
    return middle
