"""Denoise images with a model, and report what was removed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.shared.display import Bar, described, say
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.image.image import Image
    from muguet.image.planes import Planes, Region


def denoise_image(
    denoiser: Denoiser,
    image: Image,
    result: Path,
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    overwrite: bool,
) -> npt.NDArray[Any]:
    """Denoise an image region by region into an array of the result's type, write it, and return that array."""
    from muguet.formats.registry import write
    from muguet.image.planes import ArrayPlanes

    layout = _layout(denoiser, image)
    data = np.empty(image.data.shape, dtype or image.data.dtype)
    source = ArrayPlanes(image.data, layout)
    into = Watched(ArrayPlanes(data, layout), source)
    show_regions(denoiser.denoise_planes(source, into, symmetries), image, layout)
    output = replace(image, data=data)
    write(result, output, overwrite)
    say(f"{result}: {described(output)}. {into.residual.sentence}")
    return data


class Watched:
    """Planes that add up the residual of what is written to them.

    Parameters
    ----------
    into
        The planes that are written to.
    source
        The noisy planes.
    """

    def __init__(self, into: Planes, source: Planes) -> None:
        from muguet.quality.residual import Residual

        self.into, self.source, self.residual = into, source, Residual()
        self.shape, self.dtype = into.shape, into.dtype

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of what was written."""
        return self.into.read(n, c, region)

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region, and add its residual to the sums."""
        self.residual.add(self.source.read(n, c, region), values)
        self.into.write(n, c, region, values)


def show_regions(shares: Iterator[float], image: Image, layout: Layout) -> None:
    """Run a loop over regions and show how far it is."""
    number, started = layout.planes * layout.channels, time.monotonic()
    with Bar(f"Denoising {image.path.name if image.path else ''}".strip()) as bar:
        for done in shares:
            if bar.due and done < 1:
                left = (time.monotonic() - started) * (1 - done) / done
                bar.show(done, left, f"plane {int(done * number) + 1} of {number}" if number > 1 else "")


def _layout(denoiser: Denoiser, image: Image) -> Layout:
    from muguet.image.values import require_real

    require_real(image.data, str(image.path))
    try:
        return denoiser.layout(image.data.shape, image.axes)
    except MuguetError as error:
        raise MuguetError(f"{image.path}: {error}") from error


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
