"""Tiles with a halo, whose results join without a seam and equal the result of the whole image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Tile:
    """A part of a plane with a halo around its core.

    Attributes
    ----------
    bounds
        The smallest part of the plane that contains all pixels of the tile.
    indices
        Indices of the tile with its halo within the bounds, for each axis, reflected at the plane's borders.
    crop
        Place of the core in the tile.
    place
        Place of the core in the plane.
    """

    bounds: tuple[slice, ...]
    indices: tuple[npt.NDArray[np.intp], ...]
    crop: tuple[slice, ...]
    place: tuple[slice, ...]

    def take(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the tile with its halo, as a copy, from the values within its bounds."""
        return values[np.ix_(*self.indices)]

    def core_of(self, result: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the core of a result of the tile with its halo, whose last axes are those of the plane."""
        core: tuple[slice | EllipsisType, ...] = (..., *self.crop)
        return result[core]


def tiles(
    shape: Sequence[int],
    core: Sequence[int],
    halo: Sequence[int],
    stride: Sequence[int],
    within: Sequence[slice] | None = None,
) -> Iterator[Tile]:
    """Cut a plane of `shape` into tiles of at most `core` pixels with at least `halo` around each.

    The start and the length of a tile, halo included, are multiples of `stride`, so that the pooling of a network
    acts on the same blocks of pixels in every tiling. The plane is reflected at its borders.

    With `within`, only this part of the plane is cut into tiles. Its starts must be multiples of `stride`.
    """
    parts = [slice(0, size) for size in shape] if within is None else within
    axes = [_cuts(*each) for each in zip(shape, core, halo, stride, parts, strict=True)]
    for along in product(*axes):
        bounds, indices, crop, place = zip(*along, strict=True)
        yield Tile(bounds, indices, crop, place)


def _cuts(
    size: int, core: int, halo: int, stride: int, part: slice
) -> list[tuple[slice, npt.NDArray[np.intp], slice, slice]]:
    """The bounds, indices, crop and place of all tiles along one axis."""
    halo = math.ceil(halo / stride) * stride
    core = max(core // stride, 1) * stride
    cuts = []
    for start in range(part.start, part.stop, core):
        stop = min(start + core, part.stop)
        end = start + math.ceil((stop - start) / stride) * stride
        read = reflected(np.arange(start - halo, end + halo), size)
        first, last = int(read.min()), int(read.max())
        cuts.append(
            (slice(first, last + 1), read - first, slice(halo, halo + stop - start), slice(start, stop))
        )
    return cuts


def reflected(index: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Return indices reflected into 0 … size − 1, repeatedly if necessary; the border pixels are not doubled."""
    if size == 1:
        return np.zeros_like(index)
    period = 2 * size - 2
    index = index % period
    return np.minimum(index, period - index)
