"""`muguet check`: did it work? A verdict on an image and on what was made of it, without a clean one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.display import say
from muguet.errors import MuguetError
from muguet.system.text import to_json

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.quality import Quality

_STYLES = {"good": "green", "doubtful": "yellow", "bad": "bold red"}
_SIDE = 1024  # pixels along a side that are denoised to be judged


def check(
    noisy: Annotated[Path, typer.Argument(metavar="NOISY", help="A noisy TIFF.", show_default=False)],
    estimate: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ESTIMATE]",
            help="What any tool made of it: a TIFF of the same shape.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A model of `muguet fit`: its noise law is judged too; without ESTIMATE it denoises NOISY.",
            show_default=False,
        ),
    ] = None,
    channel: Annotated[int, typer.Option(min=0, help="Which one, from 0.")] = 0,
    plane: Annotated[
        int | None,
        typer.Option(min=0, help="Which one of a series or a stack.", show_default="the middle one"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell whether denoising worked, without a clean image: a verdict for each thing that can go wrong.

    Is the file what the camera recorded? Is the noise white? Did anything of the image go with the noise? Was the noise
    removed? Does the noise law fit? What is resolved? With NOISY alone, the first two. One plane is judged, at most the
    1024×1024 pixels of its centre. The exit code is 0 whatever the verdict.
    """
    from muguet.quality import assumptions, quality

    recorded, layout, number = _plane(noisy, channel, plane)
    denoiser = None if model is None else _model(model, noisy, layout)
    if estimate is not None:
        made, other, _ = _plane(estimate, channel, number)
        if (other.planes, other.channels) != (layout.planes, layout.channels) or made.shape != recorded.shape:
            raise MuguetError(
                f"{noisy} ({layout.axes}, {layout.shape}) and {estimate} ({other.axes}, {other.shape}) are no pair: "
                "give the estimate of this very image"
            )
    if denoiser is not None:
        from muguet.quality.examination import examine

        if estimate is None:
            recorded, made = _denoised(denoiser, recorded, channel)
        found = examine(denoiser, recorded, made, channel)
    else:
        found = assumptions(recorded) if estimate is None else quality(recorded, made)
    _tell(found, noisy, channel, number, layout, as_json)


def _plane(path: Path, channel: int, number: int | None) -> tuple[npt.NDArray[Any], Layout, int]:
    """One plane of one channel of a file, how the file is laid out, and which plane it is."""
    from muguet.formats.registry import read
    from muguet.image.axes import Layout
    from muguet.image.values import require_real

    image = read(path)
    require_real(image.data, str(path))
    layout = Layout(image.axes, image.data.shape)
    if channel >= layout.channels:
        raise MuguetError(f"--channel {channel}: {path} has {_counted(layout.channels, 'channel')}")
    if number is None:
        number = layout.planes // 2
    if number >= layout.planes:
        raise MuguetError(f"--plane {number}: {path} has {_counted(layout.planes, 'plane')}")
    for note in image.notes:
        say(f"{path}: {note}.")
    return layout.split(image.data)[number, channel], layout, number


def _counted(number: int, name: str) -> str:
    return f"one {name}, 0" if number == 1 else f"the {name}s 0 to {number - 1}"


def _model(path: Path, noisy: Path, layout: Layout) -> Denoiser:
    from muguet.denoiser import load

    denoiser = load(path)
    if denoiser.parts.dimensions != 2:
        raise MuguetError(f"{path} is for stacks, and planes are judged: give the estimate, without --model")
    try:
        denoiser.layout(layout.shape, layout.axes)
    except MuguetError as error:
        raise MuguetError(f"{noisy}: {error}") from error
    return denoiser


def _denoised(
    denoiser: Denoiser, recorded: npt.NDArray[Any], channel: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    """The centre of a plane, and what the model makes of it."""
    from muguet.quality.normalised import centre

    cut = centre(recorded, _SIDE)
    made = np.empty(cut.shape, np.float32)
    for _ in denoiser.plane(cut, channel, made, denoiser.views(cut.size)):
        pass
    return cut, made


def _tell(found: Quality, path: Path, channel: int, number: int, layout: Layout, as_json: bool) -> None:
    if as_json:
        told = {"file": str(path), "channel": channel, "plane": number, **found.to_dict()}
        print(to_json(told))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    which = [f"channel {channel}"] * (layout.channels > 1) + [f"plane {number}"] * (layout.planes > 1)
    name = escape(", ".join([path.name, *which]))
    console.print(f"[bold]{name}[/bold]  {_coloured(found.verdict)}", soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for each in found.checks:
        table.add_row(_coloured(each.verdict), each.name, escape(each.sentence))
    console.print(table)


def _coloured(verdict: str) -> str:
    return f"[{_STYLES[verdict]}]{verdict}[/]"
