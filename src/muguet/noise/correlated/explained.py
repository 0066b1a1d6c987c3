"""Whether noise explains how much an image varies where it varies least: if not, a scene may have been taken for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter

from muguet.noise.correlated.first import measure_whitening
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.bins import Floats

FINE, LOCAL = 7, 17
"""Deviations are those from the mean of 7×7 pixels, and are averaged over 17×17."""

QUANTILES = 0.1, 0.25
"""Quiet places of the image, by how much it varies there."""

MOST_VARIATION = 2.0
"""The quiet quarter varies at most so much, relative to the noise that was measured."""

_SIDE = 512  # Only the centre of a plane is used, of at most this many pixels along each axis.


def certain_whitening(planes: Sequence[Floats]) -> Whitening | None:
    """Measure the correlation of the noise; None if it is independent, or fine structure may look the same.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one channel with NaN for missing and saturated pixels.
    """
    found = measure_whitening(planes)
    if found is None:
        return None
    plane = planes[len(planes) // 2]
    return found if variation(plane, plane, found)[-1] <= MOST_VARIATION else None


def variation(values: Floats, signal: Floats, whitening: Whitening) -> Floats:
    """Return how much an image varies in quiet places, relative to noise at a signal, at the `QUANTILES` of places.

    Parameters
    ----------
    values, signal
        An image or a difference of images, and the image whose signal is known; NaN for missing pixels.
    whitening
        The noise.
    """
    shown, known = (_filled(middle(each, _SIDE)) for each in (values, signal))
    drawn = whitening.kernel.filter(np.random.default_rng(0).normal(size=shown.shape))
    variance = whitening.variance(uniform_filter(known, FINE))
    own = uniform_filter(deviation(shown), LOCAL) / uniform_filter(variance, LOCAL)
    of_noise = uniform_filter(deviation(drawn), LOCAL)
    ratio: Floats = np.quantile(own, QUANTILES) / np.quantile(of_noise, QUANTILES)
    return ratio


def _filled(plane: Floats) -> Floats:
    return np.where(np.isfinite(plane), plane, np.nanmedian(plane))


def deviation(values: Floats) -> Floats:
    """The squares of the deviations from the mean of the pixels around, whose mean is 1 for noise of variance 1."""
    fine: Floats = np.square(values - uniform_filter(values, FINE)) / (1 - FINE**-2)
    return fine


def middle(plane: Floats, side: int) -> Floats:
    """The centre of a plane, of at most so many pixels along each axis."""
    y, x = ((n - min(n, side)) // 2 for n in plane.shape)
    return plane[y : y + side, x : x + side]
