"""The photon-transfer curve: points of the variance of the noise against the signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from muguet.noise.transfer.bins import Floats, bins_of, pixels
from muguet.noise.transfer.robust import robust_std

# Residuals beyond this many robust standard deviations are outliers: 0.7 % of the variance of an exponential
# distribution lies beyond, and practically nothing of a Gaussian's.
_MAX_RESIDUAL = 12.0


@dataclass(frozen=True, eq=False)
class MeanVariance:
    """Points of a photon-transfer curve, from the darkest signal to the brightest.

    Attributes
    ----------
    signal
        Mean signal of each bin ``(bins,)``, in counts.
    variance
        Variance of the noise in each bin, in counts².
    error
        Standard error of the variance.
    count
        Number of pixels in each bin.
    blur
        Noise of the signals that pixels were binned by, in units of the standard deviation of a pixel: 1/√m for
        means of m pixels, 0 for exact signals. The darkest bins lie below the darkest true signal because of it.
    square
        Mean square of the signals of each point, if a point combines several signals: a variance that is proportional
        to the square of the signal follows this, and not the squared mean. None: the squared mean.
    """

    signal: Floats
    variance: Floats
    error: Floats
    count: npt.NDArray[np.intp]
    blur: float = 0.0
    square: Floats | None = None

    def scaled(self, offset: float, scale: float) -> MeanVariance:
        """Return the same curve in the units of offset + scale · signal."""
        square = None
        if self.square is not None:
            square = offset**2 + 2 * offset * scale * self.signal + scale**2 * self.square
        return replace(
            self,
            signal=offset + scale * self.signal,
            variance=scale**2 * self.variance,
            error=scale**2 * self.error,
            square=square,
        )

    def only(self, points: npt.NDArray[np.bool_]) -> MeanVariance:
        """Return the curve of some of its points."""
        columns = {name: values[points] for name, values in self._columns().items()}
        return replace(self, **columns)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """Return the curve as values for the header of a file."""
        return {**{name: values.tolist() for name, values in self._columns().items()}, "blur": self.blur}

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the curve that `as_dict` wrote."""
        types = {"count": np.intp, "blur": np.float64}
        columns = {name: np.asarray(values, types.get(name, np.float64)) for name, values in table.items()}
        return cls(**{**columns, "blur": float(table.get("blur", 0.0))})  # type: ignore[arg-type]

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        columns = {name: getattr(self, name) for name in ("signal", "variance", "error", "count", "square")}
        return {name: values for name, values in columns.items() if values is not None}


def mean_variance(
    noisy: npt.ArrayLike,
    estimate: npt.ArrayLike,
    bins: int = 64,
    fewest: int = 1000,
    squares: npt.ArrayLike | None = None,
) -> MeanVariance:
    """Measure the variance of noisy − estimate in bins of the estimate.

    Residuals further than 12 robust standard deviations (median absolute deviation / 0.6745) from the median of
    their bin are left out: these are hot pixels and cosmic rays, and not the tail of a skewed law. The standard error
    is √((m₄ − variance²)/n), with m₄ the fourth central moment, which is valid for any law.

    With an estimate x̂ in place of the signal, E[(y − x̂)²] = σ² + Var(x | x̂): the variances include the error of the
    estimate, and an x̂ that depends on y contains some of its noise and lowers them. Saturated pixels must be NaN.

    Parameters
    ----------
    noisy, estimate
        Images of one shape; pixels that are not finite in both are left out.
    bins, fewest
        Approximate number of bins, and the smallest number of pixels of one.
    squares
        Mean square of the signals that each estimate combines, if it combines several.

    Raises
    ------
    MuguetError
        If the shapes differ or there are no pixels.
    """
    recorded, signals = pixels(noisy, estimate)
    square = None if squares is None else pixels(noisy, estimate, squares)[2]
    groups = bins_of(signals, bins, fewest)
    signals, residual = signals[groups.order], (recorded - signals)[groups.order]
    parts = np.split(residual, groups.starts[1:])
    away = residual - groups.spread(np.array([np.median(part) for part in parts]))
    scale = np.array([robust_std(part) for part in np.split(away, groups.starts[1:])])
    scale[scale == 0] = np.inf  # Most residuals are equal: there is no scale to judge the others by.
    kept = (np.abs(away) <= _MAX_RESIDUAL * groups.spread(scale)).astype(np.float64)
    count = np.add.reduceat(kept, groups.starts)
    away = away - groups.spread(np.add.reduceat(kept * away, groups.starts) / count)
    second = np.add.reduceat(kept * away**2, groups.starts) / count
    fourth = np.add.reduceat(kept * away**4, groups.starts) / count
    return MeanVariance(
        signal=groups.mean(signals),
        variance=second * count / np.maximum(count - 1, 1),
        error=np.sqrt(np.maximum(fourth - second**2, 0) / count),
        count=count.astype(np.intp),
        square=None if square is None else groups.mean(square[groups.order]),
    )
