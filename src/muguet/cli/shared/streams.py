"""Images that are larger than memory: which they are, what is subtracted from them, and blocks for the training."""

from __future__ import annotations

import contextlib
import time
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muguet.cli.shared.display import Bar
from muguet.cli.shared.values import value_range
from muguet.system.budget import memory_for_images

if TYPE_CHECKING:
    from muguet.cli.shared.choices import Choices
    from muguet.formats.lazy import LazyImage
    from muguet.image.image import Image
    from muguet.pattern.stored.correction import StoredCorrection

_BYTES_PER_PIXEL = (
    20  # A pixel of an image in memory takes this beside the image and its result: see `collect`.
)
_COMPRESSION = 16  # A smaller file cannot hold an image of this many times its size.
_QUIET = 2.0  # The progress of a search is not shown for so many seconds.
_MAX_SAMPLE = 2**26  # A training needs no more pixels.


class Streams:
    """Which files are too large to be held in memory; this is decided once for each file of a command.

    Parameters
    ----------
    choices
        The options that say how a file is read, and how much memory may be used.
    always
        Whether all files are processed block by block, whatever their size.
    """

    def __init__(self, choices: Choices, always: bool = False) -> None:
        self.choices, self.always = choices, always
        self._found: dict[Path, tuple[LazyImage, ...]] = {}
        self._corrections: dict[Path, tuple[StoredCorrection, ...]] = {}

    def of(self, path: Path) -> tuple[LazyImage, ...]:
        """Return the images of a file if they are too large to be held in memory, and otherwise nothing."""
        if path not in self._found:
            self._found[path] = self._open(path)
        return self._found[path]

    def _open(self, path: Path) -> tuple[LazyImage, ...]:
        from muguet.formats.registry import open_all

        memory = memory_for_images(self.choices.memory)
        if self.always:
            return open_all(path, self.choices.axes, self.choices.scene)
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_size * _COMPRESSION * _BYTES_PER_PIXEL < memory:
                return ()
        images = open_all(path, self.choices.axes, self.choices.scene)
        needed = sum(each.about.data.size * _BYTES_PER_PIXEL + 2 * each.nbytes for each in images)
        return images if needed > memory else ()

    def corrections(self, path: Path, lines: bool) -> tuple[StoredCorrection, ...]:
        """Return the images of a file that is processed block by block, without what is subtracted from them.

        What this is, is searched once. `lines` says whether patterns are, beside pixels that are no measurements.
        """
        from muguet.blockwise.correction import found_correction
        from muguet.blockwise.work import read_valid

        if path in self._corrections:
            return self._corrections[path]
        choices, memory, started = self.choices, memory_for_images(self.choices.memory), time.monotonic()
        limits = None if choices.valid_range is None else value_range(choices.valid_range)
        found = []
        with Bar(
            f"Looking for {'lines and patterns' if lines else 'defective pixels'} in {path.name}"
        ) as bar:

            def show(done: float) -> None:
                seconds = time.monotonic() - started
                if bar.due and 0 < done < 1 and seconds > _QUIET:
                    bar.show(done, seconds * (1 - done) / done, "", {"seconds": seconds})

            for image in self.of(path):
                read = partial(read_valid, image, valid_range=limits, mask_value=choices.mask_value)
                found.append(found_correction(image, read, lines, memory, show))
        self._corrections[path] = tuple(found)
        return self._corrections[path]

    def known_corrections(self, path: Path) -> tuple[StoredCorrection, ...]:
        """Return what `corrections` has found before; nothing if it was not called."""
        return self._corrections.get(path, ())


def training_sample(image: LazyImage, correction: StoredCorrection, choices: Choices, number: int) -> Image:
    """Return blocks spread over an image, as an image to train on; `number` images share the memory."""
    from muguet.image.axes import Layout
    from muguet.pattern.stored.notes import notes_of
    from muguet.training.blocks import Blocks, BlockSample

    about = image.about
    layout = Layout(about.axes, about.data.shape, choices.dimensions)
    size_of_pixel = np.result_type(about.data.dtype, np.float32 if correction.changes else about.data.dtype)
    most = memory_for_images(choices.memory) // (2 * (_BYTES_PER_PIXEL + size_of_pixel.itemsize))
    pixels = min(most, _MAX_SAMPLE) // number
    patterns = correction.patterns
    blocks = Blocks(correction.read, layout, pixels, image.chunks, choices.seed, patterns=patterns)
    data = blocks.sample()
    size, share = image.nbytes / 1e9, data.size / about.data.size
    note = (
        f"The image has {size:.3g} GB and is processed block by block. The training begins with {100 * share:.3g} % of "
        "its pixels, in blocks spread over the image, and exchanges blocks while it runs."
    )
    sizes = {letter: value for letter, value in about.pixel_size.items() if letter != "T"}
    properties = {each.name: getattr(about, each.name) for each in fields(about)}
    properties |= {"data": data, "axes": blocks.axes, "pixel_size": sizes, "source": None}
    properties["notes"] = (*about.notes, note, *notes_of(correction))
    return BlockSample(**properties, blocks=blocks, whole=about)
