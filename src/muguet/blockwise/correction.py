"""The pixels of an image larger than memory without the patterns that were found in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from muguet.formats.lazy import LazyImage, Reader
from muguet.image.axes import Layout
from muguet.pattern.stored.correction import StoredCorrection
from muguet.pattern.stored.search import n_looks, search


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
        number, done = n_looks(correction), itertools.count(1)
        correction.looked = lambda: progress(min(next(done) / number, 1.0))
        search(correction, lines)
        correction.looked = lambda: None
    return correction


def uncorrected(image: LazyImage, read: Reader, memory: int) -> StoredCorrection:
    """Return the pixels of an image in which nothing was searched yet, see `found_correction`."""
    about = image.about
    return StoredCorrection(
        read, Layout(about.axes, about.data.shape), about.data.dtype, image.chunks, memory
    )
