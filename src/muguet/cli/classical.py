"""`muguet denoise --recipe` of a classical method: nothing is trained."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.display import Bar, described, say
from muguet.cli.options import Choices
from muguet.cli.pairs import layout_of, partners, planes_like
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.image.image import Image

CLASSICAL = ("gaussian-blur", "non-local-means", "wavelet", "total-variation")
_MOST = 15  # planes that are looked at to find a parameter


def denoise_classically(
    sources: list[Path], results: list[Path], choices: Choices, dtype: np.dtype[Any] | None
) -> None:
    """Denoise files by a classical method, every plane by itself, and say which parameters were found.

    They are found for each channel of a file, from the noisy image alone; with clean images, a file or a folder of
    them, the blur has the width that comes nearest to these.
    """
    from muguet.formats.registry import read, write

    recipe, clean = choices.recipe, choices.clean
    if clean and recipe != "gaussian-blur":
        raise MuguetError(
            f"--clean chooses the width of gaussian-blur, and {recipe} needs no clean image: leave one of them out"
        )
    truths = partners(sources, clean, "--clean") if clean else [None] * len(sources)
    for source, result, truth in zip(sources, results, truths, strict=True):
        image = read(source, choices.axes)
        for note in image.notes:
            say(f"{source}: {note}")
        try:
            data, told = _denoised(image, recipe, truth, dtype or image.data.dtype)
        except MuguetError as error:
            raise error if str(source) in str(error) else MuguetError(f"{source}: {error}") from error
        write(result, replace(image, data=data), choices.overwrite)
        say(f"{result}: {described(replace(image, data=data))}. {told}")


def _denoised(
    image: Image, recipe: str, clean: Path | None, dtype: np.dtype[Any]
) -> tuple[npt.NDArray[Any], str]:
    from muguet.image.values import fill_missing, to_dtype
    from muguet.quality.residual import Residual
    from muguet.restoration.classical import apply

    layout = layout_of(image)
    planes = layout.split(image.data)
    truth = None if clean is None else planes_like(clean, image)
    out = np.empty(planes.shape, dtype)
    residual = Residual()
    told = []
    number, started = layout.planes * layout.channels, time.monotonic()
    with Bar(f"Denoising {image.path.name if image.path else ''}".strip()) as bar:
        for i, (c, n) in enumerate(np.ndindex(layout.channels, layout.planes)):
            if n == 0:
                parameters = _parameters(planes[:, c], recipe, None if truth is None else truth[:, c])
                told.append(_told(parameters, recipe, c if layout.channels > 1 else None))
            if bar.due and i > 0:
                left = (time.monotonic() - started) * (number - i) / i
                bar.show(i / number, left, f"plane {i + 1} of {number}")
            counts = planes[n, c].astype(np.float32)
            estimate = apply(fill_missing(counts), recipe, parameters)
            estimate[~np.isfinite(counts)] = np.nan
            residual.add(planes[n, c], estimate)
            out[n, c] = to_dtype(estimate, dtype)
    return layout.join(out), " ".join([*told, residual.sentence])


def _parameters(planes: npt.NDArray[Any], recipe: str, clean: npt.NDArray[Any] | None) -> dict[str, float]:
    """Of one channel ``(n, y, x)``, found on planes spread over the series."""
    from muguet.image.values import fill_missing
    from muguet.restoration.blur_width import best_sigma
    from muguet.restoration.classical import calibrate

    every = -(-len(planes) // _MOST)
    some = [fill_missing(plane.astype(np.float32)) for plane in planes[::every]]
    if clean is None:
        return calibrate(some, recipe)
    return {"sigma": best_sigma(some, [fill_missing(plane.astype(np.float32)) for plane in clean[::every]])}


def _told(parameters: dict[str, float], recipe: str, channel: int | None) -> str:
    unit = "pixels" if recipe == "gaussian-blur" else "times the noise's standard deviation"
    values = ", ".join(f"{name} {value:.3g} {unit}" for name, value in parameters.items())
    return f"{recipe}{'' if channel is None else f' of channel {channel}'}: {values}."
