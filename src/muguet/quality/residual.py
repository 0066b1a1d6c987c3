"""What a denoiser took away: noise has no structure of the image in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_MOST = 2_000_000  # pixels of a plane that are looked at


@dataclass
class Residual:
    """Moments of y − x̂ over planes added one after the other; pixels that are not finite are left out.

    `correlation` is Pearson's, between the residual and the estimate: near zero if nothing of the image was
    taken away with the noise. It is not a proof of it, and clipped pixels move it.
    """

    count: int = 0
    sums: npt.NDArray[np.float64] | None = None

    def add(self, noisy: npt.NDArray[np.generic], estimate: npt.NDArray[np.generic]) -> None:
        """Take one plane and its estimate, of equal shapes and in the same units, into account."""
        every = max(noisy.size // _MOST, 1)
        x = estimate.reshape(-1)[::every].astype(np.float64)
        y = noisy.reshape(-1)[::every].astype(np.float64)
        kept = np.isfinite(x) & np.isfinite(y)
        x, r = x[kept], (y - x)[kept]
        self.count += x.size
        moments = np.array([r.sum(), x.sum(), (r * r).sum(), (x * x).sum(), (r * x).sum()])
        self.sums = moments if self.sums is None else self.sums + moments

    @property
    def std(self) -> float:
        """Standard deviation of the residual, in the images' units."""
        return math.sqrt(self._covariances()[0])

    @property
    def correlation(self) -> float:
        """Of residual and estimate, −1 to 1; 0 where either is constant."""
        rr, xx, rx = self._covariances()
        return rx / math.sqrt(rr * xx) if rr > 0 and xx > 0 else 0.0

    def told(self) -> str:
        """A sentence for the user."""
        if self.count == 0:
            return "No pixel of it was finite."
        return (
            f"Taken away: noise of standard deviation {self.std:.3g}, "
            f"whose correlation with the result is {self.correlation:+.3f}."
        )

    def _covariances(self) -> tuple[float, float, float]:
        if self.sums is None or self.count == 0:
            return 0.0, 0.0, 0.0
        r, x, rr, xx, rx = self.sums / self.count
        return max(rr - r * r, 0.0), max(xx - x * x, 0.0), rx - r * x
