"""Autocorrelation of a residual: neighbouring pixels of white noise do not correlate."""

from __future__ import annotations

import numpy as np

from muguet.quality.check import Floats

MAX_LAG = 8
"""The largest distance in pixels at which the correlation is computed."""


def autocorrelation(values: Floats, max_lag: int = MAX_LAG) -> tuple[Floats, Floats]:
    """Return the correlation of pixels that are 1 … `max_lag` apart, along X and along Y.

    ρ(k) = mean(z(i) z(i + k)) / mean(z²), where z has its mean subtracted and the numerator averages over all pairs
    in which both pixels are finite. For n independent pixels ρ(k) is 0 with the standard error 1/√n. If an estimate
    gives each neighbour the weight w, its residual has about −2w at that neighbour; therefore only positive values
    indicate image structure.

    Parameters
    ----------
    values
        Residual ``(Y, X)``; NaN marks missing pixels.
    max_lag
        The largest distance in pixels.

    Returns
    -------
    x, y
        ``(max_lag,)`` each; NaN at lags without pairs, and everywhere if all pixels are equal.
    """
    known = np.isfinite(values)
    z = np.where(known, values, 0.0)
    count = max(int(known.sum()), 1)
    z = np.where(known, z - z.sum() / count, 0.0)
    variance = float((z * z).sum()) / count
    correlations = []
    for plane, mask in ((z, known), (z.T, known.T)):
        correlation = np.full(max_lag, np.nan)
        for k in range(1, min(max_lag, plane.shape[1] - 1) + 1):
            n_pairs = int((mask[:, :-k] & mask[:, k:]).sum())
            if n_pairs and variance > 0:
                correlation[k - 1] = float((plane[:, :-k] * plane[:, k:]).sum()) / n_pairs / variance
        correlations.append(correlation)
    return correlations[0], correlations[1]
