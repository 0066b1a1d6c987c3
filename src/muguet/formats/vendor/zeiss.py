"""Read Zeiss CZI files with the package czifile: scenes are images, and mosaics are put together."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of, split_axes
from muguet.image.axes import LETTERS
from muguet.image.pixels import Part
from muguet.system.extras import require

_MICROMETRES = 1e6  # in a metre, the unit of the file
_UNNAMED = re.compile(r"Channel:\d+")  # the identifier of a channel, which stands for a missing name


class _Scene:
    """The pixels of one scene, of which only the part that is asked for is read from the file.

    Parameters
    ----------
    path
        The file.
    number
        Number of the scene.
    dims
        The axes of the scene as czifile names them; if one of them is not of TCZYXS, the whole scene is read each time.
    shape
        Shape after `split_axes`.
    dtype
        Data type of the pixels.
    """

    def __init__(self, path: Path, number: int, dims: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.number, self.dims, self.shape, self.dtype = path, number, dims, shape, dtype

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        import czifile

        with czifile.CziFile(self.path) as file:
            scene = list(file.scenes.values())[self.number]
            if set(self.dims) - set(LETTERS):
                array = split_axes(scene.asarray(), self.dims, "")[0][1]
                return np.ascontiguousarray(array[part])
            at = dict(zip(self.dims, part, strict=True))
            first = dict(zip(self.dims, scene.start, strict=True))
            x, y = at["X"], at["Y"]
            region = (first["X"] + x.start, first["Y"] + y.start, x.stop - x.start, y.stop - y.start)
            planes = {
                letter: [first[letter] + i for i in range(each.start, each.stop)]
                for letter, each in at.items()
                if letter not in "YXS"
            }
            shape = tuple(each.stop - each.start for each in part)
            try:
                values = scene(roi=region, **planes).asarray()
            except ValueError as error:
                if "matches no subblocks" not in str(error):
                    raise
                return np.zeros(shape, self.dtype)  # No tile of the mosaic covers this part.
        samples = values.shape[-1:] if "S" in at else ()
        values = values.reshape(*shape[: len(shape) - len(samples)], *samples)
        return np.ascontiguousarray(values[..., at["S"]] if samples else values)


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the scenes of a file at full resolution."""
    # The releases of czifile for older versions fail on the compression of today's files.
    if tuple(sys.version_info) < (3, 12):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise MuguetError(
            f"{path} is a Zeiss CZI image, which needs Python 3.12 or later (this is Python {version}): install "
            "muguet in a newer Python, or convert the image to OME-TIFF"
        )
    czifile = require("formats", "czifile", f"{path} is a Zeiss CZI image, which")
    found: list[tuple[str, LazyImage]] = []
    with czifile.CziFile(path) as file:
        number_of_scenes = len(file.scenes)
        for number, (key, scene) in enumerate(file.scenes.items()):
            placeholder = np.broadcast_to(np.zeros((), scene.dtype), scene.shape)
            dims = "".join(scene.dims)
            _, empty, letters = split_axes(placeholder, dims, "")[0]
            sizes = {letter: _known(scene.coord_scales.get(letter)) for letter in "XYZ"}
            name = f"Scene {key}" if number_of_scenes > 1 else ""
            image = lazy_image(
                _Scene(path, number, dims, empty.shape, scene.dtype),
                letters,
                path,
                axes,
                pixel_size={**sizes, "T": scene.coord_scales.get("T") or None},
                channel_names=["" if _UNNAMED.fullmatch(each) else each for each in scene.channels],
                kind="czi",
                name=name,
                chunks=tuple(
                    size if letter in "YXS" else 1 for letter, size in zip(letters, empty.shape, strict=True)
                ),
            )
            found.append((name, image))
    return tuple(found[i][1] for i in numbers_of(scenes, [name for name, _ in found], path))


def _known(scale: float | None) -> float | None:
    """Return a scale in micrometres; a scale of 0, or of a metre per pixel, stands for an unknown one."""
    return abs(scale) * _MICROMETRES if scale and abs(scale) < 1 else None
