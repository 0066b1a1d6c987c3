"""The one loop over an image: every region through a function, from where it is read to where it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.planes import Planes
from muguet.prediction.tiles import Tile, tiles

RegionFunction = Callable[[npt.NDArray[Any], int], npt.NDArray[np.floating]]
"""From values ``(*space)`` with their halo, and the number of their channel, to values of the same shape."""


@dataclass(frozen=True)
class Cut:
    """How planes are cut into regions, axis by axis of space.

    Attributes
    ----------
    core
        Largest size of a region without its halo, in pixels.
    halo
        Pixels around the core that the function needs to see.
    stride
        Regions begin at multiples of this and are multiples of it long, halo included.
    """

    core: tuple[int, ...]
    halo: tuple[int, ...]
    stride: tuple[int, ...]

    @classmethod
    def whole(cls, space: Sequence[int]) -> Cut:
        """Return the cut in which every plane of this size is one region."""
        return cls(tuple(space), (0,) * len(space), (1,) * len(space))


@dataclass(frozen=True)
class Region:
    """A region of one plane: its number in the order of the loop, its plane, its channel, and its place."""

    number: int
    n: int
    c: int
    tile: Tile


def regions(shape: Sequence[int], cut: Cut) -> Iterator[Region]:
    """Cut planes of shape ``(n, c, *space)`` into regions, plane after plane."""
    number = 0
    for n, c in np.ndindex(*shape[:2]):
        for tile in tiles(shape[2:], cut.core, cut.halo, cut.stride):
            yield Region(number, n, c, tile)
            number += 1


def map_regions(
    function: RegionFunction,
    source: Planes,
    into: Planes,
    cut: Cut,
    mine: Callable[[Region], bool] = lambda region: True,
) -> Iterator[float]:
    """Write `function` of every region of `source` to `into`, and yield the share that is done after each.

    Nothing happens unless the result is iterated over. Beyond the borders of a plane it is reflected.

    Parameters
    ----------
    function
        What is done to a region; it keeps the shape.
    source, into
        Planes of one shape ``(n, c, *space)``.
    cut
        How they are cut. The result does not depend on it if the halo is as large as the function's reach.
    mine
        Which regions to do: those of this process, or those that are not there yet.
    """
    done, total = 0, math.prod(source.shape)
    for region in regions(source.shape, cut):
        tile = region.tile
        if mine(region):
            values = tile.take(source.read(region.n, region.c, tile.bounds))
            into.write(region.n, region.c, tile.place, function(values, region.c)[tile.crop])
        done += math.prod(part.stop - part.start for part in tile.place)
        yield done / total
