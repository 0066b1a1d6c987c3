"""Read `.npy` files: a NumPy array without axes or pixel size, mapped into memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.image.axes import guess


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the array of a `.npy` file; its axes are guessed if they are not given."""
    numbers_of(scenes, [""], path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise MuguetError(
            f"{path} is no NumPy array of numbers, or it is truncated: save it again with numpy.save ({error})"
        ) from error
    notes = []
    if axes is None:
        try:
            letters = guess(array.shape)
        except MuguetError as error:
            raise MuguetError(f"{path}: {error}") from None
        if array.ndim > 2:
            notes.append(
                f"A .npy file has no names of its axes: {letters} is assumed, --axes gives other ones."
            )
    else:
        letters = axes
    return (lazy_image(array, letters, path, axes, kind="npy", notes=notes),)
