"""The best width of a Gaussian blur, found with a clean image or from the noisy image alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError

Array = npt.NDArray[Any]

_MIN_SIGMA, _MAX_SIGMA = 0.3, 32.0  # Widths in pixels; a narrower Gaussian does not change the image.
_TOLERANCE = 0.005  # The search for the width ends at this accuracy, in pixels.
_GOLDEN = (math.sqrt(5) - 1) / 2  # The ratio of the golden-section search.


def best_blur(noisy: npt.ArrayLike, clean: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], float]:
    """Return the Gaussian blur with the highest mean PSNR, with one width for all frames.

    This is a baseline for denoisers; it needs the clean image to choose the width.

    Parameters
    ----------
    noisy
        Array ``(..., Y, X)`` of finite values.
    clean
        Array of the same shape, or one image ``(Y, X)`` for all frames.

    Returns
    -------
    estimate, sigma
        The blurred image, in the shape and unit of `noisy`, and the width in pixels (0: the image without a blur).

    Raises
    ------
    MuguetError
        If the shapes do not match or a value is not finite.
    """
    image, truth = np.asarray(noisy), np.asarray(clean)
    if truth.ndim < 2 or image.shape[image.ndim - truth.ndim :] != truth.shape:
        raise MuguetError(
            f"the noisy image's shape {image.shape} and the clean one's {truth.shape} do not match: "
            "give both (..., Y, X)"
        )
    truth = np.broadcast_to(truth, image.shape)
    places = list(np.ndindex(image.shape[:-2]))
    sigma = best_sigma([image[at] for at in places], [truth[at] for at in places])
    estimate = np.empty(image.shape, np.float32)
    for at in places:
        estimate[at] = blurred(image[at], sigma)
    return estimate, sigma


def best_sigma(noisy: Sequence[Array], clean: Sequence[Array]) -> float:
    """Return the width in pixels, one for all frames ``(Y, X)``, of the blur with the highest mean PSNR.

    This width minimises Σ log(mean squared error), as the range in the PSNR is that of the clean frame for any width.

    Raises
    ------
    MuguetError
        If a value is not finite.
    """
    refuse_missing([*noisy, *clean])

    def loss(sigma: float) -> float:
        errors = [
            np.square(blurred(y, sigma) - x.astype(np.float64)).mean()
            for y, x in zip(noisy, clean, strict=True)
        ]
        with np.errstate(divide="ignore"):  # In an image without noise, the width 0 has an error of 0.
            return float(np.log(errors).sum())

    return _minimise(loss, noisy)


def blurred(plane: Array, sigma: float) -> npt.NDArray[np.float32]:
    """Return a plane ``(Y, X)`` convolved with a Gaussian of `sigma` pixels, reflected at its borders."""
    import torch

    from muguet.restoration.blur import gaussian_blur

    middle = plane.mean(dtype=np.float64)  # float32 is more precise around 0 than around an offset.
    centred = torch.from_numpy((plane - middle).astype(np.float32))[None, None]
    return np.asarray(gaussian_blur(centred, sigma)[0, 0].numpy() + middle, np.float32)


def blind_sigma(plane: Array) -> float:
    """Return the width in pixels of the blur with the least squared error, estimated from a noisy plane ``(Y, X)``.

    It minimises Mallows' C_L = mean((G y − y)²) + 2 g s², where g is the weight of a pixel in its own blur G y and s²
    the mean variance of the noise (`noise_std`). Up to a constant, the mean of C_L is the squared error to the signal,
    for any linear filter and any noise that is independent from pixel to pixel, whether or not it depends on the
    signal. Mallows 1973, doi:10.1080/00401706.1973.10489103.
    """
    from muguet.restoration.blur import gaussian

    std = noise_std(plane)

    def loss(sigma: float) -> float:
        own = float(gaussian(sigma, math.ceil(4 * sigma)).max()) ** 2
        return float(np.square(blurred(plane, sigma) - plane.astype(np.float64)).mean()) + 2 * own * std**2

    return _minimise(loss, [plane])


def matching_sigma(noisy: Array, denoised: Array) -> float:
    """Return the width in pixels of the blur that removes as much noise as a denoiser did, of planes ``(Y, X)``.

    With this width, the variance of noisy − blurred in flat regions is that of noisy − denoised. Flat regions are the
    third of the pixels in whose surroundings, 9×9 pixels of the denoised plane, values vary least. What a blur of this
    width does to the structures of the image shows what the denoiser gains.

    Returns
    -------
    float
        0 if the denoiser removed nothing; the widest of 32 pixels and a quarter of the plane if no blur removes as
        much.

    Raises
    ------
    MuguetError
        If the shapes differ or a value is not finite.
    """
    if noisy.ndim != 2 or noisy.shape != denoised.shape:
        raise MuguetError(
            f"the planes have the shapes {noisy.shape} and {denoised.shape}: give two planes (Y, X) of one shape"
        )
    refuse_missing([noisy, denoised])
    flat = _flat(denoised)

    def removed(estimate: Array) -> float:
        return float(np.var((noisy - estimate.astype(np.float64))[flat]))

    wanted = removed(denoised)
    low, high = 0.0, float(min(_MAX_SIGMA, min(noisy.shape) / 4))
    if wanted <= 0 or removed(blurred(noisy, high)) <= wanted:
        return 0.0 if wanted <= 0 else high
    while high - low > _TOLERANCE:
        middle = (low + high) / 2
        low, high = (middle, high) if removed(blurred(noisy, middle)) < wanted else (low, middle)
    return (low + high) / 2


def _flat(plane: Array) -> npt.NDArray[np.bool_]:
    """The third of the pixels of a plane in whose surroundings values vary least."""
    side, sigma = 9, 1.0
    smooth = blurred(plane, sigma).astype(np.float64)
    pad = np.pad(smooth - smooth.mean(), side // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(pad, (side, side))
    spread = windows.var(axis=(-2, -1))
    flat: npt.NDArray[np.bool_] = spread <= np.quantile(spread, 1 / 3)
    return flat


def noise_std(plane: Array) -> float:
    """Return the root of the mean variance of the noise of a plane ``(Y, X)``, in its unit.

    This is the root mean square of the plane filtered by [1 −2 1; −2 4 −2; 1 −2 1] / 6, the kernel of Immerkær 1996
    (doi:10.1006/cviu.1996.0060), which has unit norm and suppresses the signal. The mean of squares, instead of
    Immerkær's mean of absolute values, is also correct for noise that depends on the signal.
    """
    values = plane.astype(np.float64)
    rows = values[:-2] - 2 * values[1:-1] + values[2:]
    both = (rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / 6
    return math.sqrt(np.square(both).mean())


def refuse_missing(planes: Sequence[Array]) -> None:
    """Raise an error if a value is not finite."""
    if not all(np.isfinite(plane).all() for plane in planes):
        raise MuguetError("a pixel is not finite: fill such pixels before denoising classically")


def _minimise(loss: Callable[[float], float], planes: Sequence[Array]) -> float:
    """The width of least loss: steps by a factor of √2 until the loss has grown twice, then a golden-section search."""
    widest = min(_MAX_SIGMA, min(min(plane.shape[-2:]) for plane in planes) / 4)
    seen = {0.0: loss(0.0)}
    sigma, worse = _MIN_SIGMA, 0
    while sigma <= widest and worse < 2:
        before, seen[sigma] = list(seen.values())[-1], loss(sigma)
        worse = worse + 1 if seen[sigma] > before else 0
        sigma *= math.sqrt(2)
    widths = list(seen)
    best = widths.index(_argmin(seen))
    low, high = widths[max(best - 1, 0)], widths[min(best + 1, len(widths) - 1)]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    while high - low > _TOLERANCE:
        for width in (left, right):
            if width not in seen:
                seen[width] = loss(width)
        if seen[left] <= seen[right]:
            high, right = right, left
            left = high - _GOLDEN * (high - low)
        else:
            low, left = left, right
            right = low + _GOLDEN * (high - low)
    return _argmin(seen)


def _argmin(seen: Mapping[float, float]) -> float:
    return min(seen, key=lambda width: seen[width])
