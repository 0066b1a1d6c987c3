"""Scores of an estimate against a clean image, and their mean and standard error over runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.numerics import power_of_two
from muguet.system.extras import check_installed

Floats = npt.NDArray[np.float64]

_WINDOW = 11
"""Side in pixels of the window of SSIM: a Gaussian of 1.5 pixels, cut off at a distance of 5 pixels."""


def psnr(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> float:
    """Return the peak signal-to-noise ratio in decibels, averaged over all frames.

    PSNR = 20 · log₁₀(max(clean) − min(clean)) − 10 · log₁₀(mean((estimate − clean)²)), computed for each frame with
    its own range and error, in float64. This range is the convention of Krull et al. 2019 (*Noise2Void*,
    arXiv:1811.10980) and of the papers that compare with it. Both images must have the same units; neither is
    rescaled.

    Parameters
    ----------
    estimate, clean
        Arrays ``(..., Y, X)`` of one shape. Leading axes are frames; a clean array ``(Y, X)`` is used for all frames.

    Returns
    -------
    float
        Decibels; infinite for a perfect estimate.

    Raises
    ------
    MuguetError
        If the shapes do not match, or a clean frame is constant or not finite.
    """
    guess, truth, _ = _frames(estimate, clean)
    extent = _extent(truth)
    error = np.square(guess - truth).mean((-2, -1))
    with np.errstate(divide="ignore"):
        return float(np.mean(20 * np.log10(extent) - 10 * np.log10(error)))


def ssim(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> float:
    """Return the structural similarity, averaged over all frames.

    SSIM = mean of (2 m m′ + c₁)(2 cov + c₂) / ((m² + m′² + c₁)(v + v′ + c₂)) over all windows that lie within the
    frame; m, v and cov are means, variances and the covariance of estimate and clean under a Gaussian window of
    1.5 pixels (11×11), c₁ = (0.01 L)², c₂ = (0.03 L)², and L = max(clean) − min(clean) of each frame. Wang et al.
    2004, doi:10.1109/TIP.2003.819861. The first factor compares m/m′, so SSIM depends on the offset of the camera:
    values are comparable only between images in the same units.

    Parameters
    ----------
    estimate, clean
        Arrays ``(..., Y, X)`` as for `psnr`, at least 11×11 pixels.

    Returns
    -------
    float
        At least −1, and 1 for a perfect estimate.

    Raises
    ------
    MuguetError
        In the cases of `psnr`, and if frames are too small, a value is not finite, or scikit-image is missing.
    """
    guess, truth, _ = _frames(estimate, clean)
    extent = np.broadcast_to(_extent(truth), guess.shape[:-2])
    _refuse_missing(guess, truth)
    if min(guess.shape[-2:]) < _WINDOW:
        raise MuguetError(
            f"frames of {guess.shape[-2]}×{guess.shape[-1]} pixels are too small: SSIM needs at least 11×11 pixels"
        )
    check_installed("classic", ("skimage",), "SSIM")
    from skimage.metrics import structural_similarity

    truth = np.broadcast_to(truth, guess.shape)
    # Wang et al. use the variances of the whole population (use_sample_covariance=False).
    choices = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    values = [
        structural_similarity(truth[at], guess[at], data_range=extent[at], **choices)
        for at in np.ndindex(guess.shape[:-2])
    ]
    return float(np.mean(values))


def affine_match(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> Floats:
    """Return a · estimate + b, with the a and b of each frame that minimise the squared error to clean.

    a = cov(estimate, clean) / var(estimate), b = mean(clean) − a · mean(estimate). Scores of the matched estimate do
    not depend on the gain and the offset of the estimate. The match is not neutral: for an estimate whose error is
    independent of the signal, a = var(clean) / (var(clean) + var(error)) < 1, which reduces the contrast like a
    Wiener filter with a single coefficient. Therefore the matched PSNR is never below the raw one, and a noisy image
    gains more by the match than a clean one.

    Parameters
    ----------
    estimate, clean
        Arrays ``(..., Y, X)`` as for `psnr`. A constant estimate becomes the mean of clean.

    Returns
    -------
    NDArray
        Matched estimate of the same shape, float64, in the units of clean.

    Raises
    ------
    MuguetError
        If the shapes do not match, or a value is not finite.
    """
    guess, truth, power = _frames(estimate, clean)
    _refuse_missing(guess, truth)
    middle, level = guess.mean((-2, -1), keepdims=True), truth.mean((-2, -1), keepdims=True)
    spread = np.square(guess - middle).mean((-2, -1), keepdims=True)
    common = ((guess - middle) * (truth - level)).mean((-2, -1), keepdims=True)
    slope = np.divide(common, spread, out=np.zeros_like(spread), where=spread > 0)
    matched: Floats = np.ldexp(slope * (guess - middle) + level, power)
    return matched


@dataclass(frozen=True)
class Scores:
    """All scores of one frame: raw, and after the best affine match (`affine_match`).

    Attributes
    ----------
    psnr, psnr_matched
        Peak signal-to-noise ratios in decibels.
    ssim, ssim_matched
        Structural similarities; None if they cannot be computed (see `score`).
    missing
        Number of pixels that were left out because they are not finite.
    """

    psnr: float
    psnr_matched: float
    ssim: float | None
    ssim_matched: float | None
    missing: int = 0


def score(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> Scores:
    """Return all scores of one frame ``(Y, X)``.

    Pixels that are not finite in either image are left out of PSNR and of the match. The windows of SSIM need all
    pixels; SSIM is None if a pixel is missing, if the frame is smaller than 11×11 pixels, or without scikit-image.

    Raises
    ------
    MuguetError
        If the shapes differ, no pixel is finite in both, or the clean frame is constant.
    """
    guess, truth, _ = _frames(estimate, clean)
    kept = np.isfinite(guess) & np.isfinite(truth)
    missing = int(kept.size - np.count_nonzero(kept))
    if missing == kept.size:
        raise MuguetError("no pixel is finite in both images: there is nothing to compare")
    similar = missing == 0 and min(guess.shape) >= _WINDOW and find_spec("skimage") is not None
    if missing:
        guess, truth = guess[kept][None], truth[kept][None]
    matched = affine_match(guess, truth)
    return Scores(
        psnr(guess, truth),
        psnr(matched, truth),
        ssim(guess, truth) if similar else None,
        ssim(matched, truth) if similar else None,
        missing,
    )


def mean_and_standard_error(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean of repeated measurements and its standard error s/√n, where s² = Σ(v − mean)² / (n − 1).

    The standard error of a single value is NaN, because its spread is unknown.

    Raises
    ------
    MuguetError
        If there are no values.
    """
    array = np.fromiter(values, dtype=np.float64)
    if array.size == 0:
        raise MuguetError("there are no values to average: give at least one")
    error = float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else float("nan")
    return float(array.mean()), error


def _frames(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> tuple[Floats, Floats, int]:
    """Return both arrays in float64, divided by a power of two so that their squares are numbers, and its exponent.

    Scores do not depend on the unit of both images. Raises a MuguetError if their shapes do not match.
    """
    guess, truth = np.asarray(estimate, dtype=np.float64), np.asarray(clean, dtype=np.float64)
    if truth.ndim < 2 or guess.shape[guess.ndim - truth.ndim :] != truth.shape:
        raise MuguetError(
            f"the estimate's shape {guess.shape} and the clean image's {truth.shape} do not match: "
            "give both (..., Y, X)"
        )
    power = power_of_two(truth)
    return np.ldexp(guess, -power), np.ldexp(truth, -power), power


def _extent(truth: Floats) -> Floats:
    """Return the range of each clean frame; raise a MuguetError if one is constant or not finite."""
    extent: Floats = truth.max((-2, -1)) - truth.min((-2, -1))
    if not np.all(extent > 0):
        raise MuguetError("a clean frame is constant or not finite: a score needs its range")
    return extent


def _refuse_missing(guess: Floats, truth: Floats) -> None:
    """Raise a MuguetError if a pixel is not finite."""
    if not (np.isfinite(guess).all() and np.isfinite(truth).all()):
        raise MuguetError("a pixel is not finite: leave out or fill such pixels")
