"""The photon-transfer curve: variance of the noise against the signal, point by point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from muguet.noise.transfer.bins import Floats, bins_of, pixels
from muguet.noise.transfer.robust import robust_std

_FAR = (
    12.0  # robust standard deviations; of an exponential's variance 0.7 % lies beyond, of a Gaussian's none
)


@dataclass(frozen=True)
class MeanVariance:
    """Points of a photon-transfer curve, from the darkest signal to the brightest.

    Attributes
    ----------
    signal
        Mean signal of each bin ``(bins,)``, in counts.
    variance
        Of the noise there, in counts².
    error
        Standard error of the variance.
    count
        Pixels of each bin.
    blur
        Noise that is left in the signals the bins were made by, in standard deviations of a pixel's: 1/√m for
        means of m pixels. The darkest of them lie below the darkest true signal by some of it.
    square
        Mean square of the signals behind each point, where it stands for more than one signal: a variance that
        grows with the signal's square is as large as this, not as the squared mean. None: the squared mean.
    """

    signal: Floats
    variance: Floats
    error: Floats
    count: npt.NDArray[np.intp]
    blur: float = 0.0
    square: Floats | None = None

    def scaled(self, offset: float, scale: float) -> MeanVariance:
        """The same curve in the units of offset + scale · signal."""
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
        """The curve of some of its points."""
        columns = {name: values[points] for name, values in self._columns().items()}
        return replace(self, **columns)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """For a file's header."""
        return {**{name: values.tolist() for name, values in self._columns().items()}, "blur": self.blur}

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """What `as_dict` wrote."""
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
    """Variance of noisy − estimate in bins of the estimate.

    Residuals further than 12 robust standard deviations (median absolute deviation / 0.6745) from the median of
    their bin are left out: hot pixels and cosmic rays, not the tail of a skewed law. The standard error is
    √((m₄ − variance²)/n), with m₄ the fourth central moment, and so holds for any law.

    With x̂ in place of the signal, E[(y − x̂)²] = σ² + Var(x | x̂): the points hold the estimate's error as well,
    and an x̂ that has seen y has taken some of the noise with it and lowers them. Leave clipped pixels out (NaN).

    Parameters
    ----------
    noisy, estimate
        Images of one shape; pixels that are not finite in both are left out.
    bins, fewest
        About how many bins, and the fewest pixels of one.
    squares
        Mean square of the signals that each estimate stands for, if it stands for several.

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
    scale[scale == 0] = np.inf  # most residuals alike: no scale to judge the others by
    kept = (np.abs(away) <= _FAR * groups.spread(scale)).astype(np.float64)
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
