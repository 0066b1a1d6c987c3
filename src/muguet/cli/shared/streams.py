"""Images that are larger than memory: a sample of blocks for the training, and results written block by block."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.blockwise.share import Share
from muguet.cli.shared.apply import denoise_images
from muguet.cli.shared.display import Bar, described, say
from muguet.cli.shared.values import value_range
from muguet.errors import MuguetError
from muguet.results.denoising import Denoised, Windows
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
    from muguet.neighbours.series import Neighbours

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


@dataclass(frozen=True)
class Streamed:
    """A file that was processed block by block.

    Attributes
    ----------
    complete
        Whether the results are complete; False if other parts are missing.
    neighbours
        Which planes of each image helped each other.
    """

    complete: bool
    neighbours: tuple[Neighbours, ...]


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
) -> Streamed:
    """Denoise the images of a file block by block, and write the errors of their pixels to a second file if asked."""
    found = _stream(work, denoiser, choices, spread, overwrite)
    if error is None:
        return found
    errors = replace(work, result=error, dtype=None, errors=True)
    second = _stream(errors, denoiser, choices, spread, overwrite, found.neighbours)
    return replace(found, complete=found.complete and second.complete)


def _stream(
    work: Work,
    denoiser: Denoiser,
    choices: Choices,
    spread: Spread,
    overwrite: bool,
    neighbours: tuple[Neighbours, ...] = (),
) -> Streamed:
    """Denoise the images of a file block by block, or compute their errors.

    `neighbours` says which planes of each image help each other, if this was found before.
    """
    from muguet.blockwise.job import opened

    result = work.result
    options: dict[str, Any] = {
        "overwrite": overwrite,
        "together": spread.together,
        "made": made_by(denoiser, None),
        "memory": memory_for_images(choices.memory),
        "neighbours": neighbours,
    }
    try:
        with opened(work, denoiser, **options) as job:
            _require_room(job, choices)
            found = tuple(plan.neighbours for plan in job.plans)
            notes = [*(each.sentence for each in job.roundings)]
            if not neighbours:
                notes += [each.sentence for each in found]
            for each in dict.fromkeys(filter(None, notes)):
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
        return Streamed(False, found)
    for image, residual in zip(images, job.residuals, strict=True):
        name = f" ({image.name})" if len(images) > 1 and image.name else ""
        if work.errors:
            sentence = "Standard deviation of the error of each pixel."
        else:
            sentence = residual.sentence if done == job.total and residual.count else ""
        say(f"{result}{name}: {described(image)}. {sentence}".rstrip())
    for each in lost:
        say(f"  {each}")
    return Streamed(True, found)


def middle_of(work: Work, denoiser: Denoiser, choices: Choices, streamed: Streamed) -> Denoised:
    """Return the middle of a large image, noisy and denoised, for its report and its checks."""
    from muguet.blockwise.plan import Plan
    from muguet.blockwise.work import part_at
    from muguet.image.values import to_dtype
    from muguet.quality.residual import Residual

    image = work.open()[0]
    depth = _DEPTH if denoiser.parts.dimensions == 3 else 1
    part = part_at(image, 0.5, _MIDDLE, depth, denoiser.cut.stride)
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
    alone = denoise_images(denoiser, [cut], dtype, work.symmetries, announce=False, windows=Windows(0, z=0))[
        0
    ]
    neighbours = streamed.neighbours[0]
    if not neighbours.helps:
        return alone
    result = Plan.find(work, denoiser, image, neighbours).part(part)
    residual = Residual()
    residual.add(alone.noisy.data, result)
    stored = replace(alone.image, data=to_dtype(result, alone.image.data.dtype))
    return replace(alone, image=stored, residual=residual, neighbours=neighbours)


def work_of(
    source: Path,
    result: Path,
    choices: Choices,
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    ome_zarr: str | None,
    windows: Windows,
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
        time_window=windows.time,
        causal=windows.causal,
        z_window=windows.z,
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
    for plan, target, rounding in zip(job.plans, job.targets, job.roundings, strict=True):
        needed = plan.nbytes(target.step, rounding.dtype.itemsize)
        if needed > memory:
            letter = plan.neighbours.letter
            around = f" with the planes around them along {letter}" if plan.neighbours.helps else ""
            fewer = f" and --{'time' if letter == 'T' else 'z'}-window 0" if plan.neighbours.helps else ""
            raise MuguetError(
                f"{job.work.source} is processed in pieces of {'×'.join(map(str, plan.step(target.step)))} pixels, "
                f"which need {needed / 1e9:.3g} GB{around}: allow more by --memory, or choose smaller chunks{fewer}"
            )
