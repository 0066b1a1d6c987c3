"""`muguet denoise`: learn from images what is signal and what is noise, then remove the noise."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from muguet.cli.shared.apply import denoise_image, tell_law
from muguet.cli.shared.classical import CLASSICAL, denoise_classically
from muguet.cli.shared.display import say
from muguet.cli.shared.options import OUTPUT, TRAINING, Choices, Inputs, Symmetries, data_type, with_choices
from muguet.cli.shared.train import read_images, train
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
            help="A file for one input, a folder for more.",
            rich_help_panel=OUTPUT,
            show_default="IN_denoised.tif",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A model of `muguet fit`: nothing is trained then.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ] = None,
    choices: Choices,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Data type of the result; float32 keeps fractions.",
            rich_help_panel=OUTPUT,
            show_default="the input's",
        ),
    ] = None,
    symmetries: Symmetries = None,
    save_model: Annotated[
        Path | None,
        typer.Option(
            help="Keep what was learned, for `--model`.", rich_help_panel=OUTPUT, show_default=False
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="A page that shows the result, the noise law and whether it worked: .html, for one image.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Denoise images: learn from them what is signal and what is noise, then remove the noise.

    Several images train one model together. A time-lapse or a Z stack is so many images; of several channels
    each has its own noise law, and none leaks into another.
    """
    from muguet.cli.shared.paths import destination, find
    from muguet.formats.registry import check_output, read

    started = time.time()
    if model is not None:
        _refuse(context, _TRAINING, "is for training, and --model is trained already")
    if choices.recipe in CLASSICAL:
        options = (*_TRAINING, "model", "symmetries", "save_model", "report")
        _refuse(
            context,
            options,
            f"is for recipes that learn, and {choices.recipe} does not",
            but=("recipe", "clean"),
        )
    kind = data_type(dtype)
    sources = find(inputs)
    results = destination(sources, out)
    for result in results:
        check_output(result, choices.overwrite)
    if symmetries is not None:
        from muguet.prediction.symmetry import symmetries as known

        known(max_count=symmetries)  # before a training rather than after it
    if choices.recipe in CLASSICAL:
        denoise_classically(sources, results, choices, kind)
        return
    if save_model is not None:
        check_writable(save_model, choices.overwrite)
    if report is not None:
        _check_report(report, sources, choices.overwrite)
    images: list[Image] = []
    if model is not None:
        from muguet.model_file import load

        denoiser = load(model, choices.device)
    else:
        images = read_images(sources, choices.axes)
        denoiser = train(images, choices, _checkpoint_of(results))
    if save_model is not None:
        denoiser.save(save_model)
        say(f"{save_model}: the model, for --model and muguet info.")
    for source, result in zip(sources, results, strict=True):
        # Images that were trained on are in memory; each is let go when its result is written.
        image = images.pop(0) if images else read(source, choices.axes)
        data = denoise_image(denoiser, image, result, kind, symmetries, choices.overwrite)
    if report is not None:
        from muguet.report.gather import report_denoising

        report_denoising(denoiser, image, data, report, sys.argv, choices.overwrite, started)
        say(f"{report}: the report, for any browser.")
    if len(results) > 1:
        say(f"{len(results)} images in {results[0].parent}.")
    tell_law(denoiser)
    if model is None:
        _checkpoint_of(results).unlink(missing_ok=True)


def _checkpoint_of(results: list[Path]) -> Path:
    return results[0].with_name((results[0].name if len(results) == 1 else "muguet") + ".checkpoint")


def _check_report(report: Path, sources: list[Path], overwrite: bool) -> None:
    """Refuse before the work what could not be written after it."""
    from muguet.report import check_report

    if len(sources) > 1:
        raise MuguetError(
            f"--report tells of one image, and there are {len(sources)}: denoise them one by one"
        )
    check_report(report, overwrite)


def _refuse(context: typer.Context, names: tuple[str, ...], why: str, but: tuple[str, ...] = ()) -> None:
    """Refuse options that would do nothing."""
    for name in names:
        source = context.get_parameter_source(name)
        if name not in but and source is not None and source.name == "COMMANDLINE":
            raise MuguetError(f"--{name.replace('_', '-')} {why}: leave one of them out")
