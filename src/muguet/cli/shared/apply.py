"""Denoise images with a model, and show what was removed and which noise law was learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.shared.display import Bar, described, say
from muguet.cli.shared.provenance import Made
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.image.image import Image
    from muguet.image.planes import Planes, Region
    from muguet.pattern.found import Found
    from muguet.quality.residual import Residual


@dataclass(frozen=True)
class Windows:
    """Which frames of a movie and planes of a stack help to estimate one, see `muguet.Denoiser.__call__`."""

    time: int | None = None
    causal: bool = False
    z: int | None = None


AUTOMATIC = Windows()
"""The choice of the program."""


@dataclass(frozen=True, eq=False)
class Denoised:
    """A denoised image, with the noisy one and the moments of what was removed.

    `counts` are the noisy ones that were denoised, without the pattern `removed`, in which `patterns` were found.
    """

    noisy: Image
    image: Image
    residual: Residual
    counts: npt.NDArray[Any] | None = None
    removed: npt.NDArray[np.float32] | None = None
    patterns: tuple[Found, ...] = ()


def denoise_images(
    denoiser: Denoiser,
    images: Sequence[Image],
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    announce: bool = True,
    windows: Windows = AUTOMATIC,
) -> list[Denoised]:
    """Denoise the images of a file region by region.

    If `announce`, the pixels that are not measurements are described; a training on the images has done that before.
    """
    from muguet.image.planes import ArrayPlanes
    from muguet.image.precision import result_dtype
    from muguet.image.screen import screen

    found: list[Denoised] = []
    for image in images:
        layout = _layout(denoiser, image)
        corrected = denoiser.correction(screen(image.data, layout), layout, str(image.path))
        screened = corrected.screened
        kind, dither, sentence = result_dtype(screened.original, dtype)
        notes = (*screened.notes, *corrected.notes) if announce else ()
        for note in (*notes, sentence):
            if note:
                say(f"{image.path}: {note}")
        data = np.empty(image.data.shape, kind)
        source = ArrayPlanes(screened.values, layout)
        into = Watched(ArrayPlanes(data, layout, dither), source)
        neighbours = denoiser.find_neighbours(source, layout, windows.time, windows.causal, windows.z)
        if neighbours.sentence:
            say(f"{image.path}: {neighbours.sentence}")
        show_regions(denoiser.denoise_planes(source, into, symmetries, neighbours), image, layout)
        screened.restore(data)
        removed = corrected.removed
        counts = image.data if removed is None else screened.values
        result = replace(image, data=data)
        found.append(Denoised(image, result, into.residual, counts, removed, corrected.found))
    return found


def with_sentences(found: Sequence[Denoised], made: Made) -> tuple[list[Image], list[str]]:
    """Return denoised images with what made them, and a sentence about each."""
    images = [replace(each.image, provenance=with_patterns(made, each)) for each in found]
    return images, [f"{described(each.image)}. {each.residual.sentence}" for each in found]


def with_patterns(made: Made, found: Denoised) -> Made:
    """Return what made a result, with the patterns that were removed from the noisy image."""
    words = [sentence for each in found.patterns for sentence in each.sentences()]
    return {**made, "patterns": " ".join(words)} if found.removed is not None and words else made


def write_pattern(path: Path, found: Sequence[Denoised], overwrite: bool) -> None:
    """Write what was subtracted from the images of a file before they were denoised, in counts."""
    from muguet.formats.registry import write

    images = []
    for each in found:
        removed = each.removed
        if removed is None:
            removed = np.zeros(each.noisy.data.shape, np.float32)
        images.append(replace(each.noisy, data=removed, provenance={}))
    write(path, images, overwrite)
    rms = [float(np.sqrt(np.nanmean(each.data.astype(np.float64) ** 2))) for each in images]
    say(f"{path}: what was subtracted before denoising, {max(rms):.3g} counts (root mean square).")


def write_images(result: Path, images: Sequence[Image], sentences: Sequence[str], overwrite: bool) -> None:
    """Write the images of a file, and show a sentence about each and about metadata that could not be written."""
    from muguet.formats.registry import write

    lost = write(result, images, overwrite)
    for image, sentence in zip(images, sentences, strict=True):
        say(f"{result}{f' ({image.name})' if len(images) > 1 and image.name else ''}: {sentence}")
    for each in lost:
        say(f"  {each}")


def predict_errors(
    denoiser: Denoiser, images: Sequence[Image], made: Made, windows: Windows = AUTOMATIC
) -> tuple[list[Image], list[str]]:
    """Return the standard deviation of the error of every pixel of the images of a file, and a sentence about each."""
    from muguet.image.planes import ArrayPlanes
    from muguet.image.screen import screen

    outputs: list[Image] = []
    sentences: list[str] = []
    for image in images:
        layout = _layout(denoiser, image)
        std = np.empty(image.data.shape, np.float32)
        # The error of a pixel that is no measurement is NaN.
        corrected = denoiser.correction(screen(image.data, layout), layout, str(image.path))
        source = ArrayPlanes(corrected.screened.values, layout)
        neighbours = denoiser.find_neighbours(source, layout, windows.time, windows.causal, windows.z)
        planes = denoiser.std_planes(source, ArrayPlanes(std, layout), neighbours)
        show_regions(planes, image, layout)
        outputs.append(replace(image, data=std, provenance=made))
        median = np.nanmedian(std)
        sentences.append(f"standard deviation of the error of each pixel, {median:.3g} counts in the median.")
    return outputs, sentences


class Watched:
    """Planes that also measure the residual (noisy − denoised) of the values written to them.

    Parameters
    ----------
    into
        Planes for the denoised values.
    source
        Noisy planes of the same shape.
    """

    def __init__(self, into: Planes, source: Planes) -> None:
        from muguet.quality.residual import Residual

        self.into, self.source, self.residual = into, source, Residual()
        self.shape, self.dtype = into.shape, into.dtype

    def read(self, n: int, c: int, region: Region) -> npt.NDArray[Any]:
        """Return a region of the denoised planes."""
        return self.into.read(n, c, region)

    def write(self, n: int, c: int, region: Region, values: npt.NDArray[np.floating]) -> None:
        """Store a region of denoised values, and add its residual to the moments in `residual`."""
        self.residual.add(self.source.read(n, c, region), values)
        self.into.write(n, c, region, values)


def show_regions(fractions: Iterator[float], image: Image, layout: Layout) -> None:
    """Run a loop over regions that yields the fraction done, and show its progress."""
    number, started = layout.planes * layout.channels, monotonic()
    with Bar(f"Denoising {image.path.name if image.path else ''}".strip()) as bar:
        for done in fractions:
            if bar.due and done < 1:
                left = (monotonic() - started) * (1 - done) / done
                text = f"plane {int(done * number) + 1} of {number}" if number > 1 else ""
                bar.show(done, left, text, {"seconds": monotonic() - started})


def _layout(denoiser: Denoiser, image: Image) -> Layout:
    from muguet.image.values import require_real

    require_real(image.data, str(image.path))
    try:
        return denoiser.layout(image.data.shape, image.axes)
    except MuguetError as error:
        raise MuguetError(f"{image.path}: {error}") from error


def show_law(denoiser: Denoiser) -> None:
    """Print the origin of the noise law of each channel, and the standard deviation of the noise at five signals."""
    if not denoiser.method.learns_law:
        return
    for c, (law, origin, (low, high)) in enumerate(
        zip(denoiser.laws, denoiser.law_origins, denoiser.training["signal_range"], strict=True)
    ):
        signal = np.linspace(low, high, 5)
        pairs = ", ".join(f"{s:.3g}: {n:.3g}" for s, n in zip(signal, law.std(signal), strict=True))
        of_channel = f" of channel {c}" if denoiser.parts.channels > 1 else ""
        say(f"Noise law{of_channel}: {origin.words}.")
        say(f"  Signal: standard deviation of the noise, in counts: {pairs}.")
        if origin.note:
            say(f"  {origin.note}")
