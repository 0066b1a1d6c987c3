"""The loop over the blocks of a movie or a stack larger than memory: each is read with the planes around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.pixels import Part
from muguet.image.planes import ArrayPlanes
from muguet.image.screen import as_float
from muguet.image.stored_planes import StoredPlanes
from muguet.image.valid import is_blank
from muguet.neighbours.loop import SeriesFunction, Stretch, map_series
from muguet.neighbours.series import Neighbours, Series
from muguet.prediction.blocks import DENOISED, Block, HeldBlock, Kind, read_ahead, read_block, together
from muguet.prediction.regions import Cut

_OfChannels = list[list[Stretch]]


def map_series_blocks(
    function: SeriesFunction,
    read: Callable[[Part], npt.NDArray[Any]],
    source: StoredPlanes,
    neighbours: Neighbours,
    cut: Cut,
    parts: Iterable[tuple[int, Part]],
    kinds: Sequence[Kind] = DENOISED,
) -> Iterator[Block]:
    """Estimate the planes of an image from several, block by block, and yield the blocks.

    The result equals that of the whole image in memory, see `map_series`. Planes of a block in which all pixels have
    one value are kept as they are. While a block is processed, another thread reads the next one.

    Parameters
    ----------
    function
        Function that estimates planes of a region of a series.
    read
        Function that returns any part of the image as an array in memory.
    source
        The planes of the image, from which is read what the estimates need of whole planes.
    neighbours
        Which planes help each other.
    cut
        The sizes of the regions, with the halo that the estimates need.
    parts
        The blocks to process: the number and the place of each, which starts at multiples of the stride.
    kinds
        What the function returns: for several results, values ``(wanted, results, *space)``.
    """
    layout = source.layout
    letter = neighbours.letter
    margins = {letter: neighbours.reach}

    def held_block(place: tuple[int, Part]) -> tuple[HeldBlock, _OfChannels, npt.NDArray[Any]]:
        number, part = place
        held = read_block(read, layout, cut, part, number, margins)
        stretches = _stretches(held, layout, neighbours, letter)
        for each in (each for of_channel in stretches for each in of_channel):
            each.series.prepare(each.wanted)
        return held, stretches, _without_blank_planes(held, source)

    for held, stretches, values in read_ahead(held_block, parts):
        core = held.core
        if is_blank(core):
            yield Block(held.number, held.part, core, tuple(each.of_blank(core) for each in kinds))
            continue
        results = tuple(np.empty(core.shape, each.dtype) for each in kinds)
        before, *into = (
            ArrayPlanes(each, Layout(layout.axes, each.shape, layout.dimensions))
            for each in (values, *results)
        )
        of_channels = _shifted(function, held.first_channel(layout))
        for _ in map_series(of_channels, before, together(into), cut, stretches, held.window):
            pass
        for each, kind in zip(into, kinds, strict=True):
            if kind.keeps_blank:
                _keep_blank_planes(core, each.array, each.layout)
        yield Block(held.number, held.part, core, results)


def _stretches(held: HeldBlock, layout: Layout, neighbours: Neighbours, letter: str) -> _OfChannels:
    """Return the planes of the movies or stacks of each channel that a block has."""
    axis = layout.axes.index(letter)
    sources, targets = (
        Layout(layout.axes, tuple(each.stop - each.start for each in part), layout.dimensions).along(letter)
        for part in (held.around, held.part)
    )
    other = [layout.axes.index(each) for each in "TZ" if each in layout.axes and each != letter]
    lines = range(held.part[other[0]].start, held.part[other[0]].stop) if other else range(1)
    first = held.first_channel(layout)
    channels = Layout(layout.axes, held.core.shape, layout.dimensions).channels
    return [
        [
            Stretch(of_channel[line], held.around[axis], held.part[axis], sources[k], targets[k])
            for k, line in enumerate(lines)
        ]
        for of_channel in neighbours.of_channels[first : first + channels]
    ]


def _without_blank_planes(held: HeldBlock, source: StoredPlanes) -> npt.NDArray[Any]:
    """Return the values of a block with NaN in the planes that are blank."""
    layout = Layout(source.layout.axes, held.values.shape, source.layout.dimensions)
    first = held.first_channel(source.layout)
    values = held.values
    for k, n in enumerate(source.layout.numbers(held.around)):
        for c in range(layout.channels):
            if source.is_blank(int(n), first + c):
                values = as_float(values) if values is held.values else values
                layout.plane(values, k, c)[...] = np.nan
    return values


def _keep_blank_planes(values: npt.NDArray[Any], result: npt.NDArray[Any], layout: Layout) -> None:
    """Give the planes of a block in which all pixels have one value this value."""
    for n, c in np.ndindex(layout.planes, layout.channels):
        plane = layout.plane(values, n, c)
        if is_blank(plane):
            layout.plane(result, n, c)[...] = plane


def _shifted(function: SeriesFunction, first: int) -> SeriesFunction:
    """Return the function of the channels from `first` on."""

    def of_channel(
        values: npt.NDArray[np.generic], channel: int, series: Series, held: slice, wanted: slice
    ) -> npt.NDArray[np.floating]:
        return function(values, channel + first, series, held, wanted)

    return of_channel
