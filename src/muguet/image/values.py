"""Pixel values: saturation, quantisation, missing pixels, and conversion to a data type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.screen import screened_plane

if TYPE_CHECKING:  # `muguet info` would wait for PyTorch, which takes seconds.
    from torch import Tensor

Array = npt.NDArray[np.generic]

_MIN_SPIKE = (
    10  # An image is clipped only if at least this many pixels have the same largest or smallest value.
)
_MAX_ONE = 0.6
"""Among pixels of a dark neighbourhood that are not dark themselves, photon counting gives one photon to more than
this part; clipped noise of several steps is spread over several values."""


def clipping_level(image: Array) -> float | None:
    """Return the value at which an image is saturated, or None if it is not saturated.

    A camera or an export that clips leaves a spike in the histogram at the largest value: at least ten pixels
    have it, and more than three times as many as have the next largest value. The tail of an unclipped
    distribution has no such spike. A constant image does not count as saturated.
    """
    values = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    if values.size == 0:
        return None
    top = values.max()
    spike = int(np.count_nonzero(values == top))
    if spike < _MIN_SPIKE or spike == values.size:
        return None
    below = values.max(where=values < top, initial=values.min())
    return float(top) if spike > 3 * int(np.count_nonzero(values == below)) else None


def floor_level(image: Array) -> float | None:
    """Return the value at which an image is clipped from below, or None if it is not clipped.

    A detector whose offset is too low records its smallest value wherever noise would have gone below: at least ten
    pixels have it, and more than three times as many as have the next value, as in `clipping_level`. Photon counting
    has many zeros too, which are measurements. There, nearly all other pixels among dark neighbours are of one photon,
    which is one value, while the noise of a clipped detector is spread over several.

    Parameters
    ----------
    image
        Planes ``(..., y, x)``; NaN and infinite pixels are ignored.
    """
    values = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    if values.size == 0 or image.ndim < 2:
        return None
    bottom = values.min()
    spike = int(np.count_nonzero(values == bottom))
    if spike < _MIN_SPIKE or spike == values.size:
        return None
    above = values.min(where=values > bottom, initial=values.max())
    if spike <= 3 * int(np.count_nonzero(values == above)):
        return None
    dark = image == bottom
    among = dark[..., :-4] & dark[..., 1:-3] & dark[..., 3:-1] & dark[..., 4:]
    middle = image[..., 2:-2][among & ~dark[..., 2:-2]]
    single = float(np.mean(middle == above)) if middle.size >= 50 else 0.0
    return float(bottom) if single < _MAX_ONE else None


def clipped(image: Array) -> npt.NDArray[np.bool_]:
    """Return the mask of the pixels at the level where an image is saturated, or clipped from below."""
    top, bottom = clipping_level(image), floor_level(image)
    mask = np.zeros(image.shape, bool)
    if top is not None:
        mask |= np.greater_equal(image, top)
    if bottom is not None:
        mask |= np.less_equal(image, bottom)
    return mask


def unsaturated(plane: Array) -> npt.NDArray[np.float64]:
    """Return a plane in float64 with NaN in place of pixels that do not show the noise.

    They are the pixels that are saturated or clipped from below (see `clipping_level` and `floor_level`), infinite, no
    measurements (padding, see `muguet.image.valid`), or defective.
    """
    values = screened_plane(plane)
    return np.where(np.isfinite(values) & ~clipped(values), values, np.nan)


def require_real(array: Array, name: str) -> None:
    """Raise an error if an array is empty or its values are not real numbers.

    Parameters
    ----------
    array
        The pixels.
    name
        Name of the image in the message.

    Raises
    ------
    MuguetError
        If the array is empty, or holds complex numbers, text, objects or dates.
    """
    if array.dtype.kind not in "buif" or array.size == 0:
        raise MuguetError(
            f"{name} holds no real pixel values ({array.dtype}, shape {array.shape}): "
            "give real numbers, for example the magnitude of complex values"
        )


def quantum(image: Array) -> float:
    """Return the spacing of the values of a quantised image, in counts; 0 if the values are continuous.

    The spacing of integers is at least 1. Floats that take few different values (an 8-bit image that was
    rescaled, for example) are quantised too: their spacing is the smallest difference between two of them.
    """
    flat = image.ravel()
    sample = flat[:: max(flat.size // 1_000_000, 1)]
    values = np.unique(sample[np.isfinite(sample)] if image.dtype.kind == "f" else sample)
    if image.dtype.kind == "f" and (len(values) < 2 or len(values) > min(4096, sample.size // 8)):
        return 0.0
    return float(np.diff(values.astype(np.float64)).min()) if len(values) > 1 else 1.0


def fill_missing(plane: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Fill the NaN and infinite pixels of a plane ``(*space)`` smoothly from the pixels around them.

    The pull-push algorithm averages the valid pixels over larger and larger blocks. Each missing pixel then takes
    the average of the smallest block that contains a valid pixel (Gortler et al. 1996,
    doi:10.1145/237170.237200). Valid pixels keep their bits. A plane without valid pixels becomes 0.
    """
    import torch

    with np.errstate(over="ignore"):  # Values beyond the range of float32 become infinite, hence missing.
        plane = plane.astype(np.float32, copy=False)
    known = np.isfinite(plane)
    if known.all():
        return plane
    values = torch.from_numpy(np.where(known, plane, np.float32(0)))[None, None]
    filled = _pull_push(values, torch.from_numpy(known.astype(np.float32))[None, None])
    return filled[0, 0].numpy()


def _pull_push(values: Tensor, weight: Tensor) -> Tensor:
    """Return `values` where `weight` is one, and averages over larger blocks elsewhere."""
    import torch
    import torch.nn.functional as F

    space = values.shape[2:]
    if bool((weight > 0).all()) or max(space) == 1:
        return values
    factor = [2 if size > 1 else 1 for size in space]
    pad = [n for size, f in zip(reversed(space), reversed(factor), strict=True) for n in (0, size % f)]
    pool = F.avg_pool2d if len(space) == 2 else F.avg_pool3d
    weights = pool(F.pad(weight, pad), factor)
    sums = pool(F.pad(values * weight, pad), factor)
    coarse = _pull_push(torch.where(weights > 0, sums / weights.clamp(min=1e-12), 0), (weights > 0).float())
    fine = F.interpolate(coarse, scale_factor=[float(f) for f in factor], mode="nearest")
    for axis, size in enumerate(space, start=2):
        fine = fine.narrow(axis, 0, size)
    return torch.where(weight > 0, values, fine)


def to_dtype(
    values: npt.NDArray[Any], dtype: npt.DTypeLike, dither: np.random.Generator | None = None
) -> npt.NDArray[Any]:
    """Return `values` as `dtype`: rounded to the nearest and clipped for integers, cast for floats.

    NaN becomes 0 in integers and stays NaN in floats. Besides the result, a few hundred kilobytes of memory are used.

    Parameters
    ----------
    values, dtype
        The values, and their new data type.
    dither
        Random generator. With it, a value is rounded up with the probability of its fractional part, so that the mean
        of many pixels is that of the values, even where these differ by less than one step.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "iub":
        with np.errstate(over="ignore"):  # Values beyond 65504 become inf in float16, as in any NumPy cast.
            return values.astype(dtype, copy=False)
    low, high = _range(dtype)
    result = np.empty(values.shape, dtype)
    blocks = np.nditer(
        [values, result],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"], ["writeonly"]],
        op_dtypes=[np.dtype(np.float64), dtype],
        casting="unsafe",
        buffersize=2**14,
    )
    with blocks:
        for block, target in blocks:
            numbers = np.where(np.isnan(block), 0.0, block)
            whole = np.rint(numbers) if dither is None else np.floor(numbers + dither.random(numbers.shape))
            target[...] = np.clip(whole, low, high)
    return result


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "b":
        return 0.0, 1.0
    info = np.iinfo(dtype)
    high = float(info.max)
    # float64 cannot represent the largest 64-bit integers; it rounds them up, and the cast would wrap around.
    return float(info.min), high if int(high) <= info.max else float(np.nextafter(high, 0))
