"""The values of pixels: which are missing or clipped, the step of quantised ones, and the way to a data type."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from muguet.errors import MuguetError

Array = npt.NDArray[np.generic]


def clipping_level(image: Array) -> float | None:
    """Find the value at which an image is saturated, or None.

    A camera or an export that clips leaves a spike at the largest value: at least ten pixels hold it, and
    three times as many as hold the next largest value. A tail that falls off by itself has no such spike.
    """
    values = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    if values.size == 0:
        return None
    top = values.max()
    spike = int(np.count_nonzero(values == top))
    if spike < 10 or spike == values.size:
        return None
    below = values[values < top].max()
    return float(top) if spike > 3 * int(np.count_nonzero(values == below)) else None


def unsaturated(plane: Array) -> npt.NDArray[np.float64]:
    """Return a plane in float64 with NaN for saturated pixels (see `clipping_level`) and for infinite ones."""
    level = clipping_level(plane)
    values = plane.astype(np.float64)
    seen = np.isfinite(values) if level is None else np.isfinite(values) & (values < level)
    return np.where(seen, values, np.nan)


def require_real(array: Array, name: str) -> None:
    """Refuse an array that holds no pixel values, or values that are not real numbers.

    Parameters
    ----------
    array
        The pixels.
    name
        What the message calls the image.

    Raises
    ------
    MuguetError
        If the array is empty, complex, or of text, objects or dates.
    """
    if array.dtype.kind not in "buif" or array.size == 0:
        raise MuguetError(
            f"{name} holds no real pixel values ({array.dtype}, shape {array.shape}): "
            "give real numbers (of complex values the magnitude, say)"
        )


def quantum(image: Array) -> float:
    """Spacing of the values of a quantised image, in counts; 0 if it takes values as it likes.

    Integers have at least 1; floats that take few different values (an 8-bit image that was rescaled) have
    the smallest gap between them.
    """
    flat = image.ravel()
    sample = flat[:: max(flat.size // 1_000_000, 1)]
    values = np.unique(sample[np.isfinite(sample)] if image.dtype.kind == "f" else sample)
    if image.dtype.kind == "f" and (len(values) < 2 or len(values) > min(4096, sample.size // 8)):
        return 0.0
    return float(np.diff(values.astype(np.float64)).min()) if len(values) > 1 else 1.0


def fill_missing(plane: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Give the NaN and infinite pixels of a plane ``(*space)`` a smooth continuation of their surroundings.

    Pull-push: averages of the known pixels over ever larger blocks, then each hole takes the value of the
    smallest block that knows one (Gortler et al. 1996, doi:10.1145/237170.237200). Known pixels keep their
    bits; a plane without any becomes 0.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and so is missing
        plane = plane.astype(np.float32, copy=False)
    known = np.isfinite(plane)
    if known.all():
        return plane
    values = torch.from_numpy(np.where(known, plane, np.float32(0)))[None, None]
    filled = _pull_push(values, torch.from_numpy(known.astype(np.float32))[None, None])
    return filled[0, 0].numpy()


def _pull_push(values: Tensor, weight: Tensor) -> Tensor:
    """`values` where `weight` is one, and what coarser levels know elsewhere."""
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


def to_dtype(values: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return `values` as `dtype`: rounded to the nearest and clipped for integers, cast for floats.

    NaN becomes 0 in an integer and stays NaN in a float. Memory beyond the result is a few hundred kilobytes.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "iub":
        with np.errstate(over="ignore"):  # float16 ends at 65504; what is beyond becomes inf, as numpy casts
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
            target[...] = np.clip(np.rint(np.where(np.isnan(block), 0.0, block)), low, high)
    return result


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "b":
        return 0.0, 1.0
    info = np.iinfo(dtype)
    high = float(info.max)
    # The largest 64-bit integers are no floats; rounded up they would wrap around.
    return float(info.min), high if int(high) <= info.max else float(np.nextafter(high, 0))
