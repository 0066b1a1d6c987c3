"""The pixels of an image larger than memory without the patterns that were found in it."""

from __future__ import annotations

from collections.abc import Callable

from muguet.formats.damaged import Reader
from muguet.formats.lazy import LazyImage
from muguet.image.axes import Layout
from muguet.pattern.stored.correction import StoredCorrection
from muguet.pattern.stored.search import effort, search


def found_correction(
    image: LazyImage,
    read: Reader,
    lines: bool,
    memory: int,
    progress: Callable[[float], None] = lambda done: None,
) -> StoredCorrection:
    """Return the pixels of an image without the patterns that are found in some of its planes.

    Parameters
    ----------
    image
        The opened image.
    read
        Function that returns any part of it, with NaN where a pixel is missing.
    lines
        Whether patterns are searched beside pixels that are no measurements.
    memory
        Memory for the pixels of images, in bytes.
    progress
        Function that is called with the share of the search that is done, about.
    """
    correction = uncorrected(image, read, memory)
    if image.about.data.dtype.kind in "uif":
        total, done = effort(correction), 0

        def looked(more: int) -> None:
            nonlocal done
            done += more
            progress(min(done / total, 1.0))

        correction.looked = looked
        search(correction, lines)
        correction.looked = lambda more: None
    return correction


def uncorrected(image: LazyImage, read: Reader, memory: int) -> StoredCorrection:
    """Return the pixels of an image in which nothing was searched yet, see `found_correction`."""
    about = image.about
    return StoredCorrection(
        read, Layout(about.axes, about.data.shape), about.data.dtype, image.chunks, memory
    )
