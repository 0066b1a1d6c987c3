"""The blocks of a file: which there are, which are missing in the results, and how one is computed and written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from muguet.blockwise.plan import Plan, read_plans, write_plans
from muguet.blockwise.share import Share
from muguet.blockwise.work import Rounding, Work, result_image
from muguet.denoiser.denoiser import Denoiser
from muguet.denoiser.model_file import model_id
from muguet.errors import MuguetError
from muguet.formats.lazy import DamagedError, LazyImage, Target
from muguet.formats.ome_zarr.write import create_store, open_targets
from muguet.formats.registry import check_output, streaming
from muguet.image.image import Image
from muguet.image.pixels import Part, number_of_parts, part_of_number
from muguet.neighbours.series import Neighbours
from muguet.prediction.blocks import Block
from muguet.quality.residual import Residual
from muguet.system.atomic import sentences
from muguet.system.budget import memory_for_images
from muguet.system.unfinished import Unfinished, unfinished

MODEL = "model.muguet"
"""The model in the folder of an unfinished result, from which all processes load it."""


@dataclass(frozen=True)
class Place:
    """A block of the job: the image that it belongs to, its number there, and its place."""

    image: int
    number: int
    part: Part


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
    roundings
        How the results of each image are stored.
    targets
        Where they are written.
    plans
        How each image is estimated.
    held
        The unfinished folder of the results; None: they are written in one run.
    """

    def __init__(
        self,
        work: Work,
        denoiser: Denoiser,
        images: Sequence[LazyImage],
        roundings: Sequence[Rounding],
        targets: Sequence[Target],
        plans: Sequence[Plan],
        held: Unfinished | None = None,
    ) -> None:
        self.work, self.denoiser, self.images, self.held = work, denoiser, list(images), held
        self.roundings, self.targets, self.plans = list(roundings), list(targets), list(plans)
        self.layouts = [plan.layout for plan in plans]
        self.steps = [plan.step(target.step) for plan, target in zip(plans, targets, strict=True)]
        self.counts = [
            number_of_parts(layout.shape, step) for layout, step in zip(self.layouts, self.steps, strict=True)
        ]
        self.residuals = [Residual() for _ in images]
        self.lost: list[str] = []
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
        return self.targets[place.image].has(place.part)

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
            if self.held is not None:
                with sentences(self.work.result):
                    self.targets[image].fill(self.place(before + number).part for number in chosen)

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
                if self.held is None:
                    raise
                self.damaged.append(str(error))
                left = left[1:]

    def _computed(self, image: int, numbers: Sequence[int]) -> Iterator[Block]:
        return self.plans[image].blocks(self.steps[image], numbers)

    def _write(self, image: int, block: Block) -> None:
        stored = self.roundings[image](block.result, image, block.number)
        if not self.work.errors:
            self.residuals[image].add(block.values, block.result)
            if self.work.excludes:
                raw = self.images[image].read(block.part)
                excluded = np.isnan(block.values) & np.isfinite(raw)
                stored[excluded] = raw[excluded].astype(stored.dtype)
        with sentences(self.work.result):
            self.targets[image].write(block.part, stored)

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
        return self.held is None or self.held.finish(self._complete)

    def _complete(self) -> bool:
        if self.missing():
            return False
        for target in self.targets:
            target.finish()
        return True


@contextlib.contextmanager
def opened(
    work: Work,
    denoiser: Denoiser,
    *,
    overwrite: bool = False,
    together: bool = False,
    made: Mapping[str, str | int] | None = None,
    memory: int | None = None,
    neighbours: Sequence[Neighbours] = (),
) -> Iterator[Job]:
    """Open a job, which goes on from what an earlier run has finished.

    The results in a Zarr store are filled in the folder `NAME.unfinished` beside them, and stay there if the job ends
    early. Those in a file are complete at the end of the block, or not there.

    Parameters
    ----------
    work, denoiser
        What is computed, and the model.
    overwrite
        Whether existing results are replaced.
    together
        Whether other processes write to the same results, so that those of other choices are an error.
    made
        What makes the results, for the store or file; see `muguet.image.Image.provenance`.
    memory
        Memory for blocks in bytes; None: see `muguet.system.budget.memory_for_images`.
    neighbours
        Which planes of each image help each other, if this was found before.

    Raises
    ------
    MuguetError
        If an input cannot be read, the model does not fit it, or the results cannot be written.
    """
    if denoiser.correction.maps.given:
        raise MuguetError(
            f"the model corrects images with maps of the camera, which need whole images in memory, and {work.source} "
            "is processed block by block: allow more by --memory, or process parts of the image"
        )
    images = work.open()
    for image in images:  # A model that does not fit them leaves nothing that could be continued.
        denoiser.layout(image.about.data.shape, image.about.axes)
    roundings = [Rounding.of(work, image) for image in images]
    abouts = [result_image(work, image, each) for image, each in zip(images, roundings, strict=True)]
    room = memory_for_images(None) if memory is None else memory

    def planned() -> list[Plan]:
        plans = [Plan.find(work, denoiser, each, known) for each, known in zip_longest(images, neighbours)]
        abouts[:] = [
            replace(about, provenance={**(made or {}), **plan.neighbours.made})
            for about, plan in zip(abouts, plans, strict=True)
        ]
        return plans

    def sized(plans: Sequence[Plan], targets: Sequence[Target]) -> list[Plan]:
        every = zip(plans, targets, roundings, strict=True)
        return [plan.with_planes(target.step, each.dtype.itemsize, room) for plan, target, each in every]

    if not is_store(work.result):
        if together:
            raise MuguetError(
                f"{work.result} is no Zarr store, and several processes can write to nothing else: name an output that "
                "ends in .ome.zarr"
            )
        check_output(work.result, overwrite)
        plans = planned()
        with streaming(work.result, abouts, overwrite) as (arrays, sentences_of_file):
            job = Job(work, denoiser, images, roundings, arrays, sized(plans, arrays))
            job.lost = sentences_of_file
            yield job
        return
    check_output(work.result, overwrite)
    lost: list[str] = []

    def create(folder: Path) -> None:
        plans = planned()
        lost.extend(create_store(folder, abouts))
        write_plans(folder, sized(plans, open_targets(folder, abouts)))

    description = work.describe(model_id(denoiser), images, roundings)
    with unfinished(work.result, description, create, may_discard=not together) as held:
        plans = read_plans(held.folder, work, denoiser, images)
        job = Job(work, denoiser, images, roundings, open_targets(held.folder, abouts), plans, held)
        job.lost = lost
        try:
            yield job
        except BaseException:
            if not held.was_there and not job.began:
                held.discard()
            raise


def is_store(path: Path) -> bool:
    """Return whether results of this name are written to a Zarr store."""
    return path.suffix.lower() == ".zarr"


def reopened(work: Work, denoiser: Denoiser, folder: Path) -> Job:
    """Return the job of an unfinished folder that another process holds."""
    images = work.open()
    roundings = [Rounding.of(work, image) for image in images]
    abouts: list[Image] = [
        result_image(work, image, each) for image, each in zip(images, roundings, strict=True)
    ]
    held = Unfinished(work.result.absolute(), folder, None, True)
    plans = read_plans(folder, work, denoiser, images)
    return Job(work, denoiser, images, roundings, open_targets(folder, abouts), plans, held)
