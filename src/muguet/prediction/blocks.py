"""The loop over the blocks of an image larger than memory: each is read with its halo, processed and yielded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.pixels import Part, number_of_parts, part_of_number
from muguet.image.planes import ArrayPlanes, Planes, Several
from muguet.prediction.regions import Cut, RegionFunction, Window, map_regions

_S = TypeVar("_S")
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Block:
    """A block of an image and its result.

    Attributes
    ----------
    number
        Its position in the order of the array, from 0.
    part
        Its place, one slice for each axis of the image.
    values
        The values of the image.
    results
        The results of the function, each of the same shape.
    """

    number: int
    part: Part
    values: npt.NDArray[Any]
    results: tuple[npt.NDArray[Any], ...]

    @property
    def result(self) -> npt.NDArray[Any]:
        """The first result."""
        return self.results[0]


@dataclass(frozen=True)
class Kind:
    """A result of a function.

    Attributes
    ----------
    dtype
        Its data type.
    keeps_blank
        Whether blocks, and planes, in which all pixels have one value are their own result, as those that have nothing
        to be denoised; otherwise their result is missing (NaN), as the error of such a pixel is.
    """

    dtype: npt.DTypeLike = "float32"
    keeps_blank: bool = True

    def of_blank(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the result of values that are all alike."""
        return values.astype(self.dtype) if self.keeps_blank else np.full(values.shape, np.nan, self.dtype)


DENOISED = (Kind(),)
"""The kinds of a function that returns denoised values alone."""


@dataclass(frozen=True, eq=False)
class HeldBlock:
    """A block that was read with its surroundings, before it is processed.

    Attributes
    ----------
    number, part
        See `Block`.
    window
        The part of each plane that is held.
    around, values
        The part of the image that was read, and its values.
    """

    number: int
    part: Part
    window: Window
    around: Part
    values: npt.NDArray[Any]

    @property
    def core(self) -> npt.NDArray[Any]:
        """The values of the block itself."""
        return self.values[
            tuple(
                slice(each.start - more.start, each.stop - more.start)
                for each, more in zip(self.part, self.around, strict=True)
            )
        ]

    def first_channel(self, layout: Layout) -> int:
        """Return the first channel of the block."""
        samples = layout.shape[layout.axes.index("S")] if "S" in layout.axes else 1
        return self.part[layout.axes.index("C")].start * samples if "C" in layout.axes else 0


def block_step(
    layout: Layout,
    cut: Cut,
    unit: Sequence[int] | None = None,
    planes: Mapping[str, int] | None = None,
) -> tuple[int, ...]:
    """Return the size of blocks along each axis of an image.

    A block is a multiple of the unit of storage, so that each unit is written once and whole, and a multiple of the
    stride along the axes of space. It is at least as large as the core of a region, so that halos cost no more than in
    memory, and as large as the image where that is smaller.

    Parameters
    ----------
    layout
        Axes and shape of the image.
    cut
        The sizes of the regions of the function.
    unit
        Size of a chunk or shard along each axis; None: any part can be written.
    planes
        Least number of planes of a block along some axes, T or Z; None: one.
    """
    units = [1] * len(layout.shape) if unit is None else [max(each, 1) for each in unit]
    space = dict(zip(layout.spatial_axes, zip(cut.core, cut.stride, strict=True), strict=True))
    step = []
    for letter, size, one in zip(layout.axes, layout.shape, units, strict=True):
        if letter in space:
            core, stride = space[letter]
            base = math.lcm(one, stride)
            step.append(min(math.ceil(core / base) * base, size))
        else:
            one = math.ceil((planes or {}).get(letter, 1) / one) * one
            step.append(size if letter == "S" else min(one, size))
    return tuple(step)


def map_blocks(
    function: RegionFunction,
    read: Callable[[Part], npt.NDArray[Any]],
    layout: Layout,
    cut: Cut,
    step: Sequence[int],
    kinds: Sequence[Kind] = DENOISED,
    keep: Callable[[npt.NDArray[Any]], bool] = lambda values: False,
    numbers: Iterable[int] | None = None,
) -> Iterator[Block]:
    """Apply a function to every region of an image, block by block, and yield the blocks.

    The result equals that of the whole image in memory, see `muguet.prediction.map_regions`. While a block is
    processed, another thread reads the next one.

    Parameters
    ----------
    function
        Function of a region with its halo and of its channel, which returns values of the same shape.
    read
        Function that returns any part of the image as an array in memory.
    layout
        Axes and shape of the image.
    cut
        The sizes of the regions.
    step
        The sizes of the blocks, see `block_step`.
    kinds
        What the function returns: for several results, values ``(results, *space)``.
    keep
        Function that returns True for the values of a block that is its own result, such as an empty one.
    numbers
        The positions of the blocks to process; None: all, in the order of the array.
    """
    cut = block_cut(layout, cut, step)
    chosen = range(number_of_parts(layout.shape, step)) if numbers is None else numbers

    def held_block(number: int) -> HeldBlock:
        return read_block(read, layout, cut, part_of_number(layout.shape, step, number), number)

    for held in read_ahead(held_block, chosen):
        if keep(held.core):
            results = tuple(each.of_blank(held.core) for each in kinds)
            yield Block(held.number, held.part, held.core, results)
        else:
            yield _computed(function, held, layout, cut, kinds)


def one_block(
    function: RegionFunction,
    read: Callable[[Part], npt.NDArray[Any]],
    layout: Layout,
    cut: Cut,
    part: Part,
    kinds: Sequence[Kind] = DENOISED,
) -> Block:
    """Return one part of an image as a block; the part starts at multiples of the stride, see `map_blocks`."""
    return _computed(function, read_block(read, layout, cut, part), layout, cut, kinds)


def _computed(
    function: RegionFunction, held: HeldBlock, layout: Layout, cut: Cut, kinds: Sequence[Kind]
) -> Block:
    results = tuple(np.empty(held.core.shape, each.dtype) for each in kinds)
    source, *into = (
        ArrayPlanes(each, Layout(layout.axes, each.shape, layout.dimensions))
        for each in (held.values, *results)
    )
    of_channels = _shifted(function, held.first_channel(layout))
    for _ in map_regions(of_channels, source, together(into), cut, window=held.window):
        pass
    return Block(held.number, held.part, held.core, results)


def together(images: Sequence[Planes]) -> Planes:
    """Return planes to which a function with as many results writes them."""
    return Several(*images) if len(images) > 1 else images[0]


def block_cut(layout: Layout, cut: Cut, step: Sequence[int]) -> Cut:
    """Return the cut whose regions fill blocks of this size with equal sizes."""
    steps = [step[layout.axes.index(letter)] for letter in layout.spatial_axes]
    return replace(cut, core=tuple(map(_even, steps, cut.core, cut.stride)))


def read_block(
    read: Callable[[Part], npt.NDArray[Any]],
    layout: Layout,
    cut: Cut,
    part: Part,
    number: int = 0,
    margins: Mapping[str, tuple[int, int]] | None = None,
) -> HeldBlock:
    """Return a part of an image with its halo, and with some planes before and after it along the axes of `margins`.

    The part starts at multiples of the stride. The other parameters are those of `map_blocks`.
    """
    space = [layout.axes.index(letter) for letter in layout.spatial_axes]
    window = Window.around([part[i] for i in space], layout.space, cut)
    around = list(part)
    for i, along in zip(space, window.held, strict=True):
        around[i] = along
    for letter, (before, after) in (margins or {}).items():
        i = layout.axes.index(letter)
        around[i] = slice(max(part[i].start - before, 0), min(part[i].stop + after, layout.shape[i]))
    return HeldBlock(number, part, window, tuple(around), read(tuple(around)))


def read_ahead(function: Callable[[_S], _T], items: Iterable[_S]) -> Iterator[_T]:
    """Yield the values of a function of each item, in order; the next one is computed in another thread meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        coming: list[Future[_T]] = []
        for item in items:
            coming.append(thread.submit(function, item))
            if len(coming) == 2:
                yield coming.pop(0).result()
        for last in coming:
            yield last.result()


def _shifted(function: RegionFunction, first: int) -> RegionFunction:
    """Return the function of the channels from `first` on."""
    return lambda values, channel: function(values, channel + first)


def _even(step: int, core: int, stride: int) -> int:
    """Return the size of equal regions that fill a block: a multiple of the stride, about as large as the core."""
    number = math.ceil(step / max(core, 1))
    return math.ceil(step / number / stride) * stride
