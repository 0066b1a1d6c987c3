"""`muguet noise`: the law of the noise as numbers, sentences and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.noise_tables import Entry, draw, show
from muguet.cli.shared.display import say
from muguet.cli.shared.files import Output, check_files, refuse_clashes
from muguet.cli.shared.scenes import OneScene
from muguet.errors import MuguetError
from muguet.noise.origin import Origin

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.axes import Layout

Floats = npt.NDArray[np.float64]

_NO_IMAGE = (
    "The camera is read off over the range of signals that the model learned, more densely where it is dark, so the "
    "median signal is not that of an image. Give an image with --clean and --noisy."
)
_MEASURED, _CAMERA, _OUTPUT = "Measured law", "Camera", "Output"


def noise(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Models of `muguet fit`, or one noisy TIFF.", show_default=False),
    ],
    clean: Annotated[
        Path | None,
        typer.Option(
            help="The clean TIFF of the noisy one, to measure the law.",
            rich_help_panel=_MEASURED,
            show_default=False,
        ),
    ] = None,
    noisy: Annotated[
        Path | None,
        typer.Option(
            help="The noisy TIFF, if FILE is a model.",
            rich_help_panel=_MEASURED,
            show_default="the first training image",
        ),
    ] = None,
    repeats: Annotated[
        bool,
        typer.Option(
            "--repeats",
            help="The T axis of FILE shows a still scene: measure the law on it.",
            rich_help_panel=_MEASURED,
        ),
    ] = False,
    channel: Annotated[int, typer.Option(min=0, help="The channel, counted from 0.")] = 0,
    offset: Annotated[
        float | None,
        typer.Option(
            help="Counts without light, which separate read noise from offset.",
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for programs.", rich_help_panel=_OUTPUT)
    ] = False,
    scene: OneScene = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write a figure: .svg, .png or .pdf.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing figure.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Print the law of the noise (σ, skewness, quantiles) and the camera's gain, offset and read noise.

    The law of a model was learned; with --clean the measured law is printed as well, and the
    divergence between the two. The law of an image is measured: with --clean or --repeats, or
    roughly on the image alone.
    """
    from muguet.cli.shared.paths import is_model

    check_files([*files, clean, noisy], [] if out is None else [Output(out, "figure")], overwrite)
    images = [file for file in files if not is_model(file)]
    if images and len(files) > 1:
        raise MuguetError(f"{len(files)} files and {images[0]} is an image: give models, or one image alone")
    camera = {"offset": offset, "excess": float(excess)}
    if images:
        if noisy is not None:
            raise MuguetError(f"--noisy goes with a model, and {images[0]} is an image: leave it out")
        measured: Entry | None = _measured(images[0], clean, repeats, channel, camera, scene)
        laws: list[Entry] = []
    else:
        if repeats:
            raise MuguetError(f"--repeats goes with an image, and {files[0]} is a model: leave it out")
        laws, measured = _learned(files, clean, noisy, channel, camera, out)
    show(laws, measured, channel, as_json)
    if out is not None:
        draw(laws, measured, out)
        if not as_json:
            say(f"{out}: figure written.")


# --- Measured on images ----------------------------------------------------------------------------------


def _measured(
    path: Path,
    clean: Path | None,
    repeats: bool,
    channel: int,
    camera: dict[str, Any],
    scene: str | None = None,
) -> Entry:
    """Measure the noise of an image with its clean partner, on its repeats, or on the image alone."""
    from muguet.image.values import quantum, unsaturated
    from muguet.noise.measure import measure_pair, measure_repeats, measure_single_image

    if clean is not None and repeats:
        raise MuguetError("--clean and --repeats are two ways to measure: give one of them")
    planes, layout = _planes(path, channel, scene=scene)
    partner = _planes(clean, channel, allow_single_channel=True)[0] if clean is not None else None
    recorded = np.stack([unsaturated(plane) for plane in planes])
    camera = {**camera, "step": quantum(planes)}
    try:
        if partner is not None:
            found = measure_pair(recorded, partner, **camera)
        elif repeats:
            times = layout.shape[layout.axes.index("T")] if "T" in layout.axes else 1
            if times < 2:
                raise MuguetError(f"--repeats needs a T axis of two or more, and the axes are {layout.axes}")
            found = measure_repeats(recorded.reshape(times, -1), **camera)
        else:
            found = measure_single_image(recorded, **camera)
    except MuguetError as error:
        raise MuguetError(f"{path}{f' and {clean}' if clean is not None else ''}: {error}") from error
    return Entry(
        path.name,
        Origin(found.kind),
        found.readout,
        found.signal_range,
        found.law,
        signals=found.signals,
        notes=found.notes,
    )


def _planes(
    path: Path, channel: int, allow_single_channel: bool = False, scene: str | None = None
) -> tuple[npt.NDArray[Any], Layout]:
    """Read one channel of an image as planes ``(n, y, x)``, with the layout of the whole image."""
    from muguet.formats.registry import read
    from muguet.image.axes import Layout
    from muguet.image.values import require_real

    image = read(path, scene=scene)
    require_real(image.data, str(path))
    layout = Layout(image.axes, image.data.shape)
    if allow_single_channel and layout.channels == 1:
        channel = 0
    if channel >= layout.channels:
        raise MuguetError(f"--channel {channel}: {path} has {_channels(layout.channels)}")
    for note in image.notes:
        say(f"{path}: {note}")
    return layout.split(image.data)[:, channel], layout


def _channels(number: int) -> str:
    """Return the channels that exist, in words."""
    return "one channel, 0" if number == 1 else f"the channels 0 to {number - 1}"


# --- Learned by models -----------------------------------------------------------------------------------


def _learned(
    files: list[Path],
    clean: Path | None,
    noisy: Path | None,
    channel: int,
    camera: dict[str, Any],
    out: Path | None,
) -> tuple[list[Entry], Entry | None]:
    """Return the law of every model, and the measured one if there is a clean image."""
    from muguet.denoiser.model_file import load

    if noisy is not None and clean is None:
        raise MuguetError("--noisy alone measures nothing beside a model: give the clean image with --clean")
    models = [load(file, "cpu") for file in files]
    for file, model in zip(files, models, strict=True):
        if channel >= len(model.laws):
            raise MuguetError(f"--channel {channel}: {file} has {_channels(len(model.laws))}")
    measured = None
    if clean is not None:
        recorded = noisy or _training_image(models[0], files[0])
        refuse_clashes([recorded], [] if out is None else [Output(out, "figure")])
        measured = _measured(recorded, clean, False, channel, camera)
    names = [file.name for file in files]
    entries = []
    for name, file, model in zip(names, files, models, strict=True):
        unique = name if names.count(name) == 1 else str(file)
        entries.append(_learned_law(unique, model, measured, channel, camera))
    return entries, measured


def _learned_law(
    name: str, model: Denoiser, measured: Entry | None, channel: int, camera: dict[str, Any]
) -> Entry:
    from muguet.noise.camera.readout import read_out
    from muguet.noise.kullback_leibler import divergence, mean_divergence
    from muguet.noise.measured import MeasuredLaw

    law, points, origin = model.laws[channel], model.transfer(channel), model.law_origins[channel]
    low, high = map(float, model.training["signal_range"][channel])
    notes = (origin.note,) if origin.note else ()
    if law.correlation:
        notes = (*notes, law.correlation.note())
    camera = {**camera, "step": _step(model)}
    if points is not None:
        readout = read_out(points, **camera) if origin is Origin.FIRST else read_out(law, points, **camera)
    elif origin is Origin.ASSUMED:
        readout = None
    else:
        signals, more = _signals((low, high), measured)
        readout, notes = read_out(law, signals, measured=False, **camera), (*notes, *more)
    entry = Entry(
        name,
        origin,
        readout,
        (low, high),
        law,
        components=model.parts.components if origin.trained else None,
        learned=model.learned_laws[channel] if origin.trained and origin.measured else None,
        notes=notes,
    )
    if measured is not None and measured.readout is not None and isinstance(measured.law, MeasuredLaw):
        entry.mean_divergence = mean_divergence(measured.law, law, measured.signals)
        entry.divergence = divergence(measured.law, law, measured.readout.points.signal)
    return entry


def _step(model: Denoiser) -> float:
    """Return the step of the counts that a model was trained on: 1 for whole numbers, 0 for others."""
    return 1.0 if all(each["dtype"][0] in "ui" for each in model.training.get("data", [])) else 0.0


def _signals(signal_range: tuple[float, float], measured: Entry | None) -> tuple[Floats, tuple[str, ...]]:
    """Return signals at which to read off the camera from a law without a photon-transfer curve, and notes."""
    from muguet.noise.table import table_signals

    low, high = signal_range
    if measured is not None:
        inside = measured.signals[(measured.signals >= low) & (measured.signals <= high)]
        if inside.size > 256 and np.ptp(inside) > 0:
            return inside, ()
    return table_signals(low, max(high, low + 1e-6), 4096), (_NO_IMAGE,)


def _training_image(model: Denoiser, file: Path) -> Path:
    """Return the first image a model was trained on."""
    for each in model.training.get("data", [])[:1]:
        if Path(each["name"]).is_file():
            return Path(each["name"])
    raise MuguetError(f"the image that {file} was trained on is missing: give a noisy one with --noisy")
