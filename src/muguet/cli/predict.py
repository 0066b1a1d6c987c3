"""Denoise files with a model, and say what was taken away."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.display import Bar, described, say
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser
    from muguet.image.image import Image


def denoise_file(
    denoiser: Denoiser,
    source: Path,
    result: Path,
    axes: str | None,
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    overwrite: bool,
) -> tuple[Image, npt.NDArray[Any]]:
    """Denoise one file, plane by plane into an array of the result's type, and write it; the image and that array."""
    from muguet.formats.registry import read, write

    image = read(source, axes)
    data, told = _denoised(denoiser, image, dtype or image.data.dtype, symmetries)
    write(result, replace(image, data=data), overwrite)
    say(f"{result}: {described(replace(image, data=data))}. {told}")
    return image, data


def _denoised(
    denoiser: Denoiser, image: Image, dtype: np.dtype[Any], symmetries: int | None
) -> tuple[npt.NDArray[Any], str]:
    from muguet.image.values import require_real, to_dtype
    from muguet.quality.residual import Residual

    require_real(image.data, str(image.path))
    try:
        layout = denoiser.layout(image.data.shape, image.axes)
    except MuguetError as error:
        raise MuguetError(f"{image.path}: {error}") from error
    planes = layout.split(image.data)
    out = np.empty(planes.shape, dtype)
    estimate = np.empty(layout.space, np.float32)
    residual = Residual()
    views = denoiser.views(image.data.size, symmetries)
    number, started = planes.shape[0] * planes.shape[1], time.monotonic()
    with Bar(f"Denoising {image.path.name if image.path else ''}".strip()) as bar:
        for i, (n, c) in enumerate(np.ndindex(planes.shape[:2])):
            for share in denoiser.plane(planes[n, c], c, estimate, views):
                done = (i + share) / number
                if bar.due and done < 1:
                    left = (time.monotonic() - started) * (1 - done) / done
                    bar.show(done, left, f"plane {i + 1} of {number}" if number > 1 else "")
            residual.add(planes[n, c], estimate)
            out[n, c] = to_dtype(estimate, dtype)
    return layout.join(out), residual.sentence


def tell_law(denoiser: Denoiser) -> None:
    """A line or two on the noise that was learned, at five signals of each channel."""
    if not denoiser.method.learns_law:
        return
    for c, (law, (low, high)) in enumerate(
        zip(denoiser.laws, denoiser.training["signal_range"], strict=True)
    ):
        signal = np.linspace(low, high, 5)
        spread = ", ".join(f"{s:.3g}: {n:.3g}" for s, n in zip(signal, law.std(signal), strict=True))
        which = f" of channel {c}" if denoiser.parts.channels > 1 else ""
        say(f"Noise law{which}, standard deviation at signal {spread} counts.")
