"""Is what was taken away white? Correlations of a residual's neighbours."""

from __future__ import annotations

import numpy as np

from muguet.quality.check import Floats

LAGS = 8


def autocorrelation(values: Floats, lags: int = LAGS) -> tuple[Floats, Floats]:
    """Correlation of pixels with those 1 … `lags` further, along X and along Y.

    ρ(k) = mean(z(i) z(i + k)) / mean(z²) with the mean of z taken off, over the pairs of which both are numbers.
    For n independent pixels it is 0 with the standard error 1/√n. A residual of an estimate that gives each neighbour
    the weight w has about −2w at that neighbour, so that only positive values speak of structure.

    Parameters
    ----------
    values
        ``(Y, X)``; NaN where nothing is known.
    lags
        The furthest.

    Returns
    -------
    x, y
        ``(lags,)`` each; NaN where there are no pairs, or all pixels are alike.
    """
    known = np.isfinite(values)
    z = np.where(known, values, 0.0)
    count = max(int(known.sum()), 1)
    z = np.where(known, z - z.sum() / count, 0.0)
    variance = float((z * z).sum()) / count
    along = []
    for plane, there in ((z, known), (z.T, known.T)):
        found = np.full(lags, np.nan)
        for k in range(1, min(lags, plane.shape[1] - 1) + 1):
            pairs = int((there[:, :-k] & there[:, k:]).sum())
            if pairs and variance > 0:
                found[k - 1] = float((plane[:, :-k] * plane[:, k:]).sum()) / pairs / variance
        along.append(found)
    return along[0], along[1]
