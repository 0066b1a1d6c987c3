"""Images that are larger than memory: a sample of blocks for the training, and results written block by block."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.blockwise.share import Share
from muguet.cli.shared.apply import denoise_images
from muguet.cli.shared.display import Bar, described, say
from muguet.cli.shared.values import value_range
from muguet.errors import MuguetError
from muguet.results.denoising import Denoised
from muguet.results.provenance import made_by
from muguet.system.budget import memory_for_images
from muguet.system.unfinished import unfinished_of

if TYPE_CHECKING:
    from muguet.blockwise.job import Job
    from muguet.blockwise.work import Work
    from muguet.cli.shared.choices import Choices
    from muguet.cli.shared.spread import Spread
    from muguet.denoiser.denoiser import Denoiser
    from muguet.formats.lazy import LazyImage
    from muguet.image.image import Image

_BYTES_PER_PIXEL = (
    20  # A pixel of an image in memory takes this beside the image and its result: see `collect`.
)
_COMPRESSION = 16  # A smaller file cannot hold an image of this many times its size.
_MAX_SAMPLE = 2**26  # A training needs no more pixels.
_MIDDLE, _DEPTH = (
    1024,
    32,
)  # Rows and columns, and planes of a volume, that the report of a large image shows.


class Streams:
    """Which files are too large to be held in memory; this is decided once for each file of a command.

    Parameters
    ----------
    choices
        The options that say how a file is read, and how much memory may be used.
    always
        Whether all files are processed block by block, whatever their size.
    """

    def __init__(self, choices: Choices, always: bool = False) -> None:
        self.choices, self.always = choices, always
        self._found: dict[Path, tuple[LazyImage, ...]] = {}

    def of(self, path: Path) -> tuple[LazyImage, ...]:
        """Return the images of a file if they are too large to be held in memory, and otherwise nothing."""
        if path not in self._found:
            self._found[path] = self._open(path)
        return self._found[path]

    def _open(self, path: Path) -> tuple[LazyImage, ...]:
        from muguet.formats.registry import open_all

        memory = memory_for_images(self.choices.memory)
        if self.always:
            return open_all(path, self.choices.axes, self.choices.scene)
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_size * _COMPRESSION * _BYTES_PER_PIXEL < memory:
                return ()
        images = open_all(path, self.choices.axes, self.choices.scene)
        needed = sum(each.about.data.size * _BYTES_PER_PIXEL + 2 * each.nbytes for each in images)
        return images if needed > memory else ()


def planes_of(image: LazyImage) -> int:
    """Return the number of planes of each channel of an image."""
    sizes = zip(image.about.axes, image.about.data.shape, strict=True)
    return math.prod(size for letter, size in sizes if letter in "TZ")


def training_sample(image: LazyImage, choices: Choices, number: int) -> Image:
    """Return blocks spread over an image, as an image to train on; `number` images share the memory."""
    from muguet.image.axes import Layout
    from muguet.training.blocks import Blocks, BlockSample

    about = image.about
    layout = Layout(about.axes, about.data.shape, choices.dimensions)
    most = memory_for_images(choices.memory) // (2 * (_BYTES_PER_PIXEL + about.data.dtype.itemsize))
    blocks = Blocks(
        image.read,
        layout,
        min(most, _MAX_SAMPLE) // number,
        image.chunks,
        choices.seed,
        lambda values: choices.valid(replace(about, data=values, axes=blocks.axes, source=None)).data,
    )
    data = blocks.sample()
    size, share = image.nbytes / 1e9, data.size / about.data.size
    note = (
        f"The image has {size:.3g} GB and is processed block by block. The training begins with {100 * share:.3g} % of "
        "its pixels, in blocks spread over the image, and exchanges blocks while it runs. Padding, defective pixels "
        "and lines with offsets are not searched."
    )
    sizes = {letter: value for letter, value in about.pixel_size.items() if letter != "T"}
    properties = {each.name: getattr(about, each.name) for each in fields(about)}
    properties |= {"data": data, "axes": blocks.axes, "pixel_size": sizes, "source": None}
    properties["notes"] = (*about.notes, note)
    return choices.valid(BlockSample(**properties, blocks=blocks))


def stream_file(
    work: Work, error: Path | None, denoiser: Denoiser, choices: Choices, spread: Spread, overwrite: bool
) -> bool:
    """Denoise the images of a file block by block, and write the errors of their pixels to a second file if asked.

    Returns
    -------
    bool
        Whether the results are complete; False if other parts are missing.
    """
    complete = _stream(work, denoiser, choices, spread, overwrite)
    if error is not None:
        errors = replace(work, result=error, dtype=None, symmetries=None, errors=True)
        complete &= _stream(errors, denoiser, choices, spread, overwrite)
    return complete


def _stream(
    work: Work,
    denoiser: Denoiser,
    choices: Choices,
    spread: Spread,
    overwrite: bool,
) -> bool:
    """Denoise the images of a file block by block, or compute their errors; return whether the results are complete."""
    from muguet.blockwise.job import opened

    result = work.result
    try:
        with opened(
            work, denoiser, overwrite=overwrite, together=spread.together, made=made_by(denoiser, None)
        ) as job:
            _require_room(job, choices)
            for each in dict.fromkeys(each.sentence for each in job.roundings if each.sentence):
                say(f"{work.source}: {each}")
            done = _run(job, spread)
            if job.held is not None and spread.share in (None, Share()):
                say(f"Completing {result}.")
            complete = job.finish()
            images, lost = [replace(each.about) for each in job.images], job.lost
    except (KeyboardInterrupt, MuguetError):
        kept = unfinished_of(result)
        if kept.is_dir():
            say(f"What is finished is kept in {kept}: the same command goes on from there.")
        raise
    if not complete:
        say(
            f"{result}: part {spread.share} is done. Other parts are missing; the last of them completes the result."
        )
        return False
    for image, residual in zip(images, job.residuals, strict=True):
        name = f" ({image.name})" if len(images) > 1 and image.name else ""
        if work.errors:
            sentence = "Standard deviation of the error of each pixel."
        else:
            sentence = residual.sentence if done == job.total and residual.count else ""
        say(f"{result}{name}: {described(image)}. {sentence}".rstrip())
    for each in lost:
        say(f"  {each}")
    return True


def middle_of(work: Work, denoiser: Denoiser, choices: Choices) -> Denoised:
    """Return the middle of a large image, noisy and denoised, for its report and its checks."""
    from muguet.blockwise.work import part_at

    image = work.open()[0]
    part = part_at(image, 0.5, _MIDDLE, depth=_DEPTH if denoiser.parts.dimensions == 3 else 1)
    about = image.about
    places = ", ".join(
        f"{letter} {each.start}" + f" to {each.stop - 1}" * (each.stop - each.start > 1)
        for letter, each, size in zip(about.axes, part, about.data.shape, strict=True)
        if each.stop - each.start < size
    )
    note = f"The report shows the middle of a large image: {places}."
    cut = choices.valid(
        replace(
            about, data=image.read(part), notes=(*about.notes, note) if places else about.notes, source=None
        )
    )
    dtype = None if work.dtype is None else np.dtype(work.dtype)
    return denoise_images(denoiser, [cut], dtype, work.symmetries, announce=False)[0]


def work_of(
    source: Path,
    result: Path,
    choices: Choices,
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    ome_zarr: str | None,
) -> Work:
    """Return what the options of a command ask for one file."""
    from muguet.blockwise.work import Work

    return Work(
        source,
        result,
        choices.axes,
        tuple(choices.scene or ()),
        None if choices.valid_range is None else value_range(choices.valid_range),
        choices.mask_value,
        None if dtype is None else str(dtype),
        symmetries,
        ome_zarr=ome_zarr,
    )


def _run(job: Job, spread: Spread) -> int:
    """Compute the blocks that are missing, show the progress, and return their number."""
    from muguet.blockwise.executor import spread as by_executor

    share = spread.share or Share()
    every = share.numbers(job.total)
    numbers = list(every) if job.held is None else job.missing(share)
    if len(numbers) < len(every):
        say(
            f"{len(every) - len(numbers)} of {len(every)} blocks are there, from an earlier run or another process: "
            "they are kept."
        )
    started, name = time.monotonic(), job.work.source.name
    with spread.executor() as executor, Bar(f"Denoising {name}") as bar:
        blocks = job.run(numbers) if executor is None else by_executor(job, numbers, executor, spread.device)
        for done, _ in enumerate(blocks, 1):
            if bar.due and done < len(numbers):
                seconds = time.monotonic() - started
                left = seconds * (len(numbers) - done) / done
                bar.show(done / len(numbers), left, f"block {done} of {len(numbers)}", {"seconds": seconds})
    return len(numbers)


def _require_room(job: Job, choices: Choices) -> None:
    """Raise an error if one block of a job needs more memory than the images may use."""
    memory = memory_for_images(choices.memory)
    for image, step, rounding in zip(job.images, job.steps, job.roundings, strict=True):
        # Two blocks are in memory, one of them with its result as it is computed and as it is stored.
        each = 3 * image.about.data.dtype.itemsize + 8 + rounding.dtype.itemsize
        needed = math.prod(step) * each
        if needed > memory:
            raise MuguetError(
                f"{job.work.source} is stored in pieces of {'×'.join(map(str, step))} pixels, which need "
                f"{needed / 1e9:.3g} GB to be processed: allow more by --memory, or store it in smaller chunks"
            )
