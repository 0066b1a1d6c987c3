"""Read files of all other formats with the package bioio and its plug-ins, where the user has installed them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.image.pixels import Part
from muguet.system.atomic import reason

_UNNAMED = re.compile(r"Channel:\d+(:\d+)?")  # what bioio gives for a missing name


class _Delayed:
    """The pixels of an array of Dask, without its axes of size one."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, array.shape, np.dtype(array.dtype)

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        return np.asarray(self.array[part])


def is_installed() -> bool:
    """Return True if bioio is installed; it is not imported."""
    return importlib.util.find_spec("bioio") is not None


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the scenes of a file that a plug-in of bioio reads.

    Raises
    ------
    MuguetError
        If no plug-in that is installed reads the file.
    """
    import bioio

    try:
        found = bioio.BioImage(path)
        names = [str(name) for name in found.scenes]
    except Exception as error:  # Plug-ins raise nearly any exception for files that they do not read.
        raise MuguetError(
            f"{path} is read neither by muguet nor by the plug-ins of bioio that are installed: install the plug-in "
            f"of its format, for example bioio-bioformats, or convert it to OME-TIFF ({reason(error)})"
        ) from error
    images = []
    for i in numbers_of(scenes, names, path):
        found.set_scene(i)
        array, letters = found.reader.dask_data, str(found.reader.dims.order)
        kept = [k for k, n in enumerate(array.shape) if n > 1 or letters[k] in "YX"]
        array = array.squeeze(tuple(k for k in range(array.ndim) if k not in kept))
        letters = "".join(letters[k] for k in kept)
        if unknown := set(letters) - set("TCZYXS"):
            raise MuguetError(
                f"{path} has axes {letters}, and the meaning of {', '.join(sorted(unknown))} is not known: convert "
                "it to OME-TIFF"
            )
        size = found.physical_pixel_sizes
        interval = found.time_interval
        images.append(
            lazy_image(
                _Delayed(array),
                letters,
                path,
                axes,
                pixel_size={
                    **{letter: getattr(size, letter) or None for letter in "ZYX"},
                    "T": interval.total_seconds() or None if interval is not None else None,
                },
                channel_names=[
                    "" if _UNNAMED.fullmatch(str(name)) else str(name) for name in found.channel_names or ()
                ],
                kind="bioio",
                name=names[i] if len(names) > 1 else "",
                notes=["The file was read with bioio."],
                chunks=tuple(max(sizes) for sizes in array.chunks),
            )
        )
    return tuple(images)
