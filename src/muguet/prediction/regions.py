"""The loop over the regions of an image: each is read, processed by a function, and written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.planes import ArrayPlanes, Planes
from muguet.prediction.tiles import Tile, tiles

RegionFunction = Callable[[npt.NDArray[Any], int], npt.NDArray[np.floating]]
"""Function of the values ``(*space)`` of a region with its halo and of its channel, which returns the same shape, or
several results ``(results, *space)`` for `muguet.image.Several` planes."""


@dataclass(frozen=True)
class Cut:
    """The sizes by which planes are cut into regions, for each spatial axis.

    Attributes
    ----------
    core
        Largest size of a region without its halo, in pixels.
    halo
        Number of pixels around the core that the function needs.
    stride
        The start and the length of a region, halo included, are multiples of this.
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
    """A region of one plane.

    Attributes
    ----------
    number
        Its index in the order of the loop.
    n, c
        The plane and the channel that it belongs to.
    tile
        Its place in the plane.
    """

    number: int
    n: int
    c: int
    tile: Tile


@dataclass(frozen=True)
class Window:
    """The part of every plane that is processed, when only it and its surroundings are in memory.

    Attributes
    ----------
    space
        Size of the whole planes.
    core
        The part whose results are computed, one slice for each spatial axis.
    held
        The part that is in memory, with everything that the results depend on.
    """

    space: tuple[int, ...]
    core: tuple[slice, ...]
    held: tuple[slice, ...]

    @classmethod
    def around(cls, core: Sequence[slice], space: Sequence[int], cut: Cut) -> Window:
        """Return the window around a part of planes of this size, which starts at multiples of the stride."""
        bounds = [
            tile.bounds
            for tile in tiles(space, [each.stop - each.start for each in core], cut.halo, cut.stride, core)
        ]
        held = (
            slice(min(each.start for each in along), max(each.stop for each in along))
            for along in zip(*bounds, strict=True)
        )
        return cls(tuple(space), tuple(core), tuple(held))

    @classmethod
    def whole(cls, space: Sequence[int]) -> Window:
        """Return the window in which planes of this size are held and processed as a whole."""
        return cls.around([slice(0, size) for size in space], space, Cut.whole(space))

    def in_held(self, part: Sequence[slice]) -> tuple[slice, ...]:
        """Return a part of the planes counted from the start of what is held."""
        return _from(self.held, part)

    def in_core(self, part: Sequence[slice]) -> tuple[slice, ...]:
        """Return a part of the planes counted from the start of what is computed."""
        return _from(self.core, part)


def regions(shape: Sequence[int], cut: Cut, within: Sequence[slice] | None = None) -> Iterator[Region]:
    """Cut planes of shape ``(n, c, *space)``, or a part of each, into regions, plane after plane."""
    number = 0
    for n, c in np.ndindex(*shape[:2]):
        for tile in tiles(shape[2:], cut.core, cut.halo, cut.stride, within):
            yield Region(number, n, c, tile)
            number += 1


def map_regions(
    function: RegionFunction,
    source: Planes,
    into: Planes,
    cut: Cut,
    mine: Callable[[Region], bool] = lambda region: True,
    window: Window | None = None,
) -> Iterator[float]:
    """Apply a function to every region of `source`, write the results to `into`, and yield the completed share.

    Regions are processed only while the result is iterated over. Planes are reflected at their borders.

    Parameters
    ----------
    function
        Function of a region and its channel, which returns values of the same shape.
    source, into
        Planes of the same shape ``(n, c, *space)``.
    cut
        The sizes of the regions. The result does not depend on them if the halo is as large as the function's reach.
    mine
        Function that returns True for the regions to be processed, such as those of this process or those not yet
        written.
    window
        The part of the planes to be processed: `source` holds the planes within `window.held`, and `into` those within
        `window.core`. None: all is held and processed.
    """
    window = window or Window.whole(source.shape[2:])
    done, total = 0, math.prod(into.shape)
    for region in regions((*source.shape[:2], *window.space), cut, window.core):
        tile = region.tile
        if mine(region):
            values = tile.take(source.read(region.n, region.c, window.in_held(tile.bounds)))
            into.write(
                region.n, region.c, window.in_core(tile.place), tile.core_of(function(values, region.c))
            )
        done += math.prod(part.stop - part.start for part in tile.place)
        yield done / total


def _from(origin: Sequence[slice], part: Sequence[slice]) -> tuple[slice, ...]:
    """Return a part of a plane counted from the start of another part."""
    return tuple(
        slice(each.start - start.start, each.stop - start.start)
        for each, start in zip(part, origin, strict=True)
    )


def map_plane(
    function: Callable[[npt.NDArray[Any]], npt.NDArray[np.floating]],
    plane: npt.NDArray[Any],
    cut: Cut,
    dtype: npt.DTypeLike = np.float32,
) -> npt.NDArray[Any]:
    """Apply a function to every region of one plane ``(*space)`` in memory, and return the results as a plane."""
    layout = Layout("ZYX"[-plane.ndim :], plane.shape, plane.ndim)
    result: npt.NDArray[Any] = np.empty(plane.shape, dtype)
    source, into = ArrayPlanes(plane, layout), ArrayPlanes(result, layout)
    for _ in map_regions(lambda values, _: function(values), source, into, cut):
        pass
    return result
