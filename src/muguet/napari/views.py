"""A denoised layer that is computed tile by tile, where it is looked at, by a thread in the background."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.interactive.computation import Computation
from muguet.interactive.source import Source

if TYPE_CHECKING:
    from muguet.prediction.tiles import Tile

MAX_BYTES = 2**29
"""Memory for computed tiles of one layer; the tiles that were looked at longest ago are dropped first."""

_MAX_WAITING = 4096  # Tiles that wait to be computed; older requests are dropped.

Key = tuple[int, int, int]  # Sample, channel within the layer, and number of the tile.


class View:
    """An array-like of one layer's shape whose tiles are computed when they are looked at.

    Indexing never waits: pixels that have not been computed yet are NaN, which napari shows as transparent (0 in colour
    layers), and `changed` is called when they are there. `numpy.asarray` computes all that is missing and waits for it,
    so that a saved layer is complete. Values are in counts; in colour layers they lie between 0 and 1, as napari wants.

    Parameters
    ----------
    source
        The layers.
    layer
        Index of the layer that the view belongs to.
    computation
        How a tile is computed.
    changed
        Called by the thread in the background after new tiles are there.
    """

    def __init__(
        self,
        source: Source,
        layer: int,
        computation: Computation,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.source, self.layer, self.changed = source, layer, changed
        self.shape = source.shape
        self.ndim, self.size = len(self.shape), math.prod(self.shape)
        self.dtype = np.dtype(np.float32)
        stored = np.dtype(source.arrays[layer].dtype)
        self.unit = float(np.iinfo(stored).max) if source.rgb and stored.kind in "ui" else 1.0
        self._blank = 0.0 if source.rgb else np.nan
        self._tiles: OrderedDict[Key, tuple[int, npt.NDArray[np.float32]]] = OrderedDict()
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._lock, self._thread = threading.RLock(), threading.Thread()
        self._version = 0
        self.use(computation)

    def use(self, computation: Computation) -> None:
        """Compute all tiles anew by another computation; until then, the earlier values are shown."""
        from muguet.prediction.tiles import tiles

        cut = computation.cut
        with self._lock:
            self._version += 1
            self._computation = computation
            self._waiting.clear()
            self._places: list[Tile] = list(tiles(self.source.space, cut.core, cut.halo, cut.stride))

    def __getitem__(self, key: Any) -> npt.NDArray[np.float32]:
        """Return a part of the layer as far as it has been computed, and ask for the rest."""
        return self._part(key, wait=False)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the whole layer, and wait until it has been computed."""
        return self._part((), wait=True).astype(self.dtype if dtype is None else dtype, copy=False)

    def part(self, key: Any) -> npt.NDArray[np.float32]:
        """Return a part of the layer, and wait until it has been computed."""
        return self._part(key, wait=True)

    def _part(self, key: Any, wait: bool) -> npt.NDArray[np.float32]:
        ranges = _ranges(key, self.shape)
        space = len(self.source.leading)
        rows, columns = (_extent(each) for each in ranges[space : space + 2])
        colours = ranges[-1] if self.source.rgb else range(1)
        sizes = [len(each) for each in ranges[: space + 2]]
        found = np.full((*sizes, len(colours)), self._blank, np.float32)
        for at in product(*(range(len(each)) for each in ranges[:space])):
            leading = [each[i] for each, i in zip(ranges[:space], at, strict=True)]
            for index, colour in enumerate(colours):
                plane = self._plane(leading, colour, rows, columns, wait)
                picked = np.ix_(*(np.array(e, int) - min(e, default=0) for e in ranges[space : space + 2]))
                place: tuple[Any, ...] = (*at, slice(None), slice(None), index)
                found[place] = plane[picked]
        whole = found if self.source.rgb else found[..., 0]
        return whole[tuple(0 if isinstance(each, _Single) else slice(None) for each in ranges)]

    def _plane(
        self, leading: list[int], colour: int, rows: slice, columns: slice, wait: bool
    ) -> npt.NDArray[np.float32]:
        """Rows and columns of one plane; NaN where they have not been computed."""
        if colour >= self.source.colours:  # The alpha channel is shown as it was.
            key = (*leading, rows, columns, colour)
            return np.asarray(self.source.arrays[self.layer][key], np.float32) / np.float32(self.unit)
        n, c = self.source.place(leading, colour)
        plane = np.full((rows.stop - rows.start, columns.stop - columns.start), self._blank, np.float32)
        for number, tile in enumerate(self._places):
            common = [_overlap(a, b) for a, b in zip(tile.place, (rows, columns), strict=True)]
            if any(each.start >= each.stop for each in common):
                continue
            values = self._tile((n, c, number), wait)
            if values is not None:
                into = tuple(_from(a, b.start) for a, b in zip(common, (rows, columns), strict=True))
                plane[into] = values[
                    tuple(_from(a, b.start) for a, b in zip(common, tile.place, strict=True))
                ]
        return plane

    def _tile(self, key: Key, wait: bool) -> npt.NDArray[np.float32] | None:
        """The values of a tile; None if there are none yet, and then they are asked for."""
        with self._lock:
            version, values = self._tiles.get(key, (-1, None))
            if values is not None:
                self._tiles.move_to_end(key)
            if version == self._version:
                return values
            if not wait:
                self._waiting[key] = None
                self._waiting.move_to_end(key)
                while len(self._waiting) > _MAX_WAITING:
                    self._waiting.popitem(last=False)
                if not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._work)
                    self._thread.start()
                return values
        return self._compute(key)

    def _work(self) -> None:
        """Compute the tiles that are waited for, the latest request first, until none is left.

        Tiles without values come before the others. If neighbours help, they are first computed without them.
        """
        while True:
            with self._lock:
                if not (self._waiting and threading.main_thread().is_alive()):  # It is not when Python ends.
                    self._thread = threading.Thread()  # A request from now on starts another thread.
                    return
                first = [each for each in self._waiting if each not in self._tiles]
                key = (first or list(self._waiting))[-1]
                quick = self._computation.alone if first else None
                if quick is None:  # Else the better values come when there are first ones everywhere.
                    del self._waiting[key]
            self._compute(key, quick)
            self.changed()

    def _compute(self, key: Key, quick: Computation | None = None) -> npt.NDArray[np.float32]:
        """Compute a tile, and keep it; the values of a quick computation are kept as earlier ones."""
        n, c, number = key
        with self._lock:
            version, computation, tile = self._version, self._computation, self._places[number]
        channel = self.layer * self.source.per_layer + c
        values = (quick or computation).tile(self.source, n, channel, tile)
        found = (values / self.unit).astype(np.float32)
        with self._lock:
            if version == self._version:
                self._tiles[key] = -1 if quick else version, found
                size = sum(each.nbytes for _, each in self._tiles.values())
                while size > MAX_BYTES and len(self._tiles) > 1:
                    size -= self._tiles.popitem(last=False)[1][1].nbytes
        return found

    @property
    def waits(self) -> bool:
        """Whether there are tiles that have no values yet."""
        with self._lock:
            return any(each not in self._tiles for each in self._waiting)

    @property
    def busy(self) -> bool:
        """Whether tiles are being computed in the background."""
        return self._thread.is_alive()


class _Single(list[int]):
    """One index of an axis, which the result does not have."""


def _ranges(key: Any, shape: tuple[int, ...]) -> list[list[int]]:
    """The indices along each axis that a key of basic indexing selects."""
    given = list(key) if isinstance(key, tuple) else [key]
    if any(each is Ellipsis for each in given):
        at = next(i for i, each in enumerate(given) if each is Ellipsis)
        given[at : at + 1] = [slice(None)] * (len(shape) - len(given) + 1)
    given += [slice(None)] * (len(shape) - len(given))
    found: list[list[int]] = []
    for each, size in zip(given, shape, strict=True):
        if isinstance(each, slice):
            found.append(list(range(*each.indices(size))))
        else:
            index = int(each)
            if not -size <= index < size:
                raise IndexError(f"index {index} is out of bounds for an axis of size {size}")
            found.append(_Single([index % size]))
    return found


def _extent(indices: list[int]) -> slice:
    return slice(min(indices), max(indices) + 1) if indices else slice(0, 0)


def _overlap(one: slice, other: slice) -> slice:
    return slice(max(one.start, other.start), min(one.stop, other.stop))


def _from(part: slice, start: int) -> slice:
    return slice(part.start - start, part.stop - start)
