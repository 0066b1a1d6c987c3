"""Read and write MRC and CCP4 files with the package mrcfile; the header and the extended header come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.formats.lazy import LazyImage, lazy_image, numbers_of
from muguet.image.image import Image
from muguet.system.atomic import replacing
from muguet.system.extras import require

_MICROMETRES = 1e-4  # in an ångström, the unit of the file
DTYPES = ("int8", "int16", "uint16", "float16", "float32")
# These fields of the header describe the pixels themselves, or the extended header, which is set as a whole.
_OF_THE_DATA = frozenset(
    ("nx", "ny", "nz", "mode", "dmin", "dmax", "dmean", "rms", "nsymbt", "machst", "map", "mz", "ispg")
)


@dataclass(frozen=True, eq=False)
class Source:
    """The header of a file, its extended header, and the axes and shape of its pixels."""

    header: Any
    extended: npt.NDArray[Any]
    axes: str
    shape: tuple[int, ...]


def open_all(path: Path, axes: str | None, scenes: Sequence[str] | None) -> tuple[LazyImage, ...]:
    """Open the pixels of a file, mapped into memory.

    The header says which of X, Y and Z the columns, rows and sections are. Sections of a stack of images are T.
    """
    mrcfile = require("formats", "mrcfile", f"{path} is an MRC image, which")
    numbers_of(scenes, [""], path)
    with mrcfile.mmap(path, permissive=False) as file:
        data, header = file.data, file.header.copy()
        if data is None:
            raise MuguetError(f"{path} holds no pixels: record or export it again")
        space = "".join(" XYZ"[int(header[name])] for name in ("maps", "mapr", "mapc"))
        if data.ndim == 2:
            letters = space[1:]
        elif file.is_image_stack():
            letters = "T" + space[1:]
        else:
            letters = "T" * (data.ndim - 3) + space
        size = {a: float(file.voxel_size[a.lower()]) * _MICROMETRES or None for a in "XYZ"}
        source = Source(header, file.extended_header.copy(), letters, data.shape)
    return (lazy_image(data, letters, path, axes, pixel_size=size, kind="mrc", source=source),)


def _check(path: Path, image: Image) -> None:
    """Raise an error if an MRC file cannot store an image."""
    if image.data.dtype.name not in DTYPES:
        raise MuguetError(
            f"{path} cannot be written, because MRC has no {image.data.dtype} pixels: add --dtype float32, or "
            "choose a name that ends in .ome.tif"
        )
    if not isinstance(image.source, Source) and image.axes not in ("YX", "TYX", "ZYX"):
        raise MuguetError(
            f"{path} cannot be written, because MRC has no place for the axes {image.axes}: choose a name that ends "
            "in .ome.tif"
        )


def write(path: Path, images: Sequence[Image]) -> tuple[str, ...]:
    """Write an image to an MRC file; one that was read from such a file keeps its header.

    Raises
    ------
    MuguetError
        If there are several images, or the format cannot store the axes or the data type.
    """
    mrcfile = require("formats", "mrcfile", f"{path}, the name of an MRC image,")
    if len(images) > 1:
        raise MuguetError(f"{path} cannot be written, because MRC holds one image: end its name in .ome.tif")
    image = images[0]
    _check(path, image)
    source = image.source if isinstance(image.source, Source) else None
    same = source is not None and (source.axes, source.shape) == (image.axes, image.data.shape)
    with (
        replacing(path, "mrc") as stream,
        mrcfile.new(
            stream.name, overwrite=True
        ) as new,  # It writes to the file that is open, under its name.
    ):
        new.set_data(np.ascontiguousarray(image.data))
        if same and source is not None:
            if source.extended.nbytes:
                new.set_extended_header(source.extended)
            for name in source.header.dtype.names:
                if name not in _OF_THE_DATA:
                    new.header[name] = source.header[name]
            new.header.ispg, new.header.mz = source.header.ispg, source.header.mz
        else:
            if image.axes == "TYX":
                new.set_image_stack()
            sizes = [image.pixel_size.get(letter, 0.0) / _MICROMETRES for letter in "XYZ"]
            new.voxel_size = tuple(sizes)
        new.update_header_stats()
    return ()
