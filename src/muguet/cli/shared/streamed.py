"""Results that are written block by block, of images that are larger than memory."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.blockwise.share import Share
from muguet.cli.shared.display import Bar, described, say
from muguet.cli.shared.values import value_range
from muguet.errors import MuguetError
from muguet.results.denoising import Denoised, Windows
from muguet.results.provenance import made_by
from muguet.system.budget import memory_for_images
from muguet.system.unfinished import unfinished_of

if TYPE_CHECKING:
    from muguet.blockwise.job import Job
    from muguet.blockwise.plan import Plan
    from muguet.blockwise.work import Work
    from muguet.cli.shared.choices import Choices
    from muguet.cli.shared.spread import Spread
    from muguet.cli.shared.streams import Streams
    from muguet.denoiser.denoiser import Denoiser

_MIDDLE = 1024  # Rows and columns that the report of a large image shows.
_DEPTH = 32  # Planes of a volume that it shows.


@dataclass(frozen=True)
class Streamed:
    """A file that was processed block by block.

    Attributes
    ----------
    complete
        Whether the results are complete; False if other parts are missing.
    plans
        How each image was estimated.
    """

    complete: bool
    plans: tuple[Plan, ...]


def stream_file(
    work: Work,
    denoiser: Denoiser,
    choices: Choices,
    spread: Spread,
    overwrite: bool,
    streams: Streams,
) -> Streamed:
    """Denoise the images of a file block by block, without what is subtracted from them, which `streams` finds."""
    from muguet.blockwise.opening import opened

    corrections = said = streams.known_corrections(work.source)
    if not corrections and not unfinished_of(work.result).is_dir():
        corrections = streams.corrections(work.source, denoiser.correction.lines == "auto")
    options: dict[str, Any] = {
        "overwrite": overwrite,
        "together": spread.together,
        "made": made_by(denoiser, None),
        "memory": memory_for_images(choices.memory),
        "corrections": corrections,
    }
    try:
        with opened(work, denoiser, **options) as job:
            _require_room(job, choices)
            _say_plans(job, said=bool(said))
            done = _run(job, spread)
            if job.held is not None and spread.share in (None, Share()):
                say(f"Completing {work.result}.")
            complete = job.finish()
            images = [replace(each.about) for each in job.images]
    except (KeyboardInterrupt, MuguetError):
        kept = unfinished_of(work.result)
        if kept.is_dir():
            say(f"What is finished is kept in {kept}: the same command goes on from there.")
        raise
    found = Streamed(complete, tuple(job.plans))
    if not complete:
        say(
            f"{work.result}: part {spread.share} is done. Other parts are missing; the last of them completes the "
            "result."
        )
        return found
    for image, residual in zip(images, job.residuals, strict=True):
        name = f" ({image.name})" if len(images) > 1 and image.name else ""
        sentence = residual.sentence if done == job.total and residual.count else ""
        say(f"{work.result}{name}: {described(image)}. {sentence}".rstrip())
    if work.error is not None:
        say(f"{work.error}: standard deviation of the error of each pixel, in counts.")
    if work.pattern is not None:
        say(f"{work.pattern}: what was subtracted before denoising, in counts.")
    for each in job.lost:
        say(f"  {each}")
    return found


def _say_plans(job: Job, said: bool) -> None:
    """Say how the results are stored, what is subtracted from the images, and which planes help each other."""
    from muguet.pattern.stored.notes import notes_of

    notes = [each.sentence for each in job.outputs[0].roundings]
    if not said:
        notes += [sentence for plan in job.plans for sentence in notes_of(plan.correction)]
    notes += [plan.neighbours.sentence for plan in job.plans]
    for each in dict.fromkeys(filter(None, notes)):
        say(f"{job.work.source}: {each}")


def middle_of(work: Work, denoiser: Denoiser, streamed: Streamed) -> Denoised:
    """Return the middle of a large image, noisy and denoised, for its report and its checks.

    This is one plane of every channel, or some planes of a volume. Its estimate is that of the result, and its noisy
    counts are those that were denoised, with the planes around it for the checks.
    """
    from muguet.blockwise.middle import middle

    plan = streamed.plans[0]
    depth = _DEPTH if denoiser.parts.dimensions == 3 else 1
    found = middle(plan, _MIDDLE, depth)
    about = plan.image.about
    places = ", ".join(
        f"{letter} {each.start}" + f" to {each.stop - 1}" * (each.stop - each.start > 1)
        for letter, each, size in zip(about.axes, found.part, about.data.shape, strict=True)
        if each.stop - each.start < size
    )
    notes = (f"The report shows the middle of a large image: {places}.",) if places else ()
    noisy = replace(about, data=found.noisy, notes=(*about.notes, *notes, *found.notes), source=None)
    return Denoised(
        noisy,
        replace(noisy, data=found.stored),
        found.residual,
        found.counts,
        patterns=plan.correction.patterns,
        neighbours=plan.neighbours,
        std=found.std,
        frames=found.frames,
    )


def work_of(
    source: Path,
    result: Path,
    choices: Choices,
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    ome_zarr: str | None,
    windows: Windows,
    error: Path | None = None,
    pattern: Path | None = None,
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
        error=error,
        pattern=pattern,
    )


def _run(job: Job, spread: Spread) -> int:
    """Compute the blocks that are missing, show the progress, and return their number."""
    from muguet.blockwise.executor import spread as by_executor

    share = spread.share or Share()
    every = share.numbers(job.total)
    numbers = job.missing(share) if job.resumes else list(every)
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
    for k, (plan, unit) in enumerate(zip(job.plans, job.units, strict=True)):
        needed = plan.nbytes(unit, sum(each.roundings[k].dtype.itemsize for each in job.outputs))
        if needed > memory:
            letter = plan.neighbours.letter
            around = f" with the planes around them along {letter}" if plan.neighbours.helps else ""
            fewer = f" and --{'time' if letter == 'T' else 'z'}-window 0" if plan.neighbours.helps else ""
            raise MuguetError(
                f"{job.work.source} is processed in pieces of {'×'.join(map(str, plan.step(unit)))} pixels, "
                f"which need {needed / 1e9:.3g} GB{around}: allow more by --memory, or choose smaller chunks{fewer}"
            )
