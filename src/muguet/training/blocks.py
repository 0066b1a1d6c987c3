"""Blocks spread over an image that is larger than memory, as a training set."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.pixels import Part
from muguet.image.valid import is_blank

_SIDE, _DEPTH = 512, 32  # Blocks have about this many rows and columns, and planes in three dimensions.
_MAX_BLANK = 8  # For each block of the sample, at most this many blank ones are passed over.


def sampled(
    read: Callable[[Part], npt.NDArray[Any]],
    layout: Layout,
    max_pixels: int,
    unit: Sequence[int] | None = None,
    seed: int = 0,
) -> tuple[npt.NDArray[Any], str]:
    """Read blocks of one size, spread evenly over an image, and join them along T.

    Blank blocks, such as the empty corners of a mosaic, are passed over as far as there are others.

    Parameters
    ----------
    read
        Function that returns any part of the image as an array in memory.
    layout
        Axes and shape of the image.
    max_pixels
        The sample has about this many pixels, and at least one block.
    unit
        Size of a chunk or shard along each axis: blocks are whole chunks where these are not too large.
    seed
        Seed of the places.

    Returns
    -------
    array, str
        The pixels, and their axes: those of the image, with T.
    """
    step = _block(layout, [1] * len(layout.shape) if unit is None else unit)
    counts = [size // each for size, each in zip(layout.shape, step, strict=True)]  # whole blocks only
    total = math.prod(counts)
    number = min(max(max_pixels // math.prod(step), 1), total)
    rng = np.random.default_rng(seed)
    blocks: list[npt.NDArray[Any]] = []
    blank: list[npt.NDArray[Any]] = []
    order = _spread(total, number, rng)
    for index in order[: number * (_MAX_BLANK + 1)]:
        at = np.unravel_index(int(index), counts)
        part = tuple(slice(int(i) * each, (int(i) + 1) * each) for i, each in zip(at, step, strict=True))
        values = read(part)
        (blank if is_blank(values) else blocks).append(values)
        if len(blocks) == number:
            break
    chosen = blocks or blank[:1]
    if "T" in layout.axes:
        return np.concatenate(chosen, layout.axes.index("T")), layout.axes
    return np.stack(chosen), f"T{layout.axes}"


def _block(layout: Layout, unit: Sequence[int]) -> tuple[int, ...]:
    """Return the size of a block along each axis."""
    step = []
    for letter, size, one in zip(layout.axes, layout.shape, unit, strict=True):
        wanted = {"C": size, "S": size, "Y": _SIDE, "X": _SIDE}.get(letter, 1)
        if letter == "Z" and layout.dimensions == 3:
            wanted = _DEPTH
        whole = math.ceil(wanted / max(one, 1)) * max(one, 1)
        # A chunk much larger than a block is read for it, but not kept as a whole.
        step.append(min(size, whole if whole <= 4 * max(wanted, 16) else wanted))
    return tuple(step)


def _spread(total: int, number: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return all numbers below `total`, at most a million: first `number` spread ones, then others at random."""
    first = ((np.arange(number) + rng.random(number)) * total / number).astype(np.int64)
    more = rng.permutation(total) if total <= 10**6 else rng.integers(0, total, 10**6)
    rest = more[~np.isin(more, first)]
    return np.concatenate([rng.permutation(first), rest])
