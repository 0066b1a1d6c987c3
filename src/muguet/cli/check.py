"""`muguet check`: did denoising work? Verdicts on a noisy image and its estimate, without a clean image."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.shared.display import output, print_json, say, warn
from muguet.cli.shared.files import check_files
from muguet.cli.shared.scenes import OneScene
from muguet.errors import MuguetError
from muguet.system.terminal import printable

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.quality.card import Quality
    from muguet.quality.frames import Frames

_STYLES = {"good": "green", "doubtful": "yellow", "bad": "bold red"}
FAILED = 1
"""The exit code if a verdict is as bad as --fail-on, or worse."""


class Limit(StrEnum):
    """The best verdict that makes the command fail."""

    doubtful = "doubtful"
    bad = "bad"


def check(
    noisy: Annotated[Path, typer.Argument(metavar="NOISY", help="The noisy TIFF.", show_default=False)],
    estimate: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ESTIMATE]",
            help="The denoised TIFF, made by any tool, of the same shape.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A model file of `muguet fit`: judge its noise law too. Without ESTIMATE, denoise NOISY with it.",
            show_default=False,
        ),
    ] = None,
    channel: Annotated[int, typer.Option(min=0, help="The channel to judge, counted from 0.")] = 0,
    plane: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="The plane to judge in a time series or a stack, counted from 0.",
            show_default="the middle one",
        ),
    ] = None,
    scene: OneScene = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    fail_on: Annotated[
        Limit | None,
        typer.Option(
            help="Exit code 1 if a verdict is bad, or with doubtful if one is doubtful or bad.",
            show_default="exit code 0 for every verdict",
        ),
    ] = None,
) -> None:
    """Check whether denoising worked, without a clean image.

    Each question gets a verdict (good, doubtful or bad) and its reason:
    Is the file as the camera recorded it? Is the noise white?
    Was any image structure removed? Was the noise removed? Is anything better at hand?
    Does the noise law fit? Which details are resolved?

    With NOISY alone, only the first two questions are answered.

    One plane is judged, at most the central 1024×1024 pixels.
    The exit code is 0 for every verdict, unless --fail-on is given.
    """
    from muguet.quality.card import assumptions, quality
    from muguet.quality.second_opinion import second_opinion

    check_files([noisy, estimate, model])
    recorded, layout, number, frames = _plane(noisy, channel, plane, scene)
    denoiser = None if model is None else _model(model, noisy, layout)
    if estimate is not None:
        denoised, other, _, _ = _plane(estimate, channel, number, scene)
        same = (other.planes, other.channels) == (layout.planes, layout.channels)
        if not same or denoised.shape != recorded.shape:
            raise MuguetError(
                f"{noisy} ({layout.axes}, {layout.shape}) and {estimate} ({other.axes}, {other.shape}) do not match: "
                "give the estimate of this noisy image"
            )
    if denoiser is not None:
        from muguet.quality.model_checks import examine

        if estimate is None:
            (recorded, denoised), frames = _denoised(denoiser, recorded, channel), None
            denoiser = denoiser.of_corrected
        result = examine(denoiser, recorded, denoised, channel, frames)
    else:
        result = (
            assumptions(recorded)
            if estimate is None
            else quality(recorded, denoised, opinion=second_opinion(recorded, frames))
        )
    if as_json:
        print_json({"file": str(noisy), "channel": channel, "plane": number, **result.to_dict()})
    else:
        _show(result, noisy, channel, number, layout)
    if fail_on is not None:
        _fail(result, noisy, fail_on)


def _fail(result: Quality, path: Path, limit: Limit) -> None:
    """Name the checks whose verdict is as bad as the limit, and end the command with `FAILED` if there are any."""
    from muguet.quality.check import VERDICTS

    worst = VERDICTS[VERDICTS.index(limit.value) :]
    failed = [f"{check.name} ({check.verdict})" for check in result.checks if check.verdict in worst]
    if failed:
        warn(f"muguet: {path} failed {len(failed)} of {len(result.checks)} checks: {', '.join(failed)}")
        raise typer.Exit(FAILED)


def _plane(
    path: Path, channel: int, number: int | None, scene: str | None
) -> tuple[npt.NDArray[Any], Layout, int, Frames | None]:
    """Read one plane of one channel of a file; return it with the layout of the file, its number, and its movie."""
    from muguet.formats.registry import read
    from muguet.image.axes import Layout
    from muguet.image.values import require_real
    from muguet.quality.frames import frames_around

    image = read(path, scene=scene)
    require_real(image.data, str(path))
    layout = Layout(image.axes, image.data.shape)
    if channel >= layout.channels:
        raise MuguetError(f"--channel {channel}: {path} has {_choices(layout.channels, 'channel')}")
    if number is None:
        number = layout.planes // 2
    if number >= layout.planes:
        raise MuguetError(f"--plane {number}: {path} has {_choices(layout.planes, 'plane')}")
    for note in image.notes:
        say(f"{path}: {note}")
    planes = layout.split(image.data)
    return planes[number, channel], layout, number, frames_around(planes, layout, number, channel)


def _choices(number: int, name: str) -> str:
    """Return which planes or channels a file has, in words."""
    return f"only {name} 0" if number == 1 else f"the {name}s 0 to {number - 1}"


def _model(path: Path, noisy: Path, layout: Layout) -> Denoiser:
    """Load a model, and raise a MuguetError if it cannot judge planes of this layout."""
    from muguet.denoiser.model_file import load

    denoiser = load(path)
    if denoiser.parts.dimensions != 2:
        raise MuguetError(
            f"{path} is a model for stacks, but planes are judged: give ESTIMATE instead of --model"
        )
    try:
        denoiser.layout(layout.shape, layout.axes)
    except MuguetError as error:
        raise MuguetError(f"{noisy}: {error}") from error
    return denoiser


def _denoised(
    denoiser: Denoiser, recorded: npt.NDArray[Any], channel: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    """Return the part of a plane that is judged, and its estimate by the model."""
    from muguet.quality.normalised import centre

    cropped = centre(denoiser.correction.plane(recorded, channel))
    return cropped, denoiser.denoise_plane(cropped, channel)


def _show(result: Quality, path: Path, channel: int, number: int, layout: Layout) -> None:
    """Print the verdict of the plane, and a table of all checks."""
    from rich.markup import escape
    from rich.table import Table

    console = output()
    which = [f"channel {channel}"] * (layout.channels > 1) + [f"plane {number}"] * (layout.planes > 1)
    name = escape(printable(", ".join([path.name, *which])))
    console.print(f"[bold]{name}[/bold]  {_coloured(result.verdict)}", soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for check in result.checks:
        table.add_row(_coloured(check.verdict), check.name, escape(printable(check.sentence)))
    console.print(table)


def _coloured(verdict: str) -> str:
    """Return a verdict with the markup of its colour."""
    return f"[{_STYLES[verdict]}]{verdict}[/]"
