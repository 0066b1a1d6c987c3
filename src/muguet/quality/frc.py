"""Resolution from a single image: Fourier ring correlation of two halves that are made with the noise law."""

from __future__ import annotations

import numpy as np

from muguet.quality.check import Floats

THRESHOLD = 1 / 7
"""Details count as resolved down to this correlation: Rosenthal & Henderson 2003, doi:10.1016/j.jmb.2003.07.013."""


def halves(noisy: Floats, std: Floats, seed: int = 0) -> tuple[Floats, Floats]:
    """Make two images with independent noise from one: y + z and y − z with z ~ N(0, σ²(x̂)).

    Cov(y + z, y − z) = σ² − σ² = 0: to second order the noise of the two images is independent, and each has twice
    the variance of the original noise (Pang et al. 2021, *Recorrupted-to-Recorrupted*, CVPR; the case α = 1).
    Measurements on them are therefore pessimistic: they correspond to half of the recorded light.

    Parameters
    ----------
    noisy, std
        The image y and the standard deviation σ(x̂) of its noise, of one shape, in counts; NaN in `std` adds no noise.
    seed
        Seed of the random numbers z.
    """
    z = np.random.default_rng(seed).normal(size=noisy.shape) * np.nan_to_num(std)
    return noisy + z, noisy - z


def ring_correlation(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Return the Fourier ring correlation of two planes ``(Y, X)`` as a function of frequency.

    FRC(f) = Re Σ A B* / √(Σ |A|² Σ |B|²), where the sums run over a ring of frequencies (Saxton & Baumeister 1982,
    doi:10.1111/j.1365-2818.1982.tb00405.x; in light microscopy Nieuwenhuizen et al. 2013, doi:10.1038/nmeth.2448).
    The mean is subtracted, and a Hann window suppresses artefacts of the borders. Pixels that are missing in either
    plane are set to 0.

    Returns
    -------
    frequency
        Centres of the rings in cycles per pixel, up to the Nyquist frequency of 0.5. There are half as many rings as
        the smaller side has pixels. Empty if a side is shorter than 8 pixels or no pixel is finite in both planes.
    correlation
        −1 to 1; NaN in a ring without power. Empty like `frequency`.
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
    """Return the period in pixels at which the correlation first falls below a threshold.

    The mean of three neighbouring rings is compared with the threshold, and the crossing is interpolated linearly
    between rings. The result is 2 if the mean never falls below the threshold (details are finer than the pixels
    can show), infinite if the first ring is below it, and NaN if there are fewer than four rings or none is finite.
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


def low_frequency_correlation(correlation: Floats) -> float:
    """Return the mean correlation of the lowest eighth of the rings, or of eight rings if that is more.

    Each ring is weighted by its circumference, which is roughly proportional to the number of independent values in
    it. NaN if none of these rings has a finite correlation.
    """
    lowest = correlation[: max(8, len(correlation) // 8)]
    known = np.isfinite(lowest)
    weight = np.arange(1.0, len(lowest) + 1)
    return float(np.average(lowest[known], weights=weight[known])) if known.any() else float("nan")
