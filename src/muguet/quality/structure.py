"""Did anything of the image go with the noise? What is left of structure in a residual."""

from __future__ import annotations

import numpy as np
import torch

from muguet.image.values import fill_missing
from muguet.quality.check import Floats
from muguet.quality.normalised import window_sums
from muguet.restoration.blur import gaussian_blur

_BOX = 5  # pixels
_MOST = 25.0  # five standard deviations of a window's mean
_FINE, _COARSE = 4.0, 8.0  # pixels: between them lies what a blur that is too wide takes away


def excess(z: Floats) -> float:
    """Power of a normalised residual in windows of 5×5 pixels, over that of white noise of variance 1.

    With m the mean over a window of z − G₈z, of which n pixels are known, excess = mean(min(n m², 25)). A local average
    takes the slow part of the noise and leaves less than 1; an estimate that lost structure leaves more, as structure
    does not average out. The blur G₈ takes off what is wrong with the brightness of whole regions, which is not
    structure, and the limit keeps a few bright spots from deciding. NaN if no window is half known.
    """
    known = np.isfinite(z)
    if not known.any():
        return float("nan")
    fast = np.where(known, z - _smooth(z, _COARSE), 0.0)
    sums, count = (window_sums(each, _BOX) for each in (fast, known.astype(np.float64)))
    kept = count > _BOX**2 / 2
    return float(np.minimum(sums[kept] ** 2 / count[kept], _MOST).mean()) if kept.any() else float("nan")


def lost(z: Floats, signal: Floats, std: Floats) -> tuple[float, float]:
    """Share of the contrast that an estimate lost of structures about ten pixels wide, and how sure that is.

    With B = G₄ − G₈ what Gaussian blurs of 4 and 8 pixels leave between them, s = Bx̂/σ(x̂) is what stands out of the
    estimate and Bz what stands out of the residual, both in units of the noise. The regression of Bz on s,

        lost = Σ Bz · s / Σ s²,     likeness = Pearson's correlation of Bz and s,

    is near 0 if nothing of the image went with the noise: y − x̂ = lost · x̂ there means that the estimate has
    1/(1 + lost) of the contrast. A Gaussian blur of 5 pixels loses 0.2 to 0.7. NaN if either is constant.
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
    """Gaussian means of the pixels that are known; NaN where one is not."""
    known = np.isfinite(z)
    share = _blur(known.astype(np.float64), sigma)
    return np.where(known, _blur(np.where(known, z, 0.0), sigma) / np.maximum(share, 1e-3), np.nan)


def _blur(values: Floats, sigma: float) -> Floats:
    blurred: Floats = gaussian_blur(torch.from_numpy(values)[None, None], sigma)[0, 0].numpy()
    return blurred


def pearson(a: Floats, b: Floats) -> float:
    """Correlation of the pixels that are numbers in both; NaN if either is constant or there are fewer than 16."""
    both = np.isfinite(a) & np.isfinite(b)
    if int(both.sum()) < 16:
        return float("nan")
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else float("nan")
