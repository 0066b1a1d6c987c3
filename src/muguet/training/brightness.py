"""The total signal of a result is that of the recording."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEW = 10.0
"""With more photo-electrons a pixel on average, networks keep the total to within half a per cent by themselves, and a
difference rather comes from outliers that they have removed."""

LEAST, MOST = 0.007, 0.05
"""A smaller difference of the total signals is left as it is, of a larger one this share is corrected."""


def brightness(recorded: Floats, estimate: Floats, variance: Floats) -> float:
    """Return the factor with which an estimate has the total signal of the recorded pixels.

    A network that minimises relative errors is too dark where it is uncertain: by 1 to 2 % at less than one
    photo-electron a pixel. The sum of the recorded values is unbiased, with the variance Σσ². The share
    1 − (standard error / difference)² of the difference of the sums is corrected, as James & Stein 1961 shrink a mean.

    Parameters
    ----------
    recorded, estimate
        Values of the same pixels in photo-electrons, ``(pixels,)``.
    variance
        Variance σ² of the noise of these pixels.
    """
    total = float(estimate.sum())
    missing = float(recorded.sum()) - total
    error = math.sqrt(float(variance.sum()))
    if not 0 < total <= FEW * estimate.size or abs(missing) <= error:
        return 1.0
    share = missing / total * (1 - (error / missing) ** 2)
    return 1.0 if abs(share) < LEAST else 1 + min(max(share, -MOST), MOST)
