"""Denoise images with a model, and show what was removed and which noise law was learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from muguet.cli.shared.display import Bar, described, say
from muguet.results.denoising import AUTOMATIC, Denoised, Denoising, Windows
from muguet.results.provenance import Made

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.image.axes import Layout
    from muguet.image.image import Image


def denoise_images(
    denoiser: Denoiser,
    images: Sequence[Image],
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    announce: bool = True,
    windows: Windows = AUTOMATIC,
    errors: bool = False,
) -> list[Denoised]:
    """Denoise the images of a file region by region, with the error of every pixel if `errors`.

    If `announce`, the pixels that are not measurements are described; a training on the images has done that before.
    """
    found: list[Denoised] = []
    for image in images:
        work = Denoising(denoiser, image, dtype, symmetries, windows, errors)
        for note in [*(work.notes if announce else ()), work.about_dtype, work.about_neighbours]:
            if note:
                say(f"{image.path}: {note}")
        show_regions(work.regions(), image, work.layout)
        found.append(work.result)
    return found


def with_sentences(found: Sequence[Denoised], made: Made) -> tuple[list[Image], list[str]]:
    """Return denoised images with what made them, and a sentence about each."""
    images = [each.made(made) for each in found]
    return images, [f"{described(each.image)}. {each.residual.sentence}" for each in found]


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


def with_errors(denoiser: Denoiser, found: Sequence[Denoised], made: Made) -> tuple[list[Image], list[str]]:
    """Return the standard deviation of the error of every pixel of denoised images, and a sentence about each.

    Raises
    ------
    MuguetError
        If the model has no prediction of its errors.
    """
    denoiser.require_errors()
    outputs: list[Image] = []
    sentences: list[str] = []
    for each in found:
        assert each.std is not None
        outputs.append(replace(each.made(made), data=each.std))
        median = np.nanmedian(each.std)
        sentences.append(f"standard deviation of the error of each pixel, {median:.3g} counts in the median.")
    return outputs, sentences


def show_regions(fractions: Iterator[float], image: Image, layout: Layout) -> None:
    """Run a loop over regions that yields the fraction done, and show its progress."""
    number, started = layout.planes * layout.channels, monotonic()
    with Bar(f"Denoising {image.path.name if image.path else ''}".strip()) as bar:
        for done in fractions:
            if bar.due and done < 1:
                left = (monotonic() - started) * (1 - done) / done
                text = f"plane {int(done * number) + 1} of {number}" if number > 1 else ""
                bar.show(done, left, text, {"seconds": monotonic() - started})


def show_law(denoiser: Denoiser) -> None:
    """Print the origin of the noise law of each channel, and the standard deviation of the noise at five signals."""
    if not denoiser.method.learns_law:
        return
    for c, (law, origin, (low, high)) in enumerate(
        zip(denoiser.laws, denoiser.law_origins, denoiser.training["signal_range"], strict=True)
    ):
        signal = np.linspace(low, high, 5)
        stds = [f"{_plain(n)} at {_plain(s)}" for s, n in zip(signal, law.std(signal), strict=True)]
        of_channel = f" of channel {c}" if denoiser.parts.channels > 1 else ""
        say(f"Noise law{of_channel}: {origin.words}.")
        say(f"  Standard deviation of the noise at five signals, in counts: {', '.join(stds)}.")
        if origin.note:
            say(f"  {origin.note}")


def _plain(value: float) -> str:
    """Return a number with three significant digits and without an exponent."""
    return np.format_float_positional(float(f"{value:.3g}"), trim="-")
