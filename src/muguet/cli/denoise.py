"""`muguet denoise`: train a denoiser on noisy images, or load one, and denoise images with it."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muguet.cli.shared.apply import (
    denoise_images,
    show_law,
    with_errors,
    with_sentences,
    write_images,
    write_pattern,
)
from muguet.cli.shared.camera import corrected_as_chosen
from muguet.cli.shared.checkpoints import check_checkpoint, checkpoint_of, remove_checkpoint
from muguet.cli.shared.choices import Choices, with_choices
from muguet.cli.shared.classical import CLASSICAL, denoise_classically
from muguet.cli.shared.contradictions import (
    check_part,
    check_values,
    refuse_trained,
    refuse_training,
)
from muguet.cli.shared.display import say
from muguet.cli.shared.examples import flat
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.files import Output, check_files
from muguet.cli.shared.first import FirstResults, write_first_results
from muguet.cli.shared.options import (
    OUTPUT,
    TRAINING,
    Causal,
    Inputs,
    Symmetries,
    TimeWindow,
    ZWindow,
    option,
)
from muguet.cli.shared.ranks import follow, join, lead, read_together
from muguet.cli.shared.recordings import Recordings, require_room
from muguet.cli.shared.rescue import write_or_rescue
from muguet.cli.shared.results import AsJson, Results
from muguet.cli.shared.spread import PartOfJob, Scheduler, Spread, Workers, require_stores
from muguet.cli.shared.streamed import middle_of, stream_file, work_of
from muguet.cli.shared.streams import Streams
from muguet.cli.shared.train import psf_file, start, train
from muguet.cli.shared.values import OmeZarr, data_type
from muguet.errors import MuguetError
from muguet.results.denoising import Windows
from muguet.results.provenance import made_by

if TYPE_CHECKING:
    from muguet.image.image import Image


@with_choices
def denoise(
    context: typer.Context,
    inputs: Inputs,
    *,
    out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Output: a file for one image, a folder for several.",
            "--out",
            "-o",
            shown="IN_denoised.tif",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        option(TRAINING, "Use this model of muguet fit instead of training one.", shown=False),
    ] = None,
    choices: Choices,
    dtype: Annotated[
        str | None,
        option(
            OUTPUT,
            "Data type of the result; float32 keeps fractional values.",
            shown="the input's",
        ),
    ] = None,
    symmetries: Symmetries = None,
    uncertainty: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Write the standard deviation of the error of each pixel here: a file for one image, a folder for several.",
            shown=False,
        ),
    ] = None,
    pattern: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Write what was subtracted from the image before denoising (offsets of lines and pixels, in counts) "
            "here: a file for one image, a folder for several.",
            shown=False,
        ),
    ] = None,
    save_model: Annotated[
        Path | None,
        option(OUTPUT, "Save the trained model here, for --model.", shown=False),
    ] = None,
    report: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Write a report on one image as an .html page: the result, the noise law and quality checks.",
            shown=False,
        ),
    ] = None,
    time_window: TimeWindow = None,
    causal: Causal = False,
    z_window: ZWindow = None,
    as_json: AsJson = False,
    ome_zarr: OmeZarr = None,
    part: PartOfJob = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Denoise images: train a model on these noisy images alone, or use --model.

    One model is trained on all images together. Each frame of a time-lapse and each plane of a
    Z stack is one training image. Each channel is denoised separately and has its own noise law.
    """
    from muguet.cli.shared.paths import destination, find, find_sources, without_existing

    started, printed = time.time(), Results("denoise", as_json)
    if not join():
        return follow(choices)
    if model is not None:
        refuse_training(context)
    spread = Spread.of(part, workers, scheduler, choices.device)
    if choices.recipe in CLASSICAL:
        refuse_trained(context, choices.recipe)
    check_part(spread.share, model, choices.overwrite)
    kind = data_type(dtype)
    check_values(ome_zarr, symmetries)
    named = find_sources(inputs, choices.recursive, out)
    sources, results = [source.path for source in named], destination(named, out)
    errors = {} if uncertainty is None else dict(zip(sources, destination(named, uncertainty), strict=True))
    patterns = {} if pattern is None else dict(zip(sources, destination(named, pattern), strict=True))
    if report is not None and len(sources) > 1:
        raise MuguetError(
            f"--report describes one image, but there are {len(sources)}: denoise them one by one"
        )
    if choices.skip_existing and model is None and save_model is not None and save_model.exists():
        say(f"{save_model} exists and is used: leave out --skip-existing to train again.")
        model, save_model = save_model, None
    if spread.together:
        require_stores([*results, *errors.values(), *patterns.values()])
    trains = model is None and choices.recipe not in CLASSICAL
    checkpoint = checkpoint_of(results)
    first = FirstResults(checkpoint)
    keeps = choices.skip_existing or part is not None
    missing = without_existing(sources, results, errors, first.results if keeps else None)
    images_of = {"--out": missing, "--uncertainty": errors, "--pattern": patterns}
    joint = () if part is None else ("--out", "--uncertainty", "--pattern")
    outputs = [
        Output(made[source], "image", name, source, keeps or made[source] in first.results, name in joint)
        for name, made in images_of.items()
        for source in missing
        if source in made
    ]
    if save_model is not None:
        outputs.append(Output(save_model, "model", "--save-model"))
    if report is not None:
        outputs.append(Output(report, "report", "--report"))
    if trains:
        outputs.append(Output(checkpoint, "checkpoint", "the checkpoint"))
        outputs.append(Output(first.path, "first", "the list of first results"))
    read_too = (
        *(find(choices.clean) if choices.clean else ()),
        *(model, psf_file(choices.psf), *choices.maps),
    )
    check_files([*sources, *read_too], outputs, choices.overwrite)
    failures = Failures(len(sources), choices.strict)
    printed.add_kept(result for source, result in zip(sources, results, strict=True) if source not in missing)
    if not missing:
        say("All results exist: there is nothing to do.")
        printed.print(failures)
        return
    if choices.recipe in CLASSICAL:
        denoise_classically(sources, results, choices, kind, failures, printed)
        printed.print(failures)
        return failures.end()
    if trains:
        lead(sources, choices, always=spread.together)
    windows = Windows(time_window, causal, z_window)
    streams = Streams(choices, always=spread.together)
    recordings = Recordings(choices, streams)
    if model is not None:
        from muguet.denoiser.model_file import load

        denoiser = corrected_as_chosen(load(model, choices.device), choices)
    else:
        check_checkpoint(checkpoint, choices)
        require_room(sources, streams)
        images, targets = read_together(sources, choices, failures, streams)
        recordings.keep(images)
        if not missing.keys() & images.keys():
            printed.print(failures)
            return failures.end()
        session = start(flat(images), flat(targets), choices, checkpoint)
        whole = {
            source: result
            for source, result in missing.items()
            if source in images and not streams.of(source)
        }
        write_first_results(session, *recordings.by_result(whole), kind, first, windows)
        del images, targets  # Those of a file are released when its result is written.
        denoiser = train(session, choices, checkpoint)
    if save_model is not None:
        save_model = failures.note_place(save_model, write_or_rescue(save_model, denoiser.save))
        say(f"{save_model}: the model, which --model and muguet info can read.")
    printed.add_model(denoiser, save_model or model)
    for source, result in missing.items():
        if source in failures.reasons:
            continue
        with failures.tolerate(source):
            replace = choices.overwrite or keeps
            large = streams.of(source)
            if large:
                paths = errors.get(source), patterns.get(source)
                work = work_of(source, result, choices, kind, symmetries, ome_zarr, windows, *paths)
                streamed = stream_file(work, denoiser, choices, spread, replace, streams)
                made = made_by(denoiser, None, streamed.plans[0].made)
                shown = streamed.complete and (report is not None or printed.wanted)
                found = [middle_of(work, denoiser, streamed)] if shown else []
                printed.add_streamed(source, result, large, denoiser, errors.get(source), streamed, found)
                continue
            scenes, digest = recordings.take(source)
            if ome_zarr is not None:
                scenes = tuple(dataclasses.replace(image, kind=f"ome-zarr {ome_zarr}") for image in scenes)
            made = made_by(denoiser, digest)
            error = errors.get(source)
            announce = model is not None
            found = denoise_images(denoiser, scenes, kind, symmetries, announce, windows, error is not None)
            written = _written(
                result, *with_sentences(found, made), replace or result in first.results, failures
            )
            if source in patterns:
                write_pattern(patterns[source], found, replace)
            if error is not None:
                error = _written(error, *with_errors(denoiser, found, made), replace, failures)
            made = found[0].made(made).provenance
            first.replaced(result)
            printed.add_output(
                source,
                digest,
                written,
                found,
                recipe=denoiser.parts.recipe,
                uncertainty=error,
                denoiser=denoiser,
            )
    if report is not None and not found:
        say("No report is written, because other parts of the result are missing.")
    elif report is not None:
        from muguet.report.gather import PartShown, report_denoising

        one = found[0]
        shown_part = PartShown(one.counts, one.std, one.frames) if large else None
        command = sys.argv, choices.overwrite, started, made, one.neighbours
        report_denoising(denoiser, one.noisy, one.image.data, report, *command, shown_part)
        say(f"{report}: the report, to open in a web browser.")
        printed.report = str(report)
    if len(results) > 1:
        done = len(missing.keys() - failures.reasons.keys())
        say(f"{done} denoised {'image' if done == 1 else 'images'}.")
    if part is None:
        show_law(denoiser)
    if trains:
        remove_checkpoint(checkpoint)
    printed.add_inputs(recordings.digests)
    printed.print(failures)
    return failures.end()


def _written(
    path: Path, images: Sequence[Image], sentences: Sequence[str], replace: bool, failures: Failures
) -> Path:
    """Write the images of a file where they should be, or else elsewhere, and return where they are."""
    write = partial(write_images, images=images, sentences=sentences, overwrite=replace)
    return failures.note_place(path, write_or_rescue(path, write))
