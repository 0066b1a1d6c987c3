"""The options that commands share, each with its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
import typer

from muguet.errors import MuguetError

TRAINING, DATA, OUTPUT = "Training", "Images", "Output"

Inputs = Annotated[
    list[Path], typer.Argument(metavar="IN", help="TIFF files, or folders of them.", show_default=False)
]
Minutes = Annotated[
    float,
    typer.Option(
        help="Train for this long at most; a small image is learned sooner.", rich_help_panel=TRAINING
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        help="Train for exactly so many steps instead; repeats give the same bits.",
        rich_help_panel=TRAINING,
        show_default=False,
    ),
]
Components = Annotated[
    int,
    typer.Option(
        min=1, max=3, help="Gaussians in the noise law; 2 and 3 can be skewed.", rich_help_panel=TRAINING
    ),
]
Recipe = Annotated[
    str,
    typer.Option(
        help="Method: joint (with a noise law), joint-blind, l2, noise2void, n2v2, deconoising; with --clean "
        "supervised, care, noise2noise; gaussian-blur, non-local-means, wavelet, total-variation learn nothing; "
        "or your own, as module:variable.",
        rich_help_panel=TRAINING,
    ),
]
Net = Annotated[
    str | None,
    typer.Option(
        help="Network: filterbank (fast), unet (the reference's), care, n2v2.",
        rich_help_panel=TRAINING,
        show_default="the recipe's",
    ),
]
Clean = Annotated[
    list[Path] | None,
    typer.Option(
        "--clean",
        help="For recipes that learn from clean images: one for each input, in the order of their names, or one for "
        "all; for noise2noise the second noisy ones.",
        rich_help_panel=TRAINING,
        show_default=False,
    ),
]
Psf = Annotated[
    str,
    typer.Option(help="For deconoising: standard deviation in pixels, or a TIFF.", rich_help_panel=TRAINING),
]
Mask = Annotated[
    str,
    typer.Option(
        help="Pixels hidden in training: auto (wider if noise is correlated), pixel, or axis and reach (x1, x2y1).",
        rich_help_panel=TRAINING,
    ),
]
Seed = Annotated[
    int, typer.Option(help="Of all that is drawn at random; it is recorded.", rich_help_panel=TRAINING)
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=TRAINING)]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue a run that was killed.", rich_help_panel=TRAINING)
]
Axes = Annotated[
    str | None,
    typer.Option(
        help="One of TCZYXS for each axis, where the file is wrong or silent.",
        rich_help_panel=DATA,
        show_default="from the file",
    ),
]
Dimensions = Annotated[
    int,
    typer.Option(min=2, max=3, help="3: planes of a Z stack help each other (slower).", rich_help_panel=DATA),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what is there.", rich_help_panel=OUTPUT)
]


Symmetries = Annotated[
    int | None,
    typer.Option(
        help="Average the answers to so many flips and turns of an image (1, 2, 4 or 8), in as many times the time.",
        rich_help_panel=OUTPUT,
        show_default="8 up to 4 megapixels, 1 beyond",
    ),
]


@dataclass(frozen=True)
class Choices:
    """How to train: each field is an option of every command that trains."""

    minutes: Minutes = 5.0
    steps: Steps = None
    components: Components = 3
    recipe: Recipe = "joint"
    net: Net = None
    clean: Clean = None
    psf: Psf = "1"
    mask: Mask = "auto"
    seed: Seed = 0
    device: Device = "auto"
    resume: Resume = False
    axes: Axes = None
    dimensions: Dimensions = 2
    overwrite: Overwrite = False


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `choices: Choices` one option for each field of them, in that place."""
    types = get_type_hints(command, include_extras=True)
    fields = get_type_hints(Choices, include_extras=True)
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name == "choices":
            parameters += [
                Parameter(each, Parameter.KEYWORD_ONLY, default=getattr(Choices, each), annotation=kind)
                for each, kind in fields.items()
            ]
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=types[name]))

    @wraps(command)
    def spread(**given: Any) -> None:
        command(choices=Choices(**{each: given.pop(each) for each in fields}), **given)

    # Typer reads both: the signature for defaults and the order, the annotations for help.
    spread.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    spread.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return spread


def data_type(name: str | None) -> np.dtype[Any] | None:
    """Return the data type that --dtype names, or None for that of the input."""
    known = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
    if name is not None and name not in known:
        raise MuguetError(f"--dtype {name} is not known: choose one of {', '.join(known)}")
    return np.dtype(name) if name else None
