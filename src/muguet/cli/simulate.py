"""`muguet simulate`: add the noise of a camera to a clean image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from muguet.cli.shared.display import described, say
from muguet.cli.shared.files import Output, check_files
from muguet.errors import MuguetError
from muguet.system.limits import MAX_SEED, require_between

if TYPE_CHECKING:
    import torch

    from muguet.image.axes import Layout
    from muguet.noise.law import Law

LAWS = ("poisson-gaussian", "gaussian", "speckle", "emccd")
_CAMERA, _OUTPUT = "Camera", "Output"
_MAX, _MAX_FRAMES = 1e30, 10**6
"""Numbers of a camera are smaller than this, and so is the number of frames."""
_BLOCK = 2**20
"""Noise is drawn for at most this many pixels at a time, which limits the memory."""


def simulate(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="The clean TIFF.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The noisy TIFF to write.", rich_help_panel=_OUTPUT, show_default=False
        ),
    ],
    law: Annotated[
        str,
        typer.Option(
            help=f"The noise law: {', '.join(LAWS)}, or a model file of `muguet fit`.",
            rich_help_panel=_CAMERA,
        ),
    ] = "poisson-gaussian",
    gain: Annotated[
        float,
        typer.Option(
            help="Counts (ADU) per photo-electron; for emccd, per multiplied electron.",
            rich_help_panel=_CAMERA,
        ),
    ] = 1.0,
    offset: Annotated[
        float, typer.Option(help="Mean of a dark pixel, in counts.", rich_help_panel=_CAMERA)
    ] = 0.0,
    read_noise: Annotated[
        float,
        typer.Option(help="Standard deviation of the read noise, in electrons.", rich_help_panel=_CAMERA),
    ] = 1.0,
    std: Annotated[
        float,
        typer.Option(
            help="Standard deviation: for gaussian in counts, for speckle as a fraction of the signal.",
            rich_help_panel=_CAMERA,
        ),
    ] = 0.1,
    frames: Annotated[
        int,
        typer.Option(
            min=1, help="Number of exposures of the same scene, written along T.", rich_help_panel=_OUTPUT
        ),
    ] = 1,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Data type of the result: integers are rounded and clipped as in a camera.",
            rich_help_panel=_OUTPUT,
            show_default="the input's",
        ),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(help="The axes of CLEAN: one letter of TCZYXS for each.", show_default="from the file"),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the random numbers: the same seed draws the same noise.")
    ] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Add the noise of a camera to a clean image, with a known or a learned noise law."""
    from muguet.cli.shared.values import data_type
    from muguet.formats.registry import read, write

    kind = data_type(dtype)
    require_between("--seed", seed, 0, MAX_SEED)
    for name, value in (("gain", gain), ("offset", offset), ("read-noise", read_noise), ("std", std)):
        require_between(f"--{name}", value, -_MAX, _MAX)
    require_between("--frames", frames, 1, _MAX_FRAMES)
    check_files([clean, *_model_file(law)], [Output(out, "image")], overwrite)
    image = read(clean, axes)
    if frames > 1 and "T" in image.axes:
        raise MuguetError(
            f"{clean} already has a T axis ({image.axes}): --frames needs an image of one time point"
        )
    noisy = _record(
        _law(law, gain, offset, read_noise, std),
        image.data,
        image.axes,
        frames,
        kind or image.data.dtype,
        seed,
    )
    result = replace(image, data=noisy, axes="T" + image.axes if frames > 1 else image.axes)
    write(out, result, overwrite)
    say(f"{out}: {described(result)}, {law}, seed {seed}.")


def _model_file(name: str) -> list[Path]:
    """Return the model file that --law names; an empty list if it is the name of a law."""
    if name in LAWS:
        return []
    if not Path(name).exists():
        raise MuguetError(f"--law {name} is neither one of {', '.join(LAWS)} nor an existing model file")
    return [Path(name)]


def _law(name: str, gain: float, offset: float, read_noise: float, std: float) -> Law:
    """Return the known law of this name, or the law of the model file with this path."""
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
    from muguet.denoiser.model_file import load

    return load(name).noise


def _record(
    law: Law, clean: npt.NDArray[Any], axes: str, frames: int, dtype: np.dtype[Any], seed: int
) -> npt.NDArray[Any]:
    """Draw `frames` exposures, block by block, so that the memory does not grow with the image."""
    import torch

    from muguet.image.values import to_dtype

    generator = torch.Generator().manual_seed(seed)
    if law.correlation:
        if frames > 1:
            clean, axes = np.broadcast_to(clean, (frames, *clean.shape)), f"T{axes}"
        return _record_planes(law, clean, axes, dtype, generator)
    shape = (frames, *clean.shape) if frames > 1 else clean.shape
    out = np.empty((frames, clean.size), dtype)
    signal = clean.reshape(-1)
    for frame in out:
        for start in range(0, clean.size, _BLOCK):
            block = signal[start : start + _BLOCK].astype(np.float64)
            known = np.isfinite(block)
            drawn = law.sample(np.where(known, block, 0.0), generator)
            drawn[~known] = np.nan
            frame[start : start + _BLOCK] = to_dtype(drawn, dtype)
    return out.reshape(shape)


def _record_planes(
    law: Law, clean: npt.NDArray[Any], axes: str, dtype: np.dtype[Any], generator: torch.Generator
) -> npt.NDArray[Any]:
    """Draw an image plane by plane, as its pixels share noise, or by the movies or stacks whose planes do so, too."""
    from muguet.image.axes import Layout
    from muguet.image.planes import ArrayPlanes
    from muguet.noise.correlated.law import Correlated

    if isinstance(law, Correlated):
        law = Correlated(law.law, law.kernel.along(axes), law.level)
    layout = Layout(axes, clean.shape)
    out = np.empty(clean.shape, dtype)
    source, into = ArrayPlanes(clean, layout), ArrayPlanes(out, layout)
    whole = tuple(slice(0, size) for size in layout.space)
    for numbers in _drawn_together(layout, law.correlation.axes if law.correlation else ""):
        for c in range(layout.channels):
            signal = np.stack([source.read(int(n), c, whole) for n in numbers.flat]).astype(np.float64)
            signal = signal.reshape(*numbers.shape, *layout.space)
            known = np.isfinite(signal)
            drawn = law.sample(np.where(known, signal, 0.0), generator)
            drawn[~known] = np.nan
            for n, plane in zip(numbers.flat, drawn.reshape(-1, *layout.space), strict=True):
                into.write(int(n), c, whole, plane)
    return out


def _drawn_together(layout: Layout, letters: str) -> list[npt.NDArray[np.intp]]:
    """Return the numbers of the planes that share noise along some axes, as arrays with these axes."""
    if not letters:
        return [np.array(n) for n in range(layout.planes)]
    if len(letters) == 1:
        return layout.along(letters)
    return [np.stack(layout.along("Z"))]
