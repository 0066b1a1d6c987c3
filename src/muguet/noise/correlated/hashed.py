"""White noise that is a fixed function of an image, so that a part of the image gives what the whole gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from muguet.noise.transfer.bins import Floats

_MIXERS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], np.uint32)


def noise_of(values: npt.NDArray[Any], number: int) -> Floats:
    """Return white Gaussian noise of the variance one, a fixed function of the values of the 3×3 pixels around each.

    Their bits are mixed as in xxHash (Collet, github.com/Cyan4973/xxHash), so that any change gives another number.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    one, two, three = _MIXERS
    wide = np.pad(bits, [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)], mode="reflect")
    mixed = np.full(values.shape, 7919 * (number + 1), np.uint32)
    height, width = values.shape[-2:]
    for down, across in np.ndindex(3, 3):
        mixed ^= wide[..., down : down + height, across : across + width] * two
        mixed = (mixed << np.uint32(13)) | (mixed >> np.uint32(19))
        mixed *= one
    for shift, factor in ((15, two), (13, three)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= factor
    mixed ^= mixed >> np.uint32(16)
    noise: Floats = ndtri((mixed.astype(np.float64) + 0.5) / 2.0**32)
    return noise
