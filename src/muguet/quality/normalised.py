"""The normalised residual: noisy minus denoised, in standard deviations of each pixel's noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.values import unsaturated
from muguet.noise.law import Law
from muguet.noise.numerics import window_sums
from muguet.noise.transfer.bins import bins_of, min_bin_count
from muguet.noise.transfer.single_image import transfer_alone
from muguet.noise.transfer.variance import Variance, fitted_variance
from muguet.quality.check import Floats

Value = TypeVar("Value", bound=np.generic)

SIDE = 1024
"""At most this many pixels along each axis, at the centre of a plane, are judged; the rest is ignored."""

_BOX = 5
"""Side in pixels of the windows whose means give the darkest signal of an image."""

MIN_PIXELS = 1024
"""A result is judged only if at least this many pixels have a residual: a correlation then has a standard error of
0.03 at most."""


@dataclass(frozen=True, eq=False)
class Normalised:
    """A noisy plane y, an estimate x̂ of its signal, and the normalised residual z = (y − x̂)/σ(x̂).

    Attributes
    ----------
    recorded, signal
        y and x̂ ``(Y, X)`` in counts.
    std
        Standard deviation σ(x̂) of the noise, from the law or, without a law, measured on the noisy image.
    z
        The normalised residual ``(Y, X)``; NaN where a pixel is missing or saturated.
    measured_variance
        Variance of the noise as a function of the signal, measured on the noisy image; None if the image is too
        small.
    """

    recorded: Floats
    signal: Floats
    std: Floats
    z: Floats
    measured_variance: Variance | None

    @property
    def count(self) -> int:
        """Number of pixels that have a residual."""
        return int(np.isfinite(self.z).sum())

    def against_signal(self) -> dict[str, Floats] | None:
        """Return the mean, its standard error and the variance of z in bins of similar signal x̂.

        None if fewer than 1024 pixels have a residual, or if the estimate is constant.
        """
        kept = np.isfinite(self.z)
        signal, z = self.signal[kept], self.z[kept]
        if z.size < MIN_PIXELS or np.ptp(signal) == 0:
            return None
        groups = bins_of(signal, bins=24, fewest=max(256, z.size // 200))
        z = z[groups.order]
        mean = groups.mean(z)
        variance = groups.mean((z - groups.spread(mean)) ** 2)
        return {
            "signal": groups.mean(signal[groups.order]),
            "mean": mean,
            "variance": variance,
            "error": np.sqrt(variance / groups.counts),
            "count": groups.counts.astype(np.float64),
        }


def centre(plane: npt.NDArray[Value], side: int = SIDE) -> npt.NDArray[Value]:
    """Return the centre of a plane, at most `side` pixels along each axis."""
    at = [(max(size - side, 0) // 2, min(size, side)) for size in plane.shape]
    return plane[tuple(slice(start, start + size) for start, size in at)]


def normalise(recorded: Floats, signal: Floats, law: Law | None) -> Normalised:
    """Compute the normalised residual of two planes of one shape.

    Without a law, σ² is measured on the noisy plane (`measure_variance`).

    σ is evaluated at no signal below the 0.1th percentile of the means of 5×5 noisy pixels. An estimate that follows
    the noise contains darker values, for which a law can predict a variance of zero.
    """
    y = unsaturated(recorded)
    known = np.isfinite(y) & np.isfinite(signal)
    measured_variance = measure_variance(y)
    clipped = np.maximum(signal[known], _darkest(y))
    std = np.full(y.shape, np.nan)
    if law is not None:
        std[known] = law.std(clipped)
    elif measured_variance is not None:
        std[known] = np.sqrt(measured_variance(clipped))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(std > 0, (y - signal) / std, np.nan)
    z[~np.isfinite(z)] = np.nan
    return Normalised(recorded, signal, std, z, measured_variance)


def _darkest(plane: Floats) -> float:
    """Return the 0.1th percentile of the means of 5×5 pixels that are all known; −∞ if there are none."""
    means = window_sums(plane, _BOX) / _BOX**2
    known = means[np.isfinite(means)]
    return float(np.percentile(known, 0.1)) if known.size else -np.inf


def measure_variance(plane: Floats) -> Variance | None:
    """Fit σ²(signal) as a polynomial to the photon-transfer curve of one plane; return None if it is too small.

    See `muguet.noise.transfer.single_image.transfer_alone` and `muguet.noise.transfer.variance.fitted_variance`.
    """
    try:
        points = transfer_alone(plane[None], fewest=min_bin_count(plane.size))
    except MuguetError:
        return None
    variance = fitted_variance(points) if len(points.signal) > 1 else None
    if variance is None or not np.isfinite(variance.floor) or not (points.variance > 0).any():
        return None
    return variance
