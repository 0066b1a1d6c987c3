"""The planes of an image in a file, of which only what is asked for is read, and in which blank planes are missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.pixels import Part, parts
from muguet.image.planes import Region
from muguet.image.screen import as_float

_CENTRE = 256  # Planes are compared on at most this many pixels along each axis, at their centre,
_PIECE = 2048  # and where this is not enough, in pieces of this side.
_MAX_PIXELS = 2**22  # Whole chunks of several planes are read and kept for the next plane up to this size.
_KEPT = 2


class StoredPlanes:
    """The planes of an image whose pixels are read when they are needed, such as those of a file.

    Parameters
    ----------
    read
        Function that returns any part of the image as an array in memory, with NaN where a pixel is missing.
    layout
        How the axes of the image become planes.
    dtype
        Data type of the pixels.
    chunks
        Size of the parts in which the file stores the image, along each axis; None: any part can be read.
    """

    def __init__(
        self,
        read: Callable[[Part], npt.NDArray[Any]],
        layout: Layout,
        dtype: np.dtype[Any],
        chunks: Sequence[int] | None = None,
    ) -> None:
        self.layout, self.dtype = layout, dtype
        self._pixels = read
        self._chunks = tuple(chunks or [1] * len(layout.axes))
        self._parts: dict[tuple[tuple[int, int], ...], npt.NDArray[Any]] = {}
        self._blank: dict[tuple[int, int], bool] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(n, c, *space)``: samples, channels, and the axes of space."""
        return (self.layout.planes, self.layout.channels, *self.layout.space)

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of plane `n` of channel `c`, which is missing (NaN) if the plane is blank."""
        values = self._read(n, c, region)
        return np.full_like(as_float(values), np.nan) if self.is_blank(n, c) else values

    def is_blank(self, n: int, c: int) -> bool:
        """Return whether all finite pixels of a plane have one value, or no pixel is finite."""
        if (n, c) not in self._blank:
            self._blank[n, c] = is_blank_plane(lambda region: self._read(n, c, region), self.layout.space)
        return self._blank[n, c]

    def _read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        part = self.layout.part(n, c, region)
        wide = tuple(map(self._widened, self.layout.axes, part, self._chunks, self.layout.shape))
        if math.prod(each.stop - each.start for each in wide) > _MAX_PIXELS:
            wide = part
        key = tuple((each.start, each.stop) for each in wide)
        if key not in self._parts:
            while len(self._parts) >= _KEPT:
                del self._parts[next(iter(self._parts))]
            self._parts[key] = self._pixels(wide)
        place = tuple(
            slice(each.start - more.start, each.stop - more.start)
            for each, more in zip(part, wide, strict=True)
        )
        values = self._parts[key][place]
        return Layout(self.layout.axes, values.shape, self.layout.dimensions).plane(values, 0, 0)

    def _widened(self, letter: str, span: slice, chunk: int, size: int) -> slice:
        """Return a part of an axis that is not space, extended to whole chunks."""
        if letter in self.layout.spatial_axes or chunk < 2:
            return span
        return slice(span.start // chunk * chunk, min(-(-span.stop // chunk) * chunk, size))


def is_blank_plane(read: Callable[[Region], npt.NDArray[Any]], space: Sequence[int]) -> bool:
    """Return whether a plane is blank, see `muguet.image.valid.is_blank`; most planes need only their centre.

    Parameters
    ----------
    read
        Function that returns a region of the plane.
    space
        The size of the plane.
    """
    value: Any = None
    for region in pieces(space):
        found = read(region)
        finite = found[np.isfinite(found)] if found.dtype.kind == "f" else found.reshape(-1)
        if finite.size:
            value = finite[0] if value is None else value
            if not (finite == value).all():
                return False
    return True


def same_planes(
    one: Callable[[Region], npt.NDArray[Any]],
    other: Callable[[Region], npt.NDArray[Any]],
    space: Sequence[int],
) -> bool:
    """Return whether two planes have the same values, from functions that return their regions."""
    for region in pieces(space):
        first, second = one(region), other(region)
        if not np.array_equal(first, second, equal_nan=first.dtype.kind == second.dtype.kind == "f"):
            return False
    return True


def pieces(space: Sequence[int]) -> Iterator[Region]:
    """Yield the centre of a plane, and then the regions that together are the whole plane."""
    sides = [min(size, _CENTRE) for size in space]
    yield tuple(
        slice((size - side) // 2, (size - side) // 2 + side) for size, side in zip(space, sides, strict=True)
    )
    yield from parts(space, [_PIECE] * len(space))
