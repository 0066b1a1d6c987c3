"""Which formats are read and written, and the two functions that do it for a file of any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from muguet.errors import MuguetError
from muguet.formats import tiff
from muguet.image.image import Image
from muguet.system.atomic import check_writable


@dataclass(frozen=True)
class Format:
    """A file format: the endings of its names, and its two functions.

    Attributes
    ----------
    suffixes
        Endings in lower case, with their dot.
    read
        From a path, and the axes where the file is silent or wrong, to an image.
    write
        Writes an image to a path: whole, or not at all.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, str | None], Image]
    write: Callable[[Path, Image], None]


FORMATS = (Format((".tif", ".tiff"), tiff.read, tiff.write),)  # .ome.tif and .ome.tiff end so as well
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
READABLE = ".tif, .tiff or .ome.tif"


def read(path: Path | str, axes: str | None = None) -> Image:
    """Read an image with its axes and pixel size, in the format that the ending of its name says.

    Parameters
    ----------
    path
        A file whose name ends in one of `SUFFIXES`, in either case.
    axes
        What the axes are, one letter each, where the file is silent or wrong.

    Returns
    -------
    Image
        The data have the dtype of the file, and the machine's byte order.

    Raises
    ------
    MuguetError
        If the file is missing, no image, damaged or truncated, or of a dtype or axes that are no image's.
    """
    path = Path(path)
    if path.is_dir():
        raise MuguetError(f"{path} is a folder: name an image in it")
    if not path.exists():
        raise MuguetError(f"{path} does not exist: check the name")
    found = _format_of(path)
    if found is None:
        raise MuguetError(f"{path} has a format that is not read yet: convert it to {READABLE}")
    return found.read(path, axes)


def write(path: Path | str, image: Image, overwrite: bool = False) -> None:
    """Write an image so that `read` returns the same data, axes and pixel size: whole, or not at all.

    Parameters
    ----------
    path
        A name that ends in one of `SUFFIXES`; missing folders are created.
    image
        What to write.
    overwrite
        Replace an existing file.

    Raises
    ------
    MuguetError
        If the file exists, cannot be written there, or cannot hold such an image.
    """
    path = Path(path)
    check_output(path, overwrite)
    found = _format_of(path)
    assert found is not None  # check_output has refused other endings
    found.write(path, image)


def check_output(path: Path | str, overwrite: bool = False) -> None:
    """Find out before the work, not after it, whether `path` can be written; creates its folder.

    Raises
    ------
    MuguetError
        If the name is not a TIFF's, the file exists and may not be replaced, or its folder takes no file.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise MuguetError(f"{path} cannot be written: name an output that ends in {READABLE}")
    check_writable(path, overwrite)


def _format_of(path: Path) -> Format | None:
    return next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
