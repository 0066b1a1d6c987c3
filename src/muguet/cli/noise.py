"""`muguet noise`: the law of the noise as numbers, sentences and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.display import say
from muguet.cli.noise_measured import Found, Measurement, channels, measure
from muguet.cli.noise_tables import draw, tell
from muguet.errors import MuguetError

Floats = npt.NDArray[np.float64]

_BOTH = (
    "The law is that of the noise and the estimate's error: the training images did not tell the two apart."
)
_MEASURED, _CAMERA, _OUTPUT = "Measured beside it", "Camera", "Output"


def noise(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Models of `muguet fit`, or one noisy TIFF.", show_default=False),
    ],
    clean: Annotated[
        Path | None,
        typer.Option(
            help="The clean TIFF of the noisy one: measures the law.",
            rich_help_panel=_MEASURED,
            show_default=False,
        ),
    ] = None,
    noisy: Annotated[
        Path | None,
        typer.Option(
            help="The noisy TIFF, if FILE is a model.",
            rich_help_panel=_MEASURED,
            show_default="what the model was trained on",
        ),
    ] = None,
    repeats: Annotated[
        bool,
        typer.Option(
            "--repeats",
            help="The T axis of FILE is a scene that holds still: measures the law.",
            rich_help_panel=_MEASURED,
        ),
    ] = False,
    channel: Annotated[int, typer.Option(min=0, help="Which one, from 0.")] = 0,
    offset: Annotated[
        float | None,
        typer.Option(
            help="Counts without light: tells read noise from offset.",
            rich_help_panel=_CAMERA,
            show_default=False,
        ),
    ] = None,
    excess: Annotated[
        int,
        typer.Option(
            min=1, max=2, help="Excess-noise factor: 1, or 2 for an EMCCD.", rich_help_panel=_CAMERA
        ),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.", rich_help_panel=_OUTPUT)] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A figure: .svg, .png or .pdf.", rich_help_panel=_OUTPUT, show_default=False
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Tell the law of the noise, and what it says of the camera: σ, skewness, quantiles, gain, offset, read noise.

    Of a model it is the law that was learned; with --clean the measured one stands beside it, and how far they
    are apart. Of an image it is measured: with --clean or --repeats, or roughly on the image alone.
    """
    from muguet.formats.registry import SUFFIXES

    _check_output(out, overwrite)
    for file in files:
        if not file.exists():
            raise MuguetError(f"{file} does not exist: check the name")
    images = [file for file in files if file.suffix.lower() in SUFFIXES]
    if images and len(files) > 1:
        raise MuguetError(f"{len(files)} files and {images[0]} is an image: give models, or one image alone")
    camera = {"offset": offset, "excess": float(excess)}
    if images:
        if noisy is not None:
            raise MuguetError(f"--noisy goes with a model, and {images[0]} is an image: leave it out")
        measured: Measurement | None = measure(images[0], clean, repeats, channel, camera)
        laws: list[Found] = []
    else:
        if repeats:
            raise MuguetError(f"--repeats goes with an image, and {files[0]} is a model: leave it out")
        laws, measured = _learned(files, clean, noisy, channel, camera)
    tell(laws, measured, channel, as_json)
    if out is not None:
        draw(laws, measured, out)
        if not as_json:
            say(f"{out}: the figure.")


def _check_output(out: Path | None, overwrite: bool) -> None:
    """Refuse before the work what could not be written after it."""
    if out is None:
        return
    from muguet.figures.style import check_format, require_matplotlib
    from muguet.system.atomic import check_writable

    check_format(out)
    check_writable(out, overwrite)
    require_matplotlib()


def _learned(
    files: list[Path], clean: Path | None, noisy: Path | None, channel: int, camera: dict[str, Any]
) -> tuple[list[Found], Measurement | None]:
    """The law of every model, with its divergence from the measured one if there are images for it."""
    from muguet.model_file import load

    if noisy is not None and clean is None:
        raise MuguetError("--noisy alone measures nothing beside a model: give the clean image with --clean")
    models = [load(file, "cpu") for file in files]
    for file, model in zip(files, models, strict=True):
        if channel >= len(model.laws):
            raise MuguetError(f"--channel {channel}: {file} has {channels(len(model.laws))}")
    measured = None
    if clean is not None:
        measured = measure(noisy or _trained_on(models[0].training, files[0]), clean, False, channel, camera)
    names = [file.name for file in files]
    found = []
    for n, (file, model) in enumerate(zip(files, models, strict=True)):
        name = names[n] if names.count(names[n]) == 1 else str(file)
        found.append(_learned_law(name, model, measured, channel, camera))
    return found, measured


def _learned_law(
    name: str, model: Any, measured: Measurement | None, channel: int, camera: dict[str, Any]
) -> Found:
    from muguet.noise.camera.readout import read_out
    from muguet.noise.kullback_leibler import divergence, mean_divergence
    from muguet.noise.measured import MeasuredLaw

    law, points = model.laws[channel], model.transfer(channel)
    low, high = map(float, model.training["signal_range"][channel])
    signals, notes = (points, []) if points is not None else _signals(model, (low, high), measured)
    whole = all(each["dtype"][0] in "ui" for each in model.training.get("data", []))
    found = Found(
        name,
        "learned",
        read_out(law, signals, step=1.0 if whole else 0.0, **camera),
        (low, high),
        law,
        model.parts.components,
        learned=None if points is None else model.learned_laws[channel],
        notes=notes,
    )
    if measured is not None and isinstance(measured.source, MeasuredLaw):
        found.divergence = mean_divergence(measured.source, law, measured.signals)
        found.along = divergence(measured.source, law, measured.source.points().signal)
    return found


def _signals(
    model: Any, signal_range: tuple[float, float], measured: Measurement | None
) -> tuple[Floats, list[str]]:
    """The signals at which to read a law off that has no photon-transfer curve beside it."""
    low, high = signal_range
    if measured is not None:
        inside = measured.signals[(measured.signals >= low) & (measured.signals <= high)]
        if inside.size > 256 and np.ptp(inside) > 0:
            return inside, [_BOTH]
    high = max(high, low + 1e-6)
    return low + (high - low) * np.linspace(0, 1, 4096) ** 2, [
        _BOTH,
        "Read off over the range of signals that the model learned, the dark ones more densely: "
        "the median signal is no image's. --clean and --noisy give one.",
    ]


def _trained_on(training: Any, file: Path) -> Path:
    """The first image a model was trained on."""
    for each in training.get("data", [])[:1]:
        if Path(each["name"]).is_file():
            return Path(each["name"])
    raise MuguetError(f"the image that {file} was trained on is not there: name a noisy one with --noisy")
