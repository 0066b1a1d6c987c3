"""Filters of images as sums of products of a filter along Y and one along X, and the gains of such filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from scipy.ndimage import convolve1d

from muguet.noise.transfer.bins import Floats

SAMPLES = 256
"""Number of frequencies, from 0 to twice Nyquist's, at which gains and spectra are computed."""

Filters: TypeAlias = tuple[tuple[Floats, Floats], ...]
"""A filter Σₖ h_k(y) g_k(x): symmetric taps along Y and along X of each term."""

_CLOSE = 1e-3  # Terms that are smaller than this share of the first one are left out.


def symmetric_taps(gain: Floats, least: float, most: int) -> Floats:
    """Return the taps of a real and even gain at `SAMPLES` frequencies, cut where the rest is small.

    Parameters
    ----------
    gain
        The gain of the filter, in the order of a discrete Fourier transform.
    least
        Taps from which on all are smaller than this share of the largest one are left out.
    most
        Largest number of taps on either side of the middle.
    """
    impulse = np.fft.ifft(gain).real
    large = np.flatnonzero(np.abs(impulse[: most + 1]) > least * np.abs(impulse).max())
    reach = int(large[-1])
    taper = np.cos(0.5 * np.pi * np.arange(reach + 1) / (reach + 1)) ** 0.25
    half = impulse[: reach + 1] * taper
    return np.concatenate([half[:0:-1], half])


def gain_of(taps: Floats) -> Floats:
    """Return the gain of symmetric taps at `SAMPLES` frequencies."""
    wide = np.zeros(SAMPLES)
    reach = len(taps) // 2
    wide[np.arange(-reach, reach + 1)] = taps
    return np.fft.fft(wide).real


def gain_of_all(filters: Filters) -> Floats:
    """Return the gain ``(SAMPLES, SAMPLES)`` of a sum of filters at the frequencies along Y and X."""
    gain: Floats = np.sum([np.multiply.outer(gain_of(y), gain_of(x)) for y, x in filters], axis=0)
    return gain


def filters_of(gain: Floats, least: float, most: int) -> Filters:
    """Return the filter of a gain ``(SAMPLES, SAMPLES)`` that is real, and even along Y and X.

    The terms are those of the singular value decomposition of the gain.
    """
    y, sizes, x = np.linalg.svd(gain)
    return tuple(
        (symmetric_taps(y[:, k] * sizes[k], least, most), symmetric_taps(x[k], least, most))
        for k in np.flatnonzero(sizes > _CLOSE * sizes[0])
    )


def normalised(filters: Filters) -> Filters:
    """Return a filter whose gain at the frequency zero, the sum of all taps, is one."""
    total = sum(float(y.sum() * x.sum()) for y, x in filters)
    return tuple((y / total, x) for y, x in filters)


def apply(values: Floats, filters: Filters, mode: str = "mirror") -> Floats:
    """Filter planes ``(..., y, x)``; `mode` is the continuation at borders, see `scipy.ndimage.convolve1d`."""
    terms = [_along(_along(values, y, -2, mode), x, -1, mode) for y, x in filters]
    total = terms[0]
    for each in terms[1:]:
        total = total + each
    return total


def reach_of(filters: Filters) -> tuple[int, int]:
    """Return the largest distances along Y and X of a pixel to another that it depends on."""
    y, x = (max(len(taps) // 2 for taps in each) for each in zip(*filters, strict=True))
    return y, x


def mean_after(taps: Sequence[float] | Floats, power: Floats) -> float:
    """Return the variance of noise of the spectrum `power` ``(SAMPLES, SAMPLES)`` after taps along Y and X."""
    gain = gain_of(np.asarray(taps, np.float64)) ** 2
    return float(gain @ power @ gain) / SAMPLES**2


def _along(values: Floats, taps: Floats, axis: int, mode: str) -> Floats:
    if len(taps) == 1:
        scaled: Floats = values * taps[0]
        return scaled
    filtered: Floats = convolve1d(values, taps, axis=axis, mode=mode)
    return filtered
