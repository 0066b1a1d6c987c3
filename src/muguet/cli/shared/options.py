"""The command-line options that several commands share, with their help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import numpy as np
import typer

from muguet.cli.shared.values import MemoryLimit, value_range
from muguet.errors import MuguetError
from muguet.system.budget import memory_size
from muguet.system.limits import check_run

if TYPE_CHECKING:
    from muguet.image.image import Image
    from muguet.pattern.correction import Correction

TRAINING, DATA, OUTPUT = "Training", "Images", "Output"

Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="IN", help="TIFF files, or folders with TIFF files.", show_default=False),
]
Minutes = Annotated[
    float,
    typer.Option(
        help="Maximum training time in minutes; small images need less. 0: a result in seconds, without training.",
        rich_help_panel=TRAINING,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        help="Number of training steps, instead of --minutes; makes the result reproducible to the bit.",
        rich_help_panel=TRAINING,
        show_default=False,
    ),
]
Components = Annotated[
    int,
    typer.Option(
        min=1,
        max=3,
        help="Number of Gaussians in the noise law; with 2 or 3 it can be skewed.",
        rich_help_panel=TRAINING,
    ),
]
Recipe = Annotated[
    str,
    typer.Option(
        help="Method. From noisy images alone: joint (with a noise law), joint-blind, l2, noise2void, n2v2, "
        "deconoising. With --clean: supervised, care, noise2noise. Without training (muguet denoise only): "
        "gaussian-blur, non-local-means, wavelet, total-variation. Your own: module:variable.",
        rich_help_panel=TRAINING,
    ),
]
Net = Annotated[
    str | None,
    typer.Option(
        help="Network: filterbank (fast), unet, care, n2v2.",
        rich_help_panel=TRAINING,
        show_default="the recipe's",
    ),
]
Clean = Annotated[
    list[Path] | None,
    typer.Option(
        "--clean",
        help="Clean images for training (with gaussian-blur: for choosing its width), as a file or a folder; may be "
        "repeated. One for each input, in the same order, or one for all. For noise2noise: second noisy images.",
        rich_help_panel=TRAINING,
        show_default=False,
    ),
]
Psf = Annotated[
    str,
    typer.Option(
        help="Point-spread function for deconoising: a standard deviation in pixels, or a TIFF.",
        rich_help_panel=TRAINING,
    ),
]
Mask = Annotated[
    str,
    typer.Option(
        help="Pixels hidden in training: pixel (one pixel), x1 (and 1 neighbour on each side along X), x2y1 and so on; "
        "auto: neighbours only if the noise is correlated.",
        rich_help_panel=TRAINING,
    ),
]
Prior = Annotated[
    str,
    typer.Option(
        help="Network to start from: scenes (trained on simulated scenes), none (learn from these images alone); "
        "auto: scenes for the recipe joint, if it suits the images.",
        rich_help_panel=TRAINING,
    ),
]
Seed = Annotated[
    int, typer.Option(help="Seed of the random numbers; saved in the model.", rich_help_panel=TRAINING)
]
Device = Annotated[
    str, typer.Option(help="Device for the computation: auto, cpu or cuda.", rich_help_panel=TRAINING)
]
Resume = Annotated[
    bool | None,
    typer.Option(
        "--resume/--no-resume",
        help="Continue an interrupted run, or train anew and replace what it has learned.",
        rich_help_panel=TRAINING,
        show_default="continue a run of the same images and options, if there is one",
    ),
]
Axes = Annotated[
    str | None,
    typer.Option(
        help="Axes, if those in the file are missing or wrong: one letter of TCZYXS for each, e.g. TYX.",
        rich_help_panel=DATA,
        show_default="from the file",
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive",
        help="Also the folders in folders; in an output folder, the results keep these folders.",
        rich_help_panel=DATA,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Stop at the first input that cannot be used, instead of leaving it out (exit code 3).",
        rich_help_panel=DATA,
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing", help="Keep the results that exist, and make the others.", rich_help_panel=OUTPUT
    ),
]
Scene = Annotated[
    list[str] | None,
    typer.Option(
        "--scene",
        help="Name or number (from 0) of the image to use in a file that holds several; may be repeated.",
        rich_help_panel=DATA,
        show_default="all that are alike",
    ),
]
ValidRange = Annotated[
    str | None,
    typer.Option(
        metavar="LOW:HIGH",
        help="Values outside this range are no measurements: they are not used, and kept as they are. One of the two "
        "may be left out.",
        rich_help_panel=DATA,
        show_default="padding is found by itself",
    ),
]
MaskValue = Annotated[
    float | None,
    typer.Option(
        help="Pixels of this value are no measurements: they are not used, and kept as they are.",
        rich_help_panel=DATA,
        show_default=False,
    ),
]
LinesOption = Annotated[
    str,
    typer.Option(
        "--lines",
        metavar="auto|keep",
        help="auto: find offsets of rows, columns and halves, and patterns that stand still in a movie, and subtract "
        "them. keep: leave them in.",
        rich_help_panel=DATA,
    ),
]
GainMap = Annotated[
    Path | None,
    typer.Option(
        help="Image of the gain of every pixel of the camera (sCMOS).",
        rich_help_panel=DATA,
        show_default=False,
    ),
]
OffsetMap = Annotated[
    Path | None,
    typer.Option(
        help="Image of the counts of every pixel of the camera without light.",
        rich_help_panel=DATA,
        show_default=False,
    ),
]
VarianceMap = Annotated[
    Path | None,
    typer.Option(
        help="Image of the variance of the read-out noise of every pixel of the camera, in counts².",
        rich_help_panel=DATA,
        show_default=False,
    ),
]
Dimensions = Annotated[
    int,
    typer.Option(
        min=2,
        max=3,
        help="2: train a network of planes; those of a Z stack are joined by --z-window. 3: train a network of "
        "volumes (slower).",
        rich_help_panel=DATA,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing output files.", rich_help_panel=OUTPUT)
]


Symmetries = Annotated[
    int | None,
    typer.Option(
        help="Average the results over this number of flips and rotations of the image: 1, 2, 4 or 8. "
        "Computing time is proportional to it.",
        rich_help_panel=OUTPUT,
        show_default="8 for images up to 4 megapixels, otherwise 1",
    ),
]


TimeWindow = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=1000,
        metavar="N",
        help="In a movie, up to N frames before and after each one help to estimate it, where the scene is the same. "
        "0: each frame is denoised by itself.",
        rich_help_panel=OUTPUT,
        show_default="4 if successive frames show one scene",
    ),
]
ZWindow = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=1000,
        metavar="N",
        help="In a Z stack, up to N planes before and after each one help to estimate it. 0: each plane is denoised by "
        "itself.",
        rich_help_panel=OUTPUT,
        show_default="3 if this lowers the error of the stack",
    ),
]
Causal = Annotated[
    bool,
    typer.Option(
        "--causal", help="In a movie, only frames before one help to estimate it.", rich_help_panel=OUTPUT
    ),
]


@dataclass(frozen=True)
class Choices:
    """The options of training, inputs and outputs; each field is an option of every command that trains."""

    minutes: Minutes = 5.0
    steps: Steps = None
    components: Components = 3
    recipe: Recipe = "joint"
    net: Net = None
    clean: Clean = None
    psf: Psf = "1"
    mask: Mask = "auto"
    prior: Prior = "auto"
    seed: Seed = 0
    device: Device = "auto"
    resume: Resume = None
    axes: Axes = None
    scene: Scene = None
    valid_range: ValidRange = None
    mask_value: MaskValue = None
    lines: LinesOption = "auto"
    gain_map: GainMap = None
    offset_map: OffsetMap = None
    variance_map: VarianceMap = None
    dimensions: Dimensions = 2
    overwrite: Overwrite = False
    recursive: Recursive = False
    strict: Strict = False
    skip_existing: SkipExisting = False
    memory: MemoryLimit = None

    def __post_init__(self) -> None:
        if self.overwrite and self.skip_existing:
            raise MuguetError("--overwrite and --skip-existing contradict each other: leave one of them out")
        check_run(self.minutes, self.steps, self.seed)
        if self.valid_range is not None:
            value_range(self.valid_range)
        if self.memory is not None:
            memory_size(self.memory)
        if self.lines not in ("auto", "keep"):
            raise MuguetError(f"--lines {self.lines} is not known: choose auto or keep")

    @property
    def maps(self) -> tuple[Path, ...]:
        """The files of the maps of the camera."""
        return tuple(each for each in (self.gain_map, self.offset_map, self.variance_map) if each is not None)

    def correction(self) -> Correction:
        """Return how counts are corrected; the maps of the camera are read.

        Raises
        ------
        MuguetError
            If a map cannot be read, or is not possible.
        """
        from muguet.pattern.correction import Correction
        from muguet.training.fitting import maps_of

        return Correction(self.lines, maps_of(self.gain_map, self.offset_map, self.variance_map))

    @property
    def excludes(self) -> bool:
        """Whether the options exclude pixels by their values."""
        return self.valid_range is not None or self.mask_value is not None

    def valid(self, image: Image) -> Image:
        """Return an image whose pixels are masked as the options ask."""
        from muguet.image.valid import masked_outside

        if not self.excludes:
            return image
        limits = None if self.valid_range is None else value_range(self.valid_range)
        return replace(image, data=masked_outside(image.data, limits, self.mask_value))


WITHOUT_TRAINING = (
    *("device", "axes", "scene", "valid_range", "mask_value"),
    *("lines", "gain_map", "offset_map", "variance_map"),
    *("overwrite", "recursive", "strict", "skip_existing", "memory"),
)
"""The options among `Choices` that also have a meaning if a trained model is used."""


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with its parameter `choices: Choices` replaced by one option for each field of `Choices`."""
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
    def expanded(**values: Any) -> None:
        command(choices=Choices(**{name: values.pop(name) for name in fields}), **values)

    # Typer reads the defaults and the order from the signature, and the help from the annotations.
    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def data_type(name: str | None) -> np.dtype[Any] | None:
    """Return the data type given by --dtype; None: use that of the input."""
    supported = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
    if name is not None and name not in supported:
        raise MuguetError(f"--dtype {name} is not supported: choose one of {', '.join(supported)}")
    return np.dtype(name) if name else None
