"""Image structure in a residual: was more than noise removed?"""

from __future__ import annotations

import numpy as np
import torch

from muguet.image.values import fill_missing
from muguet.noise.numerics import window_sums
from muguet.quality.check import Floats
from muguet.restoration.blur import gaussian_blur

_BOX = 5
"""Side in pixels of the windows over which the residual is averaged."""

_MAX_SQUARE = 25.0
"""The squared mean of a window is limited to this many times its variance: five standard deviations."""

_FINE, _COARSE = 4.0, 8.0
"""Widths in pixels of two Gaussian blurs. Their difference contains the structures that a blur that is too wide
removes."""


def excess_power(z: Floats) -> float:
    """Return the power of a normalised residual in windows of 5×5 pixels, relative to white noise of variance 1.

    With m the mean of z − G₈z over the n known pixels of a window, the result is mean(min(n m², 25)). An estimate
    that is a local average removes only the fast part of the noise, and its residual has less than 1. If an estimate
    lost structure, its residual has more than 1, because structure does not average out. Subtracting the Gaussian
    blur G₈ of 8 pixels removes errors in the brightness of whole regions, which are not structure, and the limit of
    25 prevents a few bright spots from dominating. NaN if no window has more than half of its pixels known.
    """
    known = np.isfinite(z)
    if not known.any():
        return float("nan")
    fast = np.where(known, z - _smooth(z, _COARSE), 0.0)
    sums, count = (window_sums(each, _BOX) for each in (fast, known.astype(np.float64)))
    kept = count > _BOX**2 / 2
    return (
        float(np.minimum(sums[kept] ** 2 / count[kept], _MAX_SQUARE).mean()) if kept.any() else float("nan")
    )


def lost_contrast(z: Floats, signal: Floats, std: Floats) -> tuple[float, float]:
    """Return how much contrast structures about ten pixels wide lost in the estimate, and how reliable that value is.

    Let B = G₄ − G₈ be the difference of Gaussian blurs of 4 and 8 pixels, a band-pass filter. Then s = Bx̂/σ(x̂)
    contains these structures of the estimate and Bz those of the residual, both in units of the noise. The
    regression of Bz on s,

        lost = Σ Bz · s / Σ s²,     likeness = Pearson's correlation of Bz and s,

    is near 0 if no structure was removed with the noise. If y − x̂ = lost · x̂ in this band, the estimate has
    1/(1 + lost) of the contrast. A Gaussian blur of 5 pixels loses 0.2 to 0.7. NaN if Bz or s is constant.

    Parameters
    ----------
    z
        Normalised residual ``(Y, X)``; NaN marks missing pixels.
    signal, std
        Estimate x̂ and standard deviation σ(x̂) of its noise ``(Y, X)``, in counts.

    Returns
    -------
    lost, likeness
        The lost contrast relative to the remaining contrast, and the correlation, −1 to 1.
    """
    known = np.isfinite(z)
    if not known.any():
        return float("nan"), float("nan")
    scale = float(np.std(signal[known])) or 1.0
    units = fill_missing(np.where(known, (signal - signal[known].mean()) / scale, np.nan)).astype(np.float64)
    structure = scale * (_blur(units, _FINE) - _blur(units, _COARSE))[known] / std[known]
    residual = (_smooth(z, _FINE) - _smooth(z, _COARSE))[known]
    power = float((structure**2).sum())
    share = float((residual * structure).sum()) / power if power > 0 else float("nan")
    return share, pearson(residual, structure)


def _smooth(z: Floats, sigma: float) -> Floats:
    """Return the Gaussian-weighted means of the known pixels; NaN where the pixel itself is missing."""
    known = np.isfinite(z)
    share = _blur(known.astype(np.float64), sigma)
    return np.where(known, _blur(np.where(known, z, 0.0), sigma) / np.maximum(share, 1e-3), np.nan)


def _blur(values: Floats, sigma: float) -> Floats:
    blurred: Floats = gaussian_blur(torch.from_numpy(values)[None, None], sigma)[0, 0].numpy()
    return blurred


def pearson(a: Floats, b: Floats) -> float:
    """Return Pearson's correlation over the pixels that are finite in both arrays.

    NaN if an array is constant, or if fewer than 16 pixels are finite in both.
    """
    both = np.isfinite(a) & np.isfinite(b)
    if int(both.sum()) < 16:
        return float("nan")
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else float("nan")
