"""Noise measured on images themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_TO_STD = 0.6745  # the median of |N(0, 1)|


def rough_std(plane: npt.NDArray[np.generic]) -> float:
    """One standard deviation for the noise of a plane ``(..., y, x)``, in counts, without a model.

    Median of the absolute value of the image filtered by the 3×3 kernel [1 −2 1; −2 4 −2; 1 −2 1] / 6, which
    has unit norm and no answer to planes, over 0.6745: Immerkær 1996 (doi:10.1006/cviu.1996.0060), with the
    median for the mean. Where most pixels are background it is the background's noise.
    """
    image = plane[..., :4096, :4096].astype(np.float64)
    rows = image[..., :-2, :] - 2 * image[..., 1:-1, :] + image[..., 2:, :]
    both = (rows[..., :-2] - 2 * rows[..., 1:-1] + rows[..., 2:]) / 6
    finite = np.abs(both[np.isfinite(both)])
    return float(np.median(finite) / _TO_STD) if finite.size else 0.0
