"""Files of which parts are damaged: the others can be read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.pixels import Part


class DamagedError(MuguetError):
    """A part of a file cannot be read; others may be."""


Reader = Callable[[Part], npt.NDArray[Any]]
"""Function that returns any part of an image as an array in memory."""


def read_undamaged(read: Reader, part: Part, chunks: Sequence[int] | None = None) -> npt.NDArray[Any]:
    """Return a part of an image with NaN in the chunks that are damaged.

    Parameters
    ----------
    read, part
        What is read, and by what.
    chunks
        Size of the parts in which the file stores the image, along each axis; None: the part is read as a whole.
    """
    try:
        return read(part)
    except DamagedError:
        found = np.full([each.stop - each.start for each in part], np.nan, np.float32)
    if chunks is None:
        return found
    grids = [
        [
            slice(max(start, each.start), min(start + size, each.stop))
            for start in range(each.start // size * size, each.stop, size)
        ]
        for each, size in zip(part, chunks, strict=True)
    ]
    for piece in product(*grids):
        with contextlib.suppress(DamagedError):
            at = tuple(
                slice(one.start - each.start, one.stop - each.start)
                for one, each in zip(piece, part, strict=True)
            )
            found[at] = read(piece)
    return found
