"""The normalised residual: what was taken away from each pixel, in standard deviations of its noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.values import unsaturated
from muguet.noise.law import Law
from muguet.noise.transfer.bins import bins_of
from muguet.noise.transfer.single_image import transfer_alone
from muguet.noise.transfer.variance import Variance, fitted_variance
from muguet.quality.check import Floats

Value = TypeVar("Value", bound=np.generic)

SIDE = 1024
"""Pixels along a side of the centre of a plane that is judged; of a larger one the rest is not looked at."""

_BOX = 5

FEWEST = 1024
"""Pixels with a residual below which nothing is judged: a correlation has a standard error of 0.03 then."""


@dataclass(frozen=True, eq=False)
class Normalised:
    """A plane, an estimate of its signal, and z = (y − x̂)/σ(x̂).

    Attributes
    ----------
    recorded, signal
        y and x̂ ``(Y, X)`` in counts.
    std
        σ(x̂) of the noise, by the law, or without one by the image itself.
    z
        The normalised residual; NaN where a pixel is missing or saturated.
    alone
        Variance of the noise at each signal as the noisy image itself tells it; None if it is too small.
    """

    recorded: Floats
    signal: Floats
    std: Floats
    z: Floats
    alone: Variance | None

    @property
    def count(self) -> int:
        """Pixels that have a residual."""
        return int(np.isfinite(self.z).sum())

    def against_signal(self) -> dict[str, Floats] | None:
        """Mean and variance of z in bins of the estimate, and the mean's standard error; None of too few pixels."""
        kept = np.isfinite(self.z)
        signal, z = self.signal[kept], self.z[kept]
        if z.size < FEWEST or np.ptp(signal) == 0:
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
    """The middle of a plane, at most `side` pixels along each axis."""
    at = [(max(size - side, 0) // 2, min(size, side)) for size in plane.shape]
    return plane[tuple(slice(start, start + size) for start, size in at)]


def normalise(recorded: Floats, signal: Floats, law: Law | None) -> Normalised:
    """Z of two planes of one shape; without a law, σ² is `variance_alone` of the noisy plane.

    σ is taken at signals no darker than the image has: not below the thousandth part of the means of 5×5 noisy pixels.
    An estimate that follows the noise goes further down, to where a law says that there is none.
    """
    y = unsaturated(recorded)
    seen = np.isfinite(y) & np.isfinite(signal)
    alone = variance_alone(y)
    at = np.maximum(signal[seen], _darkest(y))
    std = np.full(y.shape, np.nan)
    if law is not None:
        std[seen] = law.std(at)
    elif alone is not None:
        std[seen] = np.sqrt(alone(at))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(std > 0, (y - signal) / std, np.nan)
    z[~np.isfinite(z)] = np.nan
    return Normalised(recorded, signal, std, z, alone)


def _darkest(plane: Floats) -> float:
    """The 0.1th percentile of the means of 5×5 pixels that are all known; −∞ without one."""
    means = window_sums(plane, _BOX) / _BOX**2
    known = means[np.isfinite(means)]
    return float(np.percentile(known, 0.1)) if known.size else -np.inf


def window_sums(values: Floats, box: int) -> Floats:
    """Sums over all windows of box×box pixels ``(Y − box + 1, X − box + 1)``; NaN where one of them is."""
    if min(values.shape) < box:
        return np.empty((0, 0))
    windows = np.lib.stride_tricks.sliding_window_view
    rows = windows(values, box, axis=0).sum(-1)
    sums: Floats = windows(rows, box, axis=1).sum(-1)
    return sums


def variance_alone(plane: Floats) -> Variance | None:
    """σ²(signal) as a polynomial fitted to the photon-transfer curve of one plane alone; None if it is too small.

    See `muguet.noise.transfer.single_image.transfer_alone` and `muguet.noise.transfer.variance.fitted_variance`.
    """
    try:
        points = transfer_alone(plane[None], fewest=min(1000, max(100, plane.size // 32)))
    except MuguetError:
        return None
    variance = fitted_variance(points) if len(points.signal) > 1 else None
    if variance is None or not np.isfinite(variance.floor) or not (points.variance > 0).any():
        return None
    return variance
