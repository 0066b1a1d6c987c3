"""How the images of a job are estimated: which planes help each other, and how many of them a block has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.blockwise.correction import found_correction, uncorrected
from muguet.blockwise.work import Work
from muguet.denoiser.channel import Result
from muguet.denoiser.denoiser import Denoiser
from muguet.formats.lazy import LazyImage
from muguet.image.axes import Layout
from muguet.image.pixels import Part, part_of_number
from muguet.image.stored_planes import StoredPlanes
from muguet.image.valid import is_blank
from muguet.neighbours.blocks import map_series_blocks
from muguet.neighbours.loop import planes_at_once
from muguet.neighbours.record import from_record, to_record
from muguet.neighbours.series import Neighbours
from muguet.pattern.correction import AUTO
from muguet.pattern.stored.correction import StoredCorrection
from muguet.pattern.stored.notes import sentences_of
from muguet.pattern.stored.record import from_record as set_from_record
from muguet.pattern.stored.record import to_record as correction_record
from muguet.pattern.stored.removal import Step
from muguet.prediction.blocks import Block, Kind, block_cut, block_step, map_blocks, one_block
from muguet.prediction.regions import Cut
from muguet.system.unfinished import own_folder

_BYTES_OF_SERIES = (
    56  # The estimate of planes of a region from several takes so many bytes a pixel and plane.
)
_PLAN = "plan.json"  # Its name in the folder of an unfinished result.


@dataclass(frozen=True, eq=False)
class Plan:
    """How one image is estimated block by block.

    Attributes
    ----------
    work, denoiser, image
        What is computed, the model, and the opened image.
    correction
        The pixels of the image without patterns, and without those that are no measurements.
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
    correction: StoredCorrection
    source: StoredPlanes
    neighbours: Neighbours
    planes: int = 1

    @classmethod
    def find(
        cls,
        work: Work,
        denoiser: Denoiser,
        image: LazyImage,
        memory: int,
        known: StoredCorrection | None = None,
    ) -> Plan:
        """Decide what is subtracted from an image and which of its planes help each other; only some are read.

        Parameters
        ----------
        work, denoiser, image
            See `Plan`.
        memory
            Memory for the pixels of images, in bytes.
        known
            What is subtracted, if this was found before.

        Raises
        ------
        MuguetError
            If a window is asked for that the model or the image cannot use.
        """
        correction = known or found_correction(
            image, partial(work.read, image), denoiser.correction.lines == AUTO, memory
        )
        source = _planes(denoiser, image, correction)
        neighbours = denoiser.find_neighbours(
            source, source.layout, work.time_window, work.causal, work.z_window, at_once=False
        )
        return cls(work, denoiser, image, correction, source, neighbours)

    @classmethod
    def of(
        cls,
        work: Work,
        denoiser: Denoiser,
        image: LazyImage,
        memory: int,
        record: dict[str, Any],
        folder: Path,
    ) -> Plan:
        """Return the plan of an image from its `record`."""
        correction = uncorrected(image, partial(work.read, image), memory)
        set_from_record(correction, record["correction"], folder, record["maps"])
        source = _planes(denoiser, image, correction)
        neighbours = from_record(record["neighbours"], source, source.layout, denoiser.scalings)
        return cls(work, denoiser, image, correction, source, neighbours, record["planes"])

    def record(self, folder: Path, maps: str) -> dict[str, Any]:
        """Return the plan as JSON can hold it; maps of pixels become files in a folder, with names that begin alike."""
        return {
            "neighbours": to_record(self.neighbours),
            "planes": self.planes,
            "correction": correction_record(self.correction, folder, maps),
            "maps": maps,
        }

    @property
    def made(self) -> dict[str, str]:
        """What the file of the result says of what was subtracted, and of the planes that helped."""
        words = sentences_of(self.correction.patterns)
        return ({"patterns": " ".join(words)} if words else {}) | self.neighbours.made

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
        pixels = math.prod(
            core + 2 * math.ceil(halo / each) * each
            for core, halo, each in zip(cut.core, cut.halo, cut.stride, strict=True)
        )
        most = planes_at_once(pixels)
        depth = self.layout.shape[self.layout.axes.index(self.neighbours.letter)]
        number = math.ceil(depth / math.ceil(depth / most))

        def needed(number: int) -> int:
            planes = number + sum(self.neighbours.reach)
            return self._with(number).nbytes(unit, stored) + planes * pixels * _BYTES_OF_SERIES

        while number > 1 and needed(number) > memory:
            number = math.ceil(number / 2)
        return number

    def _with(self, planes: int) -> Plan:
        return replace(self, planes=planes)

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
        if self.correction.changes:  # Their counts become floating-point numbers.
            each += np.result_type(self.image.about.data.dtype, np.float32).itemsize
        results = 12 if self.work.error is not None else 8
        return (
            math.prod(held) * 2 * each + math.prod(step) * (each + results + stored) + self.correction.nbytes
        )

    def blocks(self, step: Sequence[int], numbers: Iterable[int]) -> Iterator[Block]:
        """Compute blocks of the image, by their numbers."""
        shape = self.layout.shape
        if self.neighbours.helps:
            parts = ((number, part_of_number(shape, step, number)) for number in numbers)
            yield from self._of_series(block_cut(self.layout, self.cut, step), parts, self._result)
            return
        pixels, result = self.image.about.data.size, self._result
        function = (
            self.denoiser.std_function()
            if result is Result.STD
            else self.denoiser.region_function(pixels, self.work.symmetries, result)
        )
        yield from map_blocks(
            function,
            self.correction.read,
            self.layout,
            self.cut,
            step,
            self._kinds(result),
            is_blank,
            numbers,
        )

    def part(self, part: Part) -> tuple[npt.NDArray[Any], ...]:
        """Return the denoised values of a part of the image, and their errors if the model predicts them."""
        result = Result.BOTH if self.denoiser.predicts_error else Result.MEAN
        if self.neighbours.helps:
            (block,) = self._of_series(self.cut, [(0, part)], result)
            return block.results
        function = self.denoiser.region_function(self.image.about.data.size, self.work.symmetries, result)
        return one_block(
            function, self.correction.read, self.layout, self.cut, part, self._kinds(result)
        ).results

    def pattern(self, block: Block) -> npt.NDArray[np.floating]:
        """Return what was subtracted from each pixel of a block."""
        if not self.correction.changes:
            return np.zeros(block.values.shape, np.float32)
        difference: npt.NDArray[np.floating] = self.correction.read(block.part, Step.SHIFT) - block.values
        return difference

    @property
    def _result(self) -> Result:
        """What is computed of every pixel."""
        if self.work.errors:
            return Result.STD
        return Result.MEAN if self.work.error is None else Result.BOTH

    def _kinds(self, result: Result) -> tuple[Kind, ...]:
        mean, std = Kind(self.denoiser.dtype), Kind(np.float32, keeps_blank=False)
        return {Result.MEAN: (mean,), Result.STD: (std,), Result.BOTH: (mean, std)}[result]

    def _of_series(self, cut: Cut, parts: Iterable[tuple[int, Part]], result: Result) -> Iterator[Block]:
        function = self.denoiser.series_function(self.image.about.data.size, self.work.symmetries, result)
        read, kinds = self.correction.read, self._kinds(result)
        return map_series_blocks(function, read, self.source, self.neighbours, cut, parts, kinds)


def write_plans(folder: Path, plans: Sequence[Plan]) -> None:
    """Write the plans of the images of a job into the folder of their unfinished results."""
    own = own_folder(folder)
    own.mkdir(exist_ok=True)
    records = [each.record(own, f"image-{number}") for number, each in enumerate(plans)]
    (own / _PLAN).write_text(json.dumps(records))


def read_plans(
    folder: Path, work: Work, denoiser: Denoiser, images: Sequence[LazyImage], memory: int
) -> list[Plan]:
    """Return the plans that `write_plans` wrote."""
    own = own_folder(folder)
    records = json.loads((own / _PLAN).read_text())
    return [
        Plan.of(work, denoiser, image, memory, each, own) for image, each in zip(images, records, strict=True)
    ]


def _planes(denoiser: Denoiser, image: LazyImage, correction: StoredCorrection) -> StoredPlanes:
    about = image.about
    layout = denoiser.layout(about.data.shape, about.axes)
    return StoredPlanes(correction.read_undamaged, layout, about.data.dtype, image.chunks)
