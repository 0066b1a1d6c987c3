"""The blocks of a file: which there are, which are missing in the results, and how one is computed and written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.blockwise.output import Content, Output, Place, contents_of
from muguet.blockwise.plan import Plan
from muguet.blockwise.share import Share
from muguet.blockwise.work import Work
from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.formats.damaged import DamagedError
from muguet.formats.lazy import LazyImage
from muguet.image.pixels import number_of_parts, part_of_number
from muguet.prediction.blocks import Block
from muguet.quality.residual import Residual
from muguet.system.atomic import sentences

MODEL = "model.muguet"
"""The model in the folder of an unfinished result, from which all processes load it."""


class Job:
    """The blocks of the results of one file, and where they are written.

    Parameters
    ----------
    work
        What is computed.
    denoiser
        The model.
    images
        The opened images.
    plans
        How each image is estimated.
    outputs
        The files of the results.
    """

    def __init__(
        self,
        work: Work,
        denoiser: Denoiser,
        images: Sequence[LazyImage],
        plans: Sequence[Plan],
        outputs: Sequence[Output],
    ) -> None:
        self.work, self.denoiser, self.images = work, denoiser, list(images)
        self.plans, self.outputs = list(plans), list(outputs)
        self.held = outputs[0].held
        self.resumes = all(each.held is not None for each in outputs)
        self.layouts = [plan.layout for plan in plans]
        self.units = [unit_of([each.targets[k].step for each in outputs]) for k in range(len(images))]
        self.steps = [plan.step(unit) for plan, unit in zip(plans, self.units, strict=True)]
        self.counts = [
            number_of_parts(layout.shape, step) for layout, step in zip(self.layouts, self.steps, strict=True)
        ]
        self.residuals = [Residual() for _ in images]
        self.began = False  # Whether a block was written.
        self.damaged: list[str] = []  # A sentence for each block that could not be read.

    @property
    def total(self) -> int:
        """Number of blocks of all images."""
        return sum(self.counts)

    def place(self, number: int) -> Place:
        """Return the block of a number, counted through all images."""
        for image, count in enumerate(self.counts):
            if number < count:
                return Place(
                    image, number, part_of_number(self.layouts[image].shape, self.steps[image], number)
                )
            number -= count
        raise IndexError(number)

    def missing(self, share: Share | None = None) -> list[int]:
        """Return the numbers of the blocks of a share (None: all) that are not in the results."""
        numbers = range(self.total) if share is None else share.numbers(self.total)
        return [number for number in numbers if not self._has(self.place(number))]

    def _has(self, place: Place) -> bool:
        return all(each.has(place) for each in self.outputs)

    def run(self, numbers: Iterable[int]) -> Iterator[int]:
        """Compute and write blocks, and yield the number of each as soon as it is in the results.

        A block of a store whose pixels are damaged is passed over, and `finish` raises the error.

        Raises
        ------
        MuguetError
            If a block cannot be computed or written, or one of a file cannot be read.
        """
        for image, chosen in self._by_image(numbers):
            before = sum(self.counts[:image])
            for block in self._blocks(image, chosen):
                self._write(image, block)
                self.began = True
                yield before + block.number
            for each in self.outputs:
                each.fill(image, [self.place(before + number).part for number in chosen])

    def _by_image(self, numbers: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
        """Yield each image with the numbers of its blocks."""
        found: dict[int, list[int]] = {}
        for number in numbers:
            place = self.place(number)
            found.setdefault(place.image, []).append(place.number)
        yield from found.items()

    def _blocks(self, image: int, numbers: Sequence[int]) -> Iterator[Block]:
        """Yield the blocks of an image that can be read."""
        left = list(numbers)
        while left:
            try:
                for block in self._computed(image, left):
                    yield block
                    left = left[1:]
            except DamagedError as error:
                if not self.resumes:
                    raise
                self.damaged.append(str(error))
                left = left[1:]

    def _computed(self, image: int, numbers: Sequence[int]) -> Iterator[Block]:
        return self.plans[image].blocks(self.steps[image], numbers)

    def _write(self, image: int, block: Block) -> None:
        results = dict(zip((content for content, _ in contents_of(self.work)), block.results, strict=False))
        if Content.DENOISED in results:
            self.residuals[image].add(block.values, block.result)
        for each in self.outputs:
            is_pattern = each.content is Content.PATTERN
            values = self.plans[image].pattern(block) if is_pattern else results[each.content]
            stored = each.roundings[image](values, image, block.number)
            if each.content is Content.DENOISED:
                self._keep_missing(image, block, stored)
            with sentences(each.path):
                each.targets[image].write(block.part, stored)

    def _keep_missing(self, image: int, block: Block, stored: npt.NDArray[Any]) -> None:
        """Give the pixels that are no measurements the values that they had."""
        if block.values.dtype.kind != "f":
            return
        missing = np.isnan(block.values)
        if missing.any():
            raw = self.images[image].read(block.part)
            missing &= np.isfinite(raw)
            stored[missing] = raw[missing].astype(stored.dtype)

    def finish(self) -> bool:
        """Give the results their name if all blocks are there and no other process works; return whether it did.

        Raises
        ------
        MuguetError
            If blocks could not be read.
        """
        if self.damaged:
            more = f", and {len(self.damaged) - 1} other blocks" if len(self.damaged) > 1 else ""
            raise MuguetError(f"{self.damaged[0]}{more}")
        numbers = range(self.total) if self.resumes else ()
        # The denoised images come last, so that the others are there once these are.
        return all(each.finish(map(self.place, numbers)) for each in reversed(self.outputs))

    @property
    def lost(self) -> list[str]:
        """Sentences about metadata of the input that the results do not hold."""
        return list(dict.fromkeys(sentence for each in self.outputs for sentence in each.lost))


def unit_of(steps: Sequence[Sequence[int] | None]) -> tuple[int, ...] | None:
    """Return the size of the parts that all results can write whole along each axis; None: any part can be written."""
    known = [each for each in steps if each is not None]
    return tuple(math.lcm(*sizes) for sizes in zip(*known, strict=True)) if known else None
