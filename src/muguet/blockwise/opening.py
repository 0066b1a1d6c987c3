"""Open a job: decide how its images are estimated, create the files of its results, or go on from an earlier run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from muguet.blockwise.job import Job
from muguet.blockwise.output import (
    Content,
    Output,
    check_outputs,
    contents_of,
    in_one_run,
    in_several_runs,
    is_store,
)
from muguet.blockwise.plan import Plan, read_plans, write_plans
from muguet.blockwise.work import FLOATS, Rounding, Work, result_image
from muguet.denoiser.denoiser import Denoiser
from muguet.denoiser.model_file import model_id
from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, Target
from muguet.formats.ome_zarr.write import create_store, open_targets
from muguet.image.image import Image
from muguet.pattern.stored.correction import StoredCorrection
from muguet.system.budget import memory_for_images
from muguet.system.unfinished import Unfinished, unfinished_of


@contextlib.contextmanager
def opened(
    work: Work,
    denoiser: Denoiser,
    *,
    overwrite: bool = False,
    together: bool = False,
    made: Mapping[str, str | int] | None = None,
    memory: int | None = None,
    corrections: Sequence[StoredCorrection] = (),
) -> Iterator[Job]:
    """Open a job, which goes on from what an earlier run has finished.

    Results in Zarr stores are filled in the folders `NAME.unfinished` beside them, and stay there if the job ends
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
    corrections
        What is subtracted from each image, if this was found before.

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
    if work.errors or work.error is not None:
        denoiser.require_errors()
    images = work.open()
    for image in images:  # A model that does not fit them leaves nothing that could be continued.
        denoiser.layout(image.about.data.shape, image.about.axes)
    room = memory_for_images(None) if memory is None else memory
    check_outputs(work, overwrite, together)
    roundings, abouts = _stored(work, images)
    plans: list[Plan] = []

    def plan() -> None:
        known = zip_longest(images, corrections)
        plans[:] = [Plan.find(work, denoiser, image, room, one) for image, one in known]
        for of_content in abouts.values():
            of_content[:] = [
                replace(each, provenance={**(made or {}), **one.made})
                for each, one in zip(of_content, plans, strict=True)
            ]

    def sized(targets: Sequence[Target]) -> list[Plan]:
        nbytes = [sum(each[k].dtype.itemsize for each in roundings.values()) for k in range(len(images))]
        return [
            one.with_planes(target.step, stored, room)
            for one, target, stored in zip(plans, targets, nbytes, strict=True)
        ]

    def create(folder: Path, of_content: Sequence[Image]) -> list[str]:
        plan()
        lost = create_store(folder, of_content)
        write_plans(folder, sized(open_targets(folder, of_content)))
        return lost

    if not is_store(work.result):
        plan()
    with contextlib.ExitStack() as stack:
        outputs: list[Output] = []
        for number, (content, path) in enumerate(contents_of(work)):
            of_content = roundings[content], abouts[content]
            if is_store(path):
                description = work.describe(model_id(denoiser), images, roundings[content])
                manager = in_several_runs(
                    content, path, *of_content, description, together, create if number == 0 else create_store
                )
            else:
                manager = in_one_run(content, path, *of_content, overwrite)
            outputs.append(stack.enter_context(manager))
        held = outputs[0].held
        chosen = (
            sized(outputs[0].targets)
            if held is None
            else read_plans(held.folder, work, denoiser, images, room)
        )
        for one, before in zip(chosen, plans, strict=False):
            one.correction.share(before.correction)
        job = Job(work, denoiser, images, chosen, outputs)
        try:
            yield job
        except BaseException:
            for each in outputs:
                if each.held is not None and not each.held.was_there and not job.began:
                    each.held.discard()
            raise


def reopened(work: Work, denoiser: Denoiser, folder: Path) -> Job:
    """Return the job of an unfinished folder that another process holds."""
    images = work.open()
    roundings, abouts = _stored(work, images)
    outputs = []
    for content, path in contents_of(work):
        at = folder if path == work.result else unfinished_of(path.absolute())
        held = Unfinished(path.absolute(), at, None, True)
        targets = open_targets(at, abouts[content])
        outputs.append(Output(content, path, roundings[content], targets, held))
    plans = read_plans(folder, work, denoiser, images, memory_for_images(None))
    return Job(work, denoiser, images, plans, outputs)


def _stored(
    work: Work, images: Sequence[LazyImage]
) -> tuple[dict[Content, list[Rounding]], dict[Content, list[Image]]]:
    """Return how the results of each image are stored, and the results without their pixels."""
    roundings = {
        content: [Rounding.of(work, image) if path == work.result else FLOATS for image in images]
        for content, path in contents_of(work)
    }
    abouts = {
        content: [result_image(work, image, each) for image, each in zip(images, of_content, strict=True)]
        for content, of_content in roundings.items()
    }
    return roundings, abouts
