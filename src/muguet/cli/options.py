"""The options that commands share, each with its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

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
        help="Train for this long at most; it ends before if nothing improves.", rich_help_panel=TRAINING
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
        "supervised, care, noise2noise; gaussian-blur, non-local-means, wavelet, total-variation learn nothing.",
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


@dataclass(frozen=True)
class Choices:
    """How to train, as the command line says it."""

    minutes: float
    steps: int | None
    components: int
    recipe: str
    net: str | None
    clean: list[Path]
    psf: str
    mask: str
    seed: int
    device: str
    dimensions: int
    axes: str | None
    resume: bool
    overwrite: bool


Symmetries = Annotated[
    int | None,
    typer.Option(
        help="Average the answers to so many flips and turns of an image (1, 2, 4 or 8), in as many times the time.",
        rich_help_panel=OUTPUT,
        show_default="8 up to 4 megapixels, 1 beyond",
    ),
]


def data_type(name: str | None) -> np.dtype[Any] | None:
    """Return the data type that --dtype names, or None for that of the input."""
    known = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
    if name is not None and name not in known:
        raise MuguetError(f"--dtype {name} is not known: choose one of {', '.join(known)}")
    return np.dtype(name) if name else None
