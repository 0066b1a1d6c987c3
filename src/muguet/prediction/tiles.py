"""Tiles with a halo, laid back without a seam: the tiled result is the whole result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Tile:
    """A part of a plane: the indices to read, reflected at the borders, and where its core belongs.

    Attributes
    ----------
    read
        For every axis the indices of the plane that the tile with its halo holds.
    crop
        The core inside the tile.
    place
        The core inside the plane.
    """

    read: tuple[npt.NDArray[np.intp], ...]
    crop: tuple[slice, ...]
    place: tuple[slice, ...]

    def of(self, plane: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return the tile with its halo, a copy."""
        return plane[np.ix_(*self.read)]


def tiles(
    shape: Sequence[int], core: Sequence[int], halo: Sequence[int], stride: Sequence[int]
) -> Iterator[Tile]:
    """Cut a plane of `shape` into tiles of at most `core` pixels with at least `halo` around each.

    Tiles begin at multiples of `stride` and are multiples of it long, halo included, so that the pooling of a
    network meets the same blocks in every tiling. Beyond the borders the plane is reflected.
    """
    axes = [_cuts(*each) for each in zip(shape, core, halo, stride, strict=True)]
    for parts in product(*axes):
        yield Tile(tuple(p[0] for p in parts), tuple(p[1] for p in parts), tuple(p[2] for p in parts))


def _cuts(size: int, core: int, halo: int, stride: int) -> list[tuple[npt.NDArray[np.intp], slice, slice]]:
    """All tiles along one axis."""
    halo = math.ceil(halo / stride) * stride
    core = max(core // stride, 1) * stride
    cuts = []
    for start in range(0, size, core):
        stop = min(start + core, size)
        end = start + math.ceil((stop - start) / stride) * stride
        read = reflected(np.arange(start - halo, end + halo), size)
        cuts.append((read, slice(halo, halo + stop - start), slice(start, stop)))
    return cuts


def reflected(index: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Mirror indices beyond 0 … size − 1 back inside, to and fro, without repeating the border."""
    if size == 1:
        return np.zeros_like(index)
    period = 2 * size - 2
    index = index % period
    return np.minimum(index, period - index)


def map_tiles(
    function: Callable[[npt.NDArray[np.generic]], npt.NDArray[np.floating]],
    plane: npt.NDArray[np.generic],
    out: npt.NDArray[np.generic],
    cuts: Iterator[Tile],
) -> Iterator[float]:
    """Fill `out` with `function` of every tile of `plane`, yielding after each the share of it that is done.

    `function` keeps its argument's shape. Nothing happens unless the result is iterated over.
    """
    done = 0
    for tile in cuts:
        core = function(tile.of(plane))[tile.crop]
        out[tile.place] = core
        done += core.size
        yield done / out.size
