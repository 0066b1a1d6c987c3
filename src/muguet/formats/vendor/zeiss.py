"""Read Zeiss CZI files with the package czifile: scenes are images, and mosaics are put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.extras import require
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of, split_axes
from muguet.image.pixels import Part

_MICROMETRES = 1e6  # in a metre, the unit of the file


class _Scene:
    """The pixels of one scene, which are read from the file at each access."""

    def __init__(self, path: Path, number: int, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.number, self.shape, self.dtype = path, number, shape, dtype

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part; the whole scene is read for it."""
        import czifile

        with czifile.CziFile(self.path) as file:
            scene = list(file.scenes.values())[self.number]
            array = split_axes(scene.asarray(), "".join(scene.dims), "")[0][1]
            return np.ascontiguousarray(array[part])


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the scenes of a file at full resolution."""
    # The releases of czifile for older versions fail on the compression of today's files.
    if tuple(sys.version_info) < (3, 12):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise MuguetError(
            f"{path} is a Zeiss CZI image, which needs Python 3.12 or later (this is Python {version}): install "
            "muguet in a newer Python, or convert the image to OME-TIFF"
        )
    czifile = require("czifile", "formats", path, "a Zeiss CZI image")
    found: list[tuple[str, LazyImage]] = []
    with czifile.CziFile(path) as file:
        number_of_scenes = len(file.scenes)
        for number, (key, scene) in enumerate(file.scenes.items()):
            placeholder = np.broadcast_to(np.zeros((), scene.dtype), scene.shape)
            _, empty, letters = split_axes(placeholder, "".join(scene.dims), "")[0]
            sizes = {letter: _known(scene.coord_scales.get(letter)) for letter in "XYZ"}
            name = f"Scene {key}" if number_of_scenes > 1 else ""
            image = lazy_image(
                _Scene(path, number, empty.shape, scene.dtype),
                letters,
                path,
                axes,
                pixel_size={**sizes, "T": scene.coord_scales.get("T") or None},
                channel_names=list(scene.channels),
                kind="czi",
                name=name,
            )
            found.append((name, image))
    return tuple(found[i][1] for i in numbers_of(scenes, [name for name, _ in found], path))


def _known(scale: float | None) -> float | None:
    """Return a scale in micrometres; a scale of 0, or of a metre per pixel, stands for an unknown one."""
    return abs(scale) * _MICROMETRES if scale and abs(scale) < 1 else None
