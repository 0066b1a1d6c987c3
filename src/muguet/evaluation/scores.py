"""Scores of an estimate against a clean image, and their mean and standard error over runs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError


def psnr(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> float:
    """Peak signal-to-noise ratio in decibels, the mean over all frames.

    PSNR = 20 · log₁₀(max(clean) − min(clean)) − 10 · log₁₀(mean((estimate − clean)²)), each frame with its own
    range and error, in float64. This range is the convention of Krull et al. 2019 (*Noise2Void*,
    arXiv:1811.10980) and of the papers that compare with it. Both images are in the same units; nothing is
    scaled to fit.

    Parameters
    ----------
    estimate, clean
        Arrays ``(..., Y, X)`` of one shape; leading axes are frames, and one clean ``(Y, X)`` serves all.

    Returns
    -------
    float
        Decibels; infinite for a perfect estimate.

    Raises
    ------
    MuguetError
        If the shapes do not match, or a clean frame is constant.
    """
    truth, guess = np.asarray(clean, dtype=np.float64), np.asarray(estimate, dtype=np.float64)
    if truth.ndim < 2 or guess.shape[guess.ndim - truth.ndim :] != truth.shape:
        raise MuguetError(
            f"the estimate's shape {guess.shape} and the clean image's {truth.shape} do not match: "
            "give both (..., Y, X)"
        )
    extent = truth.max((-2, -1)) - truth.min((-2, -1))
    if not np.all(extent > 0):
        raise MuguetError("a clean frame is constant or not finite: PSNR needs its range")
    error = np.square(guess - truth).mean((-2, -1))
    with np.errstate(divide="ignore"):
        return float(np.mean(20 * np.log10(extent) - 10 * np.log10(error)))


def mean_and_standard_error(values: Iterable[float]) -> tuple[float, float]:
    """Mean of repeated measurements, and its standard error s/√n with s² = Σ(v − mean)² / (n − 1).

    The standard error of one value is not a number: nothing is known of its spread.
    """
    array = np.fromiter(values, dtype=np.float64)
    if array.size == 0:
        raise MuguetError("there are no values to average: give at least one")
    error = float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else float("nan")
    return float(array.mean()), error
