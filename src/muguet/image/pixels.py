"""Pixels that are read part by part, from an array in memory or from a file that stays closed until it is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Protocol

import numpy.typing as npt

Part = tuple[slice, ...]  # One slice, with a start and a stop, for each axis.


class Pixels(Protocol):
    """The pixels of an image, of which any rectangular part can be read without the rest."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""

    @property
    def dtype(self) -> Any:
        """Data type of the pixels, a NumPy dtype."""

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part, as an array in memory."""


def whole(shape: tuple[int, ...]) -> Part:
    """Return the part that is all of an array of this shape."""
    return tuple(slice(0, size) for size in shape)


def parts(shape: Sequence[int], step: Sequence[int]) -> Iterator[Part]:
    """Cut an array of this shape into parts of at most `step` pixels along each axis, in the order of the array."""
    starts = [range(0, size, max(each, 1)) for size, each in zip(shape, step, strict=True)]
    for at in product(*starts):
        yield tuple(
            slice(begin, min(begin + each, size)) for begin, each, size in zip(at, step, shape, strict=True)
        )


def number_of_parts(shape: Sequence[int], step: Sequence[int]) -> int:
    """Return how many parts `parts` yields."""
    return math.prod(-(-size // max(each, 1)) for size, each in zip(shape, step, strict=True))


def part_of_number(shape: Sequence[int], step: Sequence[int], number: int) -> Part:
    """Return the part that `parts` yields at a position in its order, counted from 0."""
    found: list[slice] = []
    for size, each in zip(reversed(shape), reversed(step), strict=True):
        number, at = divmod(number, -(-size // max(each, 1)))
        found.append(slice(at * max(each, 1), min((at + 1) * max(each, 1), size)))
    return tuple(reversed(found))
