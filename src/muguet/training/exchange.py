"""Blocks of images larger than memory that take the places of others while a training runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from muguet.image.scaling import Scaling
from muguet.noise.correlated.whitening import Whitening
from muguet.training.blocks import Blocks
from muguet.training.patches import PatchSource, Plane, roles
from muguet.training.planes import planes_of_block

DRAWS = 8
"""A block is exchanged for each time that as many pixels are drawn as a block has, times this number."""

_KEPT = 4  # One block of this number, and at least one, is never exchanged: validation uses only these.
_MAX_BLANK = 64  # So many blank blocks in a row are passed over before an exchange is left out.


@dataclass(frozen=True, eq=False)
class Supply:
    """The further blocks of one image of a training set.

    Attributes
    ----------
    blocks
        The blocks of the image.
    planes
        Indices of the planes of each block of its sample in the training set, in the order of their channels.
    scalings
        The map from counts to network units of each channel, as in the training set.
    whitenings
        The whitening of each channel, as in the training set; empty: the noise is independent.
    """

    blocks: Blocks
    planes: tuple[tuple[int, ...], ...]
    scalings: tuple[Scaling, ...]
    whitenings: tuple[Whitening | None, ...] = ()


@dataclass(frozen=True)
class _Place:
    """A block of the training set that is exchanged: its supply, and its number in the sample."""

    supply: int
    number: int


@dataclass(frozen=True, eq=False)
class _Found:
    """A block that was read for a place; no planes: there was none to be read."""

    position: int
    block: int
    planes: tuple[Plane, ...] = ()


class Exchange:
    """Exchanges blocks of a training set, one at a time and in turns, at steps that depend on their size alone.

    A thread reads the next block while the training goes on, so that a step waits for it only where reading a block
    takes longer than the steps in between. What is exchanged depends on the seed and the step, not on the time.

    Parameters
    ----------
    supplies
        The images with further blocks.
    seed
        Seed of the held-out pixels.
    pixels_per_step
        Number of pixels in the patches of a step.
    source
        The training set.

    Attributes
    ----------
    kept
        Mask of the planes that are never exchanged.
    """

    def __init__(
        self, supplies: Sequence[Supply], seed: int, pixels_per_step: int, source: PatchSource
    ) -> None:
        self._supplies, self._seed = tuple(supplies), seed
        self._residents = [list(each.blocks.sampled) for each in supplies]
        self._positions = [each.blocks.next for each in supplies]
        self._places = [
            _Place(s, number)
            for s, each in enumerate(supplies)
            for number in range(max(len(each.planes) // _KEPT, 1), len(each.planes))
            if each.planes[number] and each.blocks.next < each.blocks.count
        ]
        self.kept = torch.ones(len(source.starts), dtype=torch.bool)
        sizes = []
        for place in self._places:
            planes = list(self._planes(place))
            self.kept[planes] = False
            sizes.append(int(source.shapes[planes].prod(1).sum()))
        self._every = max(round(DRAWS * max(sizes, default=0) / pixels_per_step), 1)
        self._thread = ThreadPoolExecutor(1, "muguet-blocks")
        self._next: Future[_Found] | None = None

    def _planes(self, place: _Place) -> tuple[int, ...]:
        return self._supplies[place.supply].planes[place.number]

    def __bool__(self) -> bool:
        return bool(self._places)

    def advance(self, step: int, source: PatchSource, units: Sequence[Scaling]) -> None:
        """Exchange a block before this step, from 1 on, if one is due.

        Parameters
        ----------
        step
            Number of the step that is about to be taken.
        source
            The training set, whose values are overwritten.
        units
            The map of each channel from the units of the scalings of the supplies to those of the training set.

        Raises
        ------
        MuguetError
            If a block cannot be read. Nothing has changed then.
        """
        if not self._places:
            return
        turn, rest = divmod(step, self._every)
        if rest == 0:
            place = self._places[(turn - 1) % len(self._places)]
            found = (self._next or self._begin(place)).result()
            self._next = None
            self._positions[place.supply] = found.position
            if found.planes:
                self._residents[place.supply][place.number] = found.block
                self._write(place, found.planes, source, units)
        if self._next is None:
            self._next = self._begin(self._places[step // self._every % len(self._places)])

    def _begin(self, place: _Place) -> Future[_Found]:
        residents = frozenset(self._residents[place.supply])
        return self._thread.submit(self._find, place, self._positions[place.supply], residents)

    def _find(self, place: _Place, position: int, residents: frozenset[int]) -> _Found:
        """Read the next block in the order that is not in the training set and not blank."""
        blocks = self._supplies[place.supply].blocks
        n_blank = 0
        for _ in range(blocks.count):
            block, position = position % blocks.count, position % blocks.count + 1
            if block in residents:
                continue
            planes = self._read(place, block)
            if planes:
                return _Found(position, block, planes)
            n_blank += 1
            if n_blank == _MAX_BLANK:
                break
        return _Found(position, -1)

    def _read(self, place: _Place, block: int) -> tuple[Plane, ...]:
        """The planes of a block; none for one that is blank, or has a plane without a measurement."""
        supply = self._supplies[place.supply]
        values = supply.blocks.block(block)
        if values is None:
            return ()
        found = planes_of_block(values, supply.blocks.axes, supply.blocks.layout.dimensions, supply.scalings)
        known = [each.whitened(supply.whitenings) for each in found if each is not None]
        return tuple(known) if len(known) == len(found) else ()

    def _write(
        self, place: _Place, planes: Sequence[Plane], source: PatchSource, units: Sequence[Scaling]
    ) -> None:
        """Overwrite the planes of a place in the training set."""
        block = self._residents[place.supply][place.number]
        rng = np.random.default_rng([self._seed, place.supply, block])
        for index, plane in zip(self._planes(place), planes, strict=True):
            start, unit = int(source.starts[index]), units[plane.channel]
            span = slice(start, start + plane.values.size)
            values = torch.from_numpy(plane.values).flatten().sub_(unit.offset).div_(unit.scale)
            source.values[span].copy_(values)
            source.role[span].copy_(torch.from_numpy(roles(plane, rng).ravel()))
            source.quanta[index] = plane.quantum / unit.scale

    def state(self) -> dict[str, Any]:
        """Return which blocks are in the training set, and the places in the order that come next."""
        return {"residents": [list(each) for each in self._residents], "positions": list(self._positions)}

    def accepts(self, state: Mapping[str, Any] | None) -> bool:
        """Return whether `state` is one of an exchange of the same images; None is that of a run without exchange."""
        if state is None:
            return True
        own, counts = self.state(), [each.blocks.count for each in self._supplies]
        return (
            [len(each) for each in state["residents"]] == [len(each) for each in own["residents"]]
            and len(state["positions"]) == len(counts)
            and all(
                block < count
                for each, count in zip(state["residents"], counts, strict=True)
                for block in each
            )
        )

    def restore(self, state: Mapping[str, Any], source: PatchSource, units: Sequence[Scaling]) -> None:
        """Read the blocks of a `state` into the training set.

        Raises
        ------
        MuguetError
            If a block cannot be read.
        """
        for place in self._places:
            block = state["residents"][place.supply][place.number]
            if block != self._residents[place.supply][place.number]:
                self._residents[place.supply][place.number] = block
                self._write(place, self._read(place, block), source, units)
        self._positions, self._next = list(state["positions"]), None
