"""`muguet denoise`: train a denoiser on noisy images, or load one, and denoise images with it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muguet.cli.shared.apply import denoise_image, show_law, write_error
from muguet.cli.shared.classical import CLASSICAL, denoise_classically
from muguet.cli.shared.display import say
from muguet.cli.shared.first import write_first_results
from muguet.cli.shared.options import OUTPUT, TRAINING, Choices, Inputs, Symmetries, data_type, with_choices
from muguet.cli.shared.train import read_images, start, train
from muguet.errors import MuguetError
from muguet.system.atomic import check_writable

if TYPE_CHECKING:
    from muguet.image.image import Image

_TRAINING = tuple(name for name in Choices.__annotations__ if name not in ("device", "axes", "overwrite"))


@with_choices
def denoise(
    context: typer.Context,
    inputs: Inputs,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Output: a file for one image, a folder for several.",
            rich_help_panel=OUTPUT,
            show_default="IN_denoised.tif",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Use this model of muguet fit instead of training one.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ] = None,
    choices: Choices,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Data type of the result; float32 keeps fractional values.",
            rich_help_panel=OUTPUT,
            show_default="the input's",
        ),
    ] = None,
    symmetries: Symmetries = None,
    uncertainty: Annotated[
        Path | None,
        typer.Option(
            help="Write the standard deviation of the error of each pixel here: a file for one image, a folder for "
            "several.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    save_model: Annotated[
        Path | None,
        typer.Option(
            help="Save the trained model here, for --model.", rich_help_panel=OUTPUT, show_default=False
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a report on one image as an .html page: the result, the noise law and quality checks.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Denoise images: train a model on these noisy images alone, or use --model.

    One model is trained on all images together. Each frame of a time-lapse and each plane of a
    Z stack is one training image. Each channel is denoised separately and has its own noise law.
    """
    from muguet.cli.shared.paths import destination, find
    from muguet.formats.registry import check_output, read

    started = time.time()
    if model is not None:
        _refuse(context, _TRAINING, "is an option for training, but --model is already trained")
    if choices.recipe in CLASSICAL:
        options = (*_TRAINING, "model", "symmetries", "uncertainty", "save_model", "report")
        _refuse(
            context,
            options,
            f"is an option for recipes that are trained, but {choices.recipe} is not",
            allowed=("recipe", "clean"),
        )
    kind = data_type(dtype)
    sources = find(inputs)
    results = destination(sources, out)
    errors = [] if uncertainty is None else destination(sources, uncertainty)
    for path in (*results, *errors):
        check_output(path, choices.overwrite)
    if symmetries is not None:
        from muguet.prediction.symmetry import symmetries as views

        views(max_count=symmetries)  # A wrong number is an error before the training rather than after it.
    if choices.recipe in CLASSICAL:
        denoise_classically(sources, results, choices, kind)
        return
    if save_model is not None:
        check_writable(save_model, choices.overwrite, "model")
    if report is not None:
        _check_report(report, sources, choices.overwrite)
    images: list[Image] = []
    first = False  # Whether first results, before training, are in the place of the final ones.
    if model is not None:
        from muguet.model_file import load

        denoiser = load(model, choices.device)
    else:
        images = read_images(sources, choices.axes)
        session = start(images, choices, _checkpoint_of(results))
        first = not session.finished and write_first_results(
            session, images, results, kind, choices.overwrite
        )
        denoiser = train(session, choices, _checkpoint_of(results))
    if save_model is not None:
        denoiser.save(save_model)
        say(f"{save_model}: the model, which --model and muguet info can read.")
    for source, result in zip(sources, results, strict=True):
        # The training images are in memory. Each is released when its result is written.
        image = images.pop(0) if images else read(source, choices.axes)
        data = denoise_image(denoiser, image, result, kind, symmetries, choices.overwrite or first)
        if errors:
            write_error(denoiser, image, errors.pop(0), choices.overwrite)
    if report is not None:
        from muguet.report.gather import report_denoising

        report_denoising(denoiser, image, data, report, sys.argv, choices.overwrite, started)
        say(f"{report}: the report, to open in a web browser.")
    if len(results) > 1:
        say(f"{results[0].parent}: {len(results)} denoised images.")
    show_law(denoiser)
    if model is None:
        _checkpoint_of(results).unlink(missing_ok=True)


def _checkpoint_of(results: list[Path]) -> Path:
    return results[0].with_name((results[0].name if len(results) == 1 else "muguet") + ".checkpoint")


def _check_report(report: Path, sources: list[Path], overwrite: bool) -> None:
    """Raise an error before the work if the report could not be written after it."""
    from muguet.report import check_report

    if len(sources) > 1:
        raise MuguetError(
            f"--report describes one image, but there are {len(sources)}: denoise them one by one"
        )
    check_report(report, overwrite)


def _refuse(context: typer.Context, names: tuple[str, ...], why: str, allowed: tuple[str, ...] = ()) -> None:
    """Raise an error if the user gave one of the options `names`, which would have no effect."""
    for name in names:
        source = context.get_parameter_source(name)
        if name not in allowed and source is not None and source.name == "COMMANDLINE":
            raise MuguetError(f"--{name.replace('_', '-')} {why}: leave one of them out")
