"""Read Leica LIF files with the package liffile: images and the tiles of a mosaic are scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.formats.lazy import LazyImage, lazy_image, numbers_of, split_axes
from muguet.image.axes import LETTERS
from muguet.image.pixels import Part
from muguet.system.extras import require

_MICROMETRES = 1e6  # in a metre, the unit of the file


class _Tile:
    """The pixels of one image or one tile of a mosaic, of which only the planes that are asked for are read.

    Parameters
    ----------
    path
        The file.
    number, tile
        Numbers of the image, and of the tile of its mosaic (0 without one).
    dims
        The axes of the image as liffile names them; if one of them is not of TCZYXS or M, the whole image is read each
        time.
    shape
        Shape after `split_axes`.
    dtype
        Data type of the pixels.
    """

    def __init__(
        self, path: Path, number: int, tile: int, dims: str, shape: tuple[int, ...], dtype: Any
    ) -> None:
        self.path, self.number, self.tile, self.dims = path, number, tile, dims
        self.shape, self.dtype = shape, dtype

    def __getitem__(self, part: Part, /) -> npt.NDArray[Any]:
        """Return the pixels of a part."""
        import liffile

        with liffile.LifFile(self.path) as file:
            image = file.images[self.number]
            if set(self.dims) - {*LETTERS, "M"}:
                tiles = split_axes(image.asarray(), self.dims, "M")
                return np.ascontiguousarray(tiles[self.tile][1][part])
            at = dict(zip(self.dims.replace("M", ""), part, strict=True))
            frame = image.frames.frame_dims
            at["M"] = slice(self.tile, self.tile + 1)
            planes = {letter: at[letter] for letter in self.dims if letter not in frame}
            values = image.frames(**planes).asarray()
        inner = tuple(at[letter] for letter in frame)
        values = values.reshape(-1, *values.shape[values.ndim - len(frame) :])[:, *inner]
        return np.ascontiguousarray(values.reshape([each.stop - each.start for each in part]))


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the images of a file; each tile of a mosaic is an image of its own."""
    liffile = require("formats", "liffile", f"{path} is a Leica LIF image, which")
    found: list[tuple[str, LazyImage]] = []
    with liffile.LifFile(path) as file:
        for number, image in enumerate(file.images):
            if not {"X", "Y"} <= set(image.dims):
                continue  # Single lines and spectra of points are no images.
            dims, dtype = "".join(image.dims), image.dtype
            size, backwards = _pixel_size(image)
            notes = ["The stack was recorded downwards: its Z step is negative."] if backwards else []
            placeholder = np.broadcast_to(np.zeros((), dtype), image.shape)
            tiles = split_axes(placeholder, dims, "M")
            if len(tiles) > 1:
                notes.append(f"The image is a mosaic of {len(tiles)} tiles: each is an image of its own.")
            for tile, (place, empty, letters) in enumerate(tiles):
                name = image.name + (f" tile {place[0]}" if len(tiles) > 1 else "")
                found.append(
                    (
                        name,
                        lazy_image(
                            _Tile(path, number, tile, dims, empty.shape, dtype),
                            letters,
                            path,
                            axes,
                            pixel_size=size,
                            kind="lif",
                            name=name,
                            notes=notes if tile == 0 else (),
                            chunks=tuple(
                                size if letter in "YXS" else 1
                                for letter, size in zip(letters, empty.shape, strict=True)
                            ),
                        ),
                    )
                )
    return tuple(found[i][1] for i in numbers_of(scenes, [name for name, _ in found], path))


def _pixel_size(image: Any) -> tuple[dict[str, float | None], bool]:
    """Return the pixel size in micrometres and seconds, and whether the Z step is negative."""
    size: dict[str, float | None] = {}
    backwards = False
    for letter in "XYZT":
        places = image.coords.get(letter)
        if places is None or len(places) < 2 or np.asarray(places).dtype.kind not in "uif":
            continue
        step = float(places[-1] - places[0]) / (len(places) - 1)
        backwards |= letter == "Z" and step < 0
        size[letter] = abs(step) * (1.0 if letter == "T" else _MICROMETRES) or None
    return size, backwards
