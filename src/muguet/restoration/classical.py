"""Denoisers without training: a Gaussian blur, non-local means, wavelets and total variation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.restoration.blur_width import Array, best_blur, blind_sigma, blurred, noise_std, refuse_missing
from muguet.system.extras import check_installed

__all__ = ["METHODS", "apply", "best_blur", "calibrate", "calibrated"]

Floats = npt.NDArray[np.floating]

MIN_SIDE = 16
"""Minimum number of pixels along Y and X."""

_WINDOW = 512  # A parameter is found on the centre of a plane, of at most this many pixels along each side.
_STRIDE = 4  # Hidden pixels are this far apart, in pixels along each axis.
_WAVELET = "sym4"


@dataclass(frozen=True)
class _Method:
    """A denoiser of scikit-image for planes whose noise has the standard deviation 1.

    Attributes
    ----------
    parameter
        Name of its one parameter.
    candidates
        Values of the parameter, of which the best is chosen.
    run
        The denoiser itself.
    """

    parameter: str
    candidates: tuple[float, ...]
    run: Callable[..., Floats]


def calibrated(noisy: npt.ArrayLike, method: str) -> tuple[npt.NDArray[np.float32], dict[str, float]]:
    """Denoise with a classical method whose parameter is found from the noisy image alone.

    ``gaussian-blur`` has the width that `blind_sigma` returns.

    ``non-local-means`` (Buades et al. 2005, doi:10.1109/CVPR.2005.38), ``wavelet`` (BayesShrink, averaged over
    shifts: Chang et al. 2000, doi:10.1109/83.862633; Coifman & Donoho 1995, doi:10.1007/978-1-4612-2544-7_9) and
    ``total-variation`` (Chambolle 2004, doi:10.1023/B:JMIV.0000011325.36760.1e), all from scikit-image, have the
    parameter that predicts hidden pixels best from the others (J-invariance; Batson & Royer 2019, arXiv:1901.11365).
    The estimate f(y) of the image, each pixel hidden from its own estimate, is then averaged with the noisy image y.
    Their errors are independent, so the best weights are x̂ = w f(y) + (1 − w) y with w = s² / mean((f(y) − y)²),
    where s² is the variance of the noise.

    Each frame is denoised on its own, in units of its own noise. All have the same parameter, that of the frame with
    the median noise. The noise must be independent from pixel to pixel.

    Parameters
    ----------
    noisy
        Array ``(..., Y, X)`` of finite values, of at least 16×16 pixels.
    method
        One of `METHODS`.

    Returns
    -------
    estimate, parameters
        The denoised image, in the shape and unit of `noisy`, and the parameter by its name in scikit-image. The
        ``sigma`` of a blur is in pixels, all others are in units of `muguet.restoration.blur_width.noise_std`.

    Raises
    ------
    MuguetError
        If the method is not known, its library is not installed, or the image is too small, constant or not finite.
    """
    image = np.asarray(noisy)
    places = list(np.ndindex(image.shape[:-2]))
    parameters = calibrate([image[at] for at in places], method)
    estimate = np.empty(image.shape, np.float32)
    for at in places:
        estimate[at] = apply(image[at], method, parameters)
    return estimate, parameters


def check_method(method: str) -> None:
    """Check that a method is known, and that the packages that it needs are installed.

    Raises
    ------
    MuguetError
        If it is not, or they are not.
    """
    if method not in METHODS:
        raise MuguetError(f"{method!r} is not a classical method: choose one of {', '.join(METHODS)}")
    if method in _SCIKIT_IMAGE:
        check_installed("classic", ("skimage", "pywt"), f"the method {method}")


def calibrate(planes: Sequence[Array], method: str) -> dict[str, float]:
    """Return the best parameter of a method for planes ``(Y, X)``, see `calibrated`.

    It is found on the central 512×512 pixels of the plane with the median noise.
    """
    check_method(method)
    if not planes or min(min(plane.shape[-2:]) for plane in planes) < MIN_SIDE:
        raise MuguetError(f"a plane has fewer than {MIN_SIDE}×{MIN_SIDE} pixels: too few to find a parameter")
    refuse_missing(planes)
    by_noise = sorted((noise_std(plane), n) for n, plane in enumerate(planes))
    with_noise = [each for each in by_noise if each[0] > 0]
    if not with_noise:
        raise MuguetError("the image is constant, or has no noise: there is nothing to remove")
    std, number = with_noise[len(with_noise) // 2]
    plane = planes[number]
    starts = [max(size - _WINDOW, 0) // 2 for size in plane.shape]
    centre = tuple(slice(start, start + _WINDOW) for start in starts)
    if method not in _SCIKIT_IMAGE:
        return {"sigma": blind_sigma(plane[centre])}
    return _by_hidden_pixels(_normalised(plane, std)[centre], _SCIKIT_IMAGE[method])


def _by_hidden_pixels(units: Floats, method: _Method) -> dict[str, float]:
    from skimage.restoration import calibrate_denoiser

    _, (tried, losses) = calibrate_denoiser(
        units, method.run, {method.parameter: method.candidates}, stride=_STRIDE, extra_output=True
    )
    return {name: float(value) for name, value in tried[int(np.argmin(losses))].items()}


def apply(plane: Array, method: str, parameters: Mapping[str, float]) -> npt.NDArray[np.float32]:
    """Return a plane ``(Y, X)`` of finite values, denoised with the parameters that `calibrate` returned."""
    if method not in _SCIKIT_IMAGE:
        return blurred(plane, parameters["sigma"])
    std = noise_std(plane)
    if std == 0:
        return plane.astype(np.float32)
    from skimage.restoration import denoise_invariant

    units = _normalised(plane, std)
    run, choices = _SCIKIT_IMAGE[method].run, dict(parameters)
    others = denoise_invariant(units, run, stride=_STRIDE, denoiser_kwargs=choices)
    # The noise has the variance 1 here, and the difference also contains the error of the prediction.
    weight = 1 / max(float(np.square(others - units).mean()), 1.0)
    estimate = weight * others + (1 - weight) * units
    return np.asarray(estimate * std + plane.mean(dtype=np.float64), np.float32)


def _normalised(plane: Array, std: float) -> npt.NDArray[np.float32]:
    units: npt.NDArray[np.float32] = ((plane - plane.mean(dtype=np.float64)) / std).astype(np.float32)
    return units


def _non_local_means(plane: Floats, h: float) -> Floats:
    from skimage.restoration import denoise_nl_means

    estimate: Floats = denoise_nl_means(plane, patch_size=5, patch_distance=6, h=h, fast_mode=True)
    return estimate


def _total_variation(plane: Floats, weight: float) -> Floats:
    from skimage.restoration import denoise_tv_chambolle

    estimate: Floats = denoise_tv_chambolle(plane, weight=weight)
    return estimate


def _wavelet(plane: Floats, sigma: float) -> Floats:
    """The result of BayesShrink on all levels, averaged over nine shifts."""
    import pywt
    from skimage.restoration import denoise_wavelet

    levels = max(pywt.dwtn_max_level(plane.shape, _WAVELET), 1)
    choices = {"wavelet": _WAVELET, "method": "BayesShrink", "wavelet_levels": levels, "rescale_sigma": False}
    total = np.zeros_like(plane)
    for shift in np.ndindex(3, 3):
        moved = denoise_wavelet(np.roll(plane, shift, (0, 1)), sigma=sigma, **choices)
        total += np.roll(moved, (-shift[0], -shift[1]), (0, 1))
    return total / 9


def _candidates(low: float, high: float, number: int) -> tuple[float, ...]:
    return tuple(np.geomspace(low, high, number).round(3).tolist())


_SCIKIT_IMAGE = {
    "non-local-means": _Method("h", _candidates(0.4, 4, 10), _non_local_means),
    "wavelet": _Method("sigma", _candidates(0.4, 4, 10), _wavelet),
    "total-variation": _Method("weight", _candidates(0.2, 8, 12), _total_variation),
}
METHODS = ("gaussian-blur", *_SCIKIT_IMAGE)
