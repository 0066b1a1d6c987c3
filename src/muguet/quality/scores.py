"""Scores of an estimate against a clean image, and their mean and standard error over runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

Floats = npt.NDArray[np.float64]

SSIM_NEEDS = "SSIM needs scikit-image: pip install 'muguet[classic]'"
_WINDOW = 11  # pixels along a side of the window of SSIM: a Gaussian of 1.5 pixels, cut off at 5


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
    guess, truth = _frames(estimate, clean)
    extent = _extent(truth)
    error = np.square(guess - truth).mean((-2, -1))
    with np.errstate(divide="ignore"):
        return float(np.mean(20 * np.log10(extent) - 10 * np.log10(error)))


def ssim(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> float:
    """Structural similarity, the mean over all frames.

    SSIM = mean of (2 m m′ + c₁)(2 cov + c₂) / ((m² + m′² + c₁)(v + v′ + c₂)) over all windows that lie within the
    frame; m, v and cov are means, variances and the covariance of estimate and clean under a Gaussian window of
    1.5 pixels (11×11), c₁ = (0.01 L)², c₂ = (0.03 L)², and L = max(clean) − min(clean) of each frame. Wang et al.
    2004, doi:10.1109/TIP.2003.819861. The first factor compares m/m′, so SSIM depends on the offset of a camera: only
    figures of images in the same units compare.

    Parameters
    ----------
    estimate, clean
        Arrays ``(..., Y, X)`` as for `psnr`, at least 11×11 pixels.

    Returns
    -------
    float
        1 for a perfect estimate, −1 at least.

    Raises
    ------
    MuguetError
        As `psnr` does, and if frames are too small, a value is not finite, or scikit-image is not installed.
    """
    guess, truth = _frames(estimate, clean)
    extent = np.broadcast_to(_extent(truth), guess.shape[:-2])
    _refuse_missing(guess, truth)
    if min(guess.shape[-2:]) < _WINDOW:
        raise MuguetError(f"frames of {guess.shape[-2]}×{guess.shape[-1]} pixels: SSIM needs at least 11×11")
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise MuguetError(SSIM_NEEDS) from error
    truth = np.broadcast_to(truth, guess.shape)
    # Variances of the whole population (use_sample_covariance=False), as Wang et al. define them.
    choices = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    values = [
        structural_similarity(truth[at], guess[at], data_range=extent[at], **choices)
        for at in np.ndindex(guess.shape[:-2])
    ]
    return float(np.mean(values))


def affine_match(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> Floats:
    """Return a · estimate + b, with the a and b of each frame that minimise the squared error to clean.

    a = cov(estimate, clean) / var(estimate), b = mean(clean) − a · mean(estimate). Scores after it do not depend on
    the gain and the offset in which an estimate is given. They are not free of favour: of an estimate with an error
    that is independent of the signal, a = var(clean) / (var(clean) + var(error)) < 1, which takes contrast away as a
    Wiener filter of a single coefficient would. So a matched score is never below the raw one, and a noisy image
    gains more by it than a clean one.

    Parameters
    ----------
    estimate, clean
        Arrays ``(..., Y, X)`` as for `psnr`. A constant estimate becomes the mean of clean.

    Returns
    -------
    NDArray
        Of the estimate's shape, float64, in the units of clean.

    Raises
    ------
    MuguetError
        If the shapes do not match, or a value is not finite.
    """
    guess, truth = _frames(estimate, clean)
    _refuse_missing(guess, truth)
    middle, level = guess.mean((-2, -1), keepdims=True), truth.mean((-2, -1), keepdims=True)
    spread = np.square(guess - middle).mean((-2, -1), keepdims=True)
    common = ((guess - middle) * (truth - level)).mean((-2, -1), keepdims=True)
    slope = np.divide(common, spread, out=np.zeros_like(spread), where=spread > 0)
    matched: Floats = slope * (guess - middle) + level
    return matched


@dataclass(frozen=True)
class Scores:
    """All scores of one frame: raw, and after the best affine match (`affine_match`).

    `ssim` and `ssim_matched` are None where SSIM cannot be given; `missing` pixels were left out.
    """

    psnr: float
    psnr_matched: float
    ssim: float | None
    ssim_matched: float | None
    missing: int = 0


def score(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> Scores:
    """All scores of one frame ``(Y, X)``.

    Pixels that are not finite in either image are left out of PSNR and of the match. SSIM, whose windows need all
    pixels, is None then, and also for frames of fewer than 11×11 pixels and without scikit-image.

    Raises
    ------
    MuguetError
        If the shapes differ, no pixel is finite in both, or the clean frame is constant.
    """
    guess, truth = _frames(estimate, clean)
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
    """Mean of repeated measurements, and its standard error s/√n with s² = Σ(v − mean)² / (n − 1).

    The standard error of one value is not a number: nothing is known of its spread.
    """
    array = np.fromiter(values, dtype=np.float64)
    if array.size == 0:
        raise MuguetError("there are no values to average: give at least one")
    error = float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else float("nan")
    return float(array.mean()), error


def _frames(estimate: npt.ArrayLike, clean: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as float64, if their shapes match."""
    guess, truth = np.asarray(estimate, dtype=np.float64), np.asarray(clean, dtype=np.float64)
    if truth.ndim < 2 or guess.shape[guess.ndim - truth.ndim :] != truth.shape:
        raise MuguetError(
            f"the estimate's shape {guess.shape} and the clean image's {truth.shape} do not match: "
            "give both (..., Y, X)"
        )
    return guess, truth


def _extent(truth: Floats) -> Floats:
    """The range of each clean frame."""
    extent: Floats = truth.max((-2, -1)) - truth.min((-2, -1))
    if not np.all(extent > 0):
        raise MuguetError("a clean frame is constant or not finite: its range is needed for a score")
    return extent


def _refuse_missing(guess: Floats, truth: Floats) -> None:
    if not (np.isfinite(guess).all() and np.isfinite(truth).all()):
        raise MuguetError("a pixel is not finite: leave such pixels out, or fill them")
