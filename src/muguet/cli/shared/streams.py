"""Images that are larger than memory: a sample of blocks for the training, and results written block by block."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from muguet.cli.shared.display import Bar, described, say
from muguet.system.budget import memory_for_images

if TYPE_CHECKING:
    from muguet.cli.shared.options import Choices
    from muguet.denoiser import Denoiser
    from muguet.formats.lazy import LazyImage, Target
    from muguet.image.axes import Layout
    from muguet.image.image import Image
    from muguet.image.pixels import Part

_BYTES_PER_PIXEL = (
    20  # A pixel of an image in memory takes this beside the image and its result: see `collect`.
)
_COMPRESSION = 16  # A smaller file cannot hold an image of this many times its size.
_MAX_SAMPLE = 2**26  # A training needs no more pixels.


class Streams:
    """Which files are too large to be held in memory; this is decided once for each file of a command.

    Parameters
    ----------
    choices
        The options that say how a file is read, and how much memory may be used.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self._found: dict[Path, tuple[LazyImage, ...]] = {}

    def of(self, path: Path) -> tuple[LazyImage, ...]:
        """Return the images of a file if they are too large to be held in memory, and otherwise nothing."""
        if path not in self._found:
            self._found[path] = self._open(path)
        return self._found[path]

    def _open(self, path: Path) -> tuple[LazyImage, ...]:
        from muguet.formats.registry import open_all

        memory = memory_for_images(self.choices.memory)
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_size * _COMPRESSION * _BYTES_PER_PIXEL < memory:
                return ()
        images = open_all(path, self.choices.axes, self.choices.scene)
        needed = sum(each.about.data.size * _BYTES_PER_PIXEL + 2 * each.nbytes for each in images)
        return images if needed > memory else ()


def with_version(image: LazyImage, ome_zarr: str | None) -> LazyImage:
    """Return an image whose result is written in a version of OME-Zarr; None: in its own."""
    if ome_zarr is None:
        return image
    return replace(image, about=replace(image.about, kind=f"ome-zarr {ome_zarr}"))


def training_sample(image: LazyImage, choices: Choices, number: int) -> Image:
    """Return blocks spread over an image, as an image to train on; `number` images share the memory."""
    from muguet.image.axes import Layout
    from muguet.training.blocks import sampled

    layout = Layout(image.about.axes, image.about.data.shape, choices.dimensions)
    most = memory_for_images(choices.memory) // (2 * (_BYTES_PER_PIXEL + image.about.data.dtype.itemsize))
    data, axes = sampled(image.read, layout, min(most, _MAX_SAMPLE) // number, image.chunks, choices.seed)
    size, share = image.nbytes / 1e9, data.size / image.about.data.size
    note = (
        f"The image has {size:.3g} GB and is processed block by block. The training uses {100 * share:.3g} % of its "
        "pixels, in blocks spread over the image. Padding and defective pixels are not searched."
    )
    sizes = {letter: value for letter, value in image.about.pixel_size.items() if letter != "T"}
    return choices.valid(
        replace(
            image.about, data=data, axes=axes, pixel_size=sizes, notes=(*image.about.notes, note), source=None
        )
    )


def stream_images(
    denoiser: Denoiser,
    images: Sequence[LazyImage],
    result: Path,
    choices: Choices,
    dtype: np.dtype[Any] | None,
    symmetries: int | None,
    overwrite: bool,
    errors: bool = False,
) -> None:
    """Denoise the images of a file block by block, or compute their errors, and write them to one file."""
    from muguet.formats.registry import streaming
    from muguet.image.precision import result_dtype

    abouts: list[Image] = []
    dithers: list[np.random.Generator | None] = []
    for image in images:
        if errors:
            kind, dither, sentence = np.dtype(np.float32), None, ""
        else:
            kind, dither, sentence = result_dtype(image.read(_middle(image)), dtype)
        if sentence:
            say(f"{image.about.path}: {sentence}")
        empty = np.broadcast_to(np.zeros((), kind), image.about.data.shape)
        abouts.append(replace(image.about, data=empty))
        dithers.append(dither)
    with streaming(result, abouts, overwrite) as (targets, lost):
        sentences = [
            _stream(denoiser, image, target, about.data.dtype, dither, choices, symmetries, errors)
            for image, target, about, dither in zip(images, targets, abouts, dithers, strict=True)
        ]
        say(f"Completing {result}.")
    for about, sentence in zip(abouts, sentences, strict=True):
        name = f" ({about.name})" if len(images) > 1 and about.name else ""
        say(f"{result}{name}: {described(about)}. {sentence}")
    for each in lost:
        say(f"  {each}")


def _middle(image: LazyImage) -> Part:
    """Return a part in the middle of the middle plane, of at most 2048×2048 pixels."""
    spans = []
    for letter, size in zip(image.about.axes, image.about.data.shape, strict=True):
        length = min(size, {"Y": 2048, "X": 2048, "S": size}.get(letter, 1))
        start = (size - length) // 2
        spans.append(slice(start, start + length))
    return tuple(spans)


def _stream(
    denoiser: Denoiser,
    image: LazyImage,
    target: Target,
    dtype: np.dtype[Any],
    dither: np.random.Generator | None,
    choices: Choices,
    symmetries: int | None,
    errors: bool,
) -> str:
    """Process one image block by block, and return a sentence about what was removed."""
    from muguet.image.valid import is_blank
    from muguet.image.values import require_real, to_dtype
    from muguet.prediction.blocks import block_step, map_blocks
    from muguet.quality.residual import Residual

    about = image.about
    require_real(about.data, str(about.path))
    layout: Layout = denoiser.layout(about.data.shape, about.axes)
    function = denoiser.std_function() if errors else denoiser.region_function(about.data.size, symmetries)
    step = block_step(layout, denoiser.cut, target.step)
    residual, done, total = Residual(), 0, math.prod(layout.shape)
    started = time.monotonic()
    blocks = map_blocks(
        function, _reader(image, choices), layout, denoiser.cut, step, denoiser.dtype, is_blank
    )
    with Bar(f"Denoising {about.path.name if about.path else ''}".strip()) as bar:
        for block in blocks:
            if not errors:
                residual.add(block.values, block.result)
            result = to_dtype(block.result, dtype, dither)
            if choices.excludes and not errors:
                raw = image.read(block.part)
                excluded = np.isnan(block.values) & np.isfinite(raw)
                result[excluded] = raw[excluded].astype(dtype)
            target.write(block.part, result)
            done += result.size
            if bar.due and done < total:
                seconds = time.monotonic() - started
                bar.show(done / total, seconds * (total - done) / done, "", {"seconds": seconds})
    return "Standard deviation of the error of each pixel." if errors else residual.sentence


def _reader(image: LazyImage, choices: Choices) -> Callable[[Part], npt.NDArray[Any]]:
    """Return the function that reads a part of an image, with NaN for the pixels that the options exclude."""
    if not choices.excludes:
        return image.read

    def read(part: Part) -> npt.NDArray[Any]:
        raw = image.read(part)
        mask = np.ma.getmaskarray(choices.valid(replace(image.about, data=raw)).data)
        values = raw.astype(np.result_type(raw.dtype, np.float32))
        values[mask] = np.nan
        return values

    return read
