"""`muguet simulate`: what a camera would have recorded of a clean image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.display import described, say
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.noise.law import Law

LAWS = ("poisson-gaussian", "gaussian", "speckle", "emccd")
_CAMERA, _OUTPUT = "Camera", "Output"
_BLOCK = 2**20  # pixels at a time


def simulate(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="A TIFF without noise.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The noisy TIFF.", rich_help_panel=_OUTPUT, show_default=False)
    ],
    law: Annotated[
        str, typer.Option(help=f"{', '.join(LAWS)}, or a model of `muguet fit`.", rich_help_panel=_CAMERA)
    ] = "poisson-gaussian",
    gain: Annotated[
        float,
        typer.Option(
            help="ADU an electron; with emccd of the multiplied electrons.", rich_help_panel=_CAMERA
        ),
    ] = 1.0,
    offset: Annotated[float, typer.Option(help="Counts of a dark pixel.", rich_help_panel=_CAMERA)] = 0.0,
    read_noise: Annotated[
        float, typer.Option(help="Standard deviation of the read-out, in electrons.", rich_help_panel=_CAMERA)
    ] = 1.0,
    std: Annotated[
        float,
        typer.Option(
            help="Of gaussian, in counts; of speckle, as a share of the signal.", rich_help_panel=_CAMERA
        ),
    ] = 0.1,
    frames: Annotated[
        int,
        typer.Option(min=1, help="So many exposures of the same scene, along T.", rich_help_panel=_OUTPUT),
    ] = 1,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Rounded and clipped as a camera would.", rich_help_panel=_OUTPUT, show_default="the input's"
        ),
    ] = None,
    axes: Annotated[
        str | None, typer.Option(help="One of TCZYXS for each axis.", show_default="from the file")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same noise.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Add the noise of a camera to a clean image: a known law, or one that was learned."""
    from muguet.cli.options import data_type
    from muguet.formats.registry import check_output, read, write

    kind = data_type(dtype)
    check_output(out, overwrite)
    image = read(clean, axes)
    if frames > 1 and "T" in image.axes:
        raise MuguetError(f"{clean} has a T axis already ({image.axes}): --frames needs an image of one time")
    noisy = _record(
        _law(law, gain, offset, read_noise, std), image.data, frames, kind or image.data.dtype, seed
    )
    told = replace(image, data=noisy, axes="T" + image.axes if frames > 1 else image.axes)
    write(out, told, overwrite)
    say(f"{out}: {described(told)}, {law}, seed {seed}.")


def _law(name: str, gain: float, offset: float, read_noise: float, std: float) -> Law:
    """The law of this name, or of the model file of this name."""
    from muguet.noise import emccd, known

    match name:
        case "poisson-gaussian":
            return known.PoissonGaussian(gain, offset, read_noise)
        case "gaussian":
            return known.Gaussian(std)
        case "speckle":
            return known.Speckle(std)
        case "emccd":
            return emccd.EMCCD(gain, offset, read_noise)
    if not Path(name).exists():
        raise MuguetError(f"--law {name} is neither one of {', '.join(LAWS)} nor a model file that is there")
    from muguet.model_file import load

    return load(name).noise


def _record(
    law: Law, clean: npt.NDArray[Any], frames: int, dtype: np.dtype[Any], seed: int
) -> npt.NDArray[Any]:
    """Draw `frames` exposures, in blocks so that memory stays flat."""
    import torch

    from muguet.image.values import to_dtype

    generator = torch.Generator().manual_seed(seed)
    shape = (frames, *clean.shape) if frames > 1 else clean.shape
    out = np.empty((frames, clean.size), dtype)
    signal = clean.reshape(-1)
    for frame in out:
        for start in range(0, clean.size, _BLOCK):
            block = signal[start : start + _BLOCK].astype(np.float64)
            frame[start : start + _BLOCK] = to_dtype(law.sample(block, generator), dtype)
    return out.reshape(shape)
