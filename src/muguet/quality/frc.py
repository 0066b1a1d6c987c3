"""Resolution from one image: Fourier ring correlation of two halves made by the noise law."""

from __future__ import annotations

import numpy as np

from muguet.quality.check import Floats

THRESHOLD = 1 / 7
"""Correlation at which an image is called resolved: Rosenthal & Henderson 2003, doi:10.1016/j.jmb.2003.07.013."""


def halves(noisy: Floats, std: Floats, seed: int = 0) -> tuple[Floats, Floats]:
    """Two images with independent noise, made from one: y + z and y − z with z ~ N(0, σ²(x̂)).

    Cov(y + z, y − z) = σ² − σ² = 0: to second order they are independent, each with twice the variance of the
    noise (Pang et al. 2021, *Recorrupted-to-Recorrupted*, CVPR; the case α = 1). What is measured on them is
    therefore pessimistic: as if half of the light had been recorded.
    """
    z = np.random.default_rng(seed).normal(size=noisy.shape) * np.nan_to_num(std)
    return noisy + z, noisy - z


def ring_correlation(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Fourier ring correlation of two planes ``(Y, X)``, against the frequency.

    FRC(f) = Re Σ A B* / √(Σ |A|² Σ |B|²), the sums over a ring of frequencies (Saxton & Baumeister 1982,
    doi:10.1111/j.1365-2818.1982.tb00405.x; in light microscopy Nieuwenhuizen et al. 2013, doi:10.1038/nmeth.2448). The
    mean is taken off and a Hann window keeps the borders from ringing. Pixels that are missing in either are 0.

    Returns
    -------
    frequency
        Centres of the rings in cycles a pixel, up to Nyquist's 0.5, as wide as the smaller side resolves.
    correlation
        −1 to 1; NaN in a ring without power.
    """
    known = np.isfinite(first) & np.isfinite(second)
    if min(first.shape) < 8 or not known.any():
        return np.empty(0), np.empty(0)
    window = np.hanning(first.shape[0] + 2)[1:-1, None] * np.hanning(first.shape[1] + 2)[1:-1]
    a, b = (np.fft.fft2(np.where(known, each - each[known].mean(), 0.0) * window) for each in (first, second))
    fy, fx = (np.fft.fftfreq(size) for size in first.shape)
    rings = min(first.shape) // 2
    ring = np.rint(np.hypot(fy[:, None], fx) * 2 * rings).astype(np.intp).ravel()
    cross, left, right = (
        np.bincount(ring, values.ravel(), minlength=rings + 1)[1 : rings + 1]
        for values in ((a * b.conj()).real, np.abs(a) ** 2, np.abs(b) ** 2)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = cross / np.sqrt(left * right)
    return np.arange(1, rings + 1) / (2 * rings), correlation


def resolution(frequency: Floats, correlation: Floats, threshold: float = THRESHOLD) -> float:
    """Where the correlation first falls below a threshold, as a period in pixels.

    The mean of three rings is compared, and the crossing interpolated between rings. 2 if it never falls
    below it (finer than the pixels can show), infinite if it is below from the start.
    """
    if len(frequency) < 4 or not np.isfinite(correlation).any():
        return float("nan")
    padded = np.pad(np.nan_to_num(correlation), 1, mode="edge")
    smooth = np.convolve(padded, np.full(3, 1 / 3), mode="valid")
    below = np.flatnonzero(smooth < threshold)
    if not len(below):
        return 2.0
    at = int(below[0])
    if at == 0:
        return float("inf")
    share = (smooth[at - 1] - threshold) / (smooth[at - 1] - smooth[at])
    return float(1 / (frequency[at - 1] + share * (frequency[at] - frequency[at - 1])))


def common(correlation: Floats) -> float:
    """Mean correlation at the lowest frequencies: an eighth of the rings, and eight at least; NaN of none.

    Rings count by their circumference, which is about how many independent values they hold.
    """
    lowest = correlation[: max(8, len(correlation) // 8)]
    known = np.isfinite(lowest)
    weight = np.arange(1.0, len(lowest) + 1)
    return float(np.average(lowest[known], weights=weight[known])) if known.any() else float("nan")
