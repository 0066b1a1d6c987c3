"""What is known of the pixels of one plane of an image larger than memory: which are no measurements or defective."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.defects import defective, repaired
from muguet.image.planes import Region
from muguet.image.screen import as_float
from muguet.image.spikes import spikes
from muguet.image.valid import unmeasured
from muguet.image.values import clipping_level, floor_level

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Screen:
    """What is known of the pixels of one plane.

    Attributes
    ----------
    low, high
        Levels at which it is clipped from below and saturated; infinite if it is not.
    missing, defects
        Packed masks of the pixels that are no measurements, and of those that are defective; empty: there are none.
    """

    low: float = -np.inf
    high: float = np.inf
    missing: bytes = b""
    defects: bytes = b""


def screen_of(plane: npt.NDArray[Any], shared: Mask | None, alone: bool) -> Screen:
    """Return what is known of the pixels of a plane ``(y, x)``.

    Parameters
    ----------
    plane
        Counts; NaN where a pixel is missing.
    shared
        The pixels that are defective in all planes; None: there are none.
    alone
        Whether defective pixels are searched in the plane by itself.
    """
    (found,) = unmeasured([plane])
    missing = np.zeros(plane.shape, bool) if found is None else found.copy()
    defects = np.zeros(plane.shape, bool) if shared is None else np.asarray(shared) & ~missing
    if alone and not missing.all():
        (own,) = defective([np.where(missing, np.nan, plane.astype(np.float64))])
        defects = defects if own is None else own & ~missing
    unused = missing | defects
    known = np.where(unused, np.nan, plane.astype(np.float64)) if unused.any() else plane
    wild = spikes(known)
    if wild is not None:
        missing |= wild
    values = plane
    if missing.any() or defects.any():
        values = as_float(plane)
        values[missing] = np.nan
        if defects.any():
            values[...] = repaired(values.astype(np.float64), defects)
    top, bottom = clipping_level(values), floor_level(values)
    return Screen(
        -np.inf if bottom is None else bottom,
        np.inf if top is None else top,
        packed(missing),
        packed(defects) if alone else b"",
    )


def packed(mask: Mask) -> bytes:
    """Return a mask in some hundred bytes; none if it is empty."""
    return zlib.compress(np.packbits(mask).tobytes(), 1) if mask.any() else b""


def unpacked(bits_of: bytes, shape: Sequence[int], region: Region) -> Mask | None:
    """Return a region of a mask `(y, x)` that was packed; None if it is empty."""
    if not bits_of:
        return None
    bits = np.frombuffer(zlib.decompress(bits_of), np.uint8)
    mask: Mask = np.unpackbits(bits, count=math.prod(shape)).reshape(shape).astype(bool)[region]
    return mask


def limit(kept: dict[Any, Any], number: int) -> None:
    """Forget the oldest entry if there are that many."""
    while len(kept) >= number:
        del kept[next(iter(kept))]
