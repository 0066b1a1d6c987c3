"""How the images of a job are estimated: which planes help each other, and how many of them a block has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.blockwise.work import Work
from muguet.denoiser.denoiser import Denoiser
from muguet.formats.lazy import DamagedError, LazyImage
from muguet.image.axes import Layout
from muguet.image.pixels import Part, part_of_number
from muguet.image.stored_planes import StoredPlanes
from muguet.image.valid import is_blank
from muguet.neighbours.blocks import map_series_blocks
from muguet.neighbours.loop import planes_at_once
from muguet.neighbours.record import from_record, to_record
from muguet.neighbours.series import Neighbours
from muguet.prediction.blocks import Block, block_cut, block_step, map_blocks
from muguet.prediction.regions import Cut
from muguet.system.unfinished import own_folder

_PLAN = "plan.json"  # Its name in the folder of an unfinished result.


@dataclass(frozen=True, eq=False)
class Plan:
    """How one image is estimated block by block.

    Attributes
    ----------
    work, denoiser, image
        What is computed, the model, and the opened image.
    source
        The planes of the image, in which those that are blank or damaged are missing.
    neighbours
        Which planes help each other.
    planes
        Least number of planes of a block along the axis of the neighbours.
    """

    work: Work
    denoiser: Denoiser
    image: LazyImage
    source: StoredPlanes
    neighbours: Neighbours
    planes: int = 1

    @classmethod
    def find(cls, work: Work, denoiser: Denoiser, image: LazyImage, known: Neighbours | None = None) -> Plan:
        """Decide which planes of an image help each other, of which only some are read, unless it is known.

        Raises
        ------
        MuguetError
            If a window is asked for that the model or the image cannot use.
        """
        source = _planes(work, denoiser, image)
        neighbours = known or denoiser.find_neighbours(
            source, source.layout, work.time_window, work.causal, work.z_window, at_once=False
        )
        return cls(work, denoiser, image, source, neighbours)

    @classmethod
    def of(cls, work: Work, denoiser: Denoiser, image: LazyImage, record: dict[str, Any]) -> Plan:
        """Return the plan of an image from its `record`."""
        source = _planes(work, denoiser, image)
        neighbours = from_record(record["neighbours"], source, source.layout, denoiser.scalings)
        return cls(work, denoiser, image, source, neighbours, record["planes"])

    def record(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it."""
        return {"neighbours": to_record(self.neighbours), "planes": self.planes}

    @property
    def layout(self) -> Layout:
        """How the axes of the image become planes."""
        return self.source.layout

    @property
    def cut(self) -> Cut:
        """The sizes of the regions that are estimated at once."""
        return self.denoiser.cut_with(self.neighbours) if self.neighbours.helps else self.denoiser.cut

    def step(self, unit: Sequence[int] | None) -> tuple[int, ...]:
        """Return the sizes of blocks, see `muguet.prediction.block_step`."""
        planes = {self.neighbours.letter: self.planes} if self.neighbours.helps else None
        return block_step(self.layout, self.denoiser.cut, unit, planes)

    def n_planes(self, unit: Sequence[int] | None, stored: int, memory: int) -> int:
        """Return how many planes a block should have along the axis of the neighbours.

        It has as many as are estimated at once from a region in memory, so that planes are not estimated more often, or
        fewer if they need more memory.

        Parameters
        ----------
        unit
            See `step`.
        stored
            Size of a pixel of the result, in bytes.
        memory
            Memory for blocks, in bytes.
        """
        if not self.neighbours.helps:
            return 1
        cut = block_cut(self.layout, self.cut, self.step(unit))
        sizes = zip(cut.core, cut.halo, cut.stride, strict=True)
        most = planes_at_once(
            math.prod(core + 2 * math.ceil(halo / each) * each for core, halo, each in sizes)
        )
        depth = self.layout.shape[self.layout.axes.index(self.neighbours.letter)]
        number = math.ceil(depth / math.ceil(depth / most))
        while number > 1 and self._with(number).nbytes(unit, stored) > memory:
            number = math.ceil(number / 2)
        return number

    def _with(self, planes: int) -> Plan:
        return Plan(self.work, self.denoiser, self.image, self.source, self.neighbours, planes)

    def with_planes(self, unit: Sequence[int] | None, stored: int, memory: int) -> Plan:
        """Return the plan with the number of planes of a block, see `n_planes`."""
        return self._with(self.n_planes(unit, stored, memory))

    def nbytes(self, unit: Sequence[int] | None, stored: int) -> int:
        """Return how much memory a block needs, in bytes; the parameters are those of `n_planes`."""
        step, each = self.step(unit), self.image.about.data.dtype.itemsize
        # Two blocks are in memory with the planes around them, one of them with its result as it is computed and as it
        # is stored.
        held = list(step)
        if self.neighbours.helps:
            axis = self.layout.axes.index(self.neighbours.letter)
            held[axis] += sum(self.neighbours.reach)
            for letter, halo in zip(self.layout.spatial_axes, self.cut.halo, strict=True):
                held[self.layout.axes.index(letter)] += 2 * halo
        held = [min(size, whole) for size, whole in zip(held, self.layout.shape, strict=True)]
        return math.prod(held) * 2 * each + math.prod(step) * (each + 8 + stored)

    def blocks(self, step: Sequence[int], numbers: Iterable[int]) -> Iterator[Block]:
        """Compute blocks of the image, by their numbers."""
        shape = self.layout.shape
        if self.neighbours.helps:
            parts = ((number, part_of_number(shape, step, number)) for number in numbers)
            yield from self._of_series(block_cut(self.layout, self.cut, step), parts)
            return
        pixels = self.image.about.data.size
        function = (
            self.denoiser.std_function()
            if self.work.errors
            else self.denoiser.region_function(pixels, self.work.symmetries)
        )
        yield from map_blocks(
            function, self._read, self.layout, self.cut, step, self.denoiser.dtype, is_blank, numbers
        )

    def part(self, part: Part) -> npt.NDArray[Any]:
        """Return the result of a part of an image whose planes help each other, see `read_block`."""
        (block,) = self._of_series(self.cut, [(0, part)])
        return block.result

    def _of_series(self, cut: Cut, parts: Iterable[tuple[int, Part]]) -> Iterator[Block]:
        work, denoiser = self.work, self.denoiser
        function = denoiser.series_function(self.image.about.data.size, work.symmetries, work.errors)
        return map_series_blocks(
            function, self._read, self.source, self.neighbours, cut, parts, denoiser.dtype
        )

    def _read(self, part: Part) -> npt.NDArray[Any]:
        return self.work.read(self.image, part)


def write_plans(folder: Path, plans: Sequence[Plan]) -> None:
    """Write the plans of the images of a job into the folder of their unfinished results."""
    own_folder(folder).mkdir(exist_ok=True)
    (own_folder(folder) / _PLAN).write_text(json.dumps([each.record() for each in plans]))


def read_plans(folder: Path, work: Work, denoiser: Denoiser, images: Sequence[LazyImage]) -> list[Plan]:
    """Return the plans that `write_plans` wrote."""
    records = json.loads((own_folder(folder) / _PLAN).read_text())
    return [Plan.of(work, denoiser, image, each) for image, each in zip(images, records, strict=True)]


def _planes(work: Work, denoiser: Denoiser, image: LazyImage) -> StoredPlanes:
    about = image.about
    layout = denoiser.layout(about.data.shape, about.axes)
    return StoredPlanes(partial(_read_or_missing, work, image), layout, about.data.dtype, image.chunks)


def _read_or_missing(work: Work, image: LazyImage, part: Part) -> npt.NDArray[Any]:
    """Return a part of an image, with NaN if it is damaged: blocks in which it lies raise the error."""
    try:
        return work.read(image, part)
    except DamagedError:
        return np.full([each.stop - each.start for each in part], np.nan, np.float32)
