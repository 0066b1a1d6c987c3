"""Pixels that are read part by part, from an array in memory or from a file that stays closed until it is needed."""

from __future__ import annotations

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
