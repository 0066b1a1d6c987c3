"""Choose the data type of a result: integers would destroy one whose noise is below their step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_MAX_PIXELS = 4_000_000  # The noise is measured on about this many pixels.
_TRIMMED = 0.001  # This part of the largest squares is left out: edges and defective pixels.


def coarse(image: npt.NDArray[np.generic]) -> bool:
    """Return True if the noise of an image of integers is below one step, as with less than one photon per pixel.

    A denoised image is as fine as the noise is divided by the root of the number of pixels that are averaged. Rounding
    it to whole numbers adds an error of 0.29 steps, and if the image is dimmer than half a step, all of it is lost.
    The noise is the root mean square of the differences of pixels along the last axis from their neighbours, which
    includes structure, so that only images of very few photons are found.

    Parameters
    ----------
    image
        Pixels ``(..., y, x)``.
    """
    if image.dtype.kind not in "iu" or image.shape[-1] < 3 or image.size == 0:
        return False
    rows = np.ma.getdata(image).reshape(-1, image.shape[-1])
    rows = rows[:: max(image.size // _MAX_PIXELS, 1)].astype(np.float64)
    squares = np.sort((rows[:, 1:-1] - 0.5 * (rows[:, :-2] + rows[:, 2:])).ravel() ** 2)
    kept = squares[: max(int((1 - _TRIMMED) * squares.size), 1)]
    return bool(0 < kept.mean() / 1.5 < 1.0)


def result_dtype(
    image: npt.NDArray[np.generic], asked: np.dtype[Any] | None
) -> tuple[np.dtype[Any], np.random.Generator | None, str]:
    """Return the data type of a result, the generator for its rounding (None: to the nearest), and a sentence.

    Parameters
    ----------
    image
        The noisy image.
    asked
        The data type that the user chose; None: that of the image, or float32 if this would destroy the result.
    """
    if not coarse(image) or (asked is not None and asked.kind not in "iu"):
        return asked or image.dtype, None, ""
    if asked is None:
        return (
            np.dtype(np.float32),
            None,
            f"The noise is below one step of {image.dtype}, so whole numbers cannot hold the result: it is written as "
            f"float32 (--dtype {image.dtype} rounds it at random, which keeps mean intensities).",
        )
    return (
        asked,
        np.random.default_rng(0),
        f"The noise is below one step of {asked}: the result is rounded up or down at random (seed 0), which keeps "
        "mean intensities; float32 would keep the result itself.",
    )
