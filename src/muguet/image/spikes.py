"""Find single wild pixels, such as cosmic rays: far outside the range of the others, and shared by no neighbour."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.neighbours import median_over, values_around

_RANGES = 20.0  # A wild value is this many times the range of the others beyond it.
_RATIO = 20.0  # It differs from its surroundings this many times as much as any pixel two pixels away does.
_MAX_SHARE = 1e-3  # If more pixels are that far out, they belong to the image.
_MAX_VALUES = 100_000  # The range is found on about this many values.
_RING = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2]


def spikes(plane: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """Return the mask of the wild pixels of a plane ``(y, x)``, or None if there are none.

    The range of a plane is that from its 0.1th to its 99.9th percentile. An image of a point of light, even one with
    a standard deviation of one pixel, has an eighth of its peak at a distance of two pixels, so that it is not wild.

    Parameters
    ----------
    plane
        Pixels; those that are not finite are missing.
    """
    values = plane.reshape(-1)[:: max(plane.size // _MAX_VALUES, 1)].astype(np.float64)
    values = values[np.isfinite(values)]
    if values.size < 256:
        return None
    low, high = np.quantile(values, (0.001, 0.999), method="nearest")
    beyond = _RANGES * (high / 2 - low / 2)  # Differences of halves do not overflow.
    if not 0 < beyond < np.finfo(np.float64).max / 4:
        return None
    far = (plane > high + 2 * beyond) | (plane < low - 2 * beyond)
    far &= np.isfinite(plane)
    if not 0 < far.sum() <= _MAX_SHARE * plane.size:
        return None
    rows, columns = np.nonzero(far)
    ring, wild = values_around(plane, rows, columns, _RING), values_around(far, rows, columns, _RING) == 1
    ring = np.where(wild, np.nan, ring) / 2  # Differences of halves do not overflow.
    level = median_over(ring)
    with np.errstate(invalid="ignore"):
        usual = np.fmax.reduce(np.abs(np.where(np.isfinite(ring), ring - level, np.nan)), axis=0)
        alone = usual * _RATIO < np.abs(plane[rows, columns].astype(np.float64) / 2 - level)
    found = np.zeros(plane.shape, bool)
    found[rows, columns] = alone & (wild.sum(0) <= len(_RING) // 2)
    return found if found.any() else None
