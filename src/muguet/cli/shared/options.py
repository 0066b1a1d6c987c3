"""The command-line options that several commands share, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

TRAINING, DATA, OUTPUT = "Training", "Images", "Output"


def option(panel: str, meaning: str, *names: str, shown: str | bool = True, **limits: Any) -> Any:
    """Return an option of a command.

    Parameters
    ----------
    panel
        The group of options in the help to which it belongs.
    meaning
        Its help.
    names
        Its names; none: that of the parameter.
    shown
        What the help shows as the default: the value itself (True), nothing (False), or these words.
    limits
        Further arguments of `typer.Option`, such as `min` and `max`.
    """
    return typer.Option(*names, help=meaning, rich_help_panel=panel, show_default=shown, **limits)


Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="IN", help="TIFF files, or folders with TIFF files.", show_default=False),
]
Minutes = Annotated[
    float,
    option(
        TRAINING,
        "Maximum training time in minutes; small images need less. 0: a result in seconds, without training.",
    ),
]
Steps = Annotated[
    int | None,
    option(
        TRAINING,
        "Number of training steps, instead of --minutes; makes the result reproducible to the bit.",
        shown=False,
    ),
]
Components = Annotated[
    int, option(TRAINING, "Number of Gaussians in the noise law; with 2 or 3 it can be skewed.", min=1, max=3)
]
Recipe = Annotated[
    str,
    option(
        TRAINING,
        "Method. From noisy images alone: joint (with a noise law), joint-blind, l2, noise2void, n2v2, "
        "deconoising. With --clean: supervised, care, noise2noise. Without training (muguet denoise only): "
        "gaussian-blur, non-local-means, wavelet, total-variation. Your own: module:variable.",
    ),
]
Net = Annotated[
    str | None, option(TRAINING, "Network: filterbank (fast), unet, care, n2v2.", shown="the recipe's")
]
Clean = Annotated[
    list[Path] | None,
    option(
        TRAINING,
        "Clean images for training (with gaussian-blur: for choosing its width), as a file or a folder; may be "
        "repeated. One for each input, in the same order, or one for all. For noise2noise: second noisy images.",
        "--clean",
        shown=False,
    ),
]
Psf = Annotated[
    str, option(TRAINING, "Point-spread function for deconoising: a standard deviation in pixels, or a TIFF.")
]
Mask = Annotated[
    str,
    option(
        TRAINING,
        "Pixels hidden in training: pixel (one pixel), x1 (and 1 neighbour on each side along X), x2y1 and so on; "
        "auto: neighbours only if the noise is correlated.",
    ),
]
Prior = Annotated[
    str,
    option(
        TRAINING,
        "Network to start from: scenes (trained on simulated scenes), none (learn from these images alone); auto: "
        "scenes for the recipe joint, if it suits the images.",
    ),
]
Seed = Annotated[int, option(TRAINING, "Seed of the random numbers; saved in the model.")]
Device = Annotated[str, option(TRAINING, "Device for the computation: auto, cpu or cuda.")]
Resume = Annotated[
    bool | None,
    option(
        TRAINING,
        "Continue an interrupted run, or train anew and replace what it has learned.",
        "--resume/--no-resume",
        shown="continue a run of the same images and options, if there is one",
    ),
]
Axes = Annotated[
    str | None,
    option(
        DATA,
        "Axes, if those in the file are missing or wrong: one letter of TCZYXS for each, e.g. TYX.",
        shown="from the file",
    ),
]
Recursive = Annotated[
    bool,
    option(
        DATA,
        "Also the folders in folders; in an output folder, the results keep these folders.",
        "--recursive",
    ),
]
Strict = Annotated[
    bool,
    option(
        DATA,
        "Stop at the first input that cannot be used, instead of leaving it out (exit code 3).",
        "--strict",
    ),
]
SkipExisting = Annotated[
    bool, option(OUTPUT, "Keep the results that exist, and make the others.", "--skip-existing")
]
Scene = Annotated[
    list[str] | None,
    option(
        DATA,
        "Name or number (from 0) of the image to use in a file that holds several; may be repeated.",
        "--scene",
        shown="all that are alike",
    ),
]
ValidRange = Annotated[
    str | None,
    option(
        DATA,
        "Values outside this range are no measurements: they are not used, and kept as they are. One of the two "
        "may be left out.",
        shown="padding is found by itself",
        metavar="LOW:HIGH",
    ),
]
MaskValue = Annotated[
    float | None,
    option(
        DATA,
        "Pixels of this value are no measurements: they are not used, and kept as they are.",
        shown=False,
    ),
]
LinesOption = Annotated[
    str,
    option(
        DATA,
        "auto: find and remove offsets of rows, columns and halves, and, in a movie, patterns that stand still and "
        "the noise of pixels that are noisier than others. keep: leave them in.",
        "--lines",
        metavar="auto|keep",
    ),
]
GainMap = Annotated[
    Path | None, option(DATA, "Image of the gain of every pixel of the camera (sCMOS).", shown=False)
]
OffsetMap = Annotated[
    Path | None, option(DATA, "Image of the counts of every pixel of the camera without light.", shown=False)
]
VarianceMap = Annotated[
    Path | None,
    option(
        DATA,
        "Image of the variance of the read-out noise of every pixel of the camera, in counts².",
        shown=False,
    ),
]
Dimensions = Annotated[
    int,
    option(
        DATA,
        "2: train a network of planes; those of a Z stack are joined by --z-window. 3: train a network of volumes "
        "(slower).",
        min=2,
        max=3,
    ),
]
Overwrite = Annotated[bool, option(OUTPUT, "Replace existing output files.", "--overwrite")]
Symmetries = Annotated[
    int | None,
    option(
        OUTPUT,
        "Average the results over this number of flips and rotations of the image: 1, 2, 4 or 8. Computing time is "
        "proportional to it.",
        shown="8 for images up to 4 megapixels, otherwise 1",
    ),
]
TimeWindow = Annotated[
    int | None,
    option(
        OUTPUT,
        "In a movie, up to N frames before and after each one help to estimate it, where the scene is the same. 0: "
        "each frame is denoised by itself.",
        shown="4 if successive frames show one scene",
        min=0,
        max=1000,
        metavar="N",
    ),
]
ZWindow = Annotated[
    int | None,
    option(
        OUTPUT,
        "In a Z stack, up to N planes before and after each one help to estimate it. 0: each plane is denoised by "
        "itself.",
        shown="3 if this lowers the error of the stack",
        min=0,
        max=1000,
        metavar="N",
    ),
]
Causal = Annotated[
    bool, option(OUTPUT, "In a movie, only frames before one help to estimate it.", "--causal")
]
