"""Blocks spread over an image that is larger than memory, as a training set."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.formats.damaged import DamagedError
from muguet.image.axes import Layout
from muguet.image.image import Image
from muguet.image.pixels import Part
from muguet.image.valid import is_blank
from muguet.pattern.found import Found

_SIDE, _DEPTH = 512, 32  # Blocks have about this many rows and columns, and planes in three dimensions.
_MAX_BLANK = 8  # For each block of the sample, at most this many blank ones are passed over,
_MIN_SEARCHED = (
    2048  # but no fewer than these are looked at, as a large volume may be blank nearly everywhere.
)


@dataclass(frozen=True, eq=False)
class BlockSample(Image):
    """Blocks of an image that is larger than memory, joined along T.

    Attributes
    ----------
    blocks
        The blocks that the image has, those of the sample and others.
    whole
        The image itself, without its pixels.
    """

    blocks: Blocks | None = None
    whole: Image | None = None


class Blocks:
    """The blocks of one size of an image, in an order that begins with ones that are spread evenly over it.

    Blank blocks, such as the empty corners of a mosaic, and damaged ones are passed over as far as there are others.

    Parameters
    ----------
    read
        Function that returns any part of the image as an array in memory.
    layout
        Axes and shape of the image.
    max_pixels
        A sample has about this many pixels, and at least one block.
    unit
        Size of a chunk or shard along each axis: blocks are whole chunks where these are not too large.
    seed
        Seed of the places.
    valid
        Function that masks the pixels of a block that the user excludes.
    patterns
        What `read` has removed from each channel.

    Attributes
    ----------
    sampled
        Places in the order of the blocks of the sample, in the order in which they are joined.
    next
        The first place in the order that was not read for the sample.
    axes
        Axes of the sample: those of the image, with T.
    """

    def __init__(
        self,
        read: Callable[[Part], npt.NDArray[Any]],
        layout: Layout,
        max_pixels: int,
        unit: Sequence[int] | None = None,
        seed: int = 0,
        valid: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] = lambda values: values,
        patterns: tuple[Found, ...] = (),
    ) -> None:
        self.patterns = patterns
        self.layout, self._read, self._valid = layout, read, valid
        self._step = _block(layout, [1] * len(layout.shape) if unit is None else unit)
        self._counts = [
            size // each for size, each in zip(layout.shape, self._step, strict=True)
        ]  # whole ones
        total = math.prod(self._counts)
        self._number = min(max(max_pixels // math.prod(self._step), 1), total)
        self._order = _spread(total, self._number, np.random.default_rng(seed))
        self.sampled: tuple[int, ...] = ()
        self.next = 0
        self.axes = layout.axes if "T" in layout.axes else f"T{layout.axes}"

    @property
    def count(self) -> int:
        """Number of blocks in the order."""
        return len(self._order)

    @property
    def length(self) -> int:
        """Number of pixels of a block along T."""
        return self._step[self.layout.axes.index("T")] if "T" in self.layout.axes else 1

    def sample(self) -> npt.NDArray[Any]:
        """Read the blocks of the sample, and join them along T.

        Raises
        ------
        DamagedError
            If no block can be read.
        """
        found: list[tuple[int, npt.NDArray[Any]]] = []
        blank: list[tuple[int, npt.NDArray[Any]]] = []
        damage: DamagedError | None = None
        for place in range(min(max(self._number * (_MAX_BLANK + 1), _MIN_SEARCHED), self.count)):
            self.next = place + 1
            try:
                values = self._values(place)
            except DamagedError as error:
                damage = error
                continue
            if not is_blank(values):
                found.append((place, values))
            elif not blank:
                blank.append((place, values))  # One is enough, for an image that is blank everywhere.
            if len(found) == self._number:
                break
        chosen = found or blank[:1]
        if not chosen and damage is not None:
            raise damage
        self.sampled = tuple(place for place, _ in chosen)
        return self._joined([values for _, values in chosen])

    def block(self, place: int) -> npt.NDArray[Any] | None:
        """Return the block at a place in the order as a sample of one; None for one that is blank or damaged."""
        try:
            values = self._values(place)
        except DamagedError:
            return None
        return None if is_blank(values) else self._valid(self._joined([values]))

    def _values(self, place: int) -> npt.NDArray[Any]:
        at = np.unravel_index(int(self._order[place]), self._counts)
        return self._read(
            tuple(slice(int(i) * each, (int(i) + 1) * each) for i, each in zip(at, self._step, strict=True))
        )

    def _joined(self, values: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        if "T" in self.layout.axes:
            return np.concatenate(values, self.layout.axes.index("T"))
        return np.stack(values)


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
