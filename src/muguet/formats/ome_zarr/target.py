"""Where the pixels of an image of a Zarr store are written, and which of them are there: whole shards, and a pyramid.

A shard, or a chunk where there are no shards, is one file. It is written beside its place and renamed, so that a file
that is there is whole, and what is missing after an interruption is seen from the files alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.formats.ome_zarr import create
from muguet.formats.ome_zarr.pyramid import average, factors
from muguet.image.image import Image
from muguet.image.pixels import Part, whole
from muguet.image.values import to_dtype

if TYPE_CHECKING:
    import zarr

Place = tuple[int, ...]
"""The place of a shard in the grid of shards of an array."""


class StoredLevel:
    """An array of a pyramid that is being written.

    Parameters
    ----------
    folder
        The folder of the array.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.array = create.open_for_writing(folder)
        self.shape: tuple[int, ...] = self.array.shape
        self.shard: tuple[int, ...] = self.array.shards or self.array.chunks

    def places(self, part: Part) -> Iterator[Place]:
        """Yield the places of the shards that a part of the array touches."""
        yield from product(
            *(
                range(each.start // size, -(-each.stop // size))
                for each, size in zip(part, self.shard, strict=True)
            )
        )

    def part(self, place: Place) -> Part:
        """Return the part of the array that a shard holds."""
        return tuple(
            slice(at * size, min((at + 1) * size, end))
            for at, size, end in zip(place, self.shard, self.shape, strict=True)
        )

    def has(self, part: Part) -> bool:
        """Return whether all shards that a part touches are in the store."""
        return all(self._file(place).is_file() for place in self.places(part))

    def missing(self) -> Iterator[Place]:
        """Yield the places of the shards that are not in the store."""
        yield from (place for place in self.places(whole(self.shape)) if not self._file(place).is_file())

    def _file(self, place: Place) -> Path:
        return self.folder / self.array.metadata.encode_chunk_key(place)


class Target:
    """An image of a store that is being written, with its axes in the order of the image.

    Parameters
    ----------
    group
        The group of the image.
    levels
        The arrays of its pyramid, full resolution first.
    image
        The image: axes and shape.
    axes
        The axes of the arrays: those of the image in another order, in which S is a part of C.
    anew
        Whether the metadata are new, so that the display range is still to be set.
    """

    def __init__(
        self, group: zarr.Group, levels: Sequence[StoredLevel], image: Image, axes: str, anew: bool
    ) -> None:
        self.group, self.levels, self.axes, self.anew = group, list(levels), axes, anew
        self.own = image.axes
        self.samples = image.data.shape[image.axes.index("S")] if "S" in image.axes else 1
        stored = dict(zip(axes, self.levels[0].shard, strict=True))
        if self.samples > 1:
            stored["C"] = max(stored["C"] // self.samples, 1)
            stored["S"] = self.samples
        self._step = tuple(stored.get(letter, 1) for letter in self.own)

    @property
    def step(self) -> tuple[int, ...]:
        """Size of the parts that are written whole: a shard, or a chunk, along each axis of the image."""
        return self._step

    def write(self, part: Part, values: npt.NDArray[Any]) -> None:
        """Store a part of the image; its ends are multiples of `step` or ends of the image."""
        stored = self._stored(part)
        letters = [each for each in "TCSZYX" if each in self.own] if "S" in self.own else list(self.axes)
        moved = values.transpose([self.own.index(letter) for letter in letters])
        self.levels[0].array[stored] = moved.reshape([each.stop - each.start for each in stored])

    def has(self, part: Part) -> bool:
        """Return whether a part of the image is in the store."""
        return self.levels[0].has(self._stored(part))

    def fill(self, written: Iterable[Part]) -> None:
        """Fill the shards of the smaller levels of which parts of the image that were just written complete the source.

        If each of several processes calls this with the parts that it has written, no shard is left.
        """
        touched = [self._stored(part) for part in written]
        for larger, smaller in pairwise(self.levels):
            by = factors(larger.shape, smaller.shape)
            below = dict.fromkeys(
                place for part in touched for place in smaller.places(_shrunk(part, by, smaller.shape))
            )
            touched = []
            for place in below:
                source = _source(larger, smaller, place, by)
                if not smaller.has(smaller.part(place)) and larger.has(source):
                    _fill(larger, smaller, place, by)
                    touched.append(smaller.part(place))

    def finish(self) -> None:
        """Fill what is missing of the smaller levels, and set the display range of an image with new metadata."""
        for larger, smaller in pairwise(self.levels):
            by = factors(larger.shape, smaller.shape)
            for place in smaller.missing():
                _fill(larger, smaller, place, by)
        if self.anew:
            create.set_windows(self.group, self.levels[-1].array, self.axes)

    def _stored(self, part: Part) -> Part:
        """Return a part of the image as a part of the arrays."""
        at = dict(zip(self.own, part, strict=True))
        if "S" in self.own:
            c = at.get("C", slice(0, 1))
            at["C"] = slice(c.start * self.samples, c.stop * self.samples)
        return tuple(at[letter] for letter in self.axes)


def _shrunk(part: Part, by: Sequence[int], shape: Sequence[int]) -> Part:
    """Return the part of a smaller level that a part of the larger one contributes to."""
    ends = zip(part, by, shape, strict=True)
    return tuple(
        slice(min(each.start // f, size - 1), min(-(-each.stop // f), size)) for each, f, size in ends
    )


def _source(larger: StoredLevel, smaller: StoredLevel, place: Place, by: Sequence[int]) -> Part:
    """Return the part of the larger level whose means fill a shard of the smaller one."""
    return tuple(
        slice(min(each.start * f, size - 1), min(each.stop * f, size))
        for each, f, size in zip(smaller.part(place), by, larger.shape, strict=True)
    )


def _fill(larger: StoredLevel, smaller: StoredLevel, place: Place, by: Sequence[int]) -> None:
    """Fill one shard of a level with the means of the blocks of pixels of the level before."""
    part = smaller.part(place)
    values = np.asarray(larger.array[_source(larger, smaller, place, by)])
    wanted = tuple(each.stop - each.start for each in part)
    smaller.array[part] = to_dtype(average(values, by, wanted), values.dtype)
