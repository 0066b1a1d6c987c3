"""The whitening of a camera's images, measured on the noisy images alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muguet.errors import MuguetError
from muguet.noise.correlated.measure import measure_kernel, scene_variation
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import Kernel
from muguet.noise.separable import mean_after
from muguet.noise.transfer.bins import Floats, bins_of
from muguet.noise.transfer.curve import MeanVariance, mean_variance
from muguet.noise.transfer.highpass import TAPS, along
from muguet.noise.transfer.local import local_mean
from muguet.noise.transfer.single_image import rough_std
from muguet.noise.transfer.variance import fitted_variance, straight_line

_MIN_PASSED = 0.2  # The filter lies at the highest frequencies at which this share of the noise is left.
_MAX_STRIDE = 3
_BOX = (5, 5)
_QUIETEST = 0.15  # Share of the pixels in which noise at the highest frequencies is measured.
_FEWEST = 300  # Pixels of a point of the curve.


def measure_whitening(planes: Sequence[Floats], differences: Sequence[Floats] = ()) -> Whitening | None:
    """Measure the correlation of the noise and its variance against the signal; None if the noise is independent.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one channel with NaN for missing and saturated pixels.
    differences
        Differences of successive frames, see `measure_kernel`.
    """
    kernel = measure_kernel((plane[None] for plane in planes), (each[None] for each in differences))
    if not kernel:
        return None
    return with_clear(planes, variance_of_noise(planes, kernel))


def variance_of_noise(planes: Sequence[Floats], kernel: Kernel | None = None) -> Whitening:
    """Measure the variance of the noise of an image against the signal, of which the correlation is known.

    Parameters
    ----------
    planes
        Planes ``(y, x)`` of one channel with NaN for missing and saturated pixels.
    kernel
        The correlation of the noise; None: it is independent.
    """
    rough = max(float(np.median([rough_std(plane) for plane in planes])), 1e-30) ** 2
    whitening = Whitening(kernel or Kernel(), 0.0, rough, rough)
    try:
        points = _curve(planes, whitening)
    except MuguetError:  # Too few pixels are known.
        return whitening
    if len(points.signal) < 2:
        return whitening
    slope, constant = straight_line(points)
    return replace(whitening, slope=slope, constant=constant, least=fitted_variance(points).floor)


def with_clear(planes: Sequence[Floats], whitening: Whitening) -> Whitening:
    """Return a whitening with the noise that was measured where whitening adds some, see `Whitening.clear`."""
    return replace(whitening, clear=_clear(planes, whitening))


def _clear(planes: Sequence[Floats], whitening: Whitening) -> float | None:
    """Return the variance of the noise where whitening adds some, relative to that of the image; None: it adds none.

    It is at least that of the kernel. Independent noise besides, as that of rounding, is measured where the scene
    varies least.
    """
    least = whitening.least_clear
    if least is None:
        return None
    found = []
    for plane in planes:
        known = np.isfinite(plane)
        filled = np.where(known, plane, np.nanmedian(plane))
        share = whitening.details(filled) ** 2 / whitening.variance(local_mean(filled, _BOX))
        varied = scene_variation(plane)
        usable = known & np.isfinite(varied)
        if usable.sum() >= _FEWEST:
            found.append(float(share[usable & (varied <= np.quantile(varied[usable], _QUIETEST))].mean()))
    return max([least, *([float(np.median(found))] if found else [])])


def _curve(planes: Sequence[Floats], whitening: Whitening) -> MeanVariance:
    """Return the variance of the noise of an image against the signal, the mean of 5×5 pixels.

    The image is whitened as far as this needs no further noise, and filtered by sixth differences of every pixel, or of
    every second or third one, where noise of the highest frequencies is missing. Of the pixels of one signal, only the
    half around which the scene varies less counts.
    """
    taps, passed = _filter(whitening)
    signals, roughs, variations = [], [], []
    for plane in planes:
        known = np.isfinite(plane)
        filled = np.where(known, plane, np.nanmedian(plane))
        rough = along(along(whitening.sharpen(filled), taps, -2), taps, -1) / np.sqrt(passed)
        signals.append(np.where(known, local_mean(filled, _BOX), np.nan))
        roughs.append(rough)
        variations.append(scene_variation(plane))
    signal, rough, varied = (
        np.concatenate([each.ravel() for each in group]) for group in (signals, roughs, variations)
    )
    usable = np.isfinite(signal + rough + varied)
    if usable.sum() < _FEWEST:
        raise MuguetError("too few pixels are known to measure noise")
    signal, rough, varied = signal[usable], rough[usable], varied[usable]
    groups = bins_of(signal, 64, 2 * _FEWEST)
    ordered = varied[groups.order]
    medians = np.array([np.median(part) for part in np.split(ordered, groups.starts[1:])])
    quiet = groups.order[ordered <= groups.spread(medians)]
    return mean_variance(signal[quiet] + rough[quiet], signal[quiet], fewest=_FEWEST)


def _filter(whitening: Whitening) -> tuple[Floats, float]:
    """Return the filter along each axis, and the variance that it leaves of noise of the variance one."""
    for stride in range(1, _MAX_STRIDE + 1):
        taps = np.zeros((len(TAPS) - 1) * stride + 1)
        taps[::stride] = TAPS
        passed = mean_after(taps, whitening.filters.power)
        if passed > _MIN_PASSED * whitening.level:
            break
    return taps, passed
