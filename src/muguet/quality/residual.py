"""Moments of the residual (noisy − denoised) over many planes, summarised in one sentence for the user."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.noise.numerics import power_of_two

_MAX_PIXELS = 2_000_000
"""A larger plane is subsampled to about this many pixels, so that the moments cost little time."""


@dataclass
class Residual:
    """Moments of the residual y − x̂, accumulated plane by plane; pixels that are not finite are left out.

    `correlation` is Pearson's correlation between the residual and the estimate. It is near zero if no image
    structure was removed with the noise. A value near zero is no proof of that, and clipped pixels shift the value.
    """

    count: int = 0
    sums: npt.NDArray[np.float64] | None = None
    power: int = 0

    def add(self, noisy: npt.NDArray[np.generic], estimate: npt.NDArray[np.generic]) -> None:
        """Add one plane and its estimate, of equal shapes and in the same units."""
        every = max(noisy.size // _MAX_PIXELS, 1)
        x = estimate.reshape(-1)[::every].astype(np.float64)
        y = noisy.reshape(-1)[::every].astype(np.float64)
        kept = np.isfinite(x) & np.isfinite(y)
        x, y = x[kept], y[kept]
        if self.sums is None:
            self.power = power_of_two(
                x, y
            )  # Squares of very large and very small values would not be numbers.
        x, y = np.ldexp(x, -self.power), np.ldexp(y, -self.power)
        r = y - x
        self.count += x.size
        moments = np.array([r.sum(), x.sum(), (r * r).sum(), (x * x).sum(), (r * x).sum()])
        self.sums = moments if self.sums is None else self.sums + moments

    @property
    def std(self) -> float:
        """Standard deviation of the residual, in the units of the images."""
        return math.ldexp(math.sqrt(self._covariances()[0]), self.power)

    @property
    def correlation(self) -> float:
        """Pearson's correlation of residual and estimate, −1 to 1; 0 if either is constant."""
        rr, xx, rx = self._covariances()
        return rx / math.sqrt(rr * xx) if rr > 0 and xx > 0 else 0.0

    @property
    def sentence(self) -> str:
        """What was removed, as a sentence for the user."""
        if self.count == 0:
            return "The image has no finite pixels."
        return (
            f"Removed noise: standard deviation {self.std:.3g}, "
            f"correlation with the result {self.correlation:+.3f}."
        )

    def _covariances(self) -> tuple[float, float, float]:
        """Return the variances of the residual and of the estimate, and their covariance."""
        if self.sums is None or self.count == 0:
            return 0.0, 0.0, 0.0
        r, x, rr, xx, rx = self.sums / self.count
        return max(rr - r * r, 0.0), max(xx - x * x, 0.0), rx - r * x
